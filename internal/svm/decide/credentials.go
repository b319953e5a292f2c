package decide

import (
	"time"

	"github.com/seedproof/seedproof/internal/proof"
)

// PairState is what was found of a pair of user and password in a Secret. The
// pair itself never comes here.
type PairState uint8

const (
	PairUnknown PairState = iota
	NoPair
	Incomplete // a field is missing or empty
	Complete
)

func (s PairState) String() string {
	return label("pair", []string{"not known", "none", "incomplete", "complete"}, int(s))
}

// SetState is what became of the request to set a pair's password on the
// account, as noted beside the pair before and after the request.
type SetState uint8

const (
	SetUnknown SetState = iota
	NotSent
	Sent      // noted, then sent; no answer was noted
	Confirmed // the array answered that it is set, or that it is the current one
	RefusedByPolicy
)

func (s SetState) String() string {
	return label("set", []string{"not known", "not sent", "sent, no answer", "confirmed", "refused by the array's policy"}, int(s))
}

// Pair is one pair in the Secret of the seed.
type Pair struct {
	State      PairState
	User       string
	SVM        string // UUID for which it was made; "" where it does not say
	Generation uint64
	Set        SetState
	Login      Login
}

// Secret is the Secret in the seed: the pair that others read, and the one that
// nobody reads yet.
type Secret struct {
	Namespace, Name string // for what a person types
	Finding         proof.Finding
	Active          Pair
	Pending         Pair
	// Previous is the user of the pair before the active one, whose account is
	// still there after a rotation; "" where there is none.
	Previous    string
	ActivatedAt time.Time
	// InUse: a backend became bound with the active pair.
	InUse Answer
	Why   string
}

// AccountOwner is whose an account is, by its mark and by what is known here.
type AccountOwner uint8

const (
	AccountUnknown  AccountOwner = iota // its comment was not read
	AccountOurs                         // this shoot's mark
	AccountForeign                      // another shoot's or owner's mark, or one that cannot be read
	AccountUnmarked                     // no mark, and no other owner known here has that name
	AccountShared                       // no mark, and another owner known here has that name
)

func (o AccountOwner) String() string {
	return label("account", []string{"not known", "ours", "another owner's", "unmarked", "unmarked, and another owner here has that name"}, int(o))
}

// OwnerOfAccount reads whose an account is. Without a mark it is free only where
// it is known that no other owner here has an account of that name.
func (o Owner) OwnerOfAccount(shoot, comment string, otherHasName Answer) AccountOwner {
	owned, mark := o.Read(comment)
	switch {
	case owned == Ours && mark.Shoot == shoot:
		return AccountOurs
	case owned != Unmarked:
		return AccountForeign
	}
	switch otherHasName {
	case No:
		return AccountUnmarked
	case Yes:
		return AccountShared
	}
	return AccountUnknown
}

// Account is one account of the SVM.
type Account struct {
	Name       string
	Finding    proof.Finding
	Owner      AccountOwner
	Locked     Answer
	Generation uint64 // of the password, by its mark
	Ration     Ration // as noted in the Secret
	Why        string
}

// Credentials is everything about the passwords for one shoot.
type Credentials struct {
	At       time.Time
	SVM      []string // UUIDs of the SVM, or of both halves
	Users    [2]string
	Secret   Secret
	Accounts []Account
	Reach    Reach
	// Noted is the highest generation that the record knows of.
	Noted uint64
	// RotationDue: the active pair is old enough. Unwanted is the one that somebody
	// wants replaced, whatever its age.
	RotationDue bool
	Unwanted    SeenPair
	Policy      CredentialPolicy
}

// CredentialPolicy is what was configured.
type CredentialPolicy struct {
	Unlock      bool          // a locked account of ours may be unlocked
	VerifyEvery time.Duration // how long a login proves a pair
	TryEvery    time.Duration // between two logins
	// MaxTries is how many logins may fail in a row, or end unknown; below the
	// five after which an array locks the account.
	MaxTries int
	LockTime time.Duration // how long the array locks an account
	Grace    time.Duration // how long the old account outlives a rotation
}

// CredentialAction is the next step with a password.
type CredentialAction string

const (
	CredentialsWait       CredentialAction = "wait"
	CredentialsStop       CredentialAction = "stop" // for a person
	CheckLogin            CredentialAction = "check-login"
	MakePending           CredentialAction = "make-pending"
	DropPending           CredentialAction = "drop-pending"
	CreateAccount         CredentialAction = "create-account" // with the pending password and our mark
	MarkAccount           CredentialAction = "mark-account"
	SetPassword           CredentialAction = "set-password" // the pending one
	ProvePending          CredentialAction = "prove-pending"
	Activate              CredentialAction = "activate"
	DeliverUnverified     CredentialAction = "deliver-unverified"
	Unlock                CredentialAction = "unlock"
	RemoveOldAccount      CredentialAction = "remove-old-account"
	CredentialsOK         CredentialAction = "verified"
	CredentialsInUse      CredentialAction = "in-use"     // not verified by a login, and a backend is bound with it
	CredentialsUnverified CredentialAction = "unverified" // delivered unverified, nothing has used it yet
)

// CredentialStep is what comes next, and why.
type CredentialStep struct {
	Action     CredentialAction
	User       string
	Generation uint64    // of the pair that is to be made
	WaitFor    string    // named, where it waits
	Until      time.Time // when to look again, where that is known
	// RotationDue: the active pair is to be replaced, which may have to wait.
	RotationDue bool
	Why         string
	Command     string // to type, where a person is needed
}

// Done reports whether there is nothing to do.
func (s CredentialStep) Done() bool { return s.Action == CredentialsOK || s.Action == CredentialsInUse }

// delivered reports whether others may read the active pair: it was proved, now
// or before, or the array confirmed it and the SVM cannot be reached from here.
func (c Credentials) delivered(next CredentialStep) bool {
	if c.Secret.Finding != proof.Present {
		return false
	}
	worth, _ := c.worth(c.Secret.Active)
	provenBefore := worth == worthDoubt && c.Secret.Active.Login.Proven()
	return worth == worthProven || provenBefore || next.Done() || next.Action == CredentialsUnverified
}

// account finds an account; one that was not asked for is Unknown.
func (c Credentials) account(name string) Account {
	for _, a := range c.Accounts {
		if a.Name == name {
			return a
		}
	}
	return Account{Name: name, Why: "it was not asked for"}
}

// worth is what the active pair is good for.
type worth uint8

const (
	worthUnknown worth = iota
	worthNothing       // there is none, or it cannot work: it may be replaced
	worthDoubt         // it may work
	worthProven        // a login within the interval
)

// worth judges the pair. Only what cannot work at all, or was refused twice
// where no lock can explain it, may ever be overwritten.
func (c Credentials) worth(p Pair) (worth, string) {
	switch p.State {
	case PairUnknown:
		return worthUnknown, "the pair could not be read"
	case NoPair:
		return worthNothing, "there is no active pair"
	case Incomplete:
		return worthNothing, "the active pair lacks a field, or one is empty"
	}
	if p.SVM != "" && !c.forThisSVM(p) {
		return worthNothing, "the active pair is of another SVM (" + p.SVM + ")"
	}
	if c.account(p.User).Finding == proof.Absent {
		return worthNothing, "account " + p.User + " of the active pair is not there"
	}
	if p.Login.Disproved(c.Policy) {
		return worthNothing, "the active pair was refused twice, and no lock can explain it"
	}
	switch c.setSince(p) {
	case Confirmed:
		return worthNothing, "the array has confirmed another password for account " + p.User + ", and the old one is dead at once"
	case Sent, SetUnknown:
		return worthDoubt, "another password may have been set on account " + p.User + ": no answer was noted"
	}
	if a := c.account(p.User); a.Owner == AccountOurs && a.Generation > p.Generation {
		// The Secret may have been put back to before a password was set: what it
		// says of logins is as old as it is.
		return worthDoubt, "the mark of account " + p.User + " is of a later generation than the active pair"
	}
	if c.overtaken() {
		return worthDoubt, "account " + c.otherUser() + " bears a later generation than the active pair"
	}
	if p.Login.Fresh(c.At, c.Policy) {
		return worthProven, "the active pair was verified"
	}
	return worthDoubt, "the active pair may work"
}

// isOthers: nothing shows that the pair was ever one for this SVM.
func (c Credentials) isOthers(p Pair) bool {
	return p.State == Complete && p.Generation == 0 && p.SVM == "" && !c.ownName(p.User) && c.account(p.User).Finding == proof.Absent
}

// ownName reports whether it is the name of an account that this shoot has made
// for it. Any other may be in use by somebody: it gets no mark, is not unlocked
// and never removed.
func (c Credentials) ownName(user string) bool { return user == c.Users[0] || user == c.Users[1] }

// overtaken: the other account of this shoot bears a later generation than the
// active pair. The Secret may have been put back to before a rotation.
func (c Credentials) overtaken() bool {
	other := c.account(c.otherUser())
	active := c.Secret.Active
	return active.State == Complete && c.ownName(active.User) && other.Owner == AccountOurs && other.Generation > active.Generation
}

// setSince is what became of a request to set the pending password on the account
// of the active pair: whatever was verified before it is void. A pending pair
// that was refused twice is no reason any more.
func (c Credentials) setSince(p Pair) SetState {
	pending := c.Secret.Pending
	if pending.State != Complete || pending.User != p.User || !c.usable(pending) {
		return NotSent
	}
	return pending.Set
}

func (c Credentials) forThisSVM(p Pair) bool {
	for _, u := range c.SVM {
		if p.SVM == u {
			return true
		}
	}
	return false
}

// usable: the pending pair can still become the active one. One of an earlier
// generation than the account's mark was overtaken.
func (c Credentials) usable(p Pair) bool {
	return p.State == Complete && c.forThisSVM(p) && p.Set != RefusedByPolicy && !p.Login.Disproved(c.Policy) &&
		p.Generation >= c.account(p.User).Generation
}

// nextGeneration is above every one that is known.
func (c Credentials) nextGeneration() uint64 {
	highest := max(c.Noted, c.Secret.Active.Generation, c.Secret.Pending.Generation)
	for _, a := range c.Accounts {
		highest = max(highest, a.Generation)
	}
	return highest + 1
}

// NextCredential is the next step with the password of one shoot.
func NextCredential(c Credentials) CredentialStep {
	step := c.next()
	step.RotationDue = c.rotationDue()
	return step
}

func (c Credentials) next() CredentialStep {
	switch c.Secret.Finding {
	case proof.Unknown:
		return CredentialStep{Action: CredentialsWait, WaitFor: "the Secret", Why: "the Secret could not be read: " + orElse(c.Secret.Why, "no reason is known")}
	case proof.Absent:
		c.Secret = Secret{Finding: proof.Absent, Active: Pair{State: NoPair}, Pending: Pair{State: NoPair}}
	}
	active, why := c.worth(c.Secret.Active)
	if active == worthUnknown || c.Secret.Pending.State == PairUnknown {
		return CredentialStep{Action: CredentialsWait, WaitFor: "the Secret", Why: "the Secret could not be read whole"}
	}
	if c.isOthers(c.Secret.Active) {
		return CredentialStep{Action: CredentialsStop, User: c.Secret.Active.User, Command: "kubectl describe secret --namespace " + c.Secret.Namespace + " " + c.Secret.Name,
			Why: "the Secret holds a pair of user " + c.Secret.Active.User + ", which nobody here made and this SVM does not know: it may be another's, and is not written over"}
	}
	pending := c.Secret.Pending
	mayBeSet := pending.Set == Sent || pending.Set == SetUnknown
	sent := mayBeSet && active == worthDoubt && c.Reach == Reachable // a login tells whether it took
	switch {
	case c.usable(pending) && (active == worthNothing || pending.User != c.Secret.Active.User || sent):
		return c.bringIn(pending, active)
	case active == worthNothing:
		return c.makePending(c.userForRepair(), why)
	case active == worthDoubt:
		return c.check()
	}
	return c.atRest()
}

// userForRepair keeps the user of the pair that is repaired, if it is one of
// the two that this shoot has. Where the pair is lost, whoever uses it may hold it
// still. Within the grace time of a rotation there are two accounts, and the one
// of the earlier generation is the one that nobody needs: the other keeps working
// until the new pair is delivered, and goes in its turn. An account that stands
// alone is repaired in its place.
func (c Credentials) userForRepair() string {
	if a := c.Secret.Active; a.State == Complete && c.ownName(a.User) {
		return a.User
	}
	first, second := c.account(c.Users[0]), c.account(c.Users[1])
	if first.Finding != proof.Present || first.Owner != AccountOurs {
		return first.Name // which is made anew, taken over, or in the way
	}
	takes := second.Owner == AccountOurs || second.Owner == AccountUnmarked
	switch {
	case second.Finding == proof.Unknown, second.Finding == proof.Present && second.Owner == AccountUnknown:
		return second.Name // it is waited for: which of the two is in use is not known
	case second.Finding == proof.Present && takes && second.Generation < first.Generation:
		return second.Name
	}
	return first.Name
}

// otherUser is the one in turn.
func (c Credentials) otherUser() string {
	if c.Secret.Active.User == c.Users[0] {
		return c.Users[1]
	}
	return c.Users[0]
}

// makePending: no password is made for an account that will never get it.
func (c Credentials) makePending(user, why string) CredentialStep {
	if step, refused := c.refuse(c.account(user)); refused {
		return step
	}
	return CredentialStep{Action: MakePending, User: user, Generation: c.nextGeneration(), Why: why + ": a new pair is written aside first"}
}

// refuse: who gets no password from us.
func (c Credentials) refuse(a Account) (CredentialStep, bool) {
	switch {
	case a.Finding == proof.Absent:
		return CredentialStep{}, false
	case a.Finding != proof.Present || a.Owner == AccountUnknown:
		return CredentialStep{Action: CredentialsWait, User: a.Name, WaitFor: "account " + a.Name,
			Why: "account " + a.Name + " could not be read: " + orElse(a.Why, "no reason is known")}, true
	case a.Owner == AccountForeign || a.Owner == AccountShared:
		return CredentialStep{Action: CredentialsStop, User: a.Name, Command: "security login show -user-or-group-name " + a.Name,
			Why: "account " + a.Name + " is " + a.Owner.String() + ": it gets no password from us"}, true
	}
	return CredentialStep{}, false
}
