package decide

import (
	"time"

	"github.com/seedproof/seedproof/internal/proof"
)

// SeenPair is an active pair as it stood in the Secret when somebody looked.
type SeenPair struct {
	User        string
	Generation  uint64
	ActivatedAt time.Time // zero where the Secret does not say
}

// rotationDue: the active pair is old enough, or somebody wants it replaced, and
// it is the active one still.
func (c Credentials) rotationDue() bool { return c.RotationDue || c.stillActive(c.Unwanted) }

// stillActive: no other pair has become the active one since that one was seen.
// Its number says little: it may rise without a new password, and begin anew with
// one. So does the time of its activation. But the mark of an account only rises
// for a new password. A pair of the same user is another one where all three say
// so; where one of them does not, it may be replaced once too often, and is never
// taken for replaced while it is not.
func (c Credentials) stillActive(seen SeenPair) bool {
	active := c.Secret.Active
	if seen.User == "" || active.State != Complete || active.Generation == 0 || active.User != seen.User {
		return false
	}
	later := seen.Generation > 0 && active.Generation > seen.Generation && c.account(active.User).Generation > seen.Generation
	return !later || c.Secret.ActivatedAt.Equal(seen.ActivatedAt)
}

// bringIn takes a pending pair one step further: on the account, proved, moved
// to where others read it.
func (c Credentials) bringIn(p Pair, active worth) CredentialStep {
	account := c.account(p.User)
	if step, refused := c.refuse(account); refused {
		return step
	}
	switch {
	case account.Finding == proof.Absent:
		return CredentialStep{Action: CreateAccount, User: p.User, Why: "account " + p.User + " is not there"}
	case account.Owner == AccountUnmarked:
		return c.mark(p.User)
	case p.Login.Fresh(c.At, c.Policy):
		return CredentialStep{Action: Activate, User: p.User, Why: "a login has proved the pending pair"}
	case p.Set == NotSent:
		return CredentialStep{Action: SetPassword, User: p.User, Why: "the pending password is not on the account yet"}
	}
	return c.prove(p, active)
}

// prove: the look after a request to set the password. Where its answer was
// lost and no login can be tried, the same password is sent again, which
// changes nothing where it took.
func (c Credentials) prove(p Pair, active worth) CredentialStep {
	switch {
	case c.Reach == Reachable:
		return c.try(ProvePending, p)
	case p.Set == Sent && c.Reach != ReachUnknown:
		return CredentialStep{Action: SetPassword, User: p.User, Why: "the answer to the request was lost, and no login can be tried: the same password again"}
	case c.Reach == Unreachable && p.Set == Confirmed && !p.Login.refused() && active == worthNothing:
		return CredentialStep{Action: DeliverUnverified, User: p.User,
			Why: "the array has confirmed the pair, and the SVM cannot be reached from here: a backend that becomes bound will be the proof"}
	}
	return CredentialStep{Action: CredentialsWait, User: p.User, WaitFor: "the management interface", Why: "the pending pair cannot be proved: " + c.Reach.String()}
}

// check looks whether the active pair works.
func (c Credentials) check() CredentialStep {
	p := c.Secret.Active
	if step, refused := c.refuse(c.account(p.User)); refused {
		return step
	}
	if c.account(p.User).Owner == AccountUnmarked && c.ownName(p.User) {
		return c.mark(p.User)
	}
	if c.Reach == Reachable {
		return c.try(CheckLogin, p)
	}
	if c.Reach == Unreachable && !p.Login.refused() {
		if c.Secret.InUse == Yes {
			return CredentialStep{Action: CredentialsInUse, User: p.User, Why: "it cannot be verified from here, and a backend is bound with it"}
		}
		return CredentialStep{Action: CredentialsUnverified, User: p.User, WaitFor: "a backend to become bound",
			Why: "it cannot be verified from here, and no backend is bound with it yet"}
	}
	return CredentialStep{Action: CredentialsWait, User: p.User, WaitFor: "the management interface", Why: "the active pair cannot be verified: " + c.Reach.String()}
}

// atRest: the active pair is proven. An older account of ours goes once the
// active pair is in use and the grace time has passed; until it is gone, no
// rotation begins, which would need its name.
func (c Credentials) atRest() CredentialStep {
	active := c.Secret.Active
	if step, refused := c.refuse(c.account(active.User)); refused {
		return step
	}
	account := c.account(active.User)
	if account.Owner == AccountUnmarked && c.ownName(active.User) {
		return c.mark(active.User)
	}
	if account.Locked == Yes {
		step, _ := c.unlock(active, account)
		return step
	}
	if other := c.account(c.otherUser()); other.Finding == proof.Unknown && c.Secret.Pending.State != NoPair {
		step, _ := c.refuse(other) // it may bear a later generation than the active pair
		return step
	}
	if pending := c.Secret.Pending; pending.State != NoPair {
		return CredentialStep{Action: DropPending, User: pending.User, Why: "the active pair was verified, and the pending one is not needed"}
	}
	if old, found := c.oldAccount(); found {
		return c.removeOld(old)
	}
	if c.rotationDue() {
		return c.makePending(c.otherUser(), "a rotation is due")
	}
	return c.verified()
}

func (c Credentials) verified() CredentialStep {
	p := c.Secret.Active
	return CredentialStep{Action: CredentialsOK, User: p.User, Why: "verified at " + p.Login.VerifiedAt.UTC().Format(time.RFC3339)}
}

// oldAccount is one of ours beside that of the active pair, and not of a later
// generation. What could not be read, or is another's, is none of ours.
func (c Credentials) oldAccount() (Account, bool) {
	for _, name := range []string{c.Secret.Previous, c.otherUser()} {
		a := c.account(name)
		mayGo := c.ownName(name) && name != c.Secret.Active.User && a.Generation <= c.Secret.Active.Generation
		if mayGo && a.Finding == proof.Present && a.Owner == AccountOurs {
			return a, true
		}
	}
	return Account{}, false
}

func (c Credentials) removeOld(old Account) CredentialStep {
	since, step := c.Secret.ActivatedAt, c.verified()
	switch end := since.Add(c.Policy.Grace); {
	case c.Secret.InUse != Yes:
		step.WaitFor = "the pair of " + c.Secret.Active.User + " to be in use, before account " + old.Name + " goes"
		return step
	case since.IsZero() || end.After(c.At):
		step.WaitFor, step.Until = "the grace time of account "+old.Name, end
		return step
	}
	return CredentialStep{Action: RemoveOldAccount, User: old.Name, Why: "the pair of " + c.Secret.Active.User + " is in use, and the grace time has passed"}
}

func (c Credentials) mark(user string) CredentialStep {
	return CredentialStep{Action: MarkAccount, User: user, Why: "account " + user + " bears no mark, and no other owner here has that name"}
}
