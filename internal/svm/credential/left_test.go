package credential_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/credential"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

var leftRef = seed.SecretRef{Namespace: "n", Name: "s"}

func leftInput(change func(*credential.LeftInput)) credential.LeftInput {
	in := credential.LeftInput{SVM: []string{"x"}, Owner: owner, Shoot: shoot, Noted: true, Wanted: []string{"stays"},
		Note: seed.ShootNote{Shoot: shoot, Secrets: []seed.SecretRef{leftRef}, Accounts: []string{first}, Generation: 2}}
	change(&in)
	return in
}

func TestWhatAccountsAShootLeft(t *testing.T) {
	t.Parallel()
	stranger := decide.Owner{Garden: "garden", Project: "p2"}
	named := func(name, comment string) ontap.Account { return ontap.Account{Name: name, Comment: comment} }
	ours := func(name string, generation uint64) decide.Left {
		return decide.Left{Name: name, Finding: proof.Present, Holding: decide.HoldingOurs, Generation: generation}
	}
	doubtful := func(name string) decide.Left {
		return decide.Left{Name: name, Finding: proof.Present, Holding: decide.HoldingDoubtful}
	}
	for _, c := range []struct {
		reason   string
		accounts []ontap.Account
		err      error
		want     []decide.Left // Why is looked at by itself
	}{
		{"a list that could not be read shows nothing", nil, errors.New("no route"), []decide.Left{{Name: "the list of the accounts"}}},
		{"a list that broke off shows nothing either", []ontap.Account{named(first, markOf(owner, shoot, 1))}, errors.New("broke off"), []decide.Left{{Name: "the list of the accounts"}}},
		{"one that was asked for and is not there", []ontap.Account{named("vsadmin", "")}, nil, []decide.Left{{Name: first, Finding: proof.Absent}}},
		{"our mark, and its generation", []ontap.Account{named(first, markOf(owner, shoot, 7))}, nil, []decide.Left{ours(first, 7)}},
		{"one that nobody noted, and bears the mark", []ontap.Account{named(first, markOf(owner, shoot, 1)), named("renamed", markOf(owner, shoot, 2))}, nil, []decide.Left{ours(first, 1), ours("renamed", 2)}},
		{"one that nobody noted, and bears none", []ontap.Account{named(second, "by hand")}, nil, []decide.Left{{Name: first, Finding: proof.Absent}}},
		{"one that was noted, and bears no mark any more", []ontap.Account{named(first, "by hand")}, nil, []decide.Left{doubtful(first)}},
		{"another owner's mark", []ontap.Account{named(first, markOf(stranger, shoot, 1))}, nil, []decide.Left{doubtful(first)}},
		{"a mark beside another owner's", []ontap.Account{named(first, markOf(owner, shoot, 1)+markOf(stranger, shoot, 1))}, nil, []decide.Left{doubtful(first)}},
		{"a damaged mark", []ontap.Account{named(first, "[seedproof/1 o=")}, nil, []decide.Left{doubtful(first)}},
		{"the mark of a shoot that nobody asks for here", []ontap.Account{named(first, markOf(owner, "elsewhere", 1))}, nil, []decide.Left{doubtful(first)}},
		{"the mark of a shoot that stays, and has the name now", []ontap.Account{named(first, markOf(owner, "stays", 1))}, nil, []decide.Left{{Name: first, Finding: proof.Present, Holding: decide.HoldingOthers}}},
	} {
		got := credential.Left(leftInput(func(in *credential.LeftInput) { in.Accounts, in.AccountsErr = c.accounts, c.err }))
		for i, l := range got.Accounts {
			silent := l.Finding == proof.Unknown || l.Holding == decide.HoldingDoubtful
			if silent != (l.Why != "") {
				t.Errorf("%s: it says %q", c.reason, l.Why)
			}
			got.Accounts[i].Why = ""
		}
		if !slices.Equal(got.Accounts, c.want) {
			t.Errorf("%s: %+v, want %+v", c.reason, got.Accounts, c.want)
		}
	}
}

func TestWhatSecretsAShootLeft(t *testing.T) {
	t.Parallel()
	ourLabels := map[string]string{seed.LabelKind: seed.KindCredentials, seed.LabelManagedBy: seed.ManagedBy}
	theirLabels := map[string]string{seed.LabelKind: seed.KindCredentials, seed.LabelManagedBy: "gardener"}
	unsealed, elsewhere := pairOf(first, 0), pairOf(first, 5)
	unsealed.SVM, elsewhere.SVM = "", "y"
	for _, c := range []struct {
		reason   string
		secret   seed.Secret
		shared   bool // a shoot that stays has it, too
		want     decide.Holding
		finding  proof.Finding
		givenOut uint64
	}{
		{"not read", seed.Secret{Why: "no route"}, false, decide.HoldingUnknown, proof.Unknown, 2},
		{"not there", seed.Secret{Finding: proof.Absent}, false, decide.HoldingUnknown, proof.Absent, 2},
		{"a pair of this SVM", seed.Secret{Finding: proof.Present, Labels: ourLabels, Active: pairOf(first, 5)}, false, decide.HoldingOurs, proof.Present, 5},
		{"a pending pair of this SVM", seed.Secret{Finding: proof.Present, Labels: ourLabels, Pending: pairOf(first, 6)}, false, decide.HoldingOurs, proof.Present, 6},
		{"no pair at all any more", seed.Secret{Finding: proof.Present, Labels: ourLabels}, false, decide.HoldingOurs, proof.Present, 2},
		{"whoever took our label away: the pair was written here", seed.Secret{Finding: proof.Present, Active: pairOf(first, 5)}, false, decide.HoldingOurs, proof.Present, 5},
		{"of a shoot that stays", seed.Secret{Finding: proof.Present, Labels: ourLabels, Active: pairOf(first, 5)}, true, decide.HoldingOthers, proof.Present, 2},
		{"nothing in it was written here", seed.Secret{Finding: proof.Present, Active: unsealed}, false, decide.HoldingOthers, proof.Present, 2},
		{"a pair of another SVM", seed.Secret{Finding: proof.Present, Labels: ourLabels, Active: elsewhere}, false, decide.HoldingDoubtful, proof.Present, 2},
		{"a pending pair of another SVM", seed.Secret{Finding: proof.Present, Labels: ourLabels, Active: pairOf(first, 5), Pending: elsewhere}, false, decide.HoldingDoubtful, proof.Present, 2},
		{"a pair that others wrote into our Secret", seed.Secret{Finding: proof.Present, Labels: ourLabels, Active: unsealed}, false, decide.HoldingDoubtful, proof.Present, 2},
		{"a pair that others wrote into their own, and ours beside it", seed.Secret{Finding: proof.Present, Labels: theirLabels, Active: unsealed, Pending: pairOf(second, 3)}, false, decide.HoldingOurs, proof.Present, 3},
		{"what was noted of it is lost", seed.Secret{Finding: proof.Present, Labels: ourLabels, Damaged: true, Active: unsealed}, false, decide.HoldingDoubtful, proof.Present, 2},
	} {
		got := credential.Left(leftInput(func(in *credential.LeftInput) {
			c.secret.Ref = leftRef
			in.Secrets = []seed.Secret{c.secret}
			if c.shared {
				in.WantedSecrets = []seed.SecretRef{leftRef}
			}
		}))
		l := got.Secrets[0]
		if l.Name != "n/s" || l.Finding != c.finding || l.Holding != c.want || got.GivenOut != c.givenOut {
			t.Errorf("%s: %+v, %d given out; want %s, %d", c.reason, l, got.GivenOut, c.want, c.givenOut)
		}
		if (l.Holding == decide.HoldingDoubtful) != (l.Why != "") && l.Finding == proof.Present {
			t.Errorf("%s: it says %q", c.reason, l.Why)
		}
	}
}

// The account that the shoot has moved away with is not given out here any more.
func TestAnAccountThatAnotherSeedHasTakenOver(t *testing.T) {
	t.Parallel()
	for generation, want := range map[uint64]decide.LeaveAction{2: decide.LeaveAccounts, 3: decide.LeaveStop} {
		l := credential.Left(leftInput(func(in *credential.LeftInput) {
			in.Accounts = []ontap.Account{{Name: first, Comment: markOf(owner, shoot, generation)}}
			in.Secrets = []seed.Secret{{Ref: leftRef, Finding: proof.Absent}}
		}))
		if step := decide.NextLeave(l); step.Action != want {
			t.Errorf("generation %d: %s (%s), want %s", generation, step.Action, step.Why, want)
		}
	}
}
