package decide

import (
	"slices"
	"time"

	"github.com/seedproof/seedproof/internal/proof"
)

// StepName is one kind of step on an SVM that is there.
type StepName string

const (
	StepRecord      StepName = "record"
	StepMark        StepName = "mark"
	StepLimits      StepName = "limits"
	StepService     StepName = "service"
	StepInterface   StepName = "interface"
	StepManagement  StepName = "management-interface"
	StepRoute       StepName = "route"
	StepCredentials StepName = "credentials"
	StepObjects     StepName = "objects"
	// StepDeletion is the deletion of an SVM that is repaired until it goes on.
	StepDeletion StepName = "deletion"
	// StepLeave is what becomes of a shoot that the record names and nobody asks
	// for any more.
	StepLeave StepName = "leave"
)

// StepState is what becomes of a step now.
type StepState string

const (
	StepDone  StepState = "done"
	StepDo    StepState = "do"
	StepWaits StepState = "wait" // for what WaitFor names
	StepStops StepState = "stop" // for a person; the others go on
)

// Step is one step, and whether it is allowed now.
type Step struct {
	Name    StepName
	Object  string // the service, interface, route or shoot
	State   StepState
	Remove  bool // it is ours and no longer wanted
	WaitFor string
	Until   time.Time
	Why     string
	Command string
	// Credential is the next step with the password, where Name is StepCredentials.
	Credential *CredentialStep
	// Leave is the next step with what a shoot left behind, where Name is StepLeave.
	Leave *LeaveStep
}

func (s Step) waits(what, why string) Step {
	s.State, s.WaitFor, s.Why = StepWaits, what, why
	return s
}

func (s Step) stops(command, why string) Step {
	s.State, s.Command, s.Why = StepStops, command, why
	return s
}

func (s Step) does(why string) Step {
	s.State, s.Why = StepDo, why
	return s
}

func (s Step) done(why string) Step {
	s.State, s.Why = StepDone, why
	return s
}

// goOn: the SVM is there, and is what the record names.
func (e Evidence) goOn(v proof.Verdict) Decision {
	s, found := e.acting(v.Identity)
	if !found {
		return waitForSilent(v)
	}
	d := Decision{Action: GoOn, Array: s.array, UUID: s.UUID, Identity: v.Identity, UUIDs: s.pair(), Why: v.Why}
	d.Steps = append(d.Steps, e.recordStep(s))
	if s.State != Running && s.Role == Source && s.half < 0 {
		d.Steps = append(d.Steps, Step{Name: StepService}.waits("the array of its other half", "SVM "+s.Name+" on "+s.array+" is "+s.State.String()+", and its twin may run where nobody answers"))
		return d
	}
	if s.State != Running {
		why := "SVM " + s.Name + " on " + s.array + " is " + s.State.String() + ": it is there, and is never started by us"
		d.Steps = append(d.Steps, Step{Name: StepService}.stops("vserver start -vserver "+s.Name, why))
		return d
	}
	d.Forget = e.forgettable(s)
	held := e.heldBySwitchover(s)
	d.Steps = append(d.Steps, e.siteSteps(s, held)...)
	for _, left := range e.Site.Leaving {
		d.Steps = append(d.Steps, left.step(e.Name, e.heldBySilence(held)))
	}
	for _, shoot := range e.Site.Shoots {
		d.Steps = append(d.Steps, e.shootSteps(s, shoot)...)
	}
	return d
}

// heldBySwitchover says why nothing but credentials and the record is repaired,
// or "": both sites must be known to stand as they should.
func (e Evidence) heldBySwitchover(s sighting) string {
	switch mode := e.mode(s); {
	case s.Role == Destination:
		return "it runs on the other site: only credentials and the record are repaired until it is switched back"
	case mode == NotNormal:
		return "the MetroCluster of " + s.array + " is not in its normal state: only credentials and the record are repaired"
	case mode == ModeUnknown:
		return "whether " + s.array + " is switched over could not be asked"
	}
	return ""
}

// recordStep: a generation of credentials below that of the mark is raised, and
// the other half's UUID is added. Both are the record's own business.
func (e Evidence) recordStep(s sighting) Step {
	step := Step{Name: StepRecord}
	pair := s.pair()
	missing := slices.ContainsFunc(pair, func(u string) bool { return !slices.Contains(e.Record.UUIDs, u) })
	surplus := slices.ContainsFunc(e.Record.UUIDs, func(u string) bool { return !slices.Contains(pair, u) })
	switch {
	case missing && surplus:
		return step.stops("", "the record names another half than the array does")
	case missing:
		return step.does("the other half is added to it")
	case s.markedCredentials() > e.Record.Credentials:
		return step.does("its generation of credentials is older than the mark's, and is raised")
	}
	return step.done("it names the SVM")
}

// siteSteps are the steps up to the routes, each of which another owner's thing
// stops alone.
func (e Evidence) siteSteps(s sighting, held string) []Step {
	site := e.Site
	steps := []Step{
		Step{Name: StepMark}.drift(site.Mark, held),
		Step{Name: StepLimits}.drift(site.Limits, held),
	}
	if s.owned == Unreadable {
		steps[0] = Step{Name: StepMark}.stops("seedproof svm explain "+e.Name, "the mark in its comment is damaged, and is not written over")
	}
	withoutService := ""
	for _, service := range site.Services {
		steps = append(steps, Step{Name: StepService, Object: service.Name}.thing(service.State, held, service.Why))
		if service.State != InPlace {
			withoutService = "its service " + service.Name + " is " + service.State.String()
		}
	}
	held = orElse(held, withoutService)
	before := site.before()
	for _, i := range site.Interfaces {
		steps = append(steps, Step{Name: StepInterface, Object: i.Name}.thing(i.State, orElse(held, before.interfaces(i.State)), i.Why))
	}
	steps = append(steps, Step{Name: StepManagement, Object: site.Management.Name}.thing(site.Management.State, held, site.Management.Why))
	for _, r := range site.Routes {
		steps = append(steps, Step{Name: StepRoute, Object: r.Destination}.thing(r.State, orElse(held, before.routes(r.State)), r.Why))
	}
	return steps
}

// successors says what is not in place yet, of interfaces and of routes: until
// it is, what is no longer wanted stays. It may be all that a tenant has.
type successors struct{ interfaceMissing, routeMissing string }

func (s Site) before() successors {
	var b successors
	for _, i := range append(slices.Clone(s.Interfaces), s.Management) {
		if i.State != InPlace && i.State != Surplus {
			b.interfaceMissing = "interface " + i.Name + " is to be in place first: it is " + i.State.String()
		}
	}
	for _, r := range s.Routes {
		if r.State != InPlace && r.State != Surplus {
			b.routeMissing = "route " + r.Destination + " is to be in place first: it is " + r.State.String()
		}
	}
	return b
}

func (b successors) interfaces(state Thing) string { return heldIfSurplus(state, b.interfaceMissing) }
func (b successors) routes(state Thing) string     { return heldIfSurplus(state, b.routeMissing) }

func heldIfSurplus(state Thing, why string) string {
	if state != Surplus {
		return ""
	}
	return why
}

func (s Step) drift(d Drift, held string) Step {
	switch {
	case d == AsWanted:
		return s.done("as wanted")
	case d == DriftUnknown:
		return s.waits("the array", "it could not be read")
	case held != "":
		return s.waits("what holds it", held)
	}
	return s.does("it differs from what is wanted, and may be corrected")
}

func (s Step) thing(t Thing, held, why string) Step {
	switch t {
	case InPlace:
		return s.done("in place")
	case WrongAddress:
		return s.stops("", "it has another address than is wanted, which needs a person: "+orElse(why, "the address is in use as it is"))
	case OfAnother:
		return s.stops("", "it is another owner's: "+orElse(why, "its mark says so"))
	case Unavailable:
		return s.stops("", "the array cannot have it: "+orElse(why, "no reason is known"))
	case Missing, Surplus:
		if held != "" {
			return s.waits("what holds it", held)
		}
		s.Remove = t == Surplus
		return s.does(t.String())
	}
	return s.waits("the array", "it could not be read: "+orElse(why, "no reason is known"))
}

// shootSteps: the password, and what Trident reads. Nothing reaches a shoot
// before a pair is delivered, and before there is an interface to use it at.
func (e Evidence) shootSteps(s sighting, shoot Shoot) []Step {
	c := shoot.Credentials
	c.At, c.SVM, c.Reach = e.At, s.pair(), e.Site.Reach
	c.Noted = max(e.Record.Credentials, s.markedCredentials())
	next := NextCredential(c)
	step := Step{Name: StepCredentials, Object: shoot.Name, Why: next.Why, WaitFor: next.WaitFor, Until: next.Until, Command: next.Command, Credential: &next}
	switch next.Action {
	case CredentialsWait, CredentialsUnverified:
		step.State = StepWaits
	case CredentialsStop:
		step.State = StepStops
	case CredentialsOK, CredentialsInUse:
		step.State = StepDone
	default:
		step.State = StepDo
	}
	objects := Step{Name: StepObjects, Object: shoot.Name}
	return []Step{step, objects.afterCredentials(e.Site, c.delivered(next), shoot.Objects)}
}

func (s sighting) markedCredentials() uint64 {
	if s.owned != Ours {
		return 0
	}
	return s.mark.Credentials
}

func (s Step) afterCredentials(site Site, delivered bool, objects Drift) Step {
	some := slices.ContainsFunc(site.Interfaces, func(i Interface) bool { return i.State == InPlace })
	switch {
	case !delivered:
		return s.waits("credentials", "no pair has been delivered")
	case !some:
		return s.waits("a data interface", "the SVM has none that is in place")
	case site.Management.State != InPlace:
		return s.waits("the management interface", "it is "+site.Management.State.String())
	}
	return s.drift(objects, "")
}
