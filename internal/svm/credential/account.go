package credential

import (
	"context"
	"errors"
	"fmt"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// commentLimit is how long the comment of an account becomes at most. Which
// limit an array has is not documented; that of an SVM's comment is.
const commentLimit = decide.SVMCommentLimit

// markWith is our mark on an account, for a password of that generation.
func (r *run) markWith(generation uint64) decide.Mark {
	mark := r.Mark
	mark.Shoot, mark.Credentials = r.Shoot, generation
	return mark
}

// createAccount makes the account with the pending password.
func (r *run) createAccount(ctx context.Context, step decide.CredentialStep) error {
	pair, err := r.pendingFor(step)
	if err != nil {
		return err
	}
	_, finding, err := r.account(ctx, pair.User)
	if err != nil {
		return err
	}
	if finding != proof.Absent {
		return &ChangedError{"account " + pair.User}
	}
	comment, err := r.markWith(pair.Generation).Put("", commentLimit)
	if err != nil {
		return flow.AsPermanent(err)
	}
	return r.send(ctx, freshAccount, func() error {
		return r.Array.CreateAccount(ctx, ontap.NewAccount{SVMUUID: r.UUID, Name: pair.User, Password: pair.Password, Comment: comment})
	})
}

// setPassword sets the pending password on our account, behind the mark of its
// generation.
func (r *run) setPassword(ctx context.Context, step decide.CredentialStep) error {
	pair, err := r.pendingFor(step)
	if err != nil {
		return err
	}
	account, mark, err := r.ours(ctx, pair.User)
	if err != nil {
		return err
	}
	if mark.Credentials > pair.Generation {
		return &ChangedError{fmt.Sprintf("the generation of account %s", pair.User)}
	}
	if mark.Credentials < pair.Generation {
		if err := r.putMark(ctx, account, pair.Generation); err != nil {
			return err
		}
	}
	return r.send(ctx, sameAccount, func() error { return r.Array.SetPassword(ctx, r.UUID, pair.User, pair.Password) })
}

// freshAccount: one that was just made has no failed login behind it, whatever
// was counted for one of that name, perhaps on an SVM that is gone.
const (
	sameAccount  = false
	freshAccount = true
)

// send notes that the pending password is sent, sends it, and notes what came of
// it.
func (r *run) send(ctx context.Context, fresh bool, call func() error) error {
	before := r.now.Pending.Set
	if err := r.write(ctx, func(s *seed.Secret) { s.Pending.Set = decide.Sent }); err != nil {
		return err
	}
	set, err := becameOf(before, call())
	if set == decide.Sent {
		return err
	}
	return failure(err, r.settle(ctx, pending, func(s *seed.Secret, p *seed.Pair) {
		p.Set = set
		if fresh && set == decide.Confirmed {
			delete(s.Rations, p.User)
		}
	}))
}

// becameOf reads what became of a password that was sent, and the error that is
// left of it. A refusal had no effect: all is as before. That includes "there is
// such an account", which is for the next look to explain.
func becameOf(before decide.SetState, err error) (decide.SetState, error) {
	switch {
	case err == nil, ontap.HasCode(err, ontap.CodePasswordSame): // it is the current one
		return decide.Confirmed, nil
	case ontap.IsPasswordRefused(err): // another may pass, so that it is tried
		return decide.RefusedByPolicy, flow.AsTransient(err)
	case flow.OutcomeOf(err) == flow.Refused:
		return before, err
	}
	return decide.Sent, err
}

// markAccount puts our mark on an account that bears none. Where it is that of a
// pair which nobody has numbered, the pair is numbered first.
func (r *run) markAccount(ctx context.Context, step decide.CredentialStep) error {
	account, finding, err := r.account(ctx, step.User)
	if err != nil {
		return err
	}
	owned, _ := r.Mark.Owner.Read(account.Comment)
	if finding != proof.Present || owned != decide.Unmarked {
		return &ChangedError{"account " + step.User}
	}
	if r.now.Active.User == step.User && r.unnumbered() {
		if err := r.write(ctx, func(s *seed.Secret) { r.adopt(s, 0) }); err != nil {
			return err
		}
	}
	return r.putMark(ctx, account, r.generationOn(step.User))
}

// generationOn is that of the password that an account without a mark has, as
// far as the Secret tells: zero where it tells nothing.
func (r *run) generationOn(user string) uint64 {
	generation := uint64(0)
	if r.now.Active.User == user {
		generation = r.now.Active.Generation
	}
	if p := r.now.Pending; p.User == user && p.Set != decide.NotSent {
		generation = max(generation, p.Generation)
	}
	return generation
}

// unnumbered: the active pair came from somebody who counts no generations.
func (r *run) unnumbered() bool {
	return r.now.Active.State() == decide.Complete && r.now.Active.Generation == 0
}

// adopt numbers the active pair, above every generation that is known, and has
// its age count from now. Whether it works is not asked here.
func (r *run) adopt(s *seed.Secret, marked uint64) {
	s.Active.Generation = max(r.Noted, marked, s.Pending.Generation, s.InUseGeneration) + 1
	if s.ActivatedAt.IsZero() {
		s.ActivatedAt = r.Clock.Now()
	}
}

// putMark writes our mark into an account's comment, behind what stands there.
func (r *run) putMark(ctx context.Context, a ontap.Account, generation uint64) error {
	comment, err := r.markWith(generation).Put(a.Comment, commentLimit)
	switch {
	case errors.Is(err, decide.ErrForeignMark):
		return &ChangedError{"account " + a.Name}
	case err != nil:
		return flow.AsNeedsPerson(fmt.Errorf("mark account %s: %w", a.Name, err), "security login show -user-or-group-name "+a.Name)
	}
	if err := r.Array.ChangeAccount(ctx, r.UUID, a.Name, ontap.AccountChange{Comment: &comment}); err != nil {
		return fmt.Errorf("mark account %s: %w", a.Name, err)
	}
	return nil
}

// unlock frees our own account. That it was done is noted after it: noted before,
// an unlocking that failed would make a second refusal count that a lock explains.
func (r *run) unlock(ctx context.Context, step decide.CredentialStep) error {
	if _, _, err := r.ours(ctx, step.User); err != nil {
		return err
	}
	no := false
	if err := r.Array.ChangeAccount(ctx, r.UUID, step.User, ontap.AccountChange{Locked: &no}); err != nil {
		return fmt.Errorf("unlock account %s: %w", step.User, err)
	}
	of := active
	if r.now.Pending.User == step.User {
		of = pending
	}
	return r.settle(ctx, of, func(s *seed.Secret, _ *seed.Pair) {
		for _, p := range []*seed.Pair{&s.Active, &s.Pending} {
			if p.User == step.User && !refusedUnlocked(p.Login) {
				p.Login.Unlocked = r.Clock.Now()
			}
		}
		ration := s.Rations[step.User]
		ration.Tries = 0
		r.ration(s, step.User, ration)
	})
}

// refusedUnlocked: it was refused after an earlier unlocking, which stays the one
// that counts for it.
func refusedUnlocked(l decide.Login) bool {
	return l.Unlocked.After(l.FirstRefused) && l.LastRefused.After(l.Unlocked)
}

func (r *run) ration(s *seed.Secret, user string, ration decide.Ration) {
	if s.Rations == nil {
		s.Rations = map[string]decide.Ration{}
	}
	s.Rations[user] = ration
}

// removeOldAccount deletes an account of ours that the active pair is not of.
// The write before it is made even where it changes nothing: it fails if the
// Secret is no longer the one that the step was decided on.
func (r *run) removeOldAccount(ctx context.Context, step decide.CredentialStep) error {
	if step.User == r.now.Active.User || step.User == r.now.Pending.User {
		return &ChangedError{"the Secret"}
	}
	if _, _, err := r.ours(ctx, step.User); err != nil {
		return err
	}
	if err := r.write(ctx, func(s *seed.Secret) { s.Previous = step.User }); err != nil {
		return err
	}
	if err := r.Array.DeleteAccount(ctx, r.UUID, step.User); err != nil && !ontap.IsAbsent(err, ontap.KindAccount) {
		return fmt.Errorf("delete account %s: %w", step.User, err)
	}
	return r.settle(ctx, active, func(s *seed.Secret, _ *seed.Pair) {
		s.Previous = ""
		delete(s.Rations, step.User)
	})
}
