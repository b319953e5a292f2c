package decide_test

import (
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// repairWords are how an account may stand when the pair is lost.
var repairWords = []choice{"silent", "owner unknown", "absent", "ours 1", "ours 2", "ours 2, locked", "unmarked", "shared", "foreign"}

func repairAccount(name string, word choice) decide.Account {
	a := decide.Account{Name: name, Finding: proof.Present, Owner: decide.AccountOurs, Locked: decide.No}
	switch word {
	case "silent":
		return decide.Account{Name: name}
	case "owner unknown":
		a.Owner = decide.AccountUnknown
	case "absent":
		return decide.Account{Name: name, Finding: proof.Absent}
	case "ours 1":
		a.Generation = 1
	case "ours 2":
		a.Generation = 2
	case "ours 2, locked":
		a.Generation, a.Locked = 2, decide.Yes
	case "unmarked":
		a.Owner = decide.AccountUnmarked
	case "shared":
		a.Owner = decide.AccountShared
	case "foreign":
		a.Owner = decide.AccountForeign
	}
	return a
}

// repairs are, by the first account and then by the second, in the order of
// repairWords, which of the two a lost pair is made anew for, and what becomes of
// it: a new pair is made (1, 2), it waits for an account (w1, w2), or a person is
// called (s1).
var repairs = map[choice][9]string{
	// silent, owner unknown, absent, ours 1, ours 2, locked, unmarked, shared, foreign
	"silent":         {"w1", "w1", "w1", "w1", "w1", "w1", "w1", "w1", "w1"},
	"owner unknown":  {"w1", "w1", "w1", "w1", "w1", "w1", "w1", "w1", "w1"},
	"absent":         {"1", "1", "1", "1", "1", "1", "1", "1", "1"},
	"ours 1":         {"w2", "w2", "1", "1", "1", "1", "2", "1", "1"},
	"ours 2":         {"w2", "w2", "1", "2", "1", "1", "2", "1", "1"},
	"ours 2, locked": {"w2", "w2", "1", "2", "1", "1", "2", "1", "1"},
	"unmarked":       {"1", "1", "1", "1", "1", "1", "1", "1", "1"},
	"shared":         {"s1", "s1", "s1", "s1", "s1", "s1", "s1", "s1", "s1"},
	"foreign":        {"s1", "s1", "s1", "s1", "s1", "s1", "s1", "s1", "s1"},
}

// TestRepairOfALostPair: over all combinations of the two accounts, whoever holds
// the pair of the later generation is not cut off, and one account is never taken
// while the other is not known.
func TestRepairOfALostPair(t *testing.T) {
	lost := map[string]decide.Secret{
		"no Secret":         {Finding: proof.Absent},
		"no pair in it":     {Finding: proof.Present, Active: decide.Pair{State: decide.NoPair}, Pending: decide.Pair{State: decide.NoPair}},
		"half a pair in it": {Finding: proof.Present, Active: decide.Pair{State: decide.Incomplete, User: "u2"}, Pending: decide.Pair{State: decide.NoPair}},
	}
	for reason, secret := range lost {
		for _, first := range repairWords {
			for i, second := range repairWords {
				c := decide.Credentials{At: now, SVM: []string{"x"}, Users: [2]string{"u1", "u2"}, Secret: secret, Policy: policy(), Reach: decide.Reachable,
					Accounts: []decide.Account{repairAccount("u1", first), repairAccount("u2", second)}}
				step := decide.NextCredential(c)
				got := map[decide.CredentialAction]string{decide.MakePending: "", decide.CredentialsWait: "w", decide.CredentialsStop: "s"}[step.Action] + step.User[1:]
				if want := repairs[first][i]; got != want {
					t.Errorf("%s, %s and %s: %s %s (%s), want %s", reason, first, second, step.Action, step.User, step.Why, want)
				}
				if step.Action == decide.MakePending && step.Generation <= max(c.Accounts[0].Generation, c.Accounts[1].Generation) {
					t.Errorf("%s, %s and %s: generation %d", reason, first, second, step.Generation)
				}
			}
		}
	}
}

// TestRepairOfAKnownPair: a pair that is known not to work is made anew for its
// own user, whatever the other account is.
func TestRepairOfAKnownPair(t *testing.T) {
	for _, user := range []string{"u1", "u2"} {
		for _, other := range repairWords {
			c := passwords{first: "ours", second: "ours", active: "refused twice", pending: "none", reach: "reachable"}.credentials()
			c.Secret.Active.User = user
			c.Accounts[map[string]int{"u1": 1, "u2": 0}[user]] = repairAccount(map[string]string{"u1": "u2", "u2": "u1"}[user], other)
			if step := decide.NextCredential(c); step.Action != decide.MakePending || step.User != user {
				t.Errorf("%s beside one that is %s: %s %s (%s)", user, other, step.Action, step.User, step.Why)
			}
		}
	}
}

// TestUnwantedPair: over all combinations of what changed since a person wanted
// the pair of u1 replaced, of generation 3.
func TestUnwantedPair(t *testing.T) {
	activated := ago(time.Hour)
	seen := decide.SeenPair{User: "u1", Generation: 3, ActivatedAt: activated}
	for n := range 1 << 5 {
		bit := func(i int) bool { return n>>i&1 == 1 }
		otherUser, numbered, marked, reactivated, startsOver := bit(0), bit(1), bit(2), bit(3), bit(4)
		c := passwords{first: "ours", second: "absent", active: "proven", pending: "none", reach: "reachable"}.credentials()
		c.Unwanted, c.Secret.ActivatedAt = seen, activated
		c.Secret.Active.Generation, c.Accounts[0].Generation = 3, 3
		if numbered {
			c.Secret.Active.Generation = 6
		}
		if marked {
			c.Accounts[0].Generation, c.Secret.Active.Generation = 6, max(c.Secret.Active.Generation, 6)
		}
		if startsOver {
			c.Secret.Active.Generation, c.Accounts[0].Generation = 1, 1
		}
		if reactivated {
			c.Secret.ActivatedAt = ago(time.Minute)
		}
		if otherUser {
			c.Secret.Active.User = "u2"
			c.Accounts[0], c.Accounts[1] = decide.Account{Name: "u1", Finding: proof.Absent}, c.Accounts[0]
			c.Accounts[1].Name = "u2"
		}
		replaced := otherUser || marked && reactivated && !startsOver
		step := decide.NextCredential(c)
		if step.RotationDue == replaced || replaced != (step.Action == decide.CredentialsOK) {
			t.Errorf("other user %v, another number %v, another mark %v, activated anew %v, numbers that start over %v: %s, due %v",
				otherUser, numbered, marked, reactivated, startsOver, step.Action, step.RotationDue)
		}
	}
	for reason, seen := range map[string]decide.SeenPair{"nobody wants it replaced": {}, "of another user": {User: "u2", Generation: 1}} {
		c := passwords{first: "ours", second: "absent", active: "proven", pending: "none", reach: "reachable"}.credentials()
		c.Unwanted = seen
		if step := decide.NextCredential(c); step.RotationDue {
			t.Errorf("%s: it is due", reason)
		}
	}
}

// TestADueRotationIsTold: while the account before the active one stands in the
// way, the pair is verified, and that it is still to be replaced is said.
func TestADueRotationIsTold(t *testing.T) {
	c := passwords{first: "ours", second: "ours", active: "proven", pending: "none", reach: "reachable", due: true}.credentials()
	if step := decide.NextCredential(c); step.Action != decide.CredentialsOK || !step.RotationDue || step.WaitFor == "" {
		t.Errorf("%+v", step)
	}
}
