package svm

import (
	"context"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// refOf is where the pair of a shoot lies.
func refOf(c spec.Credentials) seed.SecretRef {
	return seed.SecretRef{Namespace: c.SecretNamespace, Name: c.SecretName}
}

// shootNotes notes in the record what each shoot has, before it gets anything
// more: by that it is known when it has left. A shoot that left and came back is
// wanted again.
func (s *subject) shootNotes() flow.Step {
	return flow.Step{
		Name: "shoots", Needs: []string{"record-upkeep"},
		Look: func(ctx context.Context) (flow.Sight, error) {
			v, err := s.look(ctx)
			if err != nil {
				return flow.Sight{}, err
			}
			if v.decision.Action != decide.GoOn {
				return s.heldOnSite("shoots", v.decision)
			}
			if _, stale := s.withNotes(v); len(stale) > 0 {
				return flow.Sight{Next: "note what shoot " + strings.Join(stale, ", ") + " has", Why: "what a shoot was given is to be known when it has left"}, nil
			}
			s.waited("shoots", "")
			return flow.Sight{Done: true, Why: "the record notes what each shoot has"}, nil
		},
		Act: func(ctx context.Context) error {
			v, err := s.look(ctx)
			if err != nil {
				return err
			}
			s.forget()
			record, _ := s.withNotes(v)
			return s.writeBack(ctx, record)
		},
	}
}

// withNotes is the record with what is known of each shoot of the object, and
// which of them it did not know so far.
func (s *subject) withNotes(v *view) (record seed.Record, stale []string) {
	record = v.record
	for _, c := range s.want.Spec.Credentials {
		note, noted := record.NoteOf(c.Shoot)
		now := note.Plus(refOf(c), 0)
		for _, p := range pairsOf(v.secrets[c.Shoot]) {
			now = now.Plus(refOf(c), p.Generation, ownAccounts(c, p.User)...)
		}
		if !noted || !now.Says(note) {
			record, stale = record.WithNote(now), append(stale, c.Shoot)
		}
	}
	return record, stale
}

// pairsOf are the pairs of a Secret that were numbered here.
func pairsOf(secret seed.Secret) []seed.Pair {
	if secret.Finding != proof.Present {
		return nil
	}
	return slices.DeleteFunc([]seed.Pair{secret.Active, secret.Pending}, func(p seed.Pair) bool { return p.Generation == 0 })
}

// ownAccounts is the account, if it is one of the shoot by its name. Any other was
// made by somebody else, and is never removed.
func ownAccounts(c spec.Credentials, user string) []string {
	if users := c.Users(); !slices.Contains(users[:], user) {
		return nil
	}
	return []string{user}
}

// noteBefore is the record with what a step is going to give the shoot, and
// whether it did not say so yet.
func noteBefore(record seed.Record, c spec.Credentials, next decide.CredentialStep) (seed.Record, bool) {
	note, noted := record.NoteOf(c.Shoot)
	now := note.Plus(refOf(c), next.Generation, ownAccounts(c, next.User)...)
	changed := next.Generation > record.Credentials || !noted || !now.Says(note)
	record.Credentials = max(record.Credentials, next.Generation)
	return record.WithNote(now), changed
}
