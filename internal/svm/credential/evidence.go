package credential

import (
	"slices"
	"time"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// Input is everything that was read about the password of one shoot.
type Input struct {
	At    time.Time
	SVM   []string // UUIDs of the SVM, or of both halves
	Owner decide.Owner
	Shoot string
	// Secret as it was read; Unknown where it was not.
	Secret seed.Secret
	// Accounts are all of the SVM, from one listing that was read whole, else
	// AccountsErr says why not.
	Accounts    []ontap.Account
	AccountsErr error
	// Others are the names of the accounts that other shoots and owners known
	// here have on this SVM; they are all known only where OthersKnown.
	Others      []string
	OthersKnown bool
	Reach       decide.Reach
	// Noted is the highest generation of a password that the record knows of.
	Noted uint64
	// RotateEvery is how old a password becomes, zero for ever. Unwanted is the pair
	// that a person wants replaced, zero for none.
	RotateEvery time.Duration
	Unwanted    decide.SeenPair
	Policy      decide.CredentialPolicy
}

// Evidence puts what was read into the words of package decide. It is pure. What
// was not read stays not known.
func Evidence(in Input) decide.Credentials {
	c := decide.Credentials{
		At: in.At, SVM: slices.Clone(in.SVM), Users: Users(in.Shoot), Secret: in.secret(), Reach: in.Reach, Noted: in.Noted,
		RotationDue: in.tooOld(), Unwanted: in.Unwanted, Policy: in.Policy,
	}
	for _, name := range in.names() {
		c.Accounts = append(c.Accounts, in.account(name))
	}
	return c
}

// names are those of the accounts that matter: the two of the shoot, and those
// that the Secret names, which may be others where it was taken over.
func (in Input) names() []string {
	users := Users(in.Shoot)
	var names []string
	for _, name := range append(users[:], in.Secret.Active.User, in.Secret.Pending.User, in.Secret.Previous) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (in Input) account(name string) decide.Account {
	a := decide.Account{Name: name, Ration: in.Secret.Rations[name]}
	if in.AccountsErr != nil {
		a.Why = in.AccountsErr.Error()
		return a
	}
	at := slices.IndexFunc(in.Accounts, func(o ontap.Account) bool { return o.Name == name })
	if at < 0 {
		a.Finding = proof.Absent
		return a
	}
	found := in.Accounts[at]
	a.Finding, a.Locked = proof.Present, locked(found)
	a.Owner = in.Owner.OwnerOfAccount(in.Shoot, found.Comment, in.otherHas(name))
	if a.Owner == decide.AccountOurs {
		_, mark := in.Owner.Read(found.Comment)
		a.Generation = mark.Credentials
	}
	return a
}

func locked(a ontap.Account) decide.Answer {
	switch {
	case a.Locked == nil:
		return decide.NotKnown
	case *a.Locked:
		return decide.Yes
	}
	return decide.No
}

func (in Input) otherHas(name string) decide.Answer {
	switch {
	case slices.Contains(in.Others, name):
		return decide.Yes
	case in.OthersKnown:
		return decide.No
	}
	return decide.NotKnown
}

func (in Input) secret() decide.Secret {
	s := in.Secret
	d := decide.Secret{Namespace: s.Ref.Namespace, Name: s.Ref.Name, Finding: s.Finding, Why: s.Why}
	if s.Finding != proof.Present {
		return d
	}
	d.Active, d.Pending = pairOf(s.Active), pairOf(s.Pending)
	d.Previous, d.ActivatedAt, d.InUse = s.Previous, s.ActivatedAt, inUse(s)
	return d
}

// inUse: generation zero is that of a pair which nobody has numbered, and of a
// note that nobody has written. The two prove nothing of each other.
func inUse(s seed.Secret) decide.Answer {
	switch {
	case s.Active.Generation == 0 || s.InUseGeneration == 0:
		return decide.NotKnown
	case s.InUseGeneration == s.Active.Generation:
		return decide.Yes
	}
	return decide.No
}

func pairOf(p seed.Pair) decide.Pair {
	return decide.Pair{State: p.State(), User: p.User, SVM: p.SVM, Generation: p.Generation, Set: p.Set, Login: p.Login}
}

// tooOld: a password whose age is not known is given one when it is taken over
// (see adopt), and is not due before.
func (in Input) tooOld() bool {
	s := in.Secret
	if s.Finding != proof.Present || s.Active.Generation == 0 {
		return false
	}
	return in.RotateEvery > 0 && !s.ActivatedAt.IsZero() && in.At.Sub(s.ActivatedAt) >= in.RotateEvery
}

// Seen is the active pair of a Secret, for whoever wants it replaced.
func Seen(s seed.Secret) decide.SeenPair {
	return decide.SeenPair{User: s.Active.User, Generation: s.Active.Generation, ActivatedAt: s.ActivatedAt}
}
