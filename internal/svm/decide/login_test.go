package decide_test

import (
	"testing"
	"time"

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
