package ontap

import (
	"net/http"
	"strings"
	"testing"
)

const passwordPath = "/security/authentication/password"

// probe is the login check of section 7.
func probe(u *user) request { return get("/cluster?fields=version").by(u) }

// setPassword changes the password of an account of main as administrator.
func (s *suite) setPassword(u *user, password string) request {
	return post(passwordPath, object{"name": u.name, "owner": object{"uuid": s.main.uuid}, "password": password})
}

// passwords is section 6.3.
func (s *suite) passwords(t *testing.T) {
	u := s.makeAccount(t, "password")
	s.expect(t, "7", "a new account logs in at the SVM's interface", probe(u), http.StatusOK)
	old := *u
	u.password = s.password(t)
	a := s.expect(t, "6.3", "the administrator sets a password", s.setPassword(u, u.password), http.StatusOK, http.StatusCreated)
	s.noteSection(t, "6.3", "answers a change of password with %d", a.status)
	s.expect(t, "6.3", "the new password works at once", probe(u), http.StatusOK)
	s.expect(t, "6.3", "the old password is dead at once", probe(&old), http.StatusUnauthorized)
	s.expect(t, "6.3", "the new password still works", probe(u), http.StatusOK)
	own := s.password(t)
	s.expect(t, "6.3", "an SVM user sets its own, without owner", post(passwordPath, object{"name": u.name, "password": own}).by(u), http.StatusOK, http.StatusCreated)
	old = *u
	u.password = own
	s.expect(t, "6.3", "its new password works", probe(u), http.StatusOK)
	s.expect(t, "6.3", "its old password is dead", probe(&old), http.StatusUnauthorized)
	s.expect(t, "6.3", "its new password works", probe(u), http.StatusOK)
	byName := s.password(t)
	s.expect(t, "6.3", "the owner by name", post(passwordPath, object{"name": u.name, "owner": object{"name": s.main.name}, "password": byName}), http.StatusOK, http.StatusCreated)
	u.password = byName
	s.expect(t, "6.3", "the new password works", probe(u), http.StatusOK)
	t.Run("hash", func(t *testing.T) { s.hashes(t, u) })
	t.Run("of others", func(t *testing.T) { s.foreignPassword(t, u) })
	s.dropAccount(t, u)
}

// foreignPassword: only a cluster administrator may change another's.
func (s *suite) foreignPassword(t *testing.T, u *user) {
	v := s.makeAccount(t, "victim")
	s.refuse(t, refusal{section: "6.3", reason: "an SVM user may not set another's password",
		request: post(passwordPath, object{"name": v.name, "password": s.password(t)}).by(u)})
	s.expect(t, "6.3", "the other's password is as it was", probe(v), http.StatusOK)
	s.refuse(t, refusal{section: "6.3", reason: "an account that is none", codes: append([]string{"4", "1261218", "7077911", "5636096", "5636097"}, invalidValue...),
		request: s.setPassword(&user{name: s.prefix + "none"}, s.password(t))})
	s.dropAccount(t, v)
}

// refusedPasswords are the rules of section 6.4, at each of the two ways in.
func (s *suite) refusedPasswords(t *testing.T) {
	u := s.makeAccount(t, "policy")
	rules := []struct {
		reason, password string
		codes            []string
	}{
		{"shorter than eight", "Ab1" + random(t, 2), append([]string{"7077919", "7077899"}, invalidValue...)},
		{"letters alone", strings.Repeat("Abcd", 3), []string{"7077920", "7077898"}},
		{"digits alone", "314159265358", []string{"7077920", "7077898"}},
		{"holds the user's name", "A1" + u.name + "z", []string{"7077918"}},
		{"longer than 128", "A1" + strings.Repeat("x", 127), append([]string{"7077940", "7077941", "7077899"}, invalidValue...)},
	}
	var table []refusal
	for _, r := range rules {
		s.secret(r.password)
		table = append(table, refusal{section: "6.4", reason: r.reason + ", at a change", request: s.setPassword(u, r.password), codes: r.codes})
		if !strings.Contains(r.password, u.name) {
			table = append(table, refusal{section: "6.4", reason: r.reason + ", at the creation", request: s.badAccount(t, object{"password": r.password}), codes: r.codes})
		}
	}
	table = append(table, refusal{section: "6.4", reason: "no password", request: post(passwordPath, object{"name": u.name, "owner": object{"uuid": s.main.uuid}}), codes: missingValue})
	s.refusals(t, table)
	s.expect(t, "6.4", "what is refused leaves the password as it was", probe(u), http.StatusOK)
	t.Run("reuse", func(t *testing.T) { s.reuse(t, u) })
	s.dropAccount(t, u)
}

// reuse walks through the last six passwords, and one further.
func (s *suite) reuse(t *testing.T, u *user) {
	s.refuse(t, refusal{section: "6.4", reason: "the password that it has", request: s.setPassword(u, u.password), codes: []string{"7077925"}})
	history := []string{u.password}
	for range 6 {
		p := s.password(t)
		s.expect(t, "6.4", "a new password", s.setPassword(u, p), http.StatusOK, http.StatusCreated)
		history = append(history, p)
	}
	u.password = history[6]
	s.refuse(t, refusal{section: "6.4", reason: "the password that it has", request: s.setPassword(u, u.password), codes: []string{"7077925"}})
	for _, back := range []int{1, 5} {
		s.refuse(t, refusal{section: "6.4", reason: "one of the last six", request: s.setPassword(u, history[6-back]), codes: []string{"7077924"}})
	}
	for range 2 {
		p := s.password(t)
		s.expect(t, "6.4", "a new password", s.setPassword(u, p), http.StatusOK, http.StatusCreated)
		u.password = p
	}
	s.expect(t, "6.4", "one older than the last six may come again", s.setPassword(u, history[0]), http.StatusOK, http.StatusCreated)
	u.password = history[0]
	s.expect(t, "6.4", "it works", probe(u), http.StatusOK)
}

// hashes chooses the algorithm.
func (s *suite) hashes(t *testing.T, u *user) {
	u.password = s.password(t)
	r := s.setPassword(u, u.password)
	body, _ := r.body.(object)
	body["password_hash_algorithm"] = "sha256"
	s.expect(t, "6.3", "another hash", r, http.StatusOK, http.StatusCreated)
	a := s.ok(t, "6.1", "the account", get(accountPath(s.main.uuid, u.name)))
	s.check(t, "6.3", "the hash took", a, text(a.body, "password_hash_algorithm") == "sha256")
	s.expect(t, "6.3", "the password works", probe(u), http.StatusOK)
	r = s.setPassword(u, s.password(t))
	body, _ = r.body.(object)
	body["password_hash_algorithm"] = "rot13"
	s.refuse(t, refusal{section: "6.3", reason: "a hash outside the enumeration", request: r, codes: invalidValue})
}
