package svm

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/credential"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// leavers are the shoots that the record names and that nobody asks for any more.
func (s *subject) leavers(record seed.Record) []string {
	named := slices.Clone(record.Shoots)
	for _, n := range record.ShootNotes {
		named = append(named, n.Shoot)
	}
	slices.Sort(named)
	return slices.DeleteFunc(slices.Compact(named), func(shoot string) bool { return slices.Contains(s.wanted(), shoot) })
}

// wanted are the shoots of the object.
func (s *subject) wanted() []string {
	var all []string
	for _, c := range s.want.Spec.Credentials {
		all = append(all, c.Shoot)
	}
	return all
}

// readLeaving reads what the shoots that left may still have.
func (s *subject) readLeaving(ctx context.Context, v *view) {
	var wantedSecrets []seed.SecretRef
	for _, c := range s.want.Spec.Credentials {
		wantedSecrets = append(wantedSecrets, refOf(c))
	}
	v.left = map[seed.SecretRef]seed.Secret{}
	v.evidence.Site.Leaving = nil
	accounts, accountsErr := v.facts.Accounts.Get()
	for _, shoot := range s.leavers(v.record) {
		note, noted := v.record.NoteOf(shoot)
		in := credential.LeftInput{
			SVM: v.decision.UUIDs, Owner: s.want.Owner(), Shoot: shoot, Note: note, Noted: noted,
			Wanted: s.wanted(), WantedSecrets: wantedSecrets, Accounts: accounts, AccountsErr: accountsErr,
		}
		for _, ref := range note.Secrets {
			secret := s.leftSecret(ctx, ref)
			secret.Ref = ref
			v.left[ref] = secret
			in.Secrets = append(in.Secrets, secret)
		}
		v.evidence.Site.Leaving = append(v.evidence.Site.Leaving, credential.Left(in))
	}
}

// leftSecret is the Secret of a shoot that left, whose namespace may have gone with
// it. What was collected does not tell that.
func (s *subject) leftSecret(ctx context.Context, ref seed.SecretRef) seed.Secret {
	if _, isFresh := s.from.(fresh); isFresh {
		return s.r.o.Seed.LeftSecret(ctx, ref)
	}
	return s.from.secret(ctx, ref)
}

// leaveFirst has what is left of shoots go before the SVM is deleted: the record's
// note of them would hold that up.
func (s *subject) leaveFirst(ctx context.Context, v *view) {
	held := s.want.Gone && v.record.Closed == "" && v.decision.Action != decide.GoOn && v.decision.Action != decide.KeepRecord
	if !held || len(s.leavers(v.record)) == 0 {
		return
	}
	want := s.desired(v, decide.Guards{})
	want.Gone = false
	before := v.decision
	v.decision = decide.Next(v.evidence, want)
	if array, known := s.r.array(v.decision.Array); known && v.decision.Action == decide.GoOn {
		v.facts = s.from.site(ctx, array, v.decision.UUID, nil)
		s.readLeaving(ctx, v)
		if d, first := decide.BeforeDeletion(v.evidence, s.desired(v, decide.Guards{})); first {
			v.decision = d
			return
		}
	}
	v.decision = before
}

// leaveStages are the steps with what a shoot left behind, in their order.
var leaveStages = []struct {
	name string
	does decide.LeaveAction
	act  func(*subject, context.Context, *view, look.Array, decide.Step) error
}{
	{"accounts", decide.LeaveAccounts, (*subject).removeLeftAccounts},
	{"secrets", decide.LeaveSecrets, (*subject).removeLeftSecrets},
	{"record", decide.LeaveRecord, (*subject).forgetShoot},
}

// leaveSteps are those of every shoot that left. They come before the steps of
// the shoots that stay: one of these may get the name of an account that goes.
func (s *subject) leaveSteps(v *view) []flow.Step {
	var steps []flow.Step
	for _, shoot := range s.leavers(v.record) {
		for _, st := range leaveStages {
			steps = append(steps, s.leaveStep(shoot, st.name, st.does, st.act))
		}
		steps = append(steps, s.leaveEnd(shoot))
	}
	return steps
}

// leaveEnd ends the row of steps with one shoot: it is done when nothing is left.
func (s *subject) leaveEnd(shoot string) flow.Step {
	end := s.siteStep(decide.StepLeave, shoot, nothingToDo)
	end.Look = func(ctx context.Context) (flow.Sight, error) {
		v, err := s.look(ctx)
		if err != nil {
			return flow.Sight{}, err
		}
		if st, found := stepOf(v.decision, decide.StepLeave, shoot); found && st.State == decide.StepDo {
			return flow.Sight{Blocked: true, Why: "next: " + inLeaving(st.Leave)}, nil
		}
		return s.sightOf(end.Name, v, decide.StepLeave, shoot)
	}
	return end
}

func (s *subject) leaveStep(shoot, stage string, does decide.LeaveAction, act func(*subject, context.Context, *view, look.Array, decide.Step) error) flow.Step {
	mine := func(v *view) (decide.Step, bool) {
		st, found := stepOf(v.decision, decide.StepLeave, shoot)
		return st, found && v.decision.Action == decide.GoOn && st.State == decide.StepDo && st.Leave.Action == does
	}
	return flow.Step{
		Name: string(decide.StepLeave) + "/" + shoot + "/" + stage, Needs: []string{"record"},
		Look: func(ctx context.Context) (flow.Sight, error) {
			v, err := s.look(ctx)
			if err != nil {
				return flow.Sight{}, err
			}
			if st, is := mine(v); is {
				return flow.Sight{Next: inLeaving(st.Leave), Why: st.Why}, nil
			}
			return flow.Sight{Done: true}, nil
		},
		Act: func(ctx context.Context) error {
			s.forget() // what goes is decided of a look of this moment
			v, err := s.look(ctx)
			s.forget()
			if err != nil {
				return err
			}
			st, is := mine(v)
			if !is {
				return flow.AsTransient(fmt.Errorf("what was decided about shoot %s does not hold any more: %s", shoot, st.Why))
			}
			array, err := s.actOn(v.decision.Array)
			if err != nil {
				return err
			}
			return act(s, ctx, v, array, st)
		},
	}
}

// inLeaving is the next step with what a shoot left behind, for plan and events.
func inLeaving(next *decide.LeaveStep) string {
	names := strings.Join(next.Names, ", ")
	switch next.Action {
	case decide.LeaveAccounts:
		return "remove account " + names
	case decide.LeaveSecrets:
		return "remove what is ours of Secret " + names
	case decide.LeaveRecord:
		if names != "" {
			return "forget the shoot; what others have stays: " + names
		}
		return "forget the shoot"
	}
	return string(next.Action)
}

// noteLeaving writes into the record that what is left of a shoot is being taken
// away, on the condition that nobody has written it since it was read: of two who
// come to this at once, one goes on. Whoever wants the shoot again takes it back.
func (s *subject) noteLeaving(ctx context.Context, v *view, shoot string) error {
	note, _ := v.record.NoteOf(shoot)
	if note.LeavingSince.IsZero() {
		note.LeavingSince = s.r.o.Clock.Now()
	}
	return s.writeBack(ctx, v.record.WithNote(note))
}

// removeLeftAccounts removes accounts that still bear the mark, and the password,
// that was seen.
func (s *subject) removeLeftAccounts(ctx context.Context, v *view, array look.Array, st decide.Step) error {
	if err := s.noteLeaving(ctx, v, st.Object); err != nil {
		return err
	}
	listed, _ := v.facts.Accounts.Get()
	for _, name := range st.Leave.Names {
		seen := slices.IndexFunc(listed, func(a ontap.Account) bool { return a.Name == name })
		now, err := array.Client.Account(ctx, v.decision.UUID, name)
		switch {
		case ontap.IsAbsent(err, ontap.KindAccount):
			continue
		case err != nil:
			return fmt.Errorf("reading account %s of SVM %s on %s: %w", name, s.name, array.Name, err)
		case seen < 0 || now.Comment != listed[seen].Comment:
			return flow.AsTransient(fmt.Errorf("account %s of SVM %s on %s has changed since it was looked at", name, s.name, array.Name))
		}
		if err := array.Client.DeleteAccount(ctx, v.decision.UUID, name); err != nil && !ontap.IsAbsent(err, ontap.KindAccount) {
			return fmt.Errorf("removing account %s of shoot %s from SVM %s on %s: %w", name, st.Object, s.name, array.Name, err)
		}
	}
	return nil
}

// removeLeftSecrets removes exactly the Secrets that were seen. What others keep
// in one stays.
func (s *subject) removeLeftSecrets(ctx context.Context, v *view, _ look.Array, st decide.Step) error {
	if err := s.noteLeaving(ctx, v, st.Object); err != nil {
		return err
	}
	note, _ := v.record.NoteOf(st.Object)
	for _, ref := range note.Secrets {
		if !slices.Contains(st.Leave.Names, ref.String()) {
			continue
		}
		if err := s.r.o.Seed.RemoveSecret(ctx, v.left[ref]); err != nil {
			return fmt.Errorf("removing Secret %s of shoot %s: %w", ref, st.Object, err)
		}
	}
	return nil
}

// forgetShoot takes the shoot out of the record.
func (s *subject) forgetShoot(ctx context.Context, v *view, _ look.Array, st decide.Step) error {
	return s.writeBack(ctx, v.record.WithoutShoot(st.Object))
}
