package decide_test

import (
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// The universe of witnesses: two arrays, record, trace and claim, each saying
// everything that it may, silence included. Choice 0 is always silence.

type choice string

var (
	arrayChoices = []choice{"silent", "nothing", "nothing, jobs unknown", "nothing, job unfinished", "first", "second", "unmarked", "foreign",
		"second stuck", "second stuck, content unknown", "first stopped", "first deleting", "comment unknown", "first initializing"}
	recordChoices = []choice{"silent", "none", "damaged", "first", "one that is gone", "second", "first, closed"}
	traceChoices  = []choice{"silent", "none", "nameless", "first", "one that is gone"}
	claimChoices  = []choice{"silent", "none", "open", "open, asked", "born", "failed", "to re-create"}
	wantChoices   = []choice{"wanted", "gone"}
)

// world is one combination. The first SVM of array a is 1a, of attempt 1; the
// second is of the attempt of the claim.
type world struct{ a, b, record, trace, claim, want choice }

var worldDims = [][]choice{arrayChoices, arrayChoices, recordChoices, traceChoices, claimChoices, wantChoices}

func worldAt(digits []int) world {
	return world{arrayChoices[digits[0]], arrayChoices[digits[1]], recordChoices[digits[2]], traceChoices[digits[3]], claimChoices[digits[4]], wantChoices[digits[5]]}
}

func (w world) String() string {
	return "a " + string(w.a) + " | b " + string(w.b) + " | record " + string(w.record) + " | trace " + string(w.trace) +
		" | claim " + string(w.claim) + " | " + string(w.want)
}

func digitsOf(n int, dims [][]choice) []int {
	digits := make([]int, len(dims))
	for i, d := range dims {
		digits[i] = n % len(d)
		n /= len(d)
	}
	return digits
}

func numberOf(digits []int, dims [][]choice) int {
	n := 0
	for i := len(digits) - 1; i >= 0; i-- {
		n = n*len(dims[i]) + digits[i]
	}
	return n
}

func sizeOf(dims [][]choice) int {
	n := 1
	for _, d := range dims {
		n *= len(d)
	}
	return n
}

func (w world) array(name string, c choice) decide.Array {
	stuck := func(content decide.Answer) decide.SVM {
		s := ours("2"+name, decide.Initializing, 2, nonce2)
		s.Stuck, s.OnlyLockedVsadmin, s.OnlyRootVolume = true, content, content
		return s
	}
	a := arrayOf(name)
	switch c {
	case "silent":
		return silentArray(name)
	case "nothing, jobs unknown":
		a.JobsKnown = false
	case "nothing, job unfinished":
		a.Jobs = []string{"POST /api/svm/svms"}
	case "first":
		a.SVMs = []decide.SVM{ours("1"+name, decide.Running, 1, nonce1)}
	case "second":
		a.SVMs = []decide.SVM{ours("2"+name, decide.Running, 2, nonce2)}
	case "unmarked":
		a.SVMs = []decide.SVM{plain("u"+name, decide.Running)}
	case "foreign":
		a.SVMs = []decide.SVM{foreign("f" + name)}
	case "second stuck":
		a.SVMs = []decide.SVM{stuck(decide.Yes)}
	case "second stuck, content unknown":
		a.SVMs = []decide.SVM{stuck(decide.NotKnown)}
	case "first stopped":
		a.SVMs = []decide.SVM{ours("1"+name, decide.Stopped, 1, nonce1)}
	case "first deleting":
		a.SVMs = []decide.SVM{ours("1"+name, decide.Deleting, 1, nonce1)}
	case "comment unknown":
		a.SVMs = []decide.SVM{{UUID: "c" + name, Name: svmName, State: decide.Running, Role: decide.Plain}}
	case "first initializing":
		a.SVMs = []decide.SVM{ours("1"+name, decide.Initializing, 1, nonce1)}
	}
	return a
}

func (w world) evidence() decide.Evidence {
	e := evidence(noRecord, noClaim, w.array("a", w.a), w.array("b", w.b))
	switch w.record {
	case "silent":
		e.Record = decide.Record{}
	case "damaged":
		e.Record = decide.Record{Finding: proof.Unusable}
	case "first":
		e.Record = recordOf(1, nonce1, "1a")
	case "one that is gone":
		e.Record = recordOf(1, nonce3, "gone")
	case "second":
		e.Record = recordOf(2, nonce2, "2a")
	case "first, closed":
		e.Record = recordOf(1, nonce1, "1a")
		e.Record.Closed = "d"
	}
	trace := decide.Trace{Name: "volumes", Finding: proof.Present}
	switch w.trace {
	case "silent":
		trace.Finding = proof.Unknown
	case "none":
		trace.Finding = proof.Absent
	case "first":
		trace.UUID = "1a"
	case "one that is gone":
		trace.UUID = "gone"
	}
	e.Traces = []decide.Trace{trace}
	switch w.claim {
	case "silent":
		e.Claim = decide.Claim{}
	case "open", "open, asked", "to re-create":
		e.Claim = claimOf(decide.ClaimOpen, 2, nonce2)
		e.Claim.Asked = w.claim == "open, asked"
		if w.claim == "to re-create" {
			e.Claim.Approval = "approval"
		}
	case "born":
		e.Claim = claimOf(decide.ClaimBorn, 2, nonce2)
		e.Claim.UUID = "2a"
	case "failed":
		e.Claim = claimOf(decide.ClaimFailed, 2, nonce2)
	}
	return e
}

func (w world) desired() decide.Desired {
	d := wanted()
	if w.want == "gone" {
		d.Gone, d.Policy, d.Guards = true, decide.Delete, guardsClear()
	}
	return d
}

func (w world) claimIsOpen() bool {
	return strings.HasPrefix(string(w.claim), "open") || w.claim == "to re-create"
}

// dangerous is what no silence may ever permit.
var dangerous = map[decide.NextAction]bool{decide.Open: true, decide.Ask: true, decide.Remake: true, decide.Adopt: true,
	decide.CloseRecord: true, decide.DeleteSVM: true, decide.RemoveRecord: true}

type result struct {
	state  proof.State
	rule   int
	action decide.NextAction
}

func TestEveryWorld(t *testing.T) {
	t.Parallel()
	results := make([]result, sizeOf(worldDims))
	counts, actions := map[proof.State]int{}, map[decide.NextAction]int{}
	failed := 0
	for n := range results {
		w := worldAt(digitsOf(n, worldDims))
		d := decide.Next(w.evidence(), w.desired())
		results[n] = result{d.Verdict.State, d.Verdict.Rule, d.Action}
		counts[d.Verdict.State]++
		actions[d.Action]++
		state, rule := w.ruling()
		if d.Verdict.State != state || d.Verdict.Rule != rule {
			t.Errorf("%s: %s by rule %d (%s), want %s by rule %d", w, d.Verdict.State, d.Verdict.Rule, d.Verdict.Why, state, rule)
			failed++
		}
		if want := w.next(state); d.Action != want {
			t.Errorf("%s: %s: next is %s (%s), want %s", w, state, d.Action, d.Why, want)
			failed++
		}
		if why := badWords(d); why != "" {
			t.Errorf("%s: %s", w, why)
			failed++
		}
		if failed > 10 {
			t.Fatal("and more")
		}
	}
	for n := range results {
		checkWorld(t, n, results)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d combinations: %v, %v", len(results), counts, actions)
	for _, a := range []decide.NextAction{decide.Wait, decide.Stop, decide.GoOn, decide.Open, decide.Ask, decide.Remake, decide.CloseBorn, decide.CloseFailed,
		decide.WriteRecord, decide.CloseRecord, decide.DeleteSVM, decide.Reopen, decide.RemoveRecord, decide.DeletionDone} {
		if actions[a] == 0 {
			t.Errorf("%s never came", a)
		}
	}
}

// checkWorld holds one combination to its neighbours, and to the laws.
func checkWorld(t *testing.T, n int, results []result) {
	digits := digitsOf(n, worldDims)
	w, was := worldAt(digits), results[n]
	silencings := func(dim, digit int) []int {
		if dim < 2 {
			switch arrayChoices[digit] {
			case "nothing", "nothing, job unfinished":
				return []int{0, 2}
			case "second stuck":
				return []int{0, 9}
			}
		}
		return []int{0}
	}
	for dim := range 5 {
		before := digits[dim]
		for _, silent := range silencings(dim, before) {
			digits[dim] = silent
			if now := results[numberOf(digits, worldDims)]; dangerous[now.action] && now.action != was.action {
				t.Errorf("law 1: %s allows %s, and silenced in %d it allows %s", w, was.action, dim, now.action)
			}
		}
		digits[dim] = before
	}
	if present(w) && was.state == proof.NeverExisted {
		t.Errorf("law 2: %s: NeverExisted", w)
	}
	nothing := w.a == "nothing" && w.b == "nothing"
	switch was.action {
	case decide.Ask:
		if was.state != proof.NeverExisted || !w.claimIsOpen() || !nothing {
			t.Errorf("law 3: %s: %s, and it is asked for", w, was.state)
		}
	case decide.Open:
		if was.state != proof.NeverExisted || w.claimIsOpen() || !nothing {
			t.Errorf("law 3: %s: %s, and a claim is opened", w, was.state)
		}
	case decide.Remake:
		if w.a != "second stuck" || w.b != "nothing" || !w.claimIsOpen() || w.record != "none" && w.claim != "to re-create" {
			t.Errorf("law 3: %s: it is re-made", w)
		}
	case decide.DeleteSVM:
		if w.record != "first, closed" {
			t.Errorf("%s: it is deleted, and the record is not closed", w)
		}
	}
}

// present: somebody shows something that is not of the open claim.
func present(w world) bool {
	shows := func(c choice) bool {
		return c == "first" || c == "unmarked" || c == "foreign" || c == "first stopped" || c == "second"
	}
	named := w.trace == "nameless" || w.trace == "first" || w.trace == "one that is gone" || w.record == "first" || w.record == "one that is gone" || w.record == "second"
	return shows(w.a) || shows(w.b) || w.claim == "born" || named && w.claim != "to re-create"
}

// badWords: every decision can be told, and says what it waits for or what to
// type.
func badWords(d decide.Decision) string {
	lines := decide.Explain(d)
	if len(lines) < 3 || lines[0] == "" {
		return "there is no explanation"
	}
	for _, l := range lines {
		if strings.Contains(l, "%!") || strings.Contains(l, "  ") || strings.Contains(l, "()") {
			return "a broken sentence: " + l
		}
	}
	switch {
	case d.Why == "":
		return "no reason is given for " + string(d.Action)
	case d.Action == decide.Wait && d.WaitFor == "":
		return "it waits for nothing that is named"
	case d.Action == decide.Stop && d.Command == "":
		return "it stops for a person and says nothing to type"
	case d.Verdict.Digest == "":
		return "no digest"
	}
	for _, s := range d.Steps {
		if s.Why == "" || s.State == decide.StepWaits && s.WaitFor == "" {
			return "step " + string(s.Name) + " gives no reason, or does not say for what it waits"
		}
	}
	return ""
}
