package decide_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// The universe of what a shoot leaves behind: two accounts and two Secrets.
var (
	leftAccountWords = []choice{"silent", "absent", "not read whole", "ours", "ours, later", "others", "doubtful", "unusable"}
	leftSecretWords  = []choice{"silent", "absent", "not read whole", "ours", "others", "doubtful"}
	leaveDims        = [][]choice{noYes, leftAccountWords, leftAccountWords, leftSecretWords, leftSecretWords, noYes}
)

// departure is one combination.
type departure struct {
	noted             bool
	accounts, secrets [2]choice
	switchedOver      bool
}

func departureAt(n int) departure {
	d := digitsOf(n, leaveDims)
	return departure{d[0] == 1, [2]choice{leftAccountWords[d[1]], leftAccountWords[d[2]]}, [2]choice{leftSecretWords[d[3]], leftSecretWords[d[4]]}, d[5] == 1}
}

func left(name string, word choice) decide.Left {
	l := decide.Left{Name: name, Finding: proof.Present, Generation: 3}
	switch word {
	case "silent":
		l.Finding = proof.Unknown
	case "unusable":
		l.Finding = proof.Unusable
	case "absent":
		l.Finding = proof.Absent
	case "ours":
		l.Holding = decide.HoldingOurs
	case "ours, later":
		l.Holding, l.Generation = decide.HoldingOurs, 4
	case "others":
		l.Holding = decide.HoldingOthers
	case "doubtful":
		l.Holding = decide.HoldingDoubtful
	}
	return l
}

func (p departure) leaving() decide.Leaving {
	l := decide.Leaving{Shoot: "b", Noted: p.noted, GivenOut: 3}
	for i := range 2 {
		l.Accounts = append(l.Accounts, left(fmt.Sprintf("b%d", i), p.accounts[i]))
		l.Secrets = append(l.Secrets, left(fmt.Sprintf("n/s%d", i), p.secrets[i]))
	}
	return l
}

func (p departure) any(of [2]choice, words ...choice) bool {
	return slices.Contains(words, of[0]) || slices.Contains(words, of[1])
}

// next is the rule, a second time.
func (p departure) next() decide.LeaveAction {
	quiet := []choice{"silent", "not read whole", "unusable"}
	switch {
	case !p.noted:
		return decide.LeaveStop
	case p.any(p.accounts, quiet...) || p.any(p.secrets, quiet...):
		return decide.LeaveWait
	case p.any(p.accounts, "ours"):
		return decide.LeaveAccounts
	case p.any(p.accounts, "ours, later", "doubtful"):
		return decide.LeaveStop
	case p.any(p.secrets, "ours"):
		return decide.LeaveSecrets
	case p.any(p.secrets, "doubtful"):
		return decide.LeaveStop
	}
	return decide.LeaveRecord
}

// names are what the step is about.
func (p departure) names(action decide.LeaveAction) []string {
	var names []string
	for i := range 2 {
		if action == decide.LeaveAccounts && p.accounts[i] == "ours" || action == decide.LeaveRecord && p.accounts[i] == "others" {
			names = append(names, fmt.Sprintf("b%d", i))
		}
	}
	for i := range 2 {
		if action == decide.LeaveSecrets && p.secrets[i] == "ours" || action == decide.LeaveRecord && p.secrets[i] == "others" {
			names = append(names, fmt.Sprintf("n/s%d", i))
		}
	}
	return names
}

// TestEveryDeparture: what may go of a shoot that left, over all combinations;
// and silence of anything never lets anything go.
func TestEveryDeparture(t *testing.T) {
	t.Parallel()
	size := sizeOf(leaveDims)
	actions := make([]decide.LeaveAction, size)
	counts := map[decide.LeaveAction]int{}
	failed := 0
	for n := range size {
		p := departureAt(n)
		step := decide.NextLeave(p.leaving())
		actions[n] = step.Action
		counts[step.Action]++
		why := ""
		switch want := p.next(); {
		case step.Action != want:
			why = "want " + string(want)
		case !slices.Equal(step.Names, p.names(want)):
			why = fmt.Sprintf("of %q, want %q", step.Names, p.names(want))
		case step.Why == "" || want == decide.LeaveWait && step.WaitFor == "" || want == decide.LeaveStop && step.Command == "":
			why = "it gives no reason, or does not say for what it waits or what to type"
		}
		if why == "" {
			why = p.wrongStep(step.Action)
		}
		if why != "" {
			t.Errorf("%+v: %s (%s): %s", p, step.Action, step.Why, why)
			if failed++; failed > 10 {
				t.Fatal("and more")
			}
		}
	}
	for n := range size {
		for dim := range 5 {
			digits := digitsOf(n, leaveDims)
			digits[dim] = 0
			now := actions[numberOf(digits, leaveDims)]
			if now != actions[n] && now != decide.LeaveWait && now != decide.LeaveStop {
				t.Fatalf("law 1: %+v: %s, and with %d silent %s", departureAt(n), actions[n], dim, now)
			}
		}
	}
	t.Logf("%d combinations: %v", size, counts)
	if len(counts) != 5 {
		t.Errorf("%d actions came, want all 5", len(counts))
	}
}

// wrongStep holds the step of the SVM to what was decided: it is held while the
// SVM is switched over, and stops nothing else.
func (p departure) wrongStep(action decide.LeaveAction) string {
	mode := decide.NoMetroCluster
	if p.switchedOver {
		mode = decide.NotNormal
	}
	e := evidence(recordOf(1, nonce1, "1a"), noClaim, metro(arrayOf("a", ours("1a", decide.Running, 1, nonce1)), mode), arrayOf("b"))
	e.Site = cell{lifs: "all", manage: "present", account: "ours", secret: "active"}.site([]string{"1a"})
	e.Site.Leaving = []decide.Leaving{p.leaving()}
	d := decide.Next(e, wanted())
	want := map[decide.LeaveAction]decide.StepState{decide.LeaveWait: decide.StepWaits, decide.LeaveStop: decide.StepStops}[action]
	switch {
	case want != "":
	case p.switchedOver:
		want = decide.StepWaits
	default:
		want = decide.StepDo
	}
	for _, s := range d.Steps {
		switch {
		case s.Name == decide.StepLeave && (s.State != want || s.Object != "b" || s.Leave == nil):
			return "its step is " + string(s.State) + ", want " + string(want)
		case s.Name == decide.StepCredentials && s.State != decide.StepDone:
			return "it holds the shoot that stays"
		}
	}
	if !slices.ContainsFunc(d.Steps, func(s decide.Step) bool { return s.Name == decide.StepLeave }) {
		return "it has no step"
	}
	return ""
}

// TestNothingLeavesUnderADoubt: only on an SVM that is there, runs, and is the one
// that the record names, is there a step of a shoot that left.
func TestNothingLeavesUnderADoubt(t *testing.T) {
	ready := departure{noted: true, accounts: [2]choice{"ours", "ours"}, secrets: [2]choice{"ours", "absent"}}
	there := ours("1a", decide.Running, 1, nonce1)
	for _, c := range []struct {
		reason string
		e      decide.Evidence
		want   decide.StepState // "" where there is no such step
	}{
		{"recorded and seen", evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a", there), arrayOf("b")), decide.StepDo},
		{"and another array is silent", evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a", there), silentArray("b")), decide.StepWaits},
		{"its array is silent", evidence(recordOf(1, nonce1, "1a"), noClaim, silentArray("a"), arrayOf("b")), ""},
		{"its array is another", evidence(recordOf(1, nonce1, "1a"), noClaim, repointed(arrayOf("a", there)), arrayOf("b")), ""},
		{"the record could not be read", evidence(decide.Record{}, noClaim, arrayOf("a", there), arrayOf("b")), ""},
		{"the record is lost", evidence(noRecord, noClaim, arrayOf("a", there), arrayOf("b")), ""},
		{"the record names another", evidence(recordOf(1, nonce1, "z"), noClaim, arrayOf("a", there), arrayOf("b")), ""},
		{"it bears another owner's mark", evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a", foreign("1a")), arrayOf("b")), ""},
		{"it is stopped", evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a", ours("1a", decide.Stopped, 1, nonce1)), arrayOf("b")), ""},
		{"it is gone", evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a"), arrayOf("b")), ""},
	} {
		c.e.Site.Leaving = []decide.Leaving{ready.leaving()}
		gone := decide.Desired{Gone: true, Policy: decide.Delete}
		_, first := decide.BeforeDeletion(c.e, gone)
		d := decide.Next(c.e, wanted())
		var state decide.StepState
		for _, s := range d.Steps {
			if s.Name == decide.StepLeave {
				state = s.State
			}
		}
		if state != c.want || first != (c.want != "") {
			t.Errorf("%s: %s, its step: %q, before the deletion: %v; want %q", c.reason, d.Action, state, first, c.want)
		}
	}
}

// TestBeforeDeletion: whether a shoot that left goes before the SVM does.
func TestBeforeDeletion(t *testing.T) {
	ready := departure{noted: true, accounts: [2]choice{"ours", "absent"}, secrets: [2]choice{"ours", "absent"}}
	there := evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a", ours("1a", decide.Running, 1, nonce1)), arrayOf("b"))
	v, _ := decide.Judge(there)
	for _, c := range []struct {
		reason  string
		closed  bool
		leaving []decide.Leaving
		want    decide.Desired
		first   bool
	}{
		{"to be deleted by its policy", false, []decide.Leaving{ready.leaving()}, decide.Desired{Gone: true, Policy: decide.Delete}, true},
		{"by a person's word", false, []decide.Leaving{ready.leaving()}, decide.Desired{Gone: true, Approval: approve(v, proof.Destroy, "")}, true},
		{"retained: nothing of it is touched", false, []decide.Leaving{ready.leaving()}, decide.Desired{Gone: true, Policy: decide.Retain}, false},
		{"its deletion is under way", true, []decide.Leaving{ready.leaving()}, decide.Desired{Gone: true, Policy: decide.Delete}, false},
		{"no shoot left it", false, nil, decide.Desired{Gone: true, Policy: decide.Delete}, false},
		{"it is wanted: its own flow has the step", false, []decide.Leaving{ready.leaving()}, wanted(), false},
	} {
		e := there
		e.Site.Leaving = c.leaving
		if c.closed {
			e.Record.Closed = "d"
		}
		d, first := decide.BeforeDeletion(e, c.want)
		if first != c.first {
			t.Errorf("%s: %v, want %v", c.reason, first, c.first)
		}
		if !first {
			continue
		}
		if d.Action != decide.GoOn || len(d.Steps) != 2 || d.Steps[0].Name != decide.StepLeave || d.Steps[1].Name != decide.StepDeletion || d.Steps[1].State != decide.StepWaits {
			t.Errorf("%s: %s with %+v", c.reason, d.Action, d.Steps)
		}
		if said := strings.Join(decide.Explain(d), "\n"); !strings.Contains(said, "Step leave b is to be done") {
			t.Errorf("%s: it does not say so:\n%s", c.reason, said)
		}
	}
}
