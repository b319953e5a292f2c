package gate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/gate/cmdline"
	"github.com/seedproof/seedproof/internal/kops/gate/permit"
	"github.com/seedproof/seedproof/internal/kops/gate/tfplan"
	"github.com/seedproof/seedproof/internal/kops/statestore"
	"github.com/seedproof/seedproof/internal/proof"
)

// PlanReport is what applying a Terraform plan would do to etcd. Its JSON is
// stable; api/schemas holds its schema.
type PlanReport struct {
	// ExitCode is the worst of all: 0 safe, 3 refused, 4 unproven.
	ExitCode int `json:"exitCode"`
	// ApprovedBy is who allowed it all the same, in an approval that is used up
	// now; "" if nobody did.
	ApprovedBy string       `json:"approvedBy"`
	Changes    []PlanChange `json:"changes"`
}

// PlanChange is what the plan would do to one of etcd-manager's control files.
type PlanChange struct {
	Address string `json:"address"` // of the resource
	Change  string `json:"change"`  // write, delete
	Object  string `json:"object"`  // URL; "" if the plan does not say
	// Cluster and Etcd are "" where they are not known.
	Cluster  string        `json:"cluster"`
	Etcd     string        `json:"etcd"`
	Action   decide.Action `json:"action"`
	ExitCode int           `json:"exitCode"`
	Sentence string        `json:"sentence"`
	// LastValidBackup is null if none is, or none could be listed.
	LastValidBackup *kops.Backup    `json:"lastValidBackup"`
	Threats         []decide.Threat `json:"threats"`
	Advice          []decide.Step   `json:"advice"`

	// Result is what it was made of; nil where there is none.
	Result *kops.Result `json:"-"`
	state  string       // the state store that was looked at
}

// PlanOptions say where the clusters of a plan are.
type PlanOptions struct {
	// State is the URL of the state store, and Name the kops cluster. "": as the
	// objects' own names say, which follow kops's layout unless the config moves
	// the backup stores.
	State, Name string
	// Look is that of Gate.
	Look func(ctx context.Context, state, cluster string) (kops.Report, error)
}

// CheckPlan says what applying the changes would do. It only reads.
func CheckPlan(ctx context.Context, changes []tfplan.Change, o PlanOptions) (PlanReport, error) {
	report := PlanReport{Changes: []PlanChange{}}
	looked := map[[2]string]func() (kops.Report, error){}
	for _, change := range changes {
		state, cluster, err := o.locate(change)
		judged := describe(change)
		if err == nil {
			at := [2]string{state, cluster}
			if looked[at] == nil {
				found, err := o.Look(ctx, state, cluster)
				looked[at] = func() (kops.Report, error) { return found, err }
			}
			var found kops.Report
			if found, err = looked[at](); err == nil {
				judged.state = state
				judged.judge(change, found, cluster)
			}
		}
		if stopped := ctx.Err(); stopped != nil {
			return PlanReport{}, stopped
		}
		if err != nil {
			judged.unproven(err.Error())
			var place *statestore.PlaceError
			if errors.As(err, &place) && place.Next != "" {
				judged.Advice = []decide.Step{{Do: "Look at the state store.", Command: place.Next}}
			}
		}
		report.Changes = append(report.Changes, judged)
		report.ExitCode = decide.Worse(report.ExitCode, judged.ExitCode)
	}
	return report, nil
}

func describe(c tfplan.Change) PlanChange {
	p := PlanChange{Address: c.Address, Change: "write", Action: decide.Unproven, ExitCode: decide.UnprovenOutcome, Threats: []decide.Threat{}, Advice: []decide.Step{}}
	if c.Deletes {
		p.Change = "delete"
	}
	if c.Known() {
		p.Object = c.URL()
	}
	return p
}

func (p *PlanChange) unproven(why string) {
	p.Action, p.ExitCode = decide.Unproven, decide.UnprovenOutcome
	p.Sentence = fmt.Sprintf("NOT PROVEN what applying %s would do to etcd: %s.", p.Address, strings.TrimSuffix(why, "."))
}

// locate finds the cluster that a change is about.
func (o PlanOptions) locate(c tfplan.Change) (state, cluster string, err error) {
	if !c.Known() {
		return "", "", errors.New("the plan does not say which object it changes")
	}
	if o.State != "" && o.Name != "" {
		return o.State, o.Name, nil
	}
	base, cluster, ok := splitKey(c.Key)
	if !ok {
		return "", "", fmt.Errorf("%s is not where kops keeps it by default; name the cluster with --state and --name", c.URL())
	}
	switch {
	case o.Name != "" && o.Name != cluster:
		return "", "", fmt.Errorf("%s is of another cluster than %s; name its state store too, with --state", c.URL(), o.Name)
	case o.State == "":
		return strings.TrimSuffix(c.Scheme+"://"+c.Bucket+"/"+base, "/"), cluster, nil
	case placeOf(o.State) != strings.TrimSuffix(c.Scheme+"://"+c.Bucket+"/"+base, "/"):
		return "", "", fmt.Errorf("%s lies outside the state store %s; name the cluster with --name", c.URL(), o.State)
	}
	return o.State, cluster, nil
}

// splitKey takes apart STATE/CLUSTER/backups/etcd/ETCD/control/FILE.
func splitKey(key string) (base, cluster string, ok bool) {
	parts := strings.Split(key, "/")
	n := len(parts)
	if n < 6 || parts[n-5] != "backups" || parts[n-4] != "etcd" || parts[n-6] == "" {
		return "", "", false
	}
	return strings.Join(parts[:n-6], "/"), parts[n-6], true
}

// placeOf is a URL without its options, in one spelling.
func placeOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	scheme := u.Scheme
	if scheme == "azureblob" {
		scheme = "azblob"
	}
	return scheme + "://" + u.Host + strings.TrimSuffix(path.Clean("/"+u.Path), "/")
}

// judge says what the change would do, by the report on its cluster.
func (p *PlanChange) judge(c tfplan.Change, report kops.Report, cluster string) {
	p.Cluster = cluster
	if report.Incomplete != "" {
		p.unproven("not all of the cluster was found: " + report.Incomplete)
		return
	}
	base := strings.TrimSuffix(c.URL(), "/"+managerfiles.SpecKey)
	base = strings.TrimSuffix(base, "/"+managerfiles.CreatedKey)
	for _, r := range report.Of(cluster) {
		if placeOf(r.BackupStore) == base {
			p.judgeResult(c, r)
			return
		}
	}
	p.unproven(fmt.Sprintf("%s belongs to none of the etcd clusters that %s names", c.URL(), cluster))
}

func (p *PlanChange) judgeResult(c tfplan.Change, r kops.Result) {
	r, known := planned(c, r)
	p.Result, p.Etcd = &r, r.Etcd
	p.Action, p.ExitCode, p.Sentence = r.Action, r.ExitCode, r.Sentence
	p.LastValidBackup, p.Threats, p.Advice = r.LastValidBackup, r.Threats, r.Advice
	name := "etcd " + r.Etcd + " of " + r.Cluster
	switch {
	case c.Marker:
		p.ExitCode = decide.Refused
		p.Sentence = fmt.Sprintf("The plan %ss the marker of %s, by which etcd-manager knows that there is a cluster. Nobody but etcd-manager should. %s", p.Change, name, r.Sentence)
	case c.Deletes:
		p.ExitCode = decide.Refused
		p.Sentence = fmt.Sprintf("The plan DELETES THE SPEC of %s: once its leader is restarted, etcd-manager takes no more backups.", name)
	case !known:
		p.unproven("what it writes is not the JSON of a spec")
	case p.ExitCode == decide.Safe && permit.Of(foundOf(r, cmdline.Update)) == permit.Name:
		p.ExitCode = decide.UnprovenOutcome
		p.Sentence += " NO BACKUP WAS OPENED that holds, so there is none known to go back to."
	case r.Action == decide.SeedOverExisting && neverRan(r.Evidence):
		p.Sentence += " (Unless this is the first apply of a new cluster: kops writes some of that while it makes the plan, and there is no backup. Then say so: plan-check --approve.)"
	}
	p.Result.Sentence, p.Result.ExitCode = p.Sentence, p.ExitCode
}

// neverRan: nothing shows that an etcd-manager ever worked there. It softens
// the words, never the decision.
func neverRan(e decide.Evidence) bool {
	return !slices.ContainsFunc(e.Traces, func(t decide.Named) bool { return t.Finding != proof.Absent })
}

// planned is the result for the spec that the plan writes, where that is known,
// in the place of the one that the config asks for. ok is false where what it
// writes is no spec.
func planned(c tfplan.Change, r kops.Result) (result kops.Result, ok bool) {
	if c.Deletes || c.Marker || c.Content == nil {
		return r, true
	}
	spec, err := managerfiles.DecodeSpec(c.Content)
	if err != nil {
		return r, false
	}
	e := r.Evidence
	e.Want, e.WantNewer = &spec, nil // the plan says what is written, whatever kops is run
	d := decide.Decide(e)
	r.Evidence, r.Decision, r.Digest = e, d, d.Digest
	r.Verdict, r.Action, r.ExitCode, r.Sentence, r.Advice = d.Verdict.State, d.Action, d.ExitCode, d.Sentence, d.Advice
	return r, true
}

// Tell says it to a person.
func (r PlanReport) Tell(w io.Writer) {
	if len(r.Changes) == 0 {
		say(w, "The plan changes no control file of etcd-manager.")
		return
	}
	for _, c := range r.Changes {
		say(w, "%s %s", c.Address, map[string]string{"write": "writes", "delete": "deletes"}[c.Change]+" "+orUnknown(c.Object))
		switch {
		case c.Result == nil:
			say(w, "? %s", c.Sentence)
		default:
			tellResult(w, *c.Result, permit.Of(foundOf(*c.Result, cmdline.Update)))
		}
		say(w, "")
	}
}

func orUnknown(object string) string {
	if object == "" {
		return "an object that the plan does not name"
	}
	return object
}
