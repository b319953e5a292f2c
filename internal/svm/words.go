package svm

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// ErrNoSuchWitness is wrapped where somebody speaks of a witness that was not
// heard.
var ErrNoSuchWitness = errors.New("no such witness")

// Approve writes a person's approval of one operation, bound to what is found
// now. It is refused at once where even an approval would not permit it.
func (r *Reconciler) Approve(ctx context.Context, want Wish, action proof.Action, by string) (decide.Decision, error) {
	s := r.subject(want)
	v, err := s.look(ctx)
	if err != nil {
		return decide.Decision{}, err
	}
	verdict := v.decision.Verdict
	approval := proof.Approval{Nonce: r.o.Nonce(), Subject: verdict.Subject, Action: action, Digest: verdict.Digest, By: by}
	if err := verdict.Permit(action, proof.Claim{}, &approval); err != nil {
		return v.decision, flow.AsNeedsPerson(fmt.Errorf("approving to %s SVM %s: %w", action, s.name, err), "seedproof svm explain "+s.name)
	}
	words, err := s.speak(v)
	if err != nil {
		return v.decision, err
	}
	words.Approval = &approval
	return v.decision, s.write(ctx, words)
}

// Attest writes a person's word that a witness which is silent, or unusable, is
// lost for good.
func (r *Reconciler) Attest(ctx context.Context, want Wish, witness, by, reason string) (decide.Decision, error) {
	s := r.subject(want)
	v, err := s.look(ctx)
	if err != nil {
		return decide.Decision{}, err
	}
	heard := v.decision.Verdict.Heard
	i := slices.IndexFunc(heard, func(t proof.Testimony) bool { return t.Witness.Name == witness })
	if i < 0 {
		return v.decision, fmt.Errorf("attesting %q lost: %w", witness, ErrNoSuchWitness)
	}
	if f := heard[i].Finding; f != proof.Unknown && f != proof.Unusable {
		return v.decision, fmt.Errorf("attesting %s lost: it answers (%s): a word is for who is silent", witness, f)
	}
	words, err := s.speak(v)
	if err != nil {
		return v.decision, err
	}
	words.Attestations = slices.DeleteFunc(slices.Clone(words.Attestations), func(a proof.Attestation) bool {
		return a.Witness == witness || slices.Contains(v.decision.Void, a)
	})
	words.Attestations = append(words.Attestations, proof.Attestation{
		Witness: witness, Finding: heard[i].Finding, Generation: decide.Generation(v.evidence), By: by, At: v.at, Reason: reason,
	})
	return v.decision, s.write(ctx, words)
}

// FailClaim gives up the attempt of this nonce.
func (r *Reconciler) FailClaim(ctx context.Context, want Wish, nonce string) error {
	s := r.subject(want)
	v, err := s.look(ctx)
	if err != nil {
		return err
	}
	if c := v.claim; c.Finding != proof.Present || c.State != decide.ClaimOpen || c.Nonce != nonce {
		return fmt.Errorf("giving up attempt %q of SVM %s: no such attempt is open", nonce, s.name)
	}
	words, err := s.speak(v)
	if err != nil {
		return err
	}
	words.FailClaim = nonce
	return s.write(ctx, words)
}

// speak is what was said before, to be added to.
func (s *subject) speak(v *view) (seed.Words, error) {
	if v.wordsErr != nil {
		return seed.Words{}, fmt.Errorf("what was said before of SVM %s could not be read: %w", s.name, v.wordsErr)
	}
	words := v.words
	words.Name = s.name
	return words, nil
}

func (s *subject) write(ctx context.Context, words seed.Words) error {
	if _, err := s.r.o.Seed.WriteWords(ctx, words); err != nil {
		return fmt.Errorf("writing what was said of SVM %s: %w", s.name, err)
	}
	return nil
}
