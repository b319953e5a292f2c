package credential

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// Secrets is where the Secrets lie.
type Secrets interface {
	Secret(ctx context.Context, ref seed.SecretRef) seed.Secret
	// WriteSecret writes on the condition that nobody has written since s was
	// read, and gives what now stands there.
	WriteSecret(ctx context.Context, s seed.Secret) (seed.Secret, error)
}

// DefaultSettle is how long the noting of an outcome may take.
const DefaultSettle = 15 * time.Second

// Carrier carries out steps. What is left out takes the default named. Many
// goroutines may use it.
type Carrier struct {
	Secrets     Secrets
	Clock       flow.Clock    // default the machine's
	NewPassword Generator     // default NewPassword
	Port        uint16        // of management interfaces; default 443
	Settle      time.Duration // default DefaultSettle
	Log         *slog.Logger  // default none
	// Tried hears of each login that was tried, for metrics; nil: nobody does.
	Tried func(Tried)
}

// Tried is one login that was tried.
type Tried struct {
	SVM     string // its name
	Finding ontap.LoginFinding
	Took    time.Duration
}

// Job is what a step is done on.
type Job struct {
	Array *ontap.Client
	Name  string // of the SVM, for whoever hears of logins
	// UUID is the SVM on that array, the half that runs; SVM are those of both
	// halves, or UUID alone.
	UUID string
	SVM  []string
	// Mark is that of the SVM; shoot and generation are filled in here.
	Mark  decide.Mark
	Shoot string
	// Secret is the one that the step was decided on, as it was read.
	Secret seed.Secret
	// Management is preferred among the addresses that the array lists.
	Management netip.Addr
	// Pins are further certificates of this SVM that are trusted, such as its
	// twin's; they were read over a verified connection.
	Pins []ontap.Fingerprint
	// Noted is the highest generation of a password that the record knows of.
	Noted uint64
	// Listed is what a listing of all SVMs told before a login of the active pair,
	// so that it is not asked again; nil: it is asked.
	Listed *Listed
}

// Listed is what an array has just listed of one SVM.
type Listed struct {
	Address netip.Addr // of a management interface that is up
	Marked  uint64     // the generation in the mark of the active pair's account; 0: it bears none
}

func (j Job) check() error {
	switch {
	case j.Array == nil || j.UUID == "" || j.Shoot == "":
		return errors.New("an array, an SVM and a shoot are needed")
	case j.Secret.Finding != proof.Present && j.Secret.Finding != proof.Absent:
		return fmt.Errorf("the Secret %s/%s was not read", j.Secret.Ref.Namespace, j.Secret.Ref.Name)
	}
	return nil
}

// run is one step while it is carried out.
type run struct {
	Carrier
	Job
	now seed.Secret // as it is stored
}

// steps are all that are carried out; the other actions are for nobody to do.
var steps = map[decide.CredentialAction]func(*run, context.Context, decide.CredentialStep) error{
	decide.MakePending:       (*run).makePending,
	decide.DropPending:       (*run).dropPending,
	decide.CreateAccount:     (*run).createAccount,
	decide.MarkAccount:       (*run).markAccount,
	decide.SetPassword:       (*run).setPassword,
	decide.CheckLogin:        (*run).checkLogin,
	decide.ProvePending:      (*run).provePending,
	decide.Activate:          (*run).activate,
	decide.DeliverUnverified: (*run).deliverUnverified,
	decide.Unlock:            (*run).unlock,
	decide.RemoveOldAccount:  (*run).removeOldAccount,
}

// Do carries out one step and gives the Secret as it is stored now. An error
// leads back to looking; what it left behind is in the Secret or on the array,
// never in memory alone. Errors worth telling apart: LoginError, ReachError,
// ChangedError, and those of packages seed and ontap.
func (c Carrier) Do(ctx context.Context, j Job, step decide.CredentialStep) (seed.Secret, error) {
	act, known := steps[step.Action]
	if !known {
		return j.Secret, fmt.Errorf("credentials of shoot %s: %q is not a step that can be done", j.Shoot, step.Action)
	}
	if err := j.check(); err != nil {
		return j.Secret, fmt.Errorf("%s for shoot %s: %w", step.Action, j.Shoot, err)
	}
	r := &run{Carrier: c.filled(), Job: j, now: clone(j.Secret)}
	err := act(r, ctx, step)
	log := r.Log.With("shoot", j.Shoot, "step", string(step.Action), "user", step.User, "svm", j.UUID, "array", j.Array.Name(), "pass", flow.PassID(ctx))
	if err != nil {
		log.WarnContext(ctx, "credential step failed", "outcome", flow.OutcomeOf(err).String(), "error", err)
		return r.now, fmt.Errorf("%s for shoot %s, account %s: %w", step.Action, j.Shoot, step.User, err)
	}
	log.InfoContext(ctx, "credential step done")
	return r.now, nil
}

func (c Carrier) filled() Carrier {
	if c.Clock == nil {
		c.Clock = flow.RealClock{}
	}
	if c.NewPassword == nil {
		c.NewPassword = NewPassword
	}
	if c.Settle <= 0 {
		c.Settle = DefaultSettle
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func clone(s seed.Secret) seed.Secret {
	s.Rations, s.Labels = maps.Clone(s.Rations), maps.Clone(s.Labels)
	return s
}

// write changes the Secret, on the condition that it is still the one that was
// read.
func (r *run) write(ctx context.Context, change func(*seed.Secret)) error {
	next := clone(r.now)
	if next.Damaged {
		r.spendAll(&next)
	}
	change(&next)
	stored, err := r.Secrets.WriteSecret(ctx, next)
	if err != nil {
		return err
	}
	r.now = stored
	return nil
}

// slot is the place of a pair in the Secret.
type slot func(*seed.Secret) *seed.Pair

func active(s *seed.Secret) *seed.Pair  { return &s.Active }
func pending(s *seed.Secret) *seed.Pair { return &s.Pending }

// settle notes what became of a call, also when nobody waits for us any more.
// Where somebody else has written in between, such as whoever uses the pair, it
// is noted on what is there now, if the pair is still the same.
func (r *run) settle(ctx context.Context, of slot, note func(*seed.Secret, *seed.Pair)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.Settle)
	defer cancel()
	before := *of(&r.now)
	change := func(s *seed.Secret) { note(s, of(s)) }
	err := r.write(ctx, change)
	if flow.OutcomeOf(err) != flow.Refused {
		return err
	}
	again := r.Secrets.Secret(ctx, r.now.Ref)
	if again.Finding != proof.Present || !same(before, *of(&again)) {
		return err
	}
	r.now = again
	return r.write(ctx, change)
}

func same(a, b seed.Pair) bool {
	return a.User == b.User && a.Generation == b.Generation && a.SVM == b.SVM && a.Password.Equal(b.Password)
}

// failure joins what a call said with what came of noting it.
func failure(call, noting error) error {
	if noting == nil {
		return call
	}
	return errors.Join(call, fmt.Errorf("note the outcome: %w", noting))
}
