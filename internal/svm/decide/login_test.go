package decide_test

import (
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// TestDisproved: when a refusal counts.
func TestDisproved(t *testing.T) {
	p := policy()
	at := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
	for _, c := range []struct {
		reason string
		l      decide.Login
		want   bool
	}{
		{"never refused", decide.Login{}, false},
		{"once", decide.Login{FirstRefused: at(0), LastRefused: at(0)}, false},
		{"twice in a row: a lock may explain the second", decide.Login{FirstRefused: at(0), LastRefused: at(5)}, false},
		{"twice, unlocked in between", decide.Login{FirstRefused: at(0), Unlocked: at(2), LastRefused: at(5)}, true},
		{"twice, unlocked before both", decide.Login{Unlocked: at(-2), FirstRefused: at(0), LastRefused: at(5)}, false},
		{"twice, unlocked after both", decide.Login{FirstRefused: at(0), LastRefused: at(5), Unlocked: at(6)}, false},
		{"twice, a full lock time apart", decide.Login{FirstRefused: at(0), LastRefused: at(60)}, true},
		{"twice, a minute less", decide.Login{FirstRefused: at(0), LastRefused: at(59)}, false},
		{"then a login succeeded", decide.Login{FirstRefused: at(0), LastRefused: at(60), VerifiedAt: at(61)}, false},
		{"one succeeded before both", decide.Login{VerifiedAt: at(-1), FirstRefused: at(0), LastRefused: at(60)}, true},
	} {
		if got := c.l.Disproved(p); got != c.want {
			t.Errorf("%s: %v", c.reason, got)
		}
	}
	p.LockTime = 0
	if (decide.Login{FirstRefused: at(0), LastRefused: at(600)}).Disproved(p) {
		t.Error("where the lock time is not known, none has gone by")
	}
}

// TestRation: after too many tries one is left per lock time.
func TestRation(t *testing.T) {
	p := passwords{first: "ours", second: "absent", active: "stale", pending: "none", reach: "reachable"}
	for _, c := range []struct {
		reason string
		tries  int
		last   time.Duration
		want   decide.CredentialAction
	}{
		{"none yet", 0, 48 * time.Hour, decide.CheckLogin},
		{"one, a moment ago", 1, 30 * time.Second, decide.CredentialsWait},
		{"one, two minutes ago", 1, 2 * time.Minute, decide.CheckLogin},
		{"the last of the ration, two minutes ago", 3, 2 * time.Minute, decide.CredentialsWait},
		{"the last of the ration, a lock time ago", 3, time.Hour, decide.CheckLogin},
		{"a try that lies in the future", 1, -time.Hour, decide.CredentialsWait},
	} {
		e := p.credentials()
		e.Accounts[0].Ration = decide.Ration{Tries: c.tries, LastTry: ago(c.last)}
		if s := decide.NextCredential(e); s.Action != c.want || (s.Action == decide.CredentialsWait) == s.Until.IsZero() {
			t.Errorf("%s: %+v, want %s", c.reason, s, c.want)
		}
	}
	e := p.credentials()
	e.Secret.Active.Login.VerifiedAt = now.Add(time.Minute)
	if s := decide.NextCredential(e); s.Action == decide.CredentialsOK {
		t.Error("a login in the future proves something")
	}
}

// TestOldAccount: which account is an old one, whatever the Secret says.
func TestOldAccount(t *testing.T) {
	p := passwords{first: "ours", second: "absent", active: "proven", pending: "none", reach: "reachable", inUse: true, graceOver: true}
	taken := decide.Account{Name: "before-us", Finding: proof.Present, Owner: decide.AccountOurs}
	for _, c := range []struct {
		reason   string
		previous string
		more     decide.Account
		want     decide.CredentialAction
	}{
		{"none", "", decide.Account{}, decide.CredentialsOK},
		{"the active one is never an old one", "u1", decide.Account{}, decide.CredentialsOK},
		{"one of a name that was taken over may be in use by others", "before-us", taken, decide.CredentialsOK},
		{"one that is gone", "before-us", decide.Account{Name: "before-us", Finding: proof.Absent}, decide.CredentialsOK},
		{"one that nobody has seen", "before-us", decide.Account{}, decide.CredentialsOK},
		{"one without a mark is not ours to remove", "before-us", decide.Account{Name: "before-us", Finding: proof.Present, Owner: decide.AccountUnmarked}, decide.CredentialsOK},
	} {
		e := p.credentials()
		e.Secret.Previous = c.previous
		e.Accounts = append(e.Accounts, c.more)
		if s := decide.NextCredential(e); s.Action != c.want || s.Action == decide.RemoveOldAccount && s.User != c.previous {
			t.Errorf("%s: %s %s (%s), want %s", c.reason, s.Action, s.User, s.Why, c.want)
		}
	}
}

// TestUnlock: an account that is locked again at once is not fought over.
func TestUnlock(t *testing.T) {
	p := passwords{first: "locked", second: "absent", active: "proven", pending: "none", reach: "reachable", unlock: true}
	for _, c := range []struct {
		reason   string
		unlocked time.Time
		want     decide.CredentialAction
	}{
		{"never unlocked", time.Time{}, decide.Unlock},
		{"unlocked a moment ago", ago(10 * time.Second), decide.CredentialsWait},
		{"unlocked two minutes ago", ago(2 * time.Minute), decide.Unlock},
	} {
		e := p.credentials()
		e.Secret.Active.Login.Unlocked = c.unlocked
		if s := decide.NextCredential(e); s.Action != c.want {
			t.Errorf("%s: %s (%s), want %s", c.reason, s.Action, s.Why, c.want)
		}
	}
}

// TestInTurn: a rotation takes the other of the two users, a repair the same.
func TestInTurn(t *testing.T) {
	p := passwords{first: "absent", second: "ours", active: "proven", pending: "none", reach: "reachable", due: true}
	e := p.credentials()
	e.Secret.Active.User = "u2"
	if s := decide.NextCredential(e); s.Action != decide.MakePending || s.User != "u1" {
		t.Errorf("a rotation away from u2: %s %s (%s)", s.Action, s.User, s.Why)
	}
	e.Secret.Active.Login = refusedTwice()
	if s := decide.NextCredential(e); s.Action != decide.MakePending || s.User != "u2" {
		t.Errorf("a repair of u2: %s %s (%s)", s.Action, s.User, s.Why)
	}
	e.Secret.Active.User = "before-us"
	e.Accounts = append(e.Accounts, decide.Account{Name: "before-us", Finding: proof.Present, Owner: decide.AccountForeign})
	if s := decide.NextCredential(e); s.Action != decide.MakePending || s.User != "u1" {
		t.Errorf("a repair of a name that is not ours: %s %s (%s)", s.Action, s.User, s.Why)
	}
}
