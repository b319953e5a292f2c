package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// svmStatus is what status gives as JSON, one for each SVM.
type svmStatus struct {
	SVM         string            `json:"svm"`
	At          time.Time         `json:"at"`
	Escalations []svmEscalation   `json:"escalations,omitempty"`
	Verdict     proof.Verdict     `json:"verdict"`
	Array       string            `json:"array,omitempty"`
	UUIDs       []string          `json:"uuids,omitempty"`
	Action      decide.NextAction `json:"action"`
	Why         string            `json:"why,omitempty"`
	WaitFor     string            `json:"waitFor,omitempty"`
	Steps       []svmStep         `json:"steps"`
	Credentials []svmCredentials  `json:"credentials,omitempty"`
	Notes       []string          `json:"notes,omitempty"`
}

// svmEscalation is what waits for a person.
type svmEscalation struct {
	Step    string `json:"step"`
	Why     string `json:"why"`
	Command string `json:"command,omitempty"`
}

// svmStep is one step, and when it was last seen to be done.
type svmStep struct {
	Name     string    `json:"name"`
	State    string    `json:"state"`
	Next     string    `json:"next,omitempty"`
	Why      string    `json:"why,omitempty"`
	Verified time.Time `json:"verified,omitzero"`
}

// svmCredentials is what is known of the password of one shoot. No password is
// ever in it.
type svmCredentials struct {
	Shoot      string    `json:"shoot"`
	Secret     string    `json:"secret"` // NAMESPACE/NAME
	Finding    string    `json:"finding"`
	User       string    `json:"user,omitempty"`
	Generation uint64    `json:"generation,omitempty"`
	State      string    `json:"state"` // the next step with it, as package decide names it
	Verified   time.Time `json:"verified,omitzero"`
	Activated  time.Time `json:"activated,omitzero"`
	InUse      bool      `json:"inUse"`
	Pending    bool      `json:"pending"` // a new pair is on its way
	Previous   string    `json:"previousUser,omitempty"`
	Why        string    `json:"why,omitempty"`
	WaitFor    string    `json:"waitFor,omitempty"`
	Until      time.Time `json:"until,omitzero"`
}

func newSVMStatusCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status [NAME...]",
		Short: "Show how SVMs stand, what waits for a person first",
		Long: "Show how SVMs stand: first what waits for a person, with what to type, then the\n" +
			"verdict, the witnesses, the steps, and when each password was last verified by a\n" +
			"login. It asks the arrays and the seed, and changes nothing.\n\n" +
			"Exit codes:\n" +
			"  0  Intact, or about to be made\n" +
			"  3  DataLost, Conflicting, or a step that needs a person\n" +
			"  4  Unproven: somebody who was to be asked is silent" + notesOnFiles,
		Example: "  seedproof svm status -f svm.yaml --arrays arrays.yaml\n\n  # One of several, for a script\n  seedproof svm status pteama -o json",
	}
	return newSVMQuestion(g, cmd, svmOptions{}, func(ctx context.Context, w *svmWorld, wish svm.Wish) (svmAnswer, error) {
		s, err := w.statusOf(ctx, wish)
		if err != nil {
			return nil, err
		}
		return s, s.err(w.typable("seedproof svm explain "+s.SVM, s.SVM))
	})
}

// statusOf looks at one SVM.
func (w *svmWorld) statusOf(ctx context.Context, wish svm.Wish) (svmStatus, error) {
	at := time.Now().UTC()
	report, d, err := w.flow.Plan(ctx, wish)
	if err == nil {
		err = report.Err
	}
	if err != nil {
		return svmStatus{}, err
	}
	name := wish.Spec.SVMName
	s := svmStatus{SVM: name, At: at, Verdict: d.Verdict, Array: d.Array, UUIDs: d.UUIDs, Action: d.Action, Why: d.Why, WaitFor: d.WaitFor, Notes: d.Notes}
	s.Steps, s.Escalations = w.stepsOf(report, name)
	for i := range s.Steps {
		if s.Steps[i].State == flow.PlanDone.String() {
			s.Steps[i].Verified = at // by this very look
		}
	}
	for _, c := range wish.Spec.Credentials {
		s.Credentials = append(s.Credentials, w.credentialsOf(ctx, d, c))
	}
	s.verifyCredentials()
	return s, ctx.Err()
}

// needsPerson is the state of a step that only a person can help.
const needsPerson = "needs a person"

// stepsOf puts the steps of a plan into the words of the commands.
func (w *svmWorld) stepsOf(report flow.PlanReport, name string) (steps []svmStep, waiting []svmEscalation) {
	for _, step := range report.Steps {
		st := svmStep{Name: step.Name, State: step.State.String(), Next: step.Next, Why: plainWhy(step.Why, step.Err)}
		if step.State == flow.PlanFailed && flow.ClassOf(step.Err) != flow.Transient {
			st.State = needsPerson
			waiting = append(waiting, svmEscalation{Step: st.Name, Why: st.Why, Command: w.typable(flow.AdviceOf(step.Err), name)})
		}
		steps = append(steps, st)
	}
	return steps, waiting
}

// err is the exit code of what waits for a person.
func (e svmEscalation) err(name, explain string) error {
	return refused(fmt.Errorf("SVM %s: step %s needs a person: %s", name, e.Step, oneLine(e.Why)), orElse(e.Command, explain))
}

// escalated shows what waits for a person, before everything else.
func escalated(line func(string, ...any), all []svmEscalation) {
	for _, e := range all {
		line("! %s: %s", oneLine(e.Step), oneLine(e.Why))
		typeLines(line, e.Command)
	}
	if len(all) > 0 {
		line("")
	}
}

// verifyCredentials: a password is not verified by looking at it, but by a login.
func (s *svmStatus) verifyCredentials() {
	for _, c := range s.Credentials {
		for i := range s.Steps {
			if s.Steps[i].Name == string(decide.StepCredentials)+"/"+c.Shoot && !s.Steps[i].Verified.IsZero() {
				s.Steps[i].Verified = c.Verified
			}
		}
	}
}

func (w *svmWorld) credentialsOf(ctx context.Context, d decide.Decision, c spec.Credentials) svmCredentials {
	ref := seed.SecretRef{Namespace: c.SecretNamespace, Name: c.SecretName}
	secret := w.seed.Secret(ctx, ref)
	known := svmCredentials{
		Shoot: c.Shoot, Secret: ref.String(), Finding: secret.Finding.String(), Why: secret.Why, State: "not known",
		User: secret.Active.User, Generation: secret.Active.Generation, Verified: secret.Active.Login.VerifiedAt, Activated: secret.ActivatedAt,
		InUse:   secret.InUseGeneration != 0 && secret.InUseGeneration == secret.Active.Generation,
		Pending: secret.Pending.State() != decide.NoPair, Previous: secret.Previous,
	}
	if of := secret.Active.SVM; of != "" && len(d.UUIDs) > 0 && !slices.Contains(d.UUIDs, of) {
		known.Verified = time.Time{} // that login was at another SVM
	}
	for _, step := range d.Steps {
		if step.Name == decide.StepCredentials && step.Object == c.Shoot && step.Credential != nil {
			next := step.Credential
			known.State, known.Why, known.WaitFor, known.Until = string(next.Action), next.Why, next.WaitFor, next.Until
		}
	}
	return known
}

// err is the exit code of how an SVM stands.
func (s svmStatus) err(explain string) error {
	switch v := s.Verdict; v.State {
	case proof.DataLost, proof.Conflicting:
		return refused(fmt.Errorf("SVM %s: the verdict is %s: a person is needed", s.SVM, v.State), explain)
	case proof.Unproven:
		return unproven(fmt.Errorf("SVM %s: the verdict is Unproven: %s", s.SVM, oneLine(v.Why)), explain)
	}
	if len(s.Escalations) > 0 {
		return s.Escalations[0].err(s.SVM, explain)
	}
	return nil
}

func (s svmStatus) table(w io.Writer) {
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	escalated(line, s.Escalations)
	line("SVM %s: %s. %s", onArray(s.SVM, s.Array), s.Verdict.State, svmSentence(s.Verdict.State))
	if len(s.UUIDs) > 0 {
		line("UUID: %s", strings.Join(s.UUIDs, ", "))
	}
	line("")
	line("WITNESS\tFINDING\tIDENTITY\tATTESTED BY\tWHY")
	for _, t := range s.Verdict.Heard {
		identity := "-"
		if t.Finding == proof.Present {
			identity = whose(t.Identity)
		}
		line("%s\t%s\t%s\t%s\t%s", oneLine(t.Witness.Name), t.Finding, identity, orDash(oneLine(t.AttestedBy)), orDash(oneLine(t.Why)))
	}
	line("")
	line("STEP\tSTATE\tVERIFIED\tWHY")
	for _, step := range s.Steps {
		if hidden(step) {
			continue
		}
		line("%s\t%s\t%s\t%s", oneLine(step.Name), step.State, verified(s.At, step.Verified), orDash(oneLine(step.Why)))
	}
	s.credentialTable(line)
	for _, note := range s.Notes {
		line("Note: %s", oneLine(note))
	}
}

// hidden: the many steps of one password are shown as one, but for the one whose
// turn it is.
func hidden(s svmStep) bool {
	part := strings.Count(s.Name, "/") > 1 && strings.HasPrefix(s.Name, string(decide.StepCredentials)+"/")
	return part && (s.State == flow.PlanDone.String() || s.State == flow.PlanUnknown.String())
}

func onArray(name, array string) string {
	if array == "" {
		return name
	}
	return name + " on " + array
}

// whose is an identity in words; one that nobody made has no generation.
func whose(id proof.Identity) string {
	switch {
	case !id.Named():
		return "without a name"
	case id.Generation == 0:
		return oneLine(id.Lineage)
	}
	return fmt.Sprintf("%s, attempt %d", oneLine(id.Lineage), id.Generation)
}

func verified(now, at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	if now.Sub(at) < time.Second {
		return "now"
	}
	return ago(now.Sub(at)) + " ago"
}

func (s svmStatus) credentialTable(line func(string, ...any)) {
	if len(s.Credentials) == 0 {
		return
	}
	line("")
	line("SHOOT\tSECRET\tUSER\tGENERATION\tSTATE\tLAST LOGIN\tIN USE\tWHY")
	for _, c := range s.Credentials {
		why := c.Why
		if c.WaitFor != "" {
			why += "; waits for " + c.WaitFor
		}
		line("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", oneLine(c.Shoot), c.Secret, orDash(oneLine(c.User)), numberOrDash(c.Generation), c.State,
			verified(s.At, c.Verified), yesNo(c.InUse), orDash(oneLine(why)))
	}
}

// svmSentence is the verdict for somebody who does not know the word.
func svmSentence(state proof.State) string {
	switch state {
	case proof.Intact:
		return "The SVM is there, and is the one that the record names."
	case proof.NeverExisted:
		return "There has never been such an SVM; apply makes it."
	case proof.RecordLost:
		return "The SVM is there and bears our mark; apply writes its record again."
	case proof.DataLost:
		return "There was an SVM, and no array shows it. No empty one is put in its place."
	case proof.Conflicting:
		return "What was found cannot be true of one SVM. Nothing is changed until a person has looked."
	}
	return "Whether it exists cannot be told now. Nothing is made, changed or deleted."
}
