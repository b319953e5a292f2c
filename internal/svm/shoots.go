package svm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/credential"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// credentialStages are the steps of one password, in the order in which a
// password that is not there is made: what each of them may carry out. One that
// is refused goes back to an earlier stage in the next pass.
var credentialStages = []struct {
	name string
	does []decide.CredentialAction
}{
	{"unlock", []decide.CredentialAction{decide.Unlock}},
	{"check", []decide.CredentialAction{decide.CheckLogin}},
	{"drop", []decide.CredentialAction{decide.DropPending}},
	{"pending", []decide.CredentialAction{decide.MakePending}},
	{"mark", []decide.CredentialAction{decide.MarkAccount}},
	{"account", []decide.CredentialAction{decide.CreateAccount, decide.SetPassword}},
	{"proof", []decide.CredentialAction{decide.ProvePending}},
	{"activate", []decide.CredentialAction{decide.Activate, decide.DeliverUnverified}},
	{"old-account", []decide.CredentialAction{decide.RemoveOldAccount}},
}

// credentialSteps are the steps with the password of one shoot.
func (s *subject) credentialSteps(c spec.Credentials) []flow.Step {
	var steps []flow.Step
	prefix := "credentials/" + c.Shoot
	for _, st := range credentialStages {
		steps = append(steps, s.credentialStep(c, prefix+"/"+st.name, st.does))
	}
	return append(steps, flow.Step{
		Name: prefix, Needs: []string{"shoots"},
		Look: func(ctx context.Context) (flow.Sight, error) {
			v, err := s.look(ctx)
			if err != nil {
				return flow.Sight{}, err
			}
			return s.credentialSight(prefix, v, c.Shoot)
		},
		Act: func(context.Context) error { return errors.New("there is nothing to do in this step") },
	})
}

func (s *subject) credentialStep(c spec.Credentials, title string, does []decide.CredentialAction) flow.Step {
	return flow.Step{
		Name: title, Needs: []string{"shoots"},
		Look: func(ctx context.Context) (flow.Sight, error) {
			v, err := s.look(ctx)
			if err != nil {
				return flow.Sight{}, err
			}
			if next, mine := nextCredential(v, c.Shoot, does); mine {
				return flow.Sight{Next: string(next.Action) + " " + next.User, Why: next.Why}, nil
			}
			return flow.Sight{Done: true}, nil
		},
		Act: func(ctx context.Context) error {
			v, err := s.look(ctx)
			if err != nil {
				return err
			}
			next, mine := nextCredential(v, c.Shoot, does)
			if !mine {
				return fmt.Errorf("step %s is not allowed any more", title)
			}
			s.forget()
			return s.carryOut(ctx, v, c, next)
		},
	}
}

// nextCredential is the next step with the password, if it is one of these.
func nextCredential(v *view, shoot string, does []decide.CredentialAction) (decide.CredentialStep, bool) {
	st, found := stepOf(v.decision, decide.StepCredentials, shoot)
	if v.decision.Action != decide.GoOn || !found || st.Credential == nil {
		return decide.CredentialStep{}, false
	}
	for _, action := range does {
		if st.Credential.Action == action {
			return *st.Credential, true
		}
	}
	return decide.CredentialStep{}, false
}

// credentialSight ends the row of steps: it is done when the pair is verified,
// or in use.
func (s *subject) credentialSight(title string, v *view, shoot string) (flow.Sight, error) {
	st, found := stepOf(v.decision, decide.StepCredentials, shoot)
	if v.decision.Action == decide.GoOn && found && st.State == decide.StepDo {
		return flow.Sight{Blocked: true, Why: "next: " + string(st.Credential.Action) + ", because " + st.Why}, nil
	}
	return s.sightOf(title, v, decide.StepCredentials, shoot)
}

// carryOut does one step with a password.
func (s *subject) carryOut(ctx context.Context, v *view, c spec.Credentials, next decide.CredentialStep) error {
	array, err := s.actOn(v.decision.Array)
	if err != nil {
		return err
	}
	if record, changed := noteBefore(v.record, c, next); changed {
		// The number is noted before the pair that bears it, so that none is ever
		// given twice, whatever becomes of the Secret.
		if err := s.writeBack(ctx, record); err != nil {
			return err
		}
	}
	_, err = s.do(ctx, s.credentialJob(v, array, c), next)
	return err
}

// credentialJob is what a step with the password of one shoot is done on.
func (s *subject) credentialJob(v *view, array look.Array, c spec.Credentials) credential.Job {
	mark := s.markOf(v)
	mark.Shoot = c.Shoot
	return credential.Job{
		Array: array.Client, Name: s.name, UUID: v.decision.UUID, SVM: v.decision.UUIDs, Mark: mark, Shoot: c.Shoot,
		Secret: v.secrets[c.Shoot], Management: s.want.Spec.ManagementLIF.Address, Noted: v.record.Credentials,
	}
}

// do carries out one step, notes whether the SVM could be reached for it, and
// gives the Secret as it is stored then.
func (s *subject) do(ctx context.Context, job credential.Job, next decide.CredentialStep) (seed.Secret, error) {
	stored, err := s.r.carrier.Do(ctx, job, next)
	if next.Action == decide.CheckLogin || next.Action == decide.ProvePending {
		var reach *credential.ReachError
		s.noteUnreachable(job.UUID, errors.As(err, &reach) && reach.Reach == decide.Unreachable)
	}
	if err != nil {
		return stored, fmt.Errorf("SVM %s: %w", s.name, err)
	}
	return stored, nil
}

// credentialInput is what is known of the password of one shoot.
func (s *subject) credentialInput(v *view, c spec.Credentials) credential.Input {
	var others []string
	for _, shoot := range s.withShoots(v.record.Shoots) {
		if shoot != c.Shoot {
			users := spec.Users(shoot)
			others = append(others, users[:]...)
		}
	}
	policy := s.r.o.Policy.Credentials
	if grace := time.Duration(c.Rotation.Grace); grace > 0 {
		policy.Grace = grace
	}
	accounts, accountsErr := v.facts.Accounts.Get()
	return credential.Input{
		At: v.at, SVM: v.decision.UUIDs, Owner: s.want.Owner(), Shoot: c.Shoot, Secret: v.secrets[c.Shoot],
		Accounts: accounts, AccountsErr: accountsErr, Others: others, OthersKnown: true,
		Reach: v.evidence.Site.Reach, Noted: v.record.Credentials,
		RotateEvery: time.Duration(c.Rotation.Every), Unwanted: s.want.Rotate[c.Shoot], Policy: policy,
	}
}

// ActivePairs are the pairs that are active now, by shoot: what Wish.Rotate names
// to have them replaced.
func (r *Reconciler) ActivePairs(ctx context.Context, want Wish) (map[string]decide.SeenPair, error) {
	all := map[string]decide.SeenPair{}
	for _, c := range want.Spec.Credentials {
		secret := r.o.Seed.Secret(ctx, refOf(c))
		if secret.Finding != proof.Present {
			return nil, fmt.Errorf("reading Secret %s/%s of shoot %s: it is %s: %s", c.SecretNamespace, c.SecretName, c.Shoot, secret.Finding, secret.Why)
		}
		if secret.Active.Generation == 0 {
			return nil, fmt.Errorf("the pair in Secret %s/%s of shoot %s is not numbered yet: it is at its first login check", c.SecretNamespace, c.SecretName, c.Shoot)
		}
		all[c.Shoot] = credential.Seen(secret)
	}
	return all, nil
}
