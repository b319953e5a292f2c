package look

import (
	"context"
	"net/http"
	"strings"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// Mine tells whether an account is ours.
type Mine func(ontap.Account) bool

// ReadGuards asks the array what must be known before the SVM is deleted. Ours
// tells our accounts on it; otherShoots says that the record has
// others than those that go. Whatever cannot be read is NotKnown. Jobs are read
// first: what one makes that ends in between is seen afterwards.
func ReadGuards(ctx context.Context, a Array, svmUUID string, ours Mine, otherShoots bool) decide.Guards {
	g := decide.Guards{NoOtherShoot: no(otherShoots), NoUnfinishedJob: noUnfinishedJob(ctx, a.Client, svmUUID)}
	if accounts, err := ontap.All(a.Client.Accounts(ctx, svmUUID)); err == nil {
		g.NoOtherAccount = noOtherAccount(accounts, ours)
	}
	g.NoDataVolume = noDataVolume(ctx, a.Client, svmUUID)
	g.NoSnapshot = noSnapshot(ctx, a.Client, svmUUID, g.NoDataVolume)
	g.RecoveryEmpty = recoveryEmpty(ctx, a.Client, svmUUID)
	g.NoSnapMirror = noSnapMirror(ctx, a.Client, svmUUID)
	return g
}

// no answers a question by the opposite of what is known to be so.
func no(is bool) decide.Answer {
	if is {
		return decide.No
	}
	return decide.Yes
}

// noSnapshot counts those of the root volume, without which an SVM is not
// understood; a data volume, whose snapshots would count too, stands in the way
// by itself.
func noSnapshot(ctx context.Context, c *ontap.Client, svmUUID string, noDataVolume decide.Answer) decide.Answer {
	roots, err := ontap.All(c.RootVolumes(ctx, svmUUID))
	if err != nil || len(roots) == 0 || noDataVolume == decide.NotKnown {
		return decide.NotKnown
	}
	total := 0
	for _, v := range roots {
		n, err := c.Snapshots(ctx, v.UUID)
		if err != nil {
			return decide.NotKnown
		}
		total += n
	}
	return none(total, nil)
}

// recoveryEmpty: releases that do not tell (before 9.15) leave it unknown.
func recoveryEmpty(ctx context.Context, c *ontap.Client, svmUUID string) decide.Answer {
	s, err := c.SVM(ctx, svmUUID, ontap.SVMRecoveryQueue)
	if err != nil || s.RecoveryQueue == nil {
		return decide.NotKnown
	}
	return none(*s.RecoveryQueue, nil)
}

// noSnapMirror asks both: an array may not know of a relationship whose
// destination is elsewhere, but it knows that the SVM is protected.
func noSnapMirror(ctx context.Context, c *ontap.Client, svmUUID string) decide.Answer {
	relations, err := c.Relationships(ctx, svmUUID)
	if err == nil && len(relations) > 0 {
		return decide.No
	}
	s, errSVM := c.SVM(ctx, svmUUID, ontap.SVMSnapMirror)
	if err != nil || errSVM != nil || s.SnapMirror.Protected == nil {
		return decide.NotKnown
	}
	volumes := s.SnapMirror.ProtectedVolumes
	return no(*s.SnapMirror.Protected || volumes != nil && *volumes > 0)
}

// noUnfinishedJob: a deletion of this very SVM that is under way is no reason
// against it, and not settled: NotKnown. So is a job that does not tell what it
// is about.
func noUnfinishedJob(ctx context.Context, c *ontap.Client, svmUUID string) decide.Answer {
	r := reading{}
	s, err := c.SVM(ctx, svmUUID)
	if err != nil {
		return decide.NotKnown
	}
	if r.cluster, err = c.Cluster(ctx); err != nil {
		return decide.NotKnown
	}
	if r.jobs, err = ontap.All(c.UnfinishedJobs(ctx)); err != nil {
		return decide.NotKnown
	}
	found := decide.Yes
	for _, j := range r.jobs {
		switch who := r.whose(j, []string{s.Name, decide.TwinName(s.Name)}, []string{svmUUID}); {
		case who == another, who == unclear && strings.HasPrefix(j.Description, http.MethodPost):
		case who == ours && !strings.HasPrefix(j.Description, http.MethodDelete):
			return decide.No
		default:
			found = decide.NotKnown
		}
	}
	return found
}
