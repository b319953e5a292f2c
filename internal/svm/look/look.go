package look

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// Array is one array that can be asked.
type Array struct {
	Name   string
	Client *ontap.Client
	// ClusterUUID is who it must be, where the configuration says so. It is not
	// used here: whoever judges compares it.
	ClusterUUID string
}

// Subject is the SVM that is looked for.
type Subject struct {
	Name  string
	Owner decide.Owner
	UUIDs []string // that record, claim and traces name
	// AskedAt is when it was last asked for; zero if it never was. One that is
	// initializing for StuckAfter (0: never) since then, At being now, is stuck.
	AskedAt    time.Time
	StuckAfter time.Duration
	At         time.Time
}

// Look asks all arrays at once. The answers are in the order of the arrays.
//
// An answer counts (Answered) only if the cluster's UUID, the list of SVMs to
// its last page and, where one is of a MetroCluster, the pairs were read without
// an error; otherwise nothing but Why is given. The state of the MetroCluster
// and the jobs may be missing in an answer that counts: then Mode is
// ModeUnknown or JobsKnown is false, which package decide holds for reasons to
// create and delete nothing. Jobs are read before the SVMs: what a job makes
// that ends in between is seen among the SVMs. The pin is left to the caller.
func Look(ctx context.Context, arrays []Array, s Subject) []decide.Array {
	answers := make([]decide.Array, len(arrays))
	var all sync.WaitGroup
	for i, a := range arrays {
		all.Go(func() {
			answers[i] = read(ctx, a).array(s)
			askStuck(ctx, a.Client, answers[i].SVMs)
		})
	}
	all.Wait()
	return answers
}

// array is what a reading says about one SVM.
func (r reading) array(s Subject) decide.Array {
	if !r.answered {
		return decide.Array{Name: r.name, Why: r.why}
	}
	a := decide.Array{
		Name: r.name, Answered: true, Cluster: r.cluster.UUID, Why: r.why, Mode: r.mode,
		JobsKnown: r.jobsKnown, Jobs: r.jobsOf(s),
	}
	for _, v := range r.matching(s) {
		a.SVMs = append(a.SVMs, s.shown(v))
	}
	return a
}

// is reports whether it may be the one that is looked for: by its name or the
// twin's, by its UUID or its other half's, or by the owner's mark.
func (s Subject) is(v identity) bool {
	if v.Name == s.Name || v.Name == decide.TwinName(s.Name) || s.knows(v.UUID) || s.knows(v.twin) {
		return true
	}
	owned, _ := s.Owner.Read(v.Comment)
	return owned == decide.Ours
}

func (s Subject) knows(uuid string) bool { return uuid != "" && slices.Contains(s.UUIDs, uuid) }

func (s Subject) shown(v identity) decide.SVM {
	shown := decide.SVM{UUID: v.UUID, Name: v.Name, State: v.State, Role: v.role, Twin: v.twin}
	shown.Ownership, shown.Mark = s.Owner.Read(v.Comment)
	shown.Stuck = v.State == decide.Initializing && !s.AskedAt.IsZero() && s.StuckAfter > 0 && s.At.Sub(s.AskedAt) >= s.StuckAfter
	return shown
}

// askStuck asks what is on the SVMs that are stuck.
func askStuck(ctx context.Context, c *ontap.Client, svms []decide.SVM) {
	for i := range svms {
		if svms[i].Stuck {
			svms[i].OnlyLockedVsadmin = onlyLockedVsadmin(ctx, c, svms[i].UUID)
			svms[i].OnlyRootVolume = noDataVolume(ctx, c, svms[i].UUID)
		}
	}
}

func onlyLockedVsadmin(ctx context.Context, c *ontap.Client, svmUUID string) decide.Answer {
	accounts, err := ontap.All(c.Accounts(ctx, svmUUID))
	if err != nil {
		return decide.NotKnown
	}
	return noOtherAccount(accounts, func(ontap.Account) bool { return false })
}

// noOtherAccount reports whether there is none but ours and a vsadmin that is
// locked. Of one whose lock is not told (facts 6.1: as where no password is set,
// which does not rule out a key) nothing is known.
func noOtherAccount(accounts []ontap.Account, ours Mine) decide.Answer {
	answer := decide.Yes
	for _, a := range accounts {
		switch {
		case ours(a):
		case a.Name != vsadmin || a.Locked != nil && !*a.Locked:
			return decide.No
		case a.Locked == nil:
			answer = decide.NotKnown
		}
	}
	return answer
}

// vsadmin is the account that comes with every SVM, locked (facts 6.1).
const vsadmin = "vsadmin"

func noDataVolume(ctx context.Context, c *ontap.Client, svmUUID string) decide.Answer {
	n, err := c.DataVolumes(ctx, svmUUID)
	return none(n, err)
}

// none answers whether there are none of what was counted.
func none(n int, err error) decide.Answer {
	switch {
	case err != nil:
		return decide.NotKnown
	case n > 0:
		return decide.No
	}
	return decide.Yes
}
