package ontap

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// commonStatus is the table of section 1.6: the HTTP status of the codes that
// any endpoint can return. Codes of one endpoint have none that is known.
var commonStatus = map[string][]int{
	"1": {409}, "2": {400}, "3": {405, 404}, "4": {404}, "6": {403}, "7": {429, 503}, "8": {409, 503},
	"65541": {500}, "65552": {500}, "65562": {500}, "262145": {500}, "262160": {429},
	"262177": {400}, "262179": {400}, "262185": {400}, "262186": {400}, "262188": {400}, "262190": {400},
	"262196": {400}, "262197": {400}, "262199": {400}, "262200": {400}, "262201": {400}, "262202": {400},
	"262203": {400}, "262210": {500}, "262212": {400}, "262245": {400}, "262247": {400}, "262254": {400},
	"262255": {400}, "262268": {400}, "262286": {400}, "393271": {500}, "1245212": {500},
	"1260882": {400}, "2621462": {400}, "2621471": {400}, "2621519": {400}, "2621643": {400}, "2621685": {400},
	"2621574": {400}, "2621576": {409}, "2621706": {400}, "8586226": {400},
}

// Groups of codes for one thing, where the facts leave open which of them comes.
var (
	invalidValue = []string{"2", "262177", "262179", "262185", "262197", "262245", "262247"}
	missingValue = []string{"2", "262177", "262212"}
	notThisField = []string{"262179", "262196", "262203"}
	badJSON      = []string{"262199", "262200", "262201"}
	badSVMName   = []string{"2621471", "2621519", "13434884"}
	missing      = []string{"4"}
)

// refusal is a request that must be refused.
type refusal struct {
	section string
	reason  string
	request request
	status  int      // 0: the facts give none beyond the table of 1.6
	codes   []string // any of these; none: any code
	doubt   int      // note the outcome under this doubt
}

// refusals runs a table, a subtest for each.
func (s *suite) refusals(t *testing.T, table []refusal) {
	t.Helper()
	for _, c := range table {
		t.Run(c.section+" "+c.reason, func(t *testing.T) { s.refuse(t, c) })
	}
}

// refuse sends what must be refused, at once or in its job.
func (s *suite) refuse(t *testing.T, c refusal) {
	t.Helper()
	s.cases++
	o := s.settle(t, c.request)
	expected := "a refusal"
	if len(c.codes) > 0 {
		expected += " with code " + strings.Join(c.codes, " or ")
	}
	if c.status != 0 {
		expected += fmt.Sprintf(" and status %d", c.status)
	}
	switch {
	case o.done:
		s.complain(t, c.section, c.reason, c.request, expected, o.show(s))
		return
	case len(c.codes) > 0 && !slices.Contains(c.codes, o.code):
		s.complain(t, c.section, c.reason, c.request, expected, o.show(s))
	case c.status != 0 && !o.inJob && o.answer.status != c.status:
		s.complain(t, c.section, c.reason, c.request, expected, o.show(s))
	}
	if c.doubt != 0 {
		s.note(t, c.doubt, "answers %s with %s", s.show(c.request), o.brief())
	}
	if o.inJob {
		return
	}
	s.errorShape(t, o.answer)
	if c.doubt == 0 {
		s.commonStatus(t, o.answer)
	}
	if commonStatus[o.code] == nil && c.status == 0 {
		s.statuses(o)
	}
}

// statuses collects, for doubt 1, which status an endpoint's own code came with.
func (s *suite) statuses(o outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if codes := s.codesOf[o.answer.status]; !slices.Contains(codes, o.code) {
		s.codesOf[o.answer.status] = append(codes, o.code)
	}
}

// summary is what is told at the end, also of a run without a failure.
func (s *suite) summary(t *testing.T) {
	for _, status := range slices.Sorted(maps.Keys(s.codesOf)) {
		codes := s.codesOf[status]
		slices.Sort(codes)
		s.note(t, 1, "gives with status %d the codes %s", status, strings.Join(codes, " "))
	}
	t.Logf("%d cases, %d requests, %d notes", s.cases, s.requests, len(s.notes))
}

// expect sends a request that must be answered with one of the statuses; without
// that there is nothing to go on with.
func (s *suite) expect(t *testing.T, section, reason string, r request, statuses ...int) answer {
	t.Helper()
	s.cases++
	a := s.send(t, r)
	if !slices.Contains(statuses, a.status) {
		s.complain(t, section, reason, r, fmt.Sprintf("status %v", statuses), s.showAnswer(a))
		t.FailNow()
	}
	return a
}

// ok is expect with 200.
func (s *suite) ok(t *testing.T, section, reason string, r request) answer {
	t.Helper()
	return s.expect(t, section, reason, r, http.StatusOK)
}

// check holds an answer to one statement.
func (s *suite) check(t *testing.T, section, expected string, a answer, holds bool) {
	t.Helper()
	s.cases++
	if !holds {
		s.complain(t, section, expected, a.request, expected, s.showAnswer(a))
	}
}

// complain is the one form of a failure.
func (s *suite) complain(t *testing.T, section, reason string, r request, expected, got string) {
	t.Helper()
	t.Errorf("section %s: %s\nrequest:  %s\nexpected: %s\ngot:      %s", section, reason, s.show(r), expected, got)
}

var integerText = regexp.MustCompile(`^[0-9]+$`)

// errorShape holds a refusal to the body of section 1.5.
func (s *suite) errorShape(t *testing.T, a answer) {
	t.Helper()
	if a.request.method == http.MethodHead {
		return
	}
	code, isText := "", false
	if v, ok := at(a.body, "error.code"); ok {
		code, isText = v.(string)
	}
	s.check(t, "1.5", "error.code is an integer as a string", a, isText && integerText.MatchString(code))
	s.check(t, "1.5", "error.message is a text", a, text(a.body, "error.message") != "")
	if v, ok := at(a.body, "error.target"); ok {
		_, isText := v.(string)
		s.check(t, "1.5", "error.target, where given, is a string", a, isText)
	}
	if v, ok := at(a.body, "error.arguments"); ok {
		_, isList := v.([]any)
		s.check(t, "1.5", "error.arguments, where given, is an array", a, isList)
	}
}

// commonStatus holds a refusal to the table of section 1.6.
func (s *suite) commonStatus(t *testing.T, a answer) {
	t.Helper()
	if want := commonStatus[a.code()]; want != nil {
		s.check(t, "1.6", fmt.Sprintf("code %s comes with status %v", a.code(), want), a, slices.Contains(want, a.status))
	}
}

// code gives the code of a refusal.
func (a answer) code() string { return text(a.body, "error.code") }

// good says whether an answer is a success.
func (a answer) good() bool { return a.status >= 200 && a.status < 300 }
