package svm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
)

// recordTime bounds what is written after a call that may have taken effect,
// under a context that the caller's end does not reach.
const recordTime = 15 * time.Second

func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), recordTime)
}

// openClaim wins the right to make it. Whoever wrote the claim first has won.
func (s *subject) openClaim(ctx context.Context, v *view) error {
	if err := s.onlyOne(ctx); err != nil {
		return err
	}
	d, claim := v.decision, v.claim
	claim.Claim = decide.Claim{
		Finding: claim.Finding, Attempt: d.Attempt, Nonce: s.r.o.Nonce(), Array: d.Array, Cluster: clusterOf(v, d.Array),
		State: decide.ClaimOpen, Approval: d.Approval, Covers: d.Covers,
	}
	claim.AskedAt, claim.Lineage = time.Time{}, s.want.Owner().String()
	if _, err := s.r.o.Seed.WriteClaim(ctx, claim); err != nil {
		return fmt.Errorf("claiming SVM %s on %s: %w", s.name, d.Array, err)
	}
	return nil
}

func clusterOf(v *view, array string) string {
	for _, a := range v.evidence.Arrays {
		if a.Name == array {
			return a.Cluster
		}
	}
	return ""
}

// ask notes that it is going to ask, and asks. The mark bears the attempt, so
// that what comes of it is known again whatever becomes of the answer.
func (s *subject) ask(ctx context.Context, v *view) error {
	array, err := s.actOn(v.decision.Array)
	if err != nil {
		return err
	}
	claim := v.claim
	mark := decide.Mark{Owner: s.want.Owner(), Attempt: claim.Attempt, Nonce: claim.Nonce}
	comment, err := mark.Put("", decide.SVMCommentLimit)
	if err != nil {
		return flow.AsPermanent(fmt.Errorf("marking SVM %s: %w", s.name, err))
	}
	claim.Asked, claim.AskedAt = true, s.r.o.Clock.Now()
	if claim, err = s.r.o.Seed.WriteClaim(ctx, claim); err != nil {
		return fmt.Errorf("noting that SVM %s is asked for: %w", s.name, err)
	}
	limit, _ := s.want.StorageLimitBytes()
	made, askErr := array.Client.CreateSVM(ctx, ontap.NewSVM{
		Name: s.name, Comment: comment, IPspace: s.want.Spec.IPspace, Aggregates: s.want.Spec.Aggregates,
		SnapshotPolicy: s.want.Spec.SnapshotPolicy, MaxVolumes: s.want.Spec.MaxVolumes, StorageLimit: limit,
		NVMe: s.wants("nvme"), ISCSI: s.wants("iscsi"), NFS: s.wants("nfs"),
	})
	if askErr != nil {
		askErr = fmt.Errorf("creating SVM %s on %s: %w", s.name, array.Name, askErr)
	}
	if made.UUID == "" {
		return askErr
	}
	claim.UUID = made.UUID
	ctx, cancel := detached(ctx)
	defer cancel()
	_, err = s.r.o.Seed.WriteClaim(ctx, claim)
	return errors.Join(askErr, err)
}

func (s *subject) wants(protocol string) bool {
	return slices.Contains(s.want.Spec.Protocols, protocol)
}

func (s *subject) actOn(array string) (look.Array, error) {
	a, known := s.r.array(array)
	if !known {
		return look.Array{}, flow.AsNeedsPerson(fmt.Errorf("array %s is not configured", array), "seedproof svm status "+s.name)
	}
	return a, nil
}

// remake deletes the one that is stuck, if a look of this moment comes to that
// again and nobody else has written the claim since: whoever closes it as born
// is in time, or too late to be. That it is asked for again is the next step's,
// after a look.
func (s *subject) remake(ctx context.Context, before *view) error {
	v, err := s.stillDecided(ctx, before)
	if err != nil {
		return err
	}
	array, err := s.actOn(v.decision.Array)
	if err != nil {
		return err
	}
	claim := v.claim
	claim.Note = "SVM " + v.decision.UUID + " is stuck, and is being deleted"
	if _, err := s.r.o.Seed.WriteClaim(ctx, claim); err != nil {
		return fmt.Errorf("noting that SVM %s is made again: %w", s.name, err)
	}
	if err := array.Client.DeleteSVM(ctx, v.decision.UUID); err != nil {
		return fmt.Errorf("deleting SVM %s (%s) on %s, which is stuck in initializing: %w", s.name, v.decision.UUID, array.Name, err)
	}
	return nil
}

// seenRunningStep notes in the claim that its SVM was seen running, from when on
// it may hold data and is never made again.
func (s *subject) seenRunningStep() flow.Step {
	return flow.Step{
		Name: "seen-running", Needs: []string{"create"},
		Look: func(ctx context.Context) (flow.Sight, error) {
			v, err := s.look(ctx)
			if err != nil {
				return flow.Sight{}, err
			}
			if runs(v) && v.decision.Action != decide.CloseBorn {
				return flow.Sight{Next: "note that the SVM of the attempt was seen running", Why: "it may hold data from now on"}, nil
			}
			return flow.Sight{Done: true}, nil
		},
		Act: func(ctx context.Context) error {
			v, err := s.look(ctx)
			if err != nil {
				return err
			}
			s.forget()
			claim := v.claim
			claim.SeenRunning = true
			if _, err = s.r.o.Seed.WriteClaim(ctx, claim); err != nil {
				return fmt.Errorf("noting that SVM %s runs: %w", s.name, err)
			}
			return nil
		},
	}
}

// runs: the SVM of the open attempt is seen running, and that is not noted yet.
func runs(v *view) bool {
	c := v.claim
	if c.Finding != proof.Present || c.State != decide.ClaimOpen || c.SeenRunning {
		return false
	}
	for _, a := range v.evidence.Arrays {
		for _, o := range a.SVMs {
			byMark := o.Ownership == decide.Ours && o.Mark.Nonce == c.Nonce
			if o.State == decide.Running && (byMark || c.UUID != "" && o.UUID == c.UUID) {
				return true
			}
		}
	}
	return false
}

// closeBorn closes the claim after its SVM was seen running.
func (s *subject) closeBorn(ctx context.Context, v *view) error {
	claim := v.claim
	claim.State, claim.SeenRunning = decide.ClaimBorn, true
	if v.decision.UUID != "" {
		claim.UUID = v.decision.UUID
	}
	if _, err := s.r.o.Seed.WriteClaim(ctx, claim); err != nil {
		return fmt.Errorf("closing the claim on SVM %s as born: %w", s.name, err)
	}
	return nil
}

// closeFailed gives the attempt up. Nothing is taken away by it.
func (s *subject) closeFailed(ctx context.Context, v *view) error {
	claim := v.claim
	claim.State = decide.ClaimFailed
	if _, err := s.r.o.Seed.WriteClaim(ctx, claim); err != nil {
		return fmt.Errorf("closing the claim on SVM %s as failed (%s): %w", s.name, v.decision.Why, err)
	}
	return nil
}

// writeRecord writes the record of what is there.
func (s *subject) writeRecord(ctx context.Context, v *view) error {
	return s.recordOf(ctx, v, "")
}

// adopt writes the record of what a person adopted. Its mark comes after it.
func (s *subject) adopt(ctx context.Context, v *view) error {
	approval := ""
	if v.words.Approval != nil {
		approval = v.words.Approval.Nonce
	}
	return s.recordOf(ctx, v, approval)
}

func (s *subject) recordOf(ctx context.Context, v *view, approval string) error {
	if err := s.onlyOne(ctx, v.decision.UUIDs...); err != nil {
		return err
	}
	d, record := v.decision, v.record
	nonce, _, _ := strings.Cut(d.Identity.Birth, "@")
	if len(nonce) != len(newNonce()) || strings.ContainsAny(nonce, " ") {
		nonce = s.r.o.Nonce()
	}
	record.Record = decide.Record{
		Finding: record.Finding, Lineage: s.want.Owner().String(), Generation: d.Attempt, Nonce: nonce, UUIDs: d.UUIDs,
		Array: d.Array, Cluster: clusterOf(v, d.Array), Credentials: v.record.Credentials, Serial: v.record.Serial,
	}
	if approval != "" {
		record.UsedApprovals = append(slices.Clone(record.UsedApprovals), approval)
	}
	record.Shoots = s.withShoots(record.Shoots)
	if _, err := s.r.o.Seed.WriteRecord(ctx, record); err != nil {
		return fmt.Errorf("writing the record of SVM %s: %w", s.name, err)
	}
	return nil
}

// withShoots adds the shoots of this object to those that are recorded.
func (s *subject) withShoots(recorded []string) []string {
	all := slices.Clone(recorded)
	for _, c := range s.want.Spec.Credentials {
		if !slices.Contains(all, c.Shoot) {
			all = append(all, c.Shoot)
		}
	}
	slices.Sort(all)
	return all
}

// onlyOne: an owner has one SVM, because its mark is all that shows whose an SVM
// is. A second object of the same garden and project under another name would
// take the first one's SVM for its own. A record that cannot be read may be such
// a one.
func (s *subject) onlyOne(ctx context.Context, uuids ...string) error {
	all, err := s.r.o.Seed.List(ctx)
	if err != nil {
		return fmt.Errorf("looking for another SVM of %s: %w", s.want.Owner(), err)
	}
	lineage := s.want.Owner().String()
	for _, record := range all.Records {
		switch {
		case record.Name == s.name:
		case record.Finding != proof.Present:
			return flow.AsNeedsPerson(fmt.Errorf("the record of SVM %q cannot be read (%s), and may be of %s: nothing is made or recorded beside it", record.Name, record.Why, lineage),
				"seedproof svm status "+record.Name)
		case record.Lineage == lineage:
			return s.second(record.Name, "has SVM "+record.Name+" already")
		case record.Names(uuids...):
			return s.second(record.Name, "is not the one that the record of SVM "+record.Name+" gives this SVM to")
		}
	}
	for _, claim := range all.Claims {
		if claim.Name != s.name && claim.Lineage == lineage && claim.State == decide.ClaimOpen {
			return s.second(claim.Name, "is making SVM "+claim.Name+" already")
		}
	}
	return nil
}

func (s *subject) second(name, why string) error {
	return flow.AsNeedsPerson(fmt.Errorf("%s %s: give SVM %s a garden or project of its own", s.want.Owner(), why, s.name), "seedproof svm status "+name)
}
