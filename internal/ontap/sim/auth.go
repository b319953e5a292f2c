package sim

import (
	"net/http"
	"slices"
	"time"
)

// principal is who makes a call, and what it may see.
type principal struct {
	account *account
	scope   *svm // nil: the whole cluster
}

// login finds out who calls, and counts what fails. Every reason for a 401 looks
// the same from outside. The lock is held.
func (s *Simulator) login(r *http.Request, st *site, at *svm, now time.Time) (principal, bool) {
	user, password, ok := r.BasicAuth()
	if !ok {
		return principal{}, false
	}
	a, owner := s.findLogin(st, at, user)
	if a == nil || a.Hash == nil {
		return principal{}, false
	}
	if !a.Hash.fits(password) {
		s.countFailure(st, a, now)
		return principal{}, false
	}
	if a.locked(now) || !a.mayUse("http") {
		return principal{}, false
	}
	if a.Failures > 0 && !s.doubt().FailuresKept {
		a.Failures, s.dirty = 0, true
	}
	return principal{account: a, scope: owner}, true
}

// findLogin gives the account of that name which may log in at a cluster's LIF
// (at is nil) or at that of an SVM.
func (s *Simulator) findLogin(st *site, at *svm, user string) (*account, *svm) {
	if at != nil {
		return st.account(at.UUID, user), at
	}
	if a := st.account("", user); a != nil || !s.doubt().SVMAccountsOnCluster {
		return a, nil
	}
	for _, a := range st.Accounts {
		if a.Name == user && a.Owner != "" {
			return a, st.svmByID(a.Owner)
		}
	}
	return nil, nil
}

func (s *Simulator) countFailure(st *site, a *account, now time.Time) {
	if a.locked(now) {
		return
	}
	s.dirty = true
	a.Failures++
	if a.Failures < MaxFailedLogins {
		return
	}
	a.Failures, a.LockedUntil = 0, now.Add(s.opts.Times.Lock)
	s.opts.Log.Info("an account is locked after failed logins", "user", a.Name, "until", a.LockedUntil)
	if twin := s.twinAccount(st, a); twin != nil && !s.doubt().TwinLockSeparate {
		twin.LockedUntil = a.LockedUntil
	}
}

func (a *account) locked(now time.Time) bool {
	return a.Locked || now.Before(a.LockedUntil)
}

// unlock ends a lock after failed logins, and forgets them.
func (a *account) unlock() { a.Failures, a.LockedUntil = 0, time.Time{} }

func (a *account) mayUse(name string) bool {
	return slices.ContainsFunc(a.Applications, func(app application) bool {
		return app.Name == name && slices.Contains(app.Methods, "password")
	})
}

func (st *site) account(owner, name string) *account {
	return find(st.Accounts, func(a *account) bool { return a.Owner == owner && a.Name == name })
}

// unauthorized is the one answer to whoever is not known.
func (s *Simulator) unauthorized() *answer {
	a := &answer{status: http.StatusUnauthorized, header: http.Header{}}
	if !s.doubt().NoChallenge {
		a.header.Set("WWW-Authenticate", `Basic realm="Authentication required"`)
	}
	switch s.doubt().Unauthorized {
	case UnauthorizedEmpty:
	case UnauthorizedHTML:
		a.header.Set("Content-Type", "text/html; charset=utf-8")
		a.raw = []byte("<!DOCTYPE html><html><head><title>401 Unauthorized</title></head><body><h1>Unauthorized</h1></body></html>\n")
	default:
		a.body = errorBody(6691623, "", "User is not authorized.")
	}
	return a
}
