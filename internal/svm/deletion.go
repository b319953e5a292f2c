package svm

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

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

// reopenRecord gives the deletion up. What was taken away for it is remembered
// until it is there again: see package decide.
func (s *subject) reopenRecord(ctx context.Context, v *view) error {
	record := v.record
	record.Closed, record.DeletionAsked, record.Note = "", time.Time{}, ""
	return s.writeBack(ctx, record)
}

// deleteSVM deletes the SVM. What was decided is decided once more, of a look of
// this moment, and the record is written on the condition that nobody else has:
// whoever waited for its turn may act on what is long past. That the deletion is
// sent is noted before it is, so that nobody gives it up while it may take effect.
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
	record.DeletionAsked = s.r.o.Clock.Now()
	record.Note = "SVM " + v.decision.UUID + " is being deleted"
	if record, err = s.stored(ctx, record); err != nil {
		return err
	}
	err = array.Client.DeleteSVM(ctx, v.decision.UUID)
	if err == nil || ontap.IsAbsent(err, ontap.KindSVM) {
		return nil
	}
	refused := fmt.Errorf("deleting SVM %s (%s) on %s: %w", s.name, v.decision.UUID, array.Name, err)
	if flow.OutcomeOf(refused) != flow.Refused {
		return refused
	}
	if record, err = s.noteRefused(ctx, record, v.record.DeletionAsked); err != nil {
		return fmt.Errorf("%w; and %w", err, refused)
	}
	if flow.ClassOf(refused) != flow.Permanent && !ontap.HasCode(refused, codeInUse) {
		return refused
	}
	return s.clearAfter(ctx, refused, array, v, record)
}

// codeInUse is how an array may refuse to delete what something stands on (facts
// 1.6). It may also pass by itself.
const codeInUse = "8"

// noteRefused notes that nothing came of the deletion that was sent. One that was
// sent before, and of which nobody knows, is none the wiser for it.
func (s *subject) noteRefused(ctx context.Context, record seed.Record, before time.Time) (seed.Record, error) {
	ctx, cancel := detached(ctx)
	defer cancel()
	record.DeletionAsked, record.Note = before, ""
	return s.stored(ctx, record)
}

// clearAfter takes away what may be why the array refused the deletion, so that
// it is asked for again. Where there is nothing of that kind a person has to see
// why, and is told what the SVM is without by now.
func (s *subject) clearAfter(ctx context.Context, refused error, array look.Array, v *view, record seed.Record) error {
	removed, err := s.clear(ctx, array, v, record)
	if err != nil {
		return fmt.Errorf("%w; and %w", err, refused) // what is to be done follows from the first
	}
	if removed > 0 {
		return flow.AsTransient(refused)
	}
	if len(record.Cleared) > 0 {
		refused = fmt.Errorf("%w; for this deletion were taken off the SVM: %s; whoever wants them back has the SVM wanted again (seedproof svm apply %s)",
			refused, strings.Join(record.Cleared, ", "), s.name)
	}
	if flow.ClassOf(refused) == flow.Transient {
		return refused
	}
	return flow.AsNeedsPerson(refused, "vserver delete -vserver "+s.name)
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
// more: the refusal may have had another reason, such as a volume. The record
// says what goes before anything does.
func (s *subject) clear(ctx context.Context, array look.Array, v *view, record seed.Record) (removed int, err error) {
	svm := v.decision.UUID
	guards := look.ReadGuards(ctx, array, svm, s.isOurs(v), s.otherShoots(v))
	if deletable, refused, unknown := guards.Check(); !deletable {
		return 0, flow.AsTransient(fmt.Errorf("nothing is taken away from SVM %s: %s", s.name, strings.Join(append(refused, unknown...), "; ")))
	}
	interfaces, err := ontap.All(array.Client.Interfaces(ctx, ontap.InterfaceQuery{SVMUUID: svm}))
	if err != nil {
		return 0, fmt.Errorf("listing the interfaces of SVM %s: %w", s.name, err)
	}
	accounts, err := ontap.All(array.Client.Accounts(ctx, svm))
	if err != nil {
		return 0, fmt.Errorf("listing the accounts of SVM %s: %w", s.name, err)
	}
	interfaces = slices.DeleteFunc(interfaces, func(lif ontap.Interface) bool { return !look.MadeByUs(lif, record.Made) })
	ours := s.isOurs(v)
	accounts = slices.DeleteFunc(accounts, func(a ontap.Account) bool { return !ours(a) })
	if len(interfaces)+len(accounts) == 0 {
		return 0, nil
	}
	record.Cleared = withCleared(record.Cleared, interfaces, accounts)
	if err := s.writeBack(ctx, record); err != nil {
		return 0, err
	}
	for _, lif := range interfaces {
		if err := removeLIF(ctx, array, lif.UUID); err != nil {
			return removed, fmt.Errorf("interface %s of SVM %s: %w", lif.Name, s.name, err)
		}
		removed++
	}
	for _, account := range accounts {
		if err := array.Client.DeleteAccount(ctx, svm, account.Name); err != nil && !ontap.IsAbsent(err, ontap.KindAccount) {
			return removed, fmt.Errorf("removing account %s of SVM %s: %w", account.Name, s.name, err)
		}
		removed++
	}
	return removed, nil
}

// withCleared adds what goes now to what went before, in words for people.
func withCleared(before []string, interfaces []ontap.Interface, accounts []ontap.Account) []string {
	all := slices.Clone(before)
	for _, lif := range interfaces {
		all = append(all, "interface "+lif.Name+" ("+lif.IP.Address.String()+")")
	}
	for _, account := range accounts {
		all = append(all, "account "+account.Name)
	}
	slices.Sort(all)
	return slices.Compact(all)
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
