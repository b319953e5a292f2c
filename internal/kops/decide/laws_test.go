package decide

import (
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/proof"
)

type outcome struct {
	action Action
	exit   int
}

// TestEveryCombination runs all combinations, holds each to the rules written
// a second time below, and all of them together to the laws.
func TestEveryCombination(t *testing.T) {
	for _, u := range universes() {
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			outcomes := make([]outcome, u.size())
			counts := map[Action]int{}
			for n := range outcomes {
				e, _ := u.at(n)
				d := Decide(e)
				outcomes[n] = outcome{d.Action, d.ExitCode}
				counts[d.Action]++
				if want := expected(e); want != outcomes[n] {
					t.Fatalf("%s: %+v, want %+v", describe(e), outcomes[n], want)
				}
				checkWords(t, e, d)
			}
			for n := range outcomes {
				checkLaws(t, u, n, outcomes)
				if t.Failed() {
					return
				}
			}
			t.Logf("%d combinations: %v", len(outcomes), counts)
			if counts[SeedNew] == 0 || counts[SeedImminent] == 0 || counts[SeedOverExisting] == 0 || counts[None] == 0 {
				t.Errorf("an action never came: %v", counts)
			}
		})
	}
}

// expected is the rules of the design as plainly as they are told to a person.
func expected(e Evidence) outcome {
	marker, spec := e.Marker.File, e.Spec.File
	signs, silence := 0, e.Config.Finding != proof.Present || marker == managerfiles.Unreadable || spec == managerfiles.Unreadable
	for _, n := range append(append([]Named{}, e.Leavings...), e.Traces...) {
		signs, silence = signs+sign(n.Finding), silence || n.Finding == proof.Unknown
	}
	for _, l := range e.Live {
		signs, silence = signs+sign(l.Finding), silence || l.Finding == proof.Unknown
	}
	broken := marker == managerfiles.Unusable || len(e.SharedWith) > 0
	exit := func(code int) int {
		if broken {
			return 3
		}
		return code
	}
	switch {
	case marker == managerfiles.Missing && spec == managerfiles.Usable:
		return outcome{SeedImminent, 3}
	case e.Config.Finding != proof.Present || marker == managerfiles.Unreadable:
		return outcome{Unproven, exit(4)}
	case marker == managerfiles.Missing && (signs > 0 || spec == managerfiles.Unusable):
		return outcome{SeedOverExisting, 3}
	case marker == managerfiles.Missing && (silence || e.Want == nil || len(e.SharedWith) > 0):
		return outcome{Unproven, exit(4)}
	case marker == managerfiles.Missing:
		return outcome{SeedNew, 0}
	case e.Want == nil || spec == managerfiles.Unreadable:
		return outcome{Unproven, exit(4)}
	case spec == managerfiles.Usable && e.SpecNow == *e.Want:
		return outcome{None, exit(0)}
	}
	if spec == managerfiles.Usable && e.SpecNow == ancient {
		return outcome{ChangeSpec, 3}
	}
	return outcome{ChangeSpec, exit(map[BackupState]int{BackupsRecent: 0, BackupsNone: 3, BackupsStale: 3, BackupsUnknown: 4}[e.Backups])}
}

func sign(f proof.Finding) int {
	if f == proof.Present || f == proof.Unusable {
		return 1
	}
	return 0
}

// checkLaws holds one combination to its neighbours.
func checkLaws(t *testing.T, u universe, n int, outcomes []outcome) {
	e, digits := u.at(n)
	was := outcomes[n]
	for i, d := range u.dims {
		before := digits[i]
		if d.finding {
			digits[i] = 0
			silent := outcomes[u.number(digits)]
			if silent.exit == Safe && was.exit != Safe || silent.action == SeedNew && was.action != SeedNew {
				t.Errorf("law 1: %s is %+v; with %s silent it is %+v", describe(e), was, d.name, silent)
			}
			if dangerous(was.action) && (silent.action == None || silent.action == ChangeSpec) {
				t.Errorf("law 1: %s is %+v; with %s silent it is %+v", describe(e), was, d.name, silent)
			}
		}
		if d.sign {
			digits[i] = d.choices - 1
			if more := outcomes[u.number(digits)]; more.action == SeedNew {
				t.Errorf("law 2: %s: with %s present it is %+v", describe(e), d.name, more)
			}
		}
		digits[i] = before
	}
	if e.Spec.File == managerfiles.Usable && e.Marker.File == managerfiles.Missing && (was.action == None || was.exit == Safe) {
		t.Errorf("law 3: %s: a spec without a marker is %+v", describe(e), was)
	}
}

func dangerous(a Action) bool { return a == SeedOverExisting || a == SeedImminent || a == Unproven }

// checkWords: every decision can be told, and its advice is in the safe order.
func checkWords(t *testing.T, e Evidence, d Decision) {
	t.Helper()
	begins := map[Action]string{SeedImminent: "ACT NOW", SeedOverExisting: "STOP", Unproven: "NOT PROVEN"}[d.Action]
	if !strings.HasPrefix(d.Sentence, begins) || d.Sentence == "" || strings.ContainsAny(d.Sentence, "\n\t") || !strings.HasSuffix(d.Sentence, ".") {
		t.Fatalf("%s: the sentence is %q", describe(e), d.Sentence)
	}
	if strings.Contains(d.Sentence, "%!") {
		t.Fatalf("%s: a broken sentence %q", describe(e), d.Sentence)
	}
	if d.ExitCode != Safe && len(d.Advice) == 0 {
		t.Fatalf("%s: exit code %d and nothing to do", describe(e), d.ExitCode)
	}
	if d.Verdict.Digest == "" || len(d.Digest) != 32 {
		t.Fatalf("%s: no digest", describe(e))
	}
	checkOrder(t, e, d.Advice)
}

// checkOrder: no spec is written before a missing or broken marker has been
// written, read back and waited for.
func checkOrder(t *testing.T, e Evidence, steps []Step) {
	t.Helper()
	state := 0 // 1: marker written, 2: read back, 3: waited
	for _, s := range steps {
		switch {
		case s.Command == Read(e.Base, managerfiles.CreatedKey) && state == 1:
			state = 2
		case s.Command == "sleep 30" && state == 2:
			state = 3
		case strings.Contains(s.Command, managerfiles.CreatedKey) && strings.HasPrefix(s.Command, "printf"):
			state = 1
		case strings.Contains(s.Command, managerfiles.SpecKey) && strings.HasPrefix(s.Command, "printf"):
			if e.Marker.File != managerfiles.Usable && state != 3 {
				t.Fatalf("%s: the spec would be written with the marker in state %d: %+v", describe(e), state, steps)
			}
		}
	}
}

func describe(e Evidence) string {
	var b strings.Builder
	b.WriteString("config " + e.Config.Finding.String() + ", marker " + e.Marker.File.String() + ", spec " + e.Spec.File.String())
	for _, n := range append(e.parts(), e.Traces...) {
		b.WriteString(", " + n.Name + " " + n.Finding.String())
	}
	if e.Want == nil {
		b.WriteString(", want not known")
	}
	if len(e.SharedWith) > 0 {
		b.WriteString(", shared")
	}
	return b.String() + ", backups " + e.Backups.String()
}
