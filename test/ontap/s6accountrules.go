package ontap

import (
	"maps"
	"net/http"
	"testing"
)

// badAccount is a good account with some fields put in another way; nil removes.
func (s *suite) badAccount(t *testing.T, change object) request {
	t.Helper()
	body := s.accountBody(s.prefix+"refused", s.password(t))
	maps.Copy(body, change)
	maps.DeleteFunc(body, func(_ string, v any) bool { return v == nil })
	return post(accountsPath, body)
}

// refusedAccounts are the rules and codes of section 6.2.
func (s *suite) refusedAccounts(t *testing.T) {
	taken := s.makeAccount(t, "taken")
	app := func(application string, methods ...string) object {
		return object{"applications": []object{{"application": application, "authentication_methods": methods}}}
	}
	badApp := append([]string{"5636178", "5636176"}, invalidValue...)
	table := []refusal{
		{section: "6.2", reason: "an account that is there", request: s.badAccount(t, object{"name": taken.name}), doubt: 8},
		{section: "6.2", reason: "no name", request: s.badAccount(t, object{"name": nil}), codes: missingValue},
		{section: "6.2", reason: "a name of two characters", request: s.badAccount(t, object{"name": "ab"})},
		{section: "6.2", reason: "a name with a space", request: s.badAccount(t, object{"name": s.prefix + " x"}), codes: append([]string{"7077897"}, invalidValue...)},
		{section: "6.2", reason: "a backslash is for users of a domain", request: s.badAccount(t, object{"name": s.prefix + `\x`}), codes: []string{"5636206", "7077897"}},
		{section: "6.2", reason: "no application", request: s.badAccount(t, object{"applications": nil}), codes: missingValue},
		{section: "6.2", reason: "an application that is none", request: s.badAccount(t, app("telnet", "password")), codes: badApp},
		{section: "6.2", reason: "a method that the application has not", request: s.badAccount(t, app("http", "publickey")), codes: badApp},
		{section: "6.2", reason: "no console for an SVM", request: s.badAccount(t, app("console", "password")), codes: []string{"5636140", "5636141", "5636178", "5636176"}},
		{section: "6.2", reason: "no service processor for an SVM", request: s.badAccount(t, app("service_processor", "password")), codes: []string{"5636140", "5636141", "5636178", "5636176"}},
		{section: "13", reason: "a role that is none", request: s.badAccount(t, object{"role": object{"name": s.prefix + "role"}}), codes: []string{"1261215", "7077906"}},
		{section: "6.2", reason: "a role of the cluster on an SVM", request: s.badAccount(t, object{"role": object{"name": "admin"}}), codes: []string{"7077906", "1261215"}},
		{section: "6.2", reason: "name and UUID of two owners", request: s.badAccount(t, object{"owner": object{"uuid": s.main.uuid, "name": s.other.name}}), codes: []string{"2621706"}},
		{section: "6.2", reason: "an owner that is none", request: s.badAccount(t, object{"owner": object{"uuid": noUUID}})},
		{section: "6.2", reason: "locked, without a password", request: s.badAccount(t, object{"password": nil, "locked": true}), codes: []string{"1263343"}},
		{section: "6.2", reason: "an unknown field", request: s.badAccount(t, object{"nosuchfield": 1}), status: 400, codes: []string{"262179"}},
	}
	for _, name := range []string{"admin", "diag", "autosupport", "root"} {
		table = append(table, refusal{section: "6.2", reason: "a reserved name: " + name, request: s.badAccount(t, object{"name": name}), codes: []string{"5636121", "5636126"}})
	}
	s.refusals(t, table)
	t.Run("nothing was made", func(t *testing.T) {
		a := s.ok(t, "6.2", "refused accounts", get(accountsPath+"?name="+s.prefix+"refused"))
		s.check(t, "6.2", "what is refused is not made", a, len(a.records()) == 0)
	})
	s.dropAccount(t, taken)
}

// patchAccounts is PATCH of section 6.2.
func (s *suite) patchAccounts(t *testing.T) {
	u := s.makeAccount(t, "change")
	path := accountPath(s.main.uuid, u.name)
	s.ok(t, "6.2", "the comment is changed, synchronously", patch(path, object{"comment": s.comment("changed")}))
	a := s.ok(t, "6.2", "the account", get(path))
	s.check(t, "6.2", "the comment took", a, text(a.body, "comment") == s.comment("changed"))
	s.ok(t, "6.2", "applications are replaced", patch(path, object{"applications": []object{{"application": "ssh", "authentication_methods": []string{"password"}}}}))
	a = s.ok(t, "6.2", "the account", get(path))
	apps := list(a.body, "applications")
	s.check(t, "6.2", "PATCH replaces the whole list", a, len(apps) == 1 && text(apps[0], "application") == "ssh")
	if s.reachable(t.Context(), s.management) {
		s.expect(t, "7", "without the http application the login is 401", get("/cluster").by(u), http.StatusUnauthorized)
	}
	s.ok(t, "6.2", "applications are put back", patch(path, object{"applications": overHTTP()}))
	for _, want := range []bool{true, false} {
		s.ok(t, "6.2", "locked is changed", patch(path, object{"locked": want}))
		a = s.ok(t, "6.2", "the account", get(path))
		got, shown := boolean(a.body, "locked")
		s.check(t, "6.2", "locked took", a, shown && got == want)
		status := map[bool]int{true: http.StatusUnauthorized, false: http.StatusOK}[want]
		s.expect(t, "7", "the login follows the lock", get("/cluster?fields=version").by(u), status)
	}
	s.refusals(t, []refusal{
		{section: "13", reason: "an account that is none", request: patch(accountPath(s.main.uuid, s.prefix+"none"), object{"comment": "x"}), codes: []string{"4", "1261218"}},
		{section: "6.2", reason: "a role that is none", request: patch(path, object{"role": object{"name": s.prefix + "role"}}), codes: []string{"1261215", "7077906"}},
		{section: "6.2", reason: "an application that is none", request: patch(path, object{"applications": []object{{"application": "telnet", "authentication_methods": []string{"password"}}}}),
			codes: append([]string{"5636178", "5636176"}, invalidValue...)},
		{section: "6.2", reason: "nothing to change", request: patch(path, object{}), status: 400, codes: []string{"262190"}},
	})
	t.Run("password by PATCH", func(t *testing.T) { s.patchPassword(t, u, path) })
	s.dropAccount(t, u)
}

// patchPassword changes a password on the account itself, by the same rules.
func (s *suite) patchPassword(t *testing.T, u *user, path string) {
	old := *u
	s.refuse(t, refusal{section: "6.4", reason: "the password that it has", request: patch(path, object{"password": u.password}), codes: []string{"7077925", "7077924"}})
	u.password = s.password(t)
	s.ok(t, "6.2", "a new password", patch(path, object{"password": u.password}))
	s.expect(t, "6.3", "the new password works", get("/cluster?fields=version").by(u), http.StatusOK)
	s.expect(t, "6.3", "the old one does not", get("/cluster?fields=version").by(&old), http.StatusUnauthorized)
	s.expect(t, "6.3", "the new password works", get("/cluster?fields=version").by(u), http.StatusOK)
}
