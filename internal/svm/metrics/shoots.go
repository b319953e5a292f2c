package metrics

import (
	"slices"
	"time"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// WithShoots is s with what is known of the Secrets of its shoots. The UUIDs are
// those of the SVM or of both its halves; every is how often the password of a
// shoot is changed, for those where it is.
func (s State) WithShoots(shoots []decide.Shoot, uuids []string, every map[string]time.Duration) State {
	s.Secrets, s.VerifiedAt, s.ActivatedAt, s.RotationDue = Secrets{}, time.Time{}, time.Time{}, time.Time{}
	unproven := false
	for _, shoot := range shoots {
		c := shoot.Credentials
		switch standing(c, uuids) {
		case proof.Unknown:
			s.Secrets.Unknown++
			continue
		case proof.Absent:
			s.Secrets.Missing++
			continue
		}
		s.Secrets.Delivered++
		login := c.Secret.Active.Login
		if !login.LastRefused.IsZero() && !login.Proven() {
			s.Secrets.Refused++
		}
		unproven = unproven || login.VerifiedAt.IsZero()
		s.VerifiedAt = earlier(s.VerifiedAt, login.VerifiedAt)
		s.ActivatedAt = earlier(s.ActivatedAt, c.Secret.ActivatedAt)
		if d := every[shoot.Name]; d > 0 && !c.Secret.ActivatedAt.IsZero() {
			s.RotationDue = earlier(s.RotationDue, c.Secret.ActivatedAt.Add(d))
		}
	}
	if unproven {
		s.VerifiedAt = time.Time{}
	}
	return s
}

// standing is Present where there is a pair that may work, Absent where it is
// known that there is none, and Unknown everywhere else.
func standing(c decide.Credentials, uuids []string) proof.Finding {
	active := c.Secret.Active
	switch c.Secret.Finding {
	case proof.Unknown:
		return proof.Unknown
	case proof.Absent, proof.Unusable:
		return proof.Absent
	}
	switch active.State {
	case decide.PairUnknown:
		return proof.Unknown
	case decide.NoPair, decide.Incomplete:
		return proof.Absent
	}
	gone := slices.ContainsFunc(c.Accounts, func(a decide.Account) bool {
		return a.Name == active.User && a.Finding == proof.Absent
	})
	if gone || active.SVM != "" && len(uuids) > 0 && !slices.Contains(uuids, active.SVM) {
		return proof.Absent
	}
	return proof.Present
}

// earlier is the earlier of two times, of which a zero one is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
