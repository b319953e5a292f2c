package ontap

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

// long gives a name of the suite's own with a length.
func (s *suite) long(length int) string {
	name := s.name("long")
	return name + strings.Repeat("x", max(0, length-len(name)))
}

// refusedSVMs are the rules of sections 2.2 and 2.3.
func (s *suite) refusedSVMs(t *testing.T) {
	s.refusedSVMNames(t)
	unwanted := func(more object) request {
		body := object{"name": s.name("unwanted")}
		for k, v := range more {
			body[k] = v
		}
		return post("/svm/svms", body)
	}
	cluster := s.ok(t, "5.5", "the IPspace Cluster", get("/network/ipspaces?name=Cluster"))
	s.refusals(t, []refusal{
		{section: "2.2", reason: "a comment of 256 characters", request: unwanted(object{"comment": strings.Repeat("c", 256)})},
		{section: "2.2", reason: "sync_destination is made by the system", request: unwanted(object{"subtype": "sync_destination"}), codes: []string{"2621657"}},
		{section: "2.2", reason: "a subtype outside the enumeration", request: unwanted(object{"subtype": "bogus"}), codes: invalidValue},
		{section: "2.3", reason: "a destination of disaster recovery has name, comment and IPspace only", codes: []string{"2621580"},
			request: unwanted(object{"subtype": "dp_destination", "max_volumes": "3"})},
		{section: "2.3", reason: "a language that is not UTF-8", request: unwanted(object{"language": "en_us"}), codes: []string{"13434885"}},
		{section: "2.3", reason: "an IPspace that is none", request: unwanted(object{"ipspace": object{"name": s.name("none")}}), codes: []string{"13434912"}},
		{section: "2.3", reason: "name and UUID of two IPspaces", codes: []string{"13434888"},
			request: unwanted(object{"ipspace": object{"name": "Default", "uuid": text(cluster.only(), "uuid")}})},
		{section: "2.3", reason: "a read-only field", request: unwanted(object{"aggregates_delegated": true}), status: 400, codes: append([]string{"13434884"}, notThisField...)},
	})
	t.Run("families", s.twoFamilies)
	t.Run("nothing was made", func(t *testing.T) {
		a := s.ok(t, "2.3", "refused names", get("/svm/svms?name="+q(s.name("unwanted"))))
		s.check(t, "2.3", "what is refused is not made", a, len(a.records()) == 0)
	})
}

func (s *suite) refusedSVMNames(t *testing.T) {
	taken := []string{"13434908"}
	tooLong := []string{"13434911", "2621643"}
	named := func(name string) request { return post("/svm/svms", object{"name": name}) }
	s.refusals(t, []refusal{
		{section: "2.3", reason: "no name", request: post("/svm/svms", object{"comment": "x"}), codes: append([]string{"2621685", "13434884"}, missingValue...)},
		{section: "2.3", reason: "an empty name", request: named(""), codes: append([]string{"2621685"}, invalidValue...)},
		{section: "2.2", reason: "a name that begins with a digit", request: named("1" + s.prefix), codes: badSVMName},
		{section: "2.2", reason: "a name that begins with a dash", request: named("-" + s.prefix), codes: badSVMName},
		{section: "2.2", reason: "the reserved name", request: named("all"), codes: badSVMName},
		{section: "2.2", reason: "a name one too long", request: named(s.long(s.array.maxName() + 1)), codes: tooLong},
		{section: "13", reason: "the name of another SVM", request: named(s.main.name), codes: taken},
		{section: "2.3", reason: "the name of the cluster", request: named(s.array.cluster), codes: taken},
		{section: "2.3", reason: "the name of an IPspace", request: named("Default"), codes: taken},
	})
}

// madeSVMs are SVMs whose creation must succeed.
func (s *suite) madeSVMs(t *testing.T) {
	for reason, name := range map[string]string{
		"the longest name": s.long(s.array.maxName()), "an underscore first": "_" + s.prefix, "digits and dashes": s.prefix + "-0_Z",
	} {
		t.Run(reason, func(t *testing.T) { s.dropSVM(t, s.makeSVM(t, name, nil)) })
	}
	t.Run("a comment of 255 characters", func(t *testing.T) {
		comment := strings.Repeat("c", 255)
		svm := s.makeSVM(t, s.name("comment"), object{"comment": comment})
		a := s.readSVM(t, svm)
		s.check(t, "2.2", "the comment is kept whole", a, text(a.body, "comment") == comment)
		s.dropSVM(t, svm)
	})
	t.Run("interfaces and routes with it", s.allAtOnce)
}

// allAtOnce makes an SVM with interfaces and a route in one request.
func (s *suite) allAtOnce(t *testing.T) {
	address := s.address(t)
	svm := s.makeSVM(t, s.name("whole"), object{
		"subtype":     s.array.defaultSubtype(),
		"ipspace":     object{"name": "Default"},
		"max_volumes": "5",
		"aggregates":  []object{{"uuid": s.array.aggregates[0].uuid}},
		"ip_interfaces": []object{{"name": s.name("lif"), "ip": object{"address": address, "netmask": s.netmask()},
			"location": object{"broadcast_domain": object{"name": s.array.domain.name}}}},
		"routes": []object{{"gateway": s.gateway(t)}},
	})
	a := s.readSVM(t, svm)
	s.check(t, "2.2", "max_volumes is the string that was given", a, text(a.body, "max_volumes") == "5")
	lifs := s.ok(t, "2.2", "the interface made with it", get("/network/ip/interfaces?fields=ip.address&svm.uuid="+svm.uuid))
	s.check(t, "2.2", "one interface with the address given", lifs, len(lifs.records()) == 1 && text(lifs.only(), "ip.address") == address)
	routes := s.ok(t, "2.2", "the route made with it", get("/network/ip/routes?fields=gateway&svm.uuid="+svm.uuid))
	s.check(t, "2.2", "one route with the gateway given", routes, text(routes.only(), "gateway") == s.gateway(t))
	s.dropSVM(t, svm)
}

// fiveJobs asks for six SVMs at once: one must be refused, unless the first had
// ended by then.
func (s *suite) fiveJobs(t *testing.T) {
	const many = 6
	answers := make([]answer, many)
	errs := make([]error, many)
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			answers[i], errs[i] = s.try(t.Context(), post("/svm/svms", object{"name": s.name("six" + string(rune('a'+i)))}))
		})
	}
	all.Wait()
	var unended, ended, refused int
	for i, a := range answers {
		switch {
		case errs[i] != nil:
			t.Fatal(s.mask(errs[i].Error()))
		case a.status == 202:
			if unfinished(text(s.send(t, get("/cluster/jobs/"+a.job())).body, "state")) {
				unended++
			}
		default:
			refused++
			s.errorShape(t, a)
			s.check(t, "2.3", "the sixth job at once has code 13434894", a, a.code() == "13434894")
		}
	}
	for _, a := range answers {
		if a.status == 202 {
			job, err := s.follow(t.Context(), a.job())
			if err != nil {
				t.Fatal(err)
			}
			if text(job, "state") != "success" {
				refused++
				s.check(t, "2.3", "the sixth job at once has code 13434894", a, jobCode(job) == "13434894")
				continue
			}
			ended++
		}
	}
	if refused == 0 {
		s.check(t, "2.3", "at most five SVM jobs at once", answers[many-1], unended <= 5)
		s.noteSection(t, "2.3", "ended %d of six jobs before the limit of five was seen", ended)
	}
	s.dropAll(t, s.name("six*"))
}

func (s *suite) dropAll(t *testing.T, pattern string) {
	records := s.ok(t, "2.1", "our SVMs", get("/svm/svms?name="+q(pattern))).records()
	slices.Reverse(records)
	for _, r := range records {
		s.dropSVM(t, s.awaitSVM(t, text(r, "name"), nil))
	}
}

// twoFamilies is a creation that may fail in its job, and may then leave a half.
func (s *suite) twoFamilies(t *testing.T) {
	name := s.name("families")
	s.refuse(t, refusal{section: "2.3", reason: "gateway and destination of two families", codes: []string{"458753", "1966265"},
		request: post("/svm/svms", object{"name": name, "routes": []object{{"gateway": s.gateway(t), "destination": object{"address": "2001:db8::", "netmask": "64"}}}})})
	if half := s.ok(t, "2.3", "what a failed creation left", get("/svm/svms?name="+q(name))).only(); half != nil {
		s.noteSection(t, "2.3", "leaves an SVM behind when the creation fails")
		s.dropSVM(t, svmRef{name: name, uuid: text(half, "uuid")})
	}
}
