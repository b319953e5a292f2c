package metrics_test

import (
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/metrics"
)

// good is a shoot with a delivered pair that was verified an hour ago.
func good(change ...func(*decide.Credentials)) decide.Shoot {
	c := decide.Credentials{
		Secret: decide.Secret{
			Finding: proof.Present, ActivatedAt: now.Add(-48 * time.Hour),
			Active: decide.Pair{State: decide.Complete, User: "u", SVM: "uuid-1", Login: decide.Login{VerifiedAt: now.Add(-time.Hour)}},
		},
		Accounts: []decide.Account{{Name: "u", Finding: proof.Present}},
	}
	for _, f := range change {
		f(&c)
	}
	return decide.Shoot{Name: "s", Credentials: c}
}

func TestSecretsOfShoots(t *testing.T) {
	type c = *decide.Credentials
	delivered := metrics.Secrets{Delivered: 1}
	missing, unknown := metrics.Secrets{Missing: 1}, metrics.Secrets{Unknown: 1}
	for _, tt := range []struct {
		reason string
		change func(c)
		want   metrics.Secrets
	}{
		{"delivered and verified", func(c) {}, delivered},
		{"not there", func(c c) { c.Secret.Finding = proof.Absent }, missing},
		{"there, and damaged", func(c c) { c.Secret.Finding = proof.Unusable }, missing},
		{"an error is no absence", func(c c) { c.Secret = decide.Secret{} }, unknown},
		{"the pair was not read", func(c c) { c.Secret.Active.State = decide.PairUnknown }, unknown},
		{"empty", func(c c) { c.Secret.Active.State = decide.NoPair }, missing},
		{"an empty password", func(c c) { c.Secret.Active.State = decide.Incomplete }, missing},
		{"of another SVM", func(c c) { c.Secret.Active.SVM = "uuid-3" }, missing},
		{"of the other half", func(c c) { c.Secret.Active.SVM = "uuid-2" }, delivered},
		{"it does not say of which", func(c c) { c.Secret.Active.SVM = "" }, delivered},
		{"its account is gone", func(c c) { c.Accounts[0].Finding = proof.Absent }, missing},
		{"its account could not be read", func(c c) { c.Accounts[0].Finding = proof.Unknown }, delivered},
		{"another account is gone", func(c c) { c.Accounts[0] = decide.Account{Name: "v", Finding: proof.Absent} }, delivered},
		{"delivered unverified is not refused", func(c c) { c.Secret.Active.Login = decide.Login{} }, delivered},
		{"refused since", func(c c) { c.Secret.Active.Login.LastRefused = now }, metrics.Secrets{Delivered: 1, Refused: 1}},
		{"refused before", func(c c) { c.Secret.Active.Login.LastRefused = now.Add(-2 * time.Hour) }, delivered},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			s := metrics.State{}.WithShoots([]decide.Shoot{good(tt.change)}, []string{"uuid-1", "uuid-2"}, nil)
			if s.Secrets != tt.want {
				t.Errorf("got %+v, want %+v", s.Secrets, tt.want)
			}
		})
	}
}

// TestTimesOfShoots: the oldest of several counts, and one that was never
// verified leaves nothing verified.
func TestTimesOfShoots(t *testing.T) {
	at := func(verified, activated time.Time) func(*decide.Credentials) {
		return func(c *decide.Credentials) {
			c.Secret.Active.Login.VerifiedAt, c.Secret.ActivatedAt = verified, activated
		}
	}
	rare := good(at(now.Add(-time.Minute), now.Add(-100*time.Hour)))
	rare.Name = "rare"
	missing := good(at(now.Add(-90*time.Hour), now.Add(-900*time.Hour)), func(c *decide.Credentials) { c.Secret.Active.State = decide.NoPair })
	every := map[string]time.Duration{"s": 50 * time.Hour, "rare": 500 * time.Hour}
	s := metrics.State{RotationDue: now}.WithShoots([]decide.Shoot{rare, good(), missing}, nil, every)
	if !s.VerifiedAt.Equal(now.Add(-time.Hour)) || !s.ActivatedAt.Equal(now.Add(-100*time.Hour)) || !s.RotationDue.Equal(now.Add(2*time.Hour)) {
		t.Errorf("verified %v, activated %v, due %v", s.VerifiedAt, s.ActivatedAt, s.RotationDue)
	}
	s = s.WithShoots([]decide.Shoot{good(), good(at(time.Time{}, now))}, nil, nil)
	if !s.VerifiedAt.IsZero() || !s.ActivatedAt.Equal(now.Add(-48*time.Hour)) || !s.RotationDue.IsZero() {
		t.Errorf("verified %v, activated %v, due %v", s.VerifiedAt, s.ActivatedAt, s.RotationDue)
	}
}
