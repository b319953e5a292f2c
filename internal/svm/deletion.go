package svm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// deletionSteps take the SVM away, where that is allowed: the record is closed
// first and removed last.
func (s *subject) deletionSteps() []flow.Step {
	type acts = map[decide.NextAction]func(context.Context, *view) error
	return []flow.Step{
		s.step(stage{"close-record", acts{decide.CloseRecord: s.closeRecord}}, "record"),
		s.step(stage{"reopen-record", acts{decide.Reopen: s.reopenRecord}}, "record"),
		s.step(stage{"delete", acts{decide.DeleteSVM: s.deleteSVM}}, "close-record"),
		s.step(stage{"forget", acts{decide.RemoveRecord: s.removeAll}}, "delete"),
		s.dropClaim(),
	}
}

// dropClaim removes the claim of an attempt that came to nothing, once nobody
// asks for the SVM any more and everybody has said that there is none.
func (s *subject) dropClaim() flow.Step {
	return flow.Step{
		Name: "drop-claim", Needs: []string{"forget"},
		Look: func(ctx context.Context) (flow.Sight, error) {
			v, err := s.look(ctx)
			if err != nil {
				return flow.Sight{}, err
			}
			if v.decision.Action == decide.DeletionDone && v.claim.Finding == proof.Present {
				return flow.Sight{Next: "remove the claim of attempt " + v.claim.Nonce, Why: "it is " + string(v.claim.State) + ", and there is no SVM"}, nil
			}
			return flow.Sight{Done: true}, nil
		},
		Act: func(ctx context.Context) error {
			v, err := s.look(ctx)
			if err != nil {
				return err
			}
			s.forget()
			if err := s.r.o.Seed.RemoveClaim(ctx, v.claim); err != nil {
				return fmt.Errorf("removing the claim on SVM %s: %w", s.name, err)
			}
			return nil
		},
	}
}

func (s *subject) closeRecord(ctx context.Context, v *view) error {
	record := v.record
	record.Closed = s.r.o.Nonce()
	if a := v.words.Approval; a != nil && a.Action.Operation == proof.Destroy {
		record.UsedApprovals = append(slices.Clone(record.UsedApprovals), a.Nonce)
	}
	return s.writeBack(ctx, record)
}

func (s *subject) reopenRecord(ctx context.Context, v *view) error {
	record := v.record
	record.Closed = ""
	return s.writeBack(ctx, record)
}

// deleteSVM deletes the SVM. What was decided is decided once more, of a look of
// this moment, and the record is written on the condition that nobody else has:
// whoever waited for its turn may act on what is long past.
//
// Only where the array refuses the deletion because of what stands on the SVM,
// which some releases do, that is taken away first: until then a deletion that
// is given up has taken nothing.
func (s *subject) deleteSVM(ctx context.Context, before *view) error {
	v, err := s.stillDecided(ctx, before)
	if err != nil {
		return err
	}
	array, err := s.actOn(v.decision.Array)
	if err != nil {
		return err
	}
	record := v.record
	record.Note = "SVM " + v.decision.UUID + " is being deleted"
	if err := s.writeBack(ctx, record); err != nil {
		return err
	}
	err = array.Client.DeleteSVM(ctx, v.decision.UUID)
	if err == nil || ontap.IsAbsent(err, ontap.KindSVM) {
		return nil
	}
	err = fmt.Errorf("deleting SVM %s (%s) on %s: %w", s.name, v.decision.UUID, array.Name, err)
	if flow.OutcomeOf(err) != flow.Refused || flow.ClassOf(err) != flow.Permanent {
		return err
	}
	removed, clearErr := s.clear(ctx, array, v)
	if clearErr != nil {
		return errors.Join(err, clearErr)
	}
	if removed == 0 {
		return flow.AsNeedsPerson(err, "vserver delete -vserver "+s.name)
	}
	return flow.AsTransient(err)
}

// stillDecided looks again, and gives the view only where it comes to the same
// decision.
func (s *subject) stillDecided(ctx context.Context, before *view) (*view, error) {
	s.forget()
	v, err := s.look(ctx)
	s.forget()
	if err != nil {
		return nil, err
	}
	if v.decision.Action != before.decision.Action || v.decision.UUID != before.decision.UUID || v.decision.Array != before.decision.Array {
		return nil, flow.AsTransient(fmt.Errorf("what was decided about SVM %s (%s) does not hold any more: %s", s.name, before.decision.Action, v.decision.Why))
	}
	return v, nil
}

// clear takes away what we made on the SVM: interfaces that the record notes,
// and accounts that bear the mark of a recorded shoot. The guards are asked once
// more: the refusal may have had another reason, such as a volume.
func (s *subject) clear(ctx context.Context, array look.Array, v *view) (removed int, err error) {
	svm := v.decision.UUID
	guards := look.ReadGuards(ctx, array, svm, s.isOurs(v), s.otherShoots(v))
	if deletable, refused, unknown := guards.Check(); !deletable {
		return 0, fmt.Errorf("nothing is taken away from SVM %s: %s", s.name, strings.Join(append(refused, unknown...), "; "))
	}
	interfaces, err := ontap.All(array.Client.Interfaces(ctx, ontap.InterfaceQuery{SVMUUID: svm}))
	if err != nil {
		return 0, fmt.Errorf("listing the interfaces of SVM %s: %w", s.name, err)
	}
	for _, lif := range interfaces {
		if !slices.ContainsFunc(v.record.Made, func(m seed.Made) bool { return m.Kind == look.MadeInterface && m.Name == lif.Name }) {
			continue
		}
		if err := removeLIF(ctx, array, lif.UUID); err != nil {
			return removed, fmt.Errorf("interface %s of SVM %s: %w", lif.Name, s.name, err)
		}
		removed++
	}
	accounts, err := ontap.All(array.Client.Accounts(ctx, svm))
	if err != nil {
		return removed, fmt.Errorf("listing the accounts of SVM %s: %w", s.name, err)
	}
	ours := s.isOurs(v)
	for _, account := range accounts {
		if !ours(account) {
			continue
		}
		if err := array.Client.DeleteAccount(ctx, svm, account.Name); err != nil && !ontap.IsAbsent(err, ontap.KindAccount) {
			return removed, fmt.Errorf("removing account %s of SVM %s: %w", account.Name, s.name, err)
		}
		removed++
	}
	return removed, nil
}

// removeAll takes away what is left in the seed. The record is the intent, and
// goes last.
func (s *subject) removeAll(ctx context.Context, v *view) error {
	store := s.r.o.Seed
	if err := store.RemoveClaim(ctx, v.claim); err != nil {
		return fmt.Errorf("removing the claim on SVM %s: %w", s.name, err)
	}
	for _, c := range s.want.Spec.Credentials {
		secret := store.Secret(ctx, seed.SecretRef{Namespace: c.SecretNamespace, Name: c.SecretName})
		if !ofThisSVM(secret, v.record) {
			continue // another's, which the object names by mistake
		}
		if err := store.RemoveSecret(ctx, secret); err != nil {
			return fmt.Errorf("removing the Secret %s/%s: %w", c.SecretNamespace, c.SecretName, err)
		}
	}
	if err := store.RemoveWords(ctx, v.words); err != nil {
		return fmt.Errorf("removing the words about SVM %s: %w", s.name, err)
	}
	if err := store.RemoveRecord(ctx, v.record); err != nil {
		return fmt.Errorf("removing the record of SVM %s: %w", s.name, err)
	}
	return nil
}

// ofThisSVM: every pair in it is of the SVM that the record names.
func ofThisSVM(secret seed.Secret, record seed.Record) bool {
	for _, p := range []seed.Pair{secret.Active, secret.Pending} {
		if p.State() != decide.NoPair && !slices.Contains(record.UUIDs, p.SVM) {
			return false
		}
	}
	return true
}
