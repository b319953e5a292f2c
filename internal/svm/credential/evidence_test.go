package credential_test

import (
	"errors"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/credential"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func markOf(o decide.Owner, shoot string, generation uint64) string {
	return decide.Mark{Owner: o, Shoot: shoot, Attempt: 1, Nonce: svmNonce, Credentials: generation}.String()
}

func pairOf(user string, generation uint64) seed.Pair {
	return seed.Pair{User: user, Password: secretOf("some9password"), SVM: "x", Generation: generation, Set: decide.Confirmed}
}

func TestWhoseAnAccountIs(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	stranger := decide.Owner{Garden: "garden", Project: "p2"}
	listed := func(comment string, locked *bool) []ontap.Account {
		return []ontap.Account{{Name: "vsadmin"}, {Name: first, Comment: comment, Locked: locked}}
	}
	cases := []struct {
		reason   string
		accounts []ontap.Account
		err      error
		others   []string
		known    bool
		want     decide.Account
	}{
		{"a list that could not be read shows nothing", nil, errors.New("no route"), nil, true, decide.Account{}},
		{"a list that broke off shows nothing either", listed("", nil), errors.New("broke off"), nil, true, decide.Account{}},
		{"a whole list that lacks it", []ontap.Account{{Name: "vsadmin"}}, nil, nil, true, decide.Account{Finding: proof.Absent}},
		{"our mark, and its generation", listed(markOf(owner, shoot, 7), &no), nil, nil, false, decide.Account{Finding: proof.Present, Owner: decide.AccountOurs, Locked: decide.No, Generation: 7}},
		{"our mark among other words", listed("by hand "+markOf(owner, shoot, 7)+" keep", &yes), nil, nil, false, decide.Account{Finding: proof.Present, Owner: decide.AccountOurs, Locked: decide.Yes, Generation: 7}},
		{"another shoot of this owner", listed(markOf(owner, "other", 7), nil), nil, nil, true, decide.Account{Finding: proof.Present, Owner: decide.AccountForeign}},
		{"another owner", listed(markOf(stranger, shoot, 7), nil), nil, nil, true, decide.Account{Finding: proof.Present, Owner: decide.AccountForeign}},
		{"two marks are nobody's", listed(markOf(owner, shoot, 7)+markOf(owner, shoot, 8), nil), nil, nil, true, decide.Account{Finding: proof.Present, Owner: decide.AccountForeign}},
		{"no mark, and nobody else has it", listed("by hand", nil), nil, []string{neighbour}, true, decide.Account{Finding: proof.Present, Owner: decide.AccountUnmarked}},
		{"no mark, and another here has it", listed("", nil), nil, []string{first}, true, decide.Account{Finding: proof.Present, Owner: decide.AccountShared}},
		{"no mark, and who else is here is not known", listed("", nil), nil, nil, false, decide.Account{Finding: proof.Present, Owner: decide.AccountUnknown}},
	}
	for _, c := range cases {
		got := credential.Evidence(credential.Input{Owner: owner, Shoot: shoot, Accounts: c.accounts, AccountsErr: c.err, Others: c.others, OthersKnown: c.known}).Accounts[0]
		if c.want.Name, c.want.Why = first, got.Why; got != c.want {
			t.Errorf("%s: %+v, want %+v", c.reason, got, c.want)
		}
		if c.err != nil && got.Why != c.err.Error() {
			t.Errorf("%s: it does not say why: %q", c.reason, got.Why)
		}
	}
}

func TestWhatASecretSays(t *testing.T) {
	t.Parallel()
	whole := seed.Secret{Finding: proof.Present, Active: pairOf(first, 3), Pending: pairOf(second, 4), Previous: "legacy", ActivatedAt: at.Add(-time.Hour),
		InUseGeneration: 3, Rations: map[string]decide.Ration{first: {Tries: 2, LastTry: at}}}
	cases := []struct {
		reason string
		change func(*credential.Input)
		want   func(*decide.Credentials) bool
	}{
		{"whole", func(*credential.Input) {}, func(c *decide.Credentials) bool {
			return c.Secret.Active.State == decide.Complete && c.Secret.Pending.User == second && c.Secret.InUse == decide.Yes && !c.RotationDue && c.Secret.Previous == "legacy"
		}},
		{"every account that it names is reported, with its count", func(*credential.Input) {}, func(c *decide.Credentials) bool {
			return len(c.Accounts) == 3 && c.Accounts[0].Ration.Tries == 2 && c.Accounts[2].Name == "legacy"
		}},
		{"not read: nothing of it counts", func(in *credential.Input) { in.Secret.Finding = proof.Unknown }, func(c *decide.Credentials) bool {
			return c.Secret.Finding == proof.Unknown && c.Secret.Active == decide.Pair{} && !c.RotationDue
		}},
		{"no user", func(in *credential.Input) { in.Secret.Active.User = "" }, func(c *decide.Credentials) bool { return c.Secret.Active.State == decide.Incomplete }},
		{"an empty password", func(in *credential.Input) { in.Secret.Active.Password = secretOf("") }, func(c *decide.Credentials) bool { return c.Secret.Active.State == decide.Incomplete }},
		{"in use by the pair before", func(in *credential.Input) { in.Secret.InUseGeneration = 2 }, func(c *decide.Credentials) bool { return c.Secret.InUse == decide.No }},
		{"no note of use", func(in *credential.Input) { in.Secret.InUseGeneration = 0 }, func(c *decide.Credentials) bool { return c.Secret.InUse == decide.NotKnown }},
		{"no note of use, and no generation: the two zeros are no match", func(in *credential.Input) { in.Secret.InUseGeneration, in.Secret.Active.Generation = 0, 0 }, func(c *decide.Credentials) bool { return c.Secret.InUse == decide.NotKnown }},
		{"a rotation by age", func(in *credential.Input) { in.RotateEvery = time.Hour }, func(c *decide.Credentials) bool { return c.RotationDue }},
		{"not old enough", func(in *credential.Input) { in.RotateEvery = time.Hour + 1 }, func(c *decide.Credentials) bool { return !c.RotationDue }},
		{"an age that is not known", func(in *credential.Input) { in.RotateEvery, in.Secret.ActivatedAt = time.Hour, time.Time{} }, func(c *decide.Credentials) bool { return !c.RotationDue }},
		{"a person's wish", func(in *credential.Input) { in.Unwanted = credential.Seen(in.Secret) }, func(c *decide.Credentials) bool {
			return !c.RotationDue && c.Unwanted == decide.SeenPair{User: first, Generation: 3, ActivatedAt: at.Add(-time.Hour)} && decide.NextCredential(*c).RotationDue
		}},
		{"a wish that was fulfilled", func(in *credential.Input) { in.Unwanted = decide.SeenPair{User: second, Generation: 2} }, func(c *decide.Credentials) bool { return !decide.NextCredential(*c).RotationDue }},
		{"a pair that has no generation is numbered first", func(in *credential.Input) {
			in.RotateEvery, in.Unwanted, in.Secret.Active.Generation = time.Hour, decide.SeenPair{User: first, Generation: 2}, 0
		}, func(c *decide.Credentials) bool { return !decide.NextCredential(*c).RotationDue }},
	}
	for _, c := range cases {
		in := credential.Input{At: at, SVM: []string{"x"}, Owner: owner, Shoot: shoot, Secret: whole}
		c.change(&in)
		if got := credential.Evidence(in); !c.want(&got) {
			t.Errorf("%s: %+v", c.reason, got)
		}
	}
}
