package decide_test

import (
	"time"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// The cast: project p1 of garden g has its SVM on array a; b is the other one.
var (
	owner    = decide.Owner{Garden: "g", Project: "p1"}
	stranger = decide.Owner{Garden: "other", Project: "p1"}
	now      = time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
)

const (
	svmName = "p1"
	nonce1  = "1111111111111111"
	nonce2  = "2222222222222222"
	nonce3  = "3333333333333333"
)

func markOf(attempt uint64, nonce string) decide.Mark {
	return decide.Mark{Owner: owner, Attempt: attempt, Nonce: nonce, Credentials: 1}
}

func arrayOf(name string, svms ...decide.SVM) decide.Array {
	return decide.Array{Name: name, Pin: decide.Pin{Finding: proof.Present, UUID: "cluster-" + name}, Answered: true,
		Cluster: "cluster-" + name, Mode: decide.NoMetroCluster, JobsKnown: true, SVMs: svms}
}

func silentArray(name string) decide.Array {
	return decide.Array{Name: name, Pin: decide.Pin{Finding: proof.Present, UUID: "cluster-" + name}, Why: "connection refused"}
}

func repointed(a decide.Array) decide.Array {
	a.Cluster = "cluster-of-somebody-else"
	return a
}

func metro(a decide.Array, mode decide.Mode) decide.Array {
	a.Mode = mode
	return a
}

func plain(uuid string, state decide.SVMState) decide.SVM {
	return decide.SVM{UUID: uuid, Name: svmName, State: state, Role: decide.Plain, Ownership: decide.Unmarked}
}

func ours(uuid string, state decide.SVMState, attempt uint64, nonce string) decide.SVM {
	s := plain(uuid, state)
	s.Ownership, s.Mark = decide.Ours, markOf(attempt, nonce)
	return s
}

func foreign(uuid string) decide.SVM {
	s := plain(uuid, decide.Running)
	s.Ownership, s.Mark = decide.Foreign, decide.Mark{Owner: stranger, Attempt: 1, Nonce: nonce3}
	return s
}

// halves are source and twin of one pair.
func halves(source, twin decide.SVMState, attempt uint64, nonce string) (s, t decide.SVM) {
	s, t = ours("s", source, attempt, nonce), ours("t", twin, attempt, nonce)
	s.Role, s.Twin = decide.Source, "t"
	t.Role, t.Twin, t.Name = decide.Destination, "s", decide.TwinName(svmName)
	return s, t
}

func recordOf(attempt uint64, nonce string, uuids ...string) decide.Record {
	return decide.Record{Finding: proof.Present, Lineage: owner.String(), Generation: attempt, Nonce: nonce, UUIDs: uuids,
		Array: "a", Cluster: "cluster-a", Credentials: 1, Serial: 1}
}

func claimOf(state decide.ClaimState, attempt uint64, nonce string) decide.Claim {
	return decide.Claim{Finding: proof.Present, State: state, Attempt: attempt, Nonce: nonce, Array: "a", Cluster: "cluster-a"}
}

var (
	noRecord = decide.Record{Finding: proof.Absent}
	noClaim  = decide.Claim{Finding: proof.Absent}
)

func evidence(record decide.Record, claim decide.Claim, arrays ...decide.Array) decide.Evidence {
	return decide.Evidence{Name: svmName, Owner: owner, At: now, Record: record, Claim: claim, Arrays: arrays}
}

func wanted() decide.Desired { return decide.Desired{Target: "a", Policy: decide.Retain} }

// guardsClear: nothing holds a deletion back.
func guardsClear() decide.Guards {
	return decide.Guards{NoOtherShoot: decide.Yes, NoOtherAccount: decide.Yes, NoDataVolume: decide.Yes, NoSnapshot: decide.Yes,
		RecoveryEmpty: decide.Yes, NoSnapMirror: decide.Yes, NoUnfinishedJob: decide.Yes}
}

func policy() decide.CredentialPolicy {
	return decide.CredentialPolicy{Unlock: true, VerifyEvery: time.Hour, TryEvery: time.Minute, MaxTries: 3, LockTime: time.Hour, Grace: 24 * time.Hour}
}
