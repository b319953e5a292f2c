package svm_test

import (
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// The oracle says a second time, as plainly as the rules, what must come of a
// cell. It sees the words of the cell alone, and shares nothing with the code.

// trouble is what becomes of a step that does not get done.
type stateTrouble struct {
	waits bool   // else it stops for a person
	says  string // the thing waited for, or a part of the reason
}

type expectation struct {
	state   proof.State
	action  decide.NextAction
	why     string
	created bool // from nothing
	// whole is what keeps every step on the SVM, or "".
	whole string
	steps map[string]stateTrouble // by title; every other step gets done
	// verified: the Secret holds a pair that a login has proved.
	verified bool
}

func (e expectation) goesOn() bool { return e.action == decide.GoOn }

// class is what the cell counts as.
func (e expectation) class() string {
	stops, waits := e.action == decide.Stop, e.action == decide.Wait
	for _, tr := range e.steps {
		stops, waits = stops || !tr.waits, waits || tr.waits
	}
	switch {
	case e.action == decide.Stop:
		return "stopped with " + e.state.String()
	case e.action == decide.Wait:
		return "waiting with " + e.state.String()
	case stops && waits:
		return "one step stopped and one waiting, the others done"
	case stops:
		return "steps stopped for a person, the others done"
	case waits:
		return "steps waiting, the others done"
	case e.created:
		return "converged, from nothing"
	}
	return "converged"
}

// expect is what must come of the cell at rest.
func (c stateCell) expect() expectation {
	e := c.verdict()
	if !e.goesOn() {
		return e
	}
	c.site(&e)
	if e.whole == "" {
		c.credentials(&e)
	}
	return e
}

func converges(why string) expectation {
	return expectation{state: proof.Intact, action: decide.GoOn, why: why}
}

// verdict is the ruling on the SVM itself (design, section 2).
func (c stateCell) verdict() expectation {
	silentArray := c.arrays() != "all answer"
	quiet := silentArray || c.trace() == "silent"
	shown := c.svm() != "absent" && (!c.ownHidden() || c.pair() || c.svm() == "two of them")
	settled := c.svm() != "initializing" && c.svm() != "deleting"
	conflict := func(why string) expectation {
		if quiet { // who is silent is waited for, before a person is asked to decide
			return expectation{state: proof.Conflicting, action: decide.Wait, why: why}
		}
		return expectation{state: proof.Conflicting, action: decide.Stop, why: why}
	}
	unproven := func(why string) expectation {
		return expectation{state: proof.Unproven, action: decide.Wait, why: why}
	}
	switch {
	case c.svm() == "foreign mark" && shown && (c.record() == "right" || c.record() == "absent"):
		return expectation{state: proof.Conflicting, action: decide.Stop, why: "another owner's mark on the SVM"}
	case c.svm() == "both running" && !silentArray && c.record() != "other UUID":
		return expectation{state: proof.Conflicting, action: decide.Stop, why: "both halves run"}
	case !settled && shown:
		return unproven("it is neither there nor gone")
	case !shown && quiet:
		return unproven("nothing is shown, and somebody is silent")
	case !shown && (c.record() != "absent" || c.trace() != "none"):
		return expectation{state: proof.DataLost, action: decide.Stop, why: "no array shows it, and it was there"}
	case !shown:
		e := converges("everybody has answered, and there is none")
		e.created = true
		return e
	}
	return c.ofShown(silentArray, conflict, unproven)
}

// ofShown is the ruling where an SVM is shown.
func (c stateCell) ofShown(silentArray bool, conflict, unproven func(string) expectation) expectation {
	onlyOther := c.svm() == "two of them" && c.ownHidden()
	switch {
	case (c.record() == "right" || c.record() == "twin's UUID") && !onlyOther:
		return converges("the record names what is shown, whoever else is silent")
	case c.record() != "absent" && silentArray:
		return unproven("a silent array could show what the record names, or another")
	case c.record() == "right" || c.record() == "other UUID":
		return conflict("the record names another than what is shown")
	case c.svm() == "two of them" && !silentArray:
		return conflict("two are shown, and no record says which")
	case silentArray:
		return unproven("a silent array could show another")
	case c.svm() == "unmarked" && c.trace() == "silent":
		return unproven("who could vouch for it is silent")
	case c.svm() == "unmarked" && c.trace() != "with our UUID":
		return conflict("nobody vouches for it")
	}
	return converges("it is vouched for, and its record is lost or an old one")
}

// The titles of the steps on the SVM.
const (
	titleData0       = "interface/datalif+0"
	titleData1       = "interface/datalif+1"
	titleManagement  = "management-interface/managementlif"
	titleRoute       = "route/0.0.0.0/0 via 192.0.2.1"
	titleCredentials = "credentials/prod"
)

var titlesOnSite = []string{"mark", "limits", "service/nvme", titleData0, titleData1, titleManagement, titleRoute, titleCredentials}

// whole is what keeps every step on the SVM, or "".
func (c stateCell) whole() string {
	switch {
	case c.svm() == "stopped":
		return "never started by us"
	case c.svm() == "twin running" && c.arrays() == "the other silent":
		return "the array of its other half"
	}
	return ""
}

// site are the steps up to the routes.
func (c stateCell) site(e *expectation) {
	e.steps, e.whole = map[string]stateTrouble{}, c.whole()
	if e.whole != "" {
		for _, title := range titlesOnSite {
			e.steps[title] = stateTrouble{waits: c.pair(), says: e.whole}
		}
		return
	}
	missing := func(title string) {
		if c.pair() { // switched over: only credentials and the record are repaired
			e.steps[title] = stateTrouble{waits: true, says: "what holds it"}
		}
	}
	wrong := stateTrouble{says: "another address"}
	switch c.lifs() {
	case "none":
		missing(titleData0)
		missing(titleData1)
	case "some":
		missing(titleData1)
	case "wrong address":
		e.steps[titleData1] = wrong
	}
	switch c.management() {
	case "absent":
		missing(titleManagement)
	case "wrong":
		e.steps[titleManagement] = wrong
	}
}

// credentials is what becomes of the password, whatever becomes of the rest.
func (c stateCell) credentials(e *expectation) {
	switch {
	case c.account() == "other owner's":
		e.steps[titleCredentials] = stateTrouble{says: "gets no password from us"}
	case c.secret() == "active" && c.account() != "absent" && !e.created:
		e.verified = true // a login proved it a minute ago
	case c.management() == "absent" && c.pair():
		e.steps[titleCredentials] = stateTrouble{waits: true, says: "the management interface"}
	case c.management() == "unreachable":
		e.steps[titleCredentials] = stateTrouble{waits: true, says: "a backend to become bound"}
	default:
		e.verified = true
	}
}

// opens: the active pair in the Secret opens the SVM at rest, proved or not.
func (c stateCell) opens(e expectation) bool {
	tr, troubled := e.steps[titleCredentials]
	delivered := troubled && tr.says == "a backend to become bound"
	return e.verified || delivered && !(c.secret() == "wrong password" && c.account() != "absent")
}

// silent are the witnesses that may be waited for; own and other are the names
// of the arrays, svm is what the own one shows.
func (c stateCell) silent(own, other, svm string) []string {
	var all []string
	switch {
	case c.ownHidden():
		all = append(all, decide.ArrayWitness(own))
	case c.svm() == "initializing" || c.svm() == "deleting":
		all = append(all, decide.SVMWitness(own, svm))
	}
	if c.arrays() == "the other silent" {
		all = append(all, decide.ArrayWitness(other))
	}
	if c.trace() == "silent" {
		all = append(all, stateTrace)
	}
	return all
}

// stateTrace is the one trace of a cell.
const stateTrace = "shoot/prod/volumes"
