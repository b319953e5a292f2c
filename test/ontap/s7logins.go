package ontap

import (
	"fmt"
	"net/http"
	"testing"
)

// svmUser is sections 6.5 and 7: what an account of an SVM sees and may do.
func (s *suite) svmUser(t *testing.T) {
	u := s.makeAccount(t, "vsa")
	s.loginPlace(t, u)
	a := s.ok(t, "7", "who am I", get("/svm/svms?fields=state,nvme,aggregates").by(u))
	s.check(t, "7", "exactly one SVM is seen: its own", a, text(a.only(), "uuid") == s.main.uuid)
	a = s.ok(t, "12.1", "as Trident asks", get("/svm/svms?name=*&fields=").by(u))
	s.check(t, "12.1", "exactly one SVM", a, text(a.only(), "uuid") == s.main.uuid)
	a = s.ok(t, "12.1", "its SVM by name", get("/svm/svms?fields=&name="+q(s.main.name)).by(u))
	s.check(t, "12.1", "exactly one SVM", a, text(a.only(), "uuid") == s.main.uuid)
	a = s.ok(t, "12.1", "its SVM", get("/svm/svms/"+s.main.uuid).by(u))
	s.check(t, "12.1", "aggregates are shown to its user", a, len(list(a.body, "aggregates")) == 1)
	a = s.ok(t, "6.5", "interfaces", get(lifs+"?fields=svm.uuid").by(u))
	for _, uuid := range texts(a.records(), "svm.uuid") {
		s.check(t, "6.5", "only interfaces of its own SVM are seen", a, uuid == s.main.uuid)
	}
	s.check(t, "6.5", "its own interfaces are seen", a, len(a.records()) > 0)
	a = s.ok(t, "6.5", "volumes", get("/storage/volumes?fields=svm.uuid").by(u))
	for _, uuid := range texts(a.records(), "svm.uuid") {
		s.check(t, "6.5", "only volumes of its own SVM are seen", a, uuid == s.main.uuid)
	}
	s.ok(t, "6.5", "it may watch jobs", get("/cluster/jobs").by(u))
	s.ok(t, "6.5", "it may read the NVMe service", get("/protocols/nvme/services?fields=enabled").by(u))
	s.svmUserCluster(t, u)
	s.svmUserRefused(t, u)
	s.readonly(t)
	s.dropAccount(t, u)
}

// svmUserCluster is what Trident reads of the cluster at its start.
func (s *suite) svmUserCluster(t *testing.T, u *user) {
	a := s.ok(t, "12.1", "the cluster", get("/cluster?fields=**").by(u))
	for _, part := range []string{"generation", "major", "minor"} {
		_, whole := integer(a.body, "version."+part)
		s.check(t, "12.1", "version."+part+" is an integer", a, whole)
	}
	s.check(t, "3", "an SVM login does not get the platform from **", a, !has(a.body, "san_optimized") && !has(a.body, "disaggregated"))
	if s.array.since(16) {
		a = s.ok(t, "12.1", "the platform by name", get("/cluster?fields=san_optimized,disaggregated&ignore_unknown_fields=true").by(u))
		s.check(t, "3", "the platform is shown by name", a, has(a.body, "san_optimized"))
	}
	a = s.send(t, get("/cluster/nodes?fields=serial_number&name=*").by(u))
	s.noteSection(t, "3", "answers an SVM user's question for nodes with %d", a.status)
	if !a.good() {
		s.check(t, "6.5", "a refusal is 403 with code 6", a, a.status == http.StatusForbidden && a.code() == "6")
	}
}

// svmUserRefused is what role vsadmin may not do: 403 with code 6. Another SVM is
// not shown at all, so that its absence is an answer too.
func (s *suite) svmUserRefused(t *testing.T, u *user) {
	forbidden := []string{"6"}
	self := "/svm/svms/" + s.main.uuid
	foreign := []string{"6", "4", "2621462", "1260882"}
	s.refusals(t, []refusal{
		{section: "6.5", reason: "no creation of SVMs", request: post("/svm/svms", object{"name": s.name("forbidden")}).by(u), status: 403, codes: forbidden},
		{section: "6.5", reason: "no change of its SVM", request: patch(self, object{"max_volumes": "3"}).by(u), status: 403, codes: forbidden},
		{section: "6.5", reason: "no deletion of its SVM", request: remove(self).by(u), status: 403, codes: forbidden},
		{section: "6.5", reason: "no creation of interfaces", request: post(lifs, s.lifBody(t, s.main, "forbidden", "default-management")).by(u), status: 403, codes: forbidden},
		{section: "6.5", reason: "no creation of routes", request: post("/network/ip/routes", object{"gateway": s.gateway(t), "svm": object{"uuid": s.main.uuid}}).by(u), status: 403, codes: forbidden},
		{section: "6.5", reason: "no list of aggregates", request: get("/storage/aggregates").by(u), status: 403, codes: forbidden},
		{section: "6.5", reason: "no other SVM", request: get("/svm/svms/" + s.other.uuid).by(u), codes: foreign},
		{section: "6.5", reason: "no account of the cluster", request: get(accountPath(s.array.uuid, "admin")).by(u), codes: foreign},
		{section: "6.5", reason: "no change of another SVM", request: patch("/svm/svms/"+s.other.uuid, object{"comment": "x"}).by(u), codes: foreign},
	})
	a := s.ok(t, "6.5", "another SVM by name", get("/svm/svms?name="+q(s.other.name)).by(u))
	s.check(t, "6.5", "another SVM is not listed", a, len(a.records()) == 0)
	a = s.send(t, get(accountsPath+"?fields=owner.uuid").by(u))
	for _, uuid := range texts(a.records(), "owner.uuid") {
		s.check(t, "6.5", "no accounts of others are listed", a, uuid == s.main.uuid)
	}
}

// loginPlace is where an account of an SVM may log in, and with what.
func (s *suite) loginPlace(t *testing.T, u *user) {
	a := s.ok(t, "7", "at its SVM's management interface", probe(u))
	s.check(t, "7", "fields=version is shown", a, has(a.body, "version.major"))
	atCluster := *u
	atCluster.address = ""
	a = s.send(t, probe(&atCluster))
	s.note(t, 4, "answers an SVM account at the cluster's address with %d, code %q", a.status, a.code())
	s.check(t, "7", "401 is assumed, 200 the other possibility", a, oneOf(fmt.Sprint(a.status), "401", "200"))
	wrong := *u
	wrong.password = s.password(t)
	a = s.expect(t, "7", "a wrong password", probe(&wrong), http.StatusUnauthorized)
	unknown := &user{name: s.prefix + "nobody", password: wrong.password, address: s.management}
	b := s.expect(t, "7", "an unknown user", probe(unknown), http.StatusUnauthorized)
	s.check(t, "7", "the reasons of a 401 are not told apart", b, a.code() == b.code() && text(a.body, "error.message") == text(b.body, "error.message"))
	admin := &user{name: s.target.User, password: s.password(t), address: s.management}
	s.expect(t, "7", "an administrator's name is unknown at an SVM", probe(admin), http.StatusUnauthorized)
	s.ok(t, "7", "a success after failures", probe(u))
	s.noLogin(t, u)
}

// noLogin is where nothing answers a login: an interface that is disabled, and
// one for data. That is no 401, which would count as a failure.
func (s *suite) noLogin(t *testing.T, u *user) {
	down := s.makeLIF(t, s.main, "down", "default-management")
	s.ok(t, "5.2", "it is disabled", patch(lifs+"/"+down.uuid, object{"enabled": false}))
	here := []lif{down}
	if s.array.nvmeLicence {
		here = append(here, s.makeLIF(t, s.main, "data", "default-data-nvme-tcp"))
	}
	for _, l := range here {
		elsewhere := *u
		elsewhere.address = l.address
		if a, err := s.try(t.Context(), probe(&elsewhere)); err == nil {
			s.complain(t, "7", "a login only at an interface that is up and carries management_https", a.request, "no answer at "+l.name, s.showAnswer(a))
		}
		s.dropLIF(t, l)
	}
}

// readonly is a variant of the role that reads only.
func (s *suite) readonly(t *testing.T) {
	u := &user{name: s.prefix + "ro", password: s.password(t), address: s.management}
	body := s.accountBody(u.name, u.password)
	body["role"] = object{"name": "vsadmin-readonly"}
	a := s.send(t, post(accountsPath, body))
	s.check(t, "6.5", "the variant vsadmin-readonly can be given", a, a.status == http.StatusCreated)
	if a.status != http.StatusCreated {
		return
	}
	s.ok(t, "7", "it logs in and reads", get("/svm/svms?fields=state").by(u))
	s.refuse(t, refusal{section: "6.5", reason: "vsadmin-readonly changes nothing", status: 403, codes: []string{"6"},
		request: post("/storage/volumes", object{"name": "forbidden", "size": 20 << 20, "svm": object{"name": s.main.name},
			"aggregates": []object{{"name": s.array.aggregates[0].name}}}).by(u)})
	s.dropAccount(t, u)
}

// lock is the lock after failures of section 6.4, on accounts made for it.
func (s *suite) lock(t *testing.T) {
	t.Run("a success may reset the count", s.fourAndFour)
	u := s.makeAccount(t, "locked")
	s.ok(t, "7", "before", probe(u))
	s.fail(t, u, 5)
	s.expect(t, "6.4", "after five failures the right password is 401 too", probe(u), http.StatusUnauthorized)
	a := s.ok(t, "6.4", "the account", get(accountPath(s.main.uuid, u.name)))
	locked, shown := boolean(a.body, "locked")
	s.note(t, 3, "shows a lock after failures as locked=%v (shown: %v)", locked, shown)
	s.ok(t, "7", "the cluster's administrator unlocks it", patch(accountPath(s.main.uuid, u.name), object{"locked": false}))
	s.ok(t, "7", "after that the right password works", probe(u))
	s.fail(t, u, 4)
	s.ok(t, "6.4", "four failures do not lock", probe(u))
	s.dropAccount(t, u)
}

// fail tries wrong passwords.
func (s *suite) fail(t *testing.T, u *user, times int) {
	t.Helper()
	for i := range times {
		wrong := *u
		wrong.password = s.password(t)
		s.expect(t, "6.4", fmt.Sprintf("failure %d", i+1), probe(&wrong), http.StatusUnauthorized)
	}
}

// fourAndFour fails four times, logs in, and fails four times again.
func (s *suite) fourAndFour(t *testing.T) {
	u := s.makeAccount(t, "counted")
	s.fail(t, u, 4)
	s.ok(t, "6.4", "four failures do not lock", probe(u))
	s.fail(t, u, 4)
	a := s.send(t, probe(u))
	s.note(t, 3, "answers after four failures, a success and four failures with %d (200: a success resets the count)", a.status)
	s.check(t, "6.4", "200 or 401", a, a.status == http.StatusOK || a.status == http.StatusUnauthorized)
	s.dropAccount(t, u)
}
