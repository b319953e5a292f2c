package credential

import (
	"context"
	"fmt"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// makePending writes a new pair aside, where nobody reads it.
func (r *run) makePending(ctx context.Context, step decide.CredentialStep) error {
	password, err := r.NewPassword.passwordFor(step.User)
	if err != nil {
		return err
	}
	return r.write(ctx, func(s *seed.Secret) {
		s.Pending = seed.Pair{User: step.User, Password: password, SVM: r.UUID, Generation: step.Generation, Set: decide.NotSent}
	})
}

func (r *run) dropPending(ctx context.Context, _ decide.CredentialStep) error {
	return r.write(ctx, func(s *seed.Secret) { s.Pending = seed.Pair{} })
}

// pendingFor is the pending pair that the step is about.
func (r *run) pendingFor(step decide.CredentialStep) (seed.Pair, error) {
	p := r.now.Pending
	if p.State() != decide.Complete || p.User != step.User {
		return seed.Pair{}, &ChangedError{"the pending pair of " + step.User}
	}
	return p, nil
}

func (r *run) activate(ctx context.Context, step decide.CredentialStep) error {
	if !r.now.Pending.Login.Proven() {
		return &ChangedError{"the proof of the pending pair of " + step.User}
	}
	return r.deliver(ctx, step)
}

func (r *run) deliverUnverified(ctx context.Context, step decide.CredentialStep) error {
	if r.now.Pending.Set != decide.Confirmed {
		return &ChangedError{"the array's word on the pending pair of " + step.User}
	}
	return r.deliver(ctx, step)
}

// deliver moves the pending pair to where others read it, with all that is known
// of it, in one update.
func (r *run) deliver(ctx context.Context, step decide.CredentialStep) error {
	pair, err := r.pendingFor(step)
	if err != nil {
		return err
	}
	previous, err := r.previous(ctx, pair.User)
	if err != nil {
		return err
	}
	return r.write(ctx, func(s *seed.Secret) {
		s.Active, s.Pending = pair, seed.Pair{}
		s.Previous, s.ActivatedAt = previous, r.Clock.Now()
	})
}

// previous is the user whose account stays behind when the pair of user becomes
// the active one, "" where none does.
func (r *run) previous(ctx context.Context, user string) (string, error) {
	left := r.now.Active.User
	if left == "" || left == user {
		left = r.now.Previous // of a rotation that a repair came after
	}
	if left == "" || left == user {
		return "", nil
	}
	_, finding, err := r.account(ctx, left)
	if err != nil || finding == proof.Absent {
		return "", err
	}
	return left, nil
}

// account reads one account. Absent is only what the array says of this very
// account.
func (r *run) account(ctx context.Context, name string) (ontap.Account, proof.Finding, error) {
	a, err := r.Array.Account(ctx, r.UUID, name)
	switch {
	case err == nil:
		return a, proof.Present, nil
	case ontap.IsAbsent(err, ontap.KindAccount):
		return ontap.Account{}, proof.Absent, nil
	}
	return ontap.Account{}, proof.Unknown, fmt.Errorf("look at account %s: %w", name, err)
}

// ours reads an account that bears the mark of this shoot. Any other is left
// alone, whatever was decided.
func (r *run) ours(ctx context.Context, name string) (ontap.Account, decide.Mark, error) {
	a, finding, err := r.account(ctx, name)
	if err != nil {
		return a, decide.Mark{}, err
	}
	owned, mark := r.Mark.Owner.Read(a.Comment)
	if finding != proof.Present || owned != decide.Ours || mark.Shoot != r.Shoot {
		return a, decide.Mark{}, &ChangedError{"account " + name}
	}
	return a, mark, nil
}
