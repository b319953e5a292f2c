package svm_test

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// settle reconciles until there is nothing more to do, and whoever waits has
// waited for longer than may be without a person being told.
func (w *stateWorld) settle(r *svm.Reconciler) svm.Result {
	w.t.Helper()
	const step = 2 * time.Minute
	limit := svm.DefaultPolicy().WaitLimit + 2*step
	var res svm.Result
	for range 100 {
		res = r.Reconcile(w.t.Context(), w.want)
		w.honest(res)
		until := nextUntil(res, w.clock.Now())
		switch {
		case res.Acted:
			limit = svm.DefaultPolicy().WaitLimit + 2*step
		case res.AtRest, limit <= 0:
			return res
		case !until.IsZero():
			w.clock.advance(until.Sub(w.clock.Now()))
		default:
			w.clock.advance(step)
			limit -= step
		}
	}
	w.t.Fatalf("it does not come to rest: %s", inWords(res))
	return res
}

// nextUntil is when a step that waits for a known time goes on, or zero.
func nextUntil(res svm.Result, now time.Time) time.Time {
	var next time.Time
	for _, st := range res.Decision.Steps {
		if st.State == decide.StepWaits && st.Until.After(now) && (next.IsZero() || st.Until.Before(next)) {
			next = st.Until
		}
	}
	return next
}

// honest: while it is said that the pair is verified, the pair opens the SVM.
func (w *stateWorld) honest(res svm.Result) {
	w.t.Helper()
	for _, st := range res.Decision.Steps {
		if st.Credential != nil && st.Credential.Action == decide.CredentialsOK && !w.opensNow(res.Decision.UUID) {
			w.t.Errorf("the pair does not open the SVM, and is said to be verified: %s", st.Why)
		}
	}
}

func (w *stateWorld) opensNow(uuid string) bool {
	pair := w.secret().Active
	return slices.ContainsFunc(w.sims, func(s *sim.Simulator) bool {
		_, there := s.Dump().Find(uuid)
		return there && s.Check(uuid, pair.User, pair.Password.Reveal())
	})
}

// come checks what came of the cell, against the oracle.
func (w *stateWorld) come(e expectation, r *svm.Reconciler, res svm.Result) {
	w.t.Helper()
	if d := res.Decision; d.Action != e.action || d.Verdict.State != e.state {
		w.t.Fatalf("want %s, %s: %s; got %s", e.state, e.action, e.why, inWords(res))
	}
	if res.AtRest != (e.goesOn() && len(e.steps) == 0) {
		w.t.Errorf("at rest is %v: %s", res.AtRest, inWords(res))
	}
	escalated := map[string]flow.Escalation{}
	for _, x := range r.Escalations() {
		escalated[x.Step] = x
		if !slices.Contains(w.heard.Lines(), "escalated "+x.Step) {
			w.t.Errorf("nobody heard that %s is escalated", x.Step)
		}
	}
	if e.goesOn() {
		w.cameOfSteps(e, escalated)
		return
	}
	says := e.state.String() + ": "
	if e.action == decide.Wait {
		says = "waits for " + res.Decision.WaitFor + " since "
		may := w.cell.silent("a", "b", w.own.UUID)
		for _, named := range strings.Split(res.Decision.WaitFor, ", ") {
			if !slices.Contains(may, named) {
				w.t.Errorf("it waits for %q, and silent are %q", named, may)
			}
		}
	}
	if len(escalated) != 1 || !strings.Contains(escalated["claim"].Why, says) {
		w.t.Errorf("want one escalation that says %q: %v", says, escalated)
	}
}

// cameOfSteps: just those steps are escalated that cannot be done, each with its
// reason.
func (w *stateWorld) cameOfSteps(e expectation, escalated map[string]flow.Escalation) {
	w.t.Helper()
	for title, want := range e.steps {
		got, is := escalated[title]
		waits := strings.Contains(got.Why, "waits for ")
		if !is || waits != want.waits || !strings.Contains(got.Why, want.says) {
			w.t.Errorf("step %s: want %q (waits %v), escalated %v: %s", title, want.says, want.waits, is, got.Why)
		}
	}
	for title, got := range escalated {
		if _, want := e.steps[title]; !want {
			w.t.Errorf("step %s is escalated: %s", title, got.Why)
		}
	}
}

// left checks the arrays and the seed.
func (w *stateWorld) left(e expectation, res svm.Result, seedBefore string) {
	w.t.Helper()
	w.onlyOne(e)
	w.foreignKept(e)
	if !e.goesOn() {
		if written := w.written(); len(written) > 0 {
			w.t.Errorf("it must change nothing, and sent %q", written)
		}
		if after := w.ours(); after != seedBefore {
			w.t.Errorf("it must change nothing, and wrote to the seed:\n%s\n%s", seedBefore, after)
		}
		return
	}
	record := w.store(nil).Record(w.t.Context(), "p1")
	if record.Finding != proof.Present || !record.Names(res.Decision.UUID) {
		w.t.Errorf("the record does not name %s: %+v", res.Decision.UUID, record.Record)
	}
	if e.whole == "" {
		w.standsAsWanted(e, res.Decision.UUID)
	}
}

// onlyOne: no SVM was made where one was, or could be.
func (w *stateWorld) onlyOne(e expectation) {
	w.t.Helper()
	count := func(dumps []sim.Dump) (n int) {
		for _, v := range svmsOf(dumps) {
			if v.Name != "p2" && v.Name != "p2-mc" {
				n++
			}
		}
		return n
	}
	want := count(w.before)
	if e.created {
		want = 1
	}
	if n := count(w.now()); n != want {
		w.t.Errorf("%d SVMs, want %d: %+v", n, want, w.now())
	}
}

func (w *stateWorld) now() []sim.Dump {
	var all []sim.Dump
	for _, s := range w.everySim() {
		all = append(all, s.Dump())
	}
	return all
}

// foreignKept compares all that is not ours with what it was before.
func (w *stateWorld) foreignKept(e expectation) {
	w.t.Helper()
	after := svmsOf(w.now())
	for place, was := range svmsOf(w.before) {
		if is := after[place]; !reflect.DeepEqual(w.foreign(e, was), w.foreign(e, is)) {
			w.t.Errorf("what is another's was changed:\nbefore %+v\nafter  %+v", was, is)
		}
	}
}

// foreign is what may not change of an SVM: all of it, unless it is ours and
// goes on.
func (w *stateWorld) foreign(e expectation, v sim.SVMDump) sim.SVMDump {
	ours := v.UUID == w.own.UUID || v.UUID == w.twin
	if !ours || !e.goesOn() || e.whole != "" {
		return v
	}
	if w.cell.svm() == "unmarked" {
		v.Comment = v.Comment[:min(len(v.Comment), len(foreignText))]
	}
	v.Routes = nil
	v.Accounts = slices.DeleteFunc(slices.Clone(v.Accounts), func(a sim.AccountDump) bool {
		return a.Name == "prod" && w.cell.account() != "other owner's"
	})
	v.LIFs = slices.DeleteFunc(slices.Clone(v.LIFs), func(l sim.LIFDump) bool {
		return slices.Contains([]string{"192.0.2.10", "192.0.2.20", "192.0.2.21"}, l.Address)
	})
	return v
}

// svmsOf are all SVMs by cluster and UUID.
func svmsOf(dumps []sim.Dump) map[string]sim.SVMDump {
	all := map[string]sim.SVMDump{}
	for _, d := range dumps {
		for _, cluster := range d.Clusters {
			for _, v := range cluster.SVMs {
				all[cluster.UUID+"/"+v.UUID] = v
			}
		}
	}
	return all
}

// standsAsWanted: what can be done on the SVM is done, and nothing else.
func (w *stateWorld) standsAsWanted(e expectation, uuid string) {
	w.t.Helper()
	var v sim.SVMDump
	for _, d := range w.now()[:len(w.sims)] {
		if found, is := d.Find(uuid); is {
			v = found
		}
	}
	if !strings.Contains(v.Comment, "[seedproof/1 o=garden/p1 ") || !v.NVMe {
		w.t.Errorf("SVM %s: comment %q, NVMe %v", uuid, v.Comment, v.NVMe)
	}
	if len(v.Routes) != 1 {
		w.t.Errorf("routes: %v", v.Routes)
	}
	addresses := map[string]string{}
	for _, l := range v.LIFs {
		addresses[l.Name] = l.Address
	}
	for title, address := range map[string]string{titleData0: "192.0.2.20", titleData1: "192.0.2.21", titleManagement: "192.0.2.10"} {
		_, name, _ := strings.Cut(title, "/")
		tr, troubled := e.steps[title]
		switch {
		case !troubled && addresses[name] != address:
			w.t.Errorf("interface %s has %q, want %s", name, addresses[name], address)
		case troubled && tr.waits && addresses[name] != "":
			w.t.Errorf("interface %s was made while switched over", name)
		}
	}
	if is := w.opensNow(uuid); is != w.cell.opens(e) {
		w.t.Errorf("the pair opens the SVM: %v, want %v", is, !is)
	}
	if s := w.secret(); e.verified && s.Pending.State() != decide.NoPair {
		w.t.Error("a pending pair is left")
	}
	for _, a := range v.Accounts {
		if !slices.Contains([]string{"vsadmin", "stranger", "prod"}, a.Name) {
			w.t.Errorf("account %s is left", a.Name)
		}
		if a.Name == "prod" && w.cell.account() == "unmarked" && !strings.HasPrefix(a.Comment, foreignText) {
			w.t.Errorf("what stood in the comment of account %s is gone: %q", a.Name, a.Comment)
		}
		if !a.LockedUntil.IsZero() {
			w.t.Errorf("the array had to lock account %s: too many logins", a.Name)
		}
	}
}

// written are the requests to any array that could change something.
func (w *stateWorld) written() []string {
	var all []string
	for _, s := range w.everySim() {
		all = append(all, (&world{sim: s}).writes()...)
	}
	return all
}

// ours are the versions of record, claim and Secret, without the notes of which
// cluster an array is.
func (w *stateWorld) ours() string {
	lines := strings.Split(w.objects(), "\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "svm-pin-") }), "\n")
}

// restsThrice runs three times more, the last time as a controller that remembers
// nothing, and lets time pass in between, so that what has escalated is tried
// again. Where the SVM cannot be reached from here neither is done: for that, too,
// is tried again, and counted.
func (w *stateWorld) restsThrice(r *svm.Reconciler) {
	w.t.Helper()
	before := w.objects()
	for _, s := range w.everySim() {
		s.ForgetRequests()
	}
	for i := range 3 {
		if i > 0 && w.cell.management() != "unreachable" {
			w.clock.advance(6 * time.Minute)
			if i == 2 {
				r = w.reconciler()
			}
		}
		res := r.Reconcile(w.t.Context(), w.want)
		w.honest(res)
		if res.Acted {
			w.t.Fatalf("at rest it acted: %s", inWords(res))
		}
	}
	if written := w.written(); len(written) > 0 {
		w.t.Errorf("at rest it sent %q", written)
	}
	if after := w.objects(); after != before {
		w.t.Errorf("at rest it wrote to the seed:\n%s\n%s", before, after)
	}
}
