package permit

import (
	"testing"

	"github.com/seedproof/seedproof/internal/kops/decide"
)

// universe is every combination of what a need depends on, those that no check
// gives among them.
func universe(visit func(f Found)) int {
	n := 0
	for _, action := range append(decide.Actions(), "of-tomorrow", "") {
		for _, code := range []int{decide.Safe, 1, decide.Refused, decide.UnprovenOutcome} {
			for _, backups := range []decide.BackupState{decide.BackupsUnknown, decide.BackupsNone, decide.BackupsStale, decide.BackupsRecent} {
				for bits := range 16 {
					n++
					visit(Found{Action: action, ExitCode: code, Backups: backups, Opened: bits&1 > 0, MayChange: bits&2 > 0, Restores: bits&4 > 0, SpecLost: bits&8 > 0})
				}
			}
		}
	}
	return n
}

// plainly is the table of the issue, written a second time: a new cluster or
// nothing to change, nothing asked; a changed spec with a recent valid backup,
// y; everything else, a restore that waits for a restart, and a restart that loses
// the spec, the name.
func plainly(f Found) Need {
	fine := f.ExitCode == 0 && !f.Restores && !f.SpecLost
	changes := f.Action == decide.ChangeSpec || f.Action == decide.None && f.MayChange
	if fine && f.Action == decide.SeedNew {
		return Nothing
	}
	if fine && f.Action == decide.None && !changes {
		return Nothing
	}
	if fine && changes && f.Backups == decide.BackupsRecent && f.Opened {
		return Yes
	}
	return Name
}

func TestNeeds(t *testing.T) {
	n := universe(func(f Found) {
		if got := Of(f); got != plainly(f) {
			t.Errorf("%+v: %s, want %s", f, got, plainly(f))
		}
		for _, over := range []decide.Action{decide.SeedOverExisting, decide.SeedImminent, decide.Unproven} {
			if f.Action == over && Of(f) != Name {
				t.Errorf("%+v needs %s", f, Of(f))
			}
		}
		if f.ExitCode != decide.Safe && Of(f) != Name {
			t.Errorf("%+v needs %s", f, Of(f))
		}
	})
	if n != 2048 {
		t.Errorf("%d cases", n)
	}
}

// TestLessKnownNeverNeedsLess: the laws, for needs.
func TestLessKnownNeverNeedsLess(t *testing.T) {
	universe(func(f Found) {
		for _, change := range []func(*Found){
			func(f *Found) { f.Opened = false },
			func(f *Found) { f.Backups = decide.BackupsUnknown },
			func(f *Found) { f.MayChange = true },
			func(f *Found) { f.Restores = true },
			func(f *Found) { f.SpecLost = true },
			func(f *Found) { f.Action, f.ExitCode = decide.Unproven, decide.UnprovenOutcome },
		} {
			less := f
			change(&less)
			if Of(less) < Of(f) {
				t.Errorf("%+v needs %s, and %+v only %s", f, Of(f), less, Of(less))
			}
		}
	})
}

func TestOfAll(t *testing.T) {
	none, changes := Found{Action: decide.None}, Found{Action: decide.ChangeSpec, Backups: decide.BackupsRecent, Opened: true}
	seeds := Found{Action: decide.SeedOverExisting, ExitCode: decide.Refused}
	for _, c := range []struct {
		reason   string
		found    []Found
		complete bool
		want     Need
	}{
		{"all as before", []Found{none, none}, true, Nothing},
		{"one changes", []Found{none, changes, none}, true, Yes},
		{"one is seeded over", []Found{changes, seeds, none}, true, Name},
		{"not all was found", []Found{none}, false, Name},
		{"nothing was found", nil, true, Name},
	} {
		if got := OfAll(c.found, c.complete); got != c.want {
			t.Errorf("%s: %s, want %s", c.reason, got, c.want)
		}
	}
}

// TestNext is exhaustive: 2 x 3 x 3 x 2.
func TestNext(t *testing.T) {
	for _, applies := range []bool{false, true} {
		for _, need := range []Need{Nothing, Yes, Name} {
			for _, approval := range []Approval{NoApproval, ApprovalHolds, ApprovalVoid} {
				for _, terminal := range []bool{false, true} {
					c := Case{applies, need, approval, terminal}
					want := map[Need]Step{Yes: AskYes, Name: AskName}[need]
					if !terminal || approval == ApprovalVoid {
						want = Refuse
					}
					if approval == ApprovalHolds {
						want = UseApproval
					}
					if !applies || need == Nothing {
						want = Start
					}
					if got := Next(c); got != want {
						t.Errorf("%+v: %s, want %s", c, got, want)
					}
				}
			}
		}
	}
}

func TestGiven(t *testing.T) {
	const cluster = "prod.example.com"
	for _, c := range []struct {
		need  Need
		typed string
		want  bool
	}{
		{Nothing, "", true},
		{Yes, "y", true}, {Yes, "Y\n", true}, {Yes, " yes \r\n", true}, {Yes, "", false}, {Yes, "\n", false}, {Yes, "n", false}, {Yes, "yeah", false}, {Yes, cluster, false},
		{Name, cluster, true}, {Name, cluster + "\n", true}, {Name, "y", false}, {Name, "yes", false}, {Name, "", false}, {Name, "prod", false}, {Name, "PROD.example.com", false}, {Name, cluster + ".", false},
	} {
		if got := Given(c.need, c.typed, cluster); got != c.want {
			t.Errorf("%s: typed %q: %v", c.need, c.typed, got)
		}
	}
	if Given(Name, "", "") {
		t.Error("no name was asked for, and none was typed")
	}
}
