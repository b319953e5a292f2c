package look

import (
	"slices"
	"testing"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

func TestOtherAccounts(t *testing.T) {
	yes, no := true, false
	account := func(name string, locked *bool) ontap.Account { return ontap.Account{Name: name, Locked: locked} }
	cases := []struct {
		reason   string
		accounts []ontap.Account
		ours     []string
		want     decide.Answer
	}{
		{"none at all", nil, nil, decide.Yes},
		{"a locked vsadmin", []ontap.Account{account("vsadmin", &yes)}, nil, decide.Yes},
		{"a vsadmin that is not locked", []ontap.Account{account("vsadmin", &no)}, nil, decide.No},
		{"a vsadmin whose lock is not told", []ontap.Account{account("vsadmin", nil)}, nil, decide.NotKnown},
		{"another's, locked", []ontap.Account{account("stranger", &yes)}, nil, decide.No},
		{"another's, its lock is not told", []ontap.Account{account("stranger", nil)}, nil, decide.No},
		{"another's is a no, whatever else is not told", []ontap.Account{account("vsadmin", nil), account("stranger", &yes)}, nil, decide.No},
		{"likewise in the other order", []ontap.Account{account("stranger", &yes), account("vsadmin", nil)}, nil, decide.No},
		{"our own, locked or not", []ontap.Account{account("shoot", &yes), account("shoot_2", nil), account("vsadmin", &yes)}, []string{"shoot", "shoot_2"}, decide.Yes},
		{"a name that begins like ours", []ontap.Account{account("shoot_3", &yes)}, []string{"shoot", "shoot_2"}, decide.No},
	}
	for _, c := range cases {
		if got := noOtherAccount(c.accounts, func(a ontap.Account) bool { return slices.Contains(c.ours, a.Name) }); got != c.want {
			t.Errorf("%s: %s, want %s", c.reason, got, c.want)
		}
	}
}
