package ontap

import (
	"maps"
	"net/http"
	"net/url"
	"testing"
)

const accountsPath = "/security/accounts"

// accountPath is the place of an account; the name is escaped, since an
// unescaped dot segment would hit the parent.
func accountPath(owner, name string) string {
	return accountsPath + "/" + owner + "/" + url.PathEscape(name)
}

// overHTTP is the application of a REST login by password.
func overHTTP() []object {
	return []object{{"application": "http", "authentication_methods": []string{"password"}}}
}

// accountBody is an account of main that would be accepted.
func (s *suite) accountBody(name, password string) object {
	return object{"name": name, "owner": object{"uuid": s.main.uuid}, "role": object{"name": "vsadmin"},
		"applications": overHTTP(), "password": password, "comment": s.comment("account")}
}

// makeAccount makes a login at main's management interface.
func (s *suite) makeAccount(t *testing.T, role string) *user {
	t.Helper()
	u := &user{name: s.prefix + role, password: s.password(t), address: s.management}
	a := s.expect(t, "6.2", "an account is made, synchronously", post(accountsPath, s.accountBody(u.name, u.password)), http.StatusCreated)
	s.check(t, "6.2", "Location comes along", a, a.header.Get("Location") != "")
	return u
}

func (s *suite) dropAccount(t *testing.T, u *user) {
	t.Helper()
	s.ok(t, "6.2", "an account is deleted, synchronously", remove(accountPath(s.main.uuid, u.name)))
	s.refuse(t, refusal{section: "13", reason: "a deleted account is not there", request: get(accountPath(s.main.uuid, u.name)), status: http.StatusNotFound, codes: missing})
}

// accounts is the making and reading of sections 6.1 and 6.2.
func (s *suite) accounts(t *testing.T) {
	u := s.makeAccount(t, "reader")
	a := s.ok(t, "6.1", "an account", get(accountPath(s.main.uuid, u.name)))
	s.check(t, "6.1", "name and owner", a, text(a.body, "name") == u.name && text(a.body, "owner.uuid") == s.main.uuid && text(a.body, "owner.name") == s.main.name)
	s.check(t, "6.1", "role, comment and hash are shown", a, text(a.body, "role.name") == "vsadmin" &&
		text(a.body, "comment") == s.comment("account") && text(a.body, "password_hash_algorithm") == "sha512")
	locked, isBool := boolean(a.body, "locked")
	s.check(t, "6.2", "locked is false by default", a, isBool && !locked)
	s.check(t, "6.1", "a password is write only", a, !has(a.body, "password"))
	apps := list(a.body, "applications")
	s.check(t, "6.2", "one application, http, by password", a, len(apps) == 1 && text(apps[0], "application") == "http" && len(list(apps[0], "authentication_methods")) == 1)
	for field, values := range map[string][2]string{
		"owner.uuid": {s.main.uuid, s.other.uuid}, "owner.name": {s.main.name, s.other.name}, "role.name": {"vsadmin", "admin"},
		"locked": {"false", "true"}, "scope": {"svm", "cluster"}, "applications.application": {"http", "ssh"},
	} {
		found := s.ok(t, "6.1", field+" is a filter", get(accountsPath+"?name="+q(u.name)+"&"+field+"="+q(values[0])))
		s.check(t, "6.1", "the value that it has finds it", found, len(found.records()) == 1)
		found = s.ok(t, "6.1", field+" is a filter", get(accountsPath+"?name="+q(u.name)+"&"+field+"="+q(values[1])))
		s.check(t, "6.1", "a value that it has not does not", found, len(found.records()) == 0)
	}
	s.vsadmin(t)
	s.replicatedAccount(t, u.name)
	s.accountForms(t)
	s.dropAccount(t, u)
	s.batch(t)
}

// vsadmin is the account that a new SVM usually has.
func (s *suite) vsadmin(t *testing.T) {
	a := s.send(t, get(accountPath(s.main.uuid, "vsadmin")))
	locked, shown := boolean(a.body, "locked")
	s.noteSection(t, "6.1", "answers for vsadmin of a new SVM with %d, locked %v (shown: %v)", a.status, locked, shown)
	if a.good() {
		s.check(t, "6.1", "vsadmin of a new SVM is locked", a, locked || !shown)
		s.refuse(t, refusal{section: "6.2", reason: "without a password it cannot be unlocked", codes: []string{"5636096", "5636097", "1263343", "7077911"},
			request: patch(accountPath(s.main.uuid, "vsadmin"), object{"locked": false})})
	}
}

// accountForms are other accounts that must be accepted.
func (s *suite) accountForms(t *testing.T) {
	for _, c := range []struct {
		reason string
		change object
		check  func(record any) bool
	}{
		{"the shortest name", object{"name": "cf" + s.prefix[2:3]}, nil},
		{"a name of 40 characters", object{"name": (s.prefix + "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")[:40]}, nil},
		{"dot, dash and underscore", object{"name": s.prefix + ".a-b_C"}, nil},
		{"the owner by name", object{"owner": object{"name": s.main.name}}, func(r any) bool { return text(r, "owner.uuid") == s.main.uuid }},
		{"no role", object{"role": nil}, func(r any) bool { return text(r, "role.name") == "vsadmin" }},
		{"locked", object{"locked": true}, func(r any) bool { v, _ := boolean(r, "locked"); return v }},
		{"two applications", object{"applications": append(overHTTP(), object{"application": "ontapi", "authentication_methods": []string{"password"}})},
			func(r any) bool { return len(list(r, "applications")) == 2 }},
	} {
		t.Run(c.reason, func(t *testing.T) {
			body := s.accountBody(s.prefix+"form", s.password(t))
			maps.Copy(body, c.change)
			maps.DeleteFunc(body, func(_ string, v any) bool { return v == nil })
			s.expect(t, "6.2", c.reason, post(accountsPath, body), http.StatusCreated)
			a := s.ok(t, "6.2", c.reason, get(accountPath(s.main.uuid, text(body, "name"))))
			s.check(t, "6.2", c.reason+" took", a, c.check == nil || c.check(a.body))
			s.dropAccount(t, &user{name: text(body, "name")})
		})
	}
}

// batch makes two accounts in one request: that is always a job.
func (s *suite) batch(t *testing.T) {
	one, two := s.accountBody(s.prefix+"batch1", s.password(t)), s.accountBody(s.prefix+"batch2", s.password(t))
	o := s.settle(t, post(accountsPath, object{"records": []object{one, two}}))
	s.check(t, "1.2", "a POST of records is always a job", o.answer, o.inJob)
	results := s.send(t, get(accountsPath+"?job_results_uuid="+o.answer.job()))
	s.noteSection(t, "1.2", "answers job_results_uuid with %d and %d records", results.status, len(results.records()))
	for _, body := range []object{one, two} {
		a := s.ok(t, "1.2", "each record was made", get(accountPath(s.main.uuid, text(body, "name"))))
		s.dropAccount(t, &user{name: text(a.body, "name")})
	}
}
