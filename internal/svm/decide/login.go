package decide

import "time"

// Login is what is known of logins with one pair.
type Login struct {
	VerifiedAt time.Time // the last that succeeded
	// FirstRefused and LastRefused are the first and the last real refusal since
	// then. No connection is no refusal.
	FirstRefused time.Time
	LastRefused  time.Time
	Unlocked     time.Time // the account was unlocked by us, last
}

// Ration counts the logins to one account, whichever pair they were tried with:
// it is the account that the array locks. Each is counted before it is tried,
// so that one whose outcome was lost counts too.
type Ration struct {
	Tries   int // since the last that succeeded, or since we unlocked it
	LastTry time.Time
}

// Proven reports whether a login succeeded, and none was refused since.
func (l Login) Proven() bool { return !l.VerifiedAt.IsZero() && !l.LastRefused.After(l.VerifiedAt) }

// Fresh reports whether it was proven within the interval. A time ahead of the clock proves nothing.
func (l Login) Fresh(at time.Time, p CredentialPolicy) bool {
	return l.Proven() && !l.VerifiedAt.After(at) && at.Sub(l.VerifiedAt) < p.VerifyEvery
}

// refused: there was a refusal that no later login has made void.
func (l Login) refused() bool { return !l.FirstRefused.IsZero() && !l.Proven() }

// Disproved reports whether it was refused twice, and no lock can explain the second: the account was
// unlocked in between, or a full lock time went by. A lock may not show.
func (l Login) Disproved(p CredentialPolicy) bool {
	if !l.refused() || !l.LastRefused.After(l.FirstRefused) {
		return false
	}
	unlocked := l.Unlocked.After(l.FirstRefused) && l.LastRefused.After(l.Unlocked)
	return unlocked || p.LockTime > 0 && l.LastRefused.Sub(l.FirstRefused) >= p.LockTime
}

// next is when the next login may be tried. After too many tries one is left
// per lock time: the array must never have a reason to lock the account.
func (r Ration) next(p CredentialPolicy) time.Time {
	if r.LastTry.IsZero() {
		return time.Time{}
	}
	if r.Tries >= p.MaxTries {
		return r.LastTry.Add(max(p.LockTime, p.TryEvery))
	}
	return r.LastTry.Add(p.TryEvery)
}

// try is a login, or the wait until it is allowed. After a first refusal the
// second only counts once no lock can explain it.
func (c Credentials) try(action CredentialAction, p Pair) CredentialStep {
	account := c.account(p.User)
	if account.Locked == Yes || p.Login.refused() && !p.Login.Unlocked.After(p.Login.FirstRefused) {
		if step, needed := c.unlock(p, account); needed {
			return step
		}
	}
	next := account.Ration.next(c.Policy)
	if p.Login.refused() && !p.Login.Unlocked.After(p.Login.FirstRefused) {
		if lock := p.Login.FirstRefused.Add(c.Policy.LockTime); lock.After(next) {
			next = lock
		}
	}
	if next.After(c.At) {
		return CredentialStep{Action: CredentialsWait, User: p.User, WaitFor: "the next login that is allowed", Until: next,
			Why: "logins are rationed, so that the array does not lock account " + p.User}
	}
	step := CredentialStep{Action: action, User: p.User, Why: "a login shows whether the pair works"}
	if action == CheckLogin && c.overtaken() {
		// Where it works it is numbered anew, above the other account: who uses
		// which is to be noted again before one of the two goes.
		step.Generation = c.nextGeneration()
	}
	return step
}

// unlock frees our own account, where that is allowed: one that shows a lock,
// and one that was refused and may have a lock that does not show.
func (c Credentials) unlock(p Pair, a Account) (CredentialStep, bool) {
	mayUnlock := c.Policy.Unlock && a.Owner == AccountOurs && c.ownName(a.Name)
	switch {
	case !mayUnlock && a.Locked == Yes:
		return CredentialStep{Action: CredentialsStop, User: a.Name, Command: "security login unlock -username " + a.Name,
			Why: "account " + a.Name + " is locked, and unlocking it is not allowed by the policy"}, true
	case !mayUnlock:
		return CredentialStep{}, false
	}
	if next := p.Login.Unlocked.Add(c.Policy.TryEvery); !p.Login.Unlocked.IsZero() && next.After(c.At) {
		return CredentialStep{Action: CredentialsWait, User: a.Name, WaitFor: "account " + a.Name + " to stay unlocked", Until: next,
			Why: "account " + a.Name + " was unlocked a moment ago, and is locked again: somebody uses a wrong password"}, true
	}
	return CredentialStep{Action: Unlock, User: a.Name, Why: "account " + a.Name + " is locked, or may be without showing it"}, true
}
