package managerfiles

import (
	"errors"
	"fmt"
	"testing"

	"github.com/seedproof/seedproof/internal/store"
)

// TestConclude is the danger table of the facts, row by row.
func TestConclude(t *testing.T) {
	yes, no, any := []bool{true}, []bool{false}, []bool{false, true}
	broken := []File{Unreadable, Unusable}
	all := []File{Unreadable, Missing, Unusable, Usable}
	for _, c := range []struct {
		reason string
		marker []File
		spec   []File
		cached []bool
		want   Action
	}{
		{"all in place", []File{Usable}, []File{Usable}, yes, Works},
		{"a spec that is put back is not noticed before a restart", []File{Usable}, []File{Usable}, no, StopsBackups},
		{"without its spec it goes on from memory", []File{Usable}, []File{Missing}, yes, WorksFromMemory},
		{"a spec is only looked at when a leader starts", []File{Usable}, broken, yes, WorksFromMemory},
		{"after a restart without spec backups stop, silently", []File{Usable}, []File{Missing}, no, StopsBackups},
		{"after a restart an unusable spec fails each cycle", []File{Usable}, broken, no, Aborts},
		{"one missing object replaces a live cluster by an empty one", []File{Missing}, []File{Usable}, any, Seeds},
		{"both gone: the memory is dropped, backups stop", []File{Missing}, []File{Missing}, any, StopsBackups},
		{"no marker and a spec that cannot be used: an error, no seed", []File{Missing}, broken, any, Aborts},
		{"a marker that cannot be read, or is empty, is an error", broken, all, any, Aborts},
	} {
		for _, marker := range c.marker {
			for _, spec := range c.spec {
				for _, cached := range c.cached {
					got := Conclude(marker, spec, cached)
					if got.Action != c.want || got.Sentence == "" {
						t.Errorf("%s: marker %s, spec %s, cached %v: %s; want %s", c.reason, marker, spec, cached, got.Action, c.want)
					}
					if got.Destroys() != (c.want == Seeds) || got.BacksUp() != (c.want == Works || c.want == WorksFromMemory) {
						t.Errorf("%s: destroys %v, backs up %v", c.reason, got.Destroys(), got.BacksUp())
					}
				}
			}
		}
	}
}

// TestConcludeSeedsOnlyOnProvenAbsence: of all 32 inputs only those with a
// marker that is not there and a spec that is lead to an empty cluster.
func TestConcludeSeedsOnlyOnProvenAbsence(t *testing.T) {
	n := 0
	for marker := Unreadable; marker <= Usable; marker++ {
		for spec := Unreadable; spec <= Usable; spec++ {
			for _, cached := range []bool{false, true} {
				n++
				if got := Conclude(marker, spec, cached).Destroys(); got != (marker == Missing && spec == Usable) {
					t.Errorf("marker %s, spec %s, cached %v: destroys %v", marker, spec, cached, got)
				}
			}
		}
	}
	if n != 32 {
		t.Fatalf("%d cases, want 32", n)
	}
}

func TestFileOf(t *testing.T) {
	absent := fmt.Errorf("read it: %w", store.ErrNotFound)
	for _, c := range []struct {
		reason       string
		content      string
		err          error
		marker, spec File
	}{
		{"good", specBytes, nil, Usable, Usable},
		{"the marker is not parsed", "x", nil, Usable, Unusable},
		{"empty", "", nil, Unusable, Unusable},
		{"not there", "", absent, Missing, Missing},
		{"no bucket is no absence", "", store.ErrNoPlace, Unreadable, Unreadable},
		{"denied is no absence", "", store.ErrDenied, Unreadable, Unreadable},
		{"any other error is no absence", "", errors.New("reset"), Unreadable, Unreadable},
	} {
		if got := MarkerFile([]byte(c.content), c.err); got != c.marker {
			t.Errorf("%s: marker %s, want %s", c.reason, got, c.marker)
		}
		if got := SpecFile([]byte(c.content), c.err); got != c.spec {
			t.Errorf("%s: spec %s, want %s", c.reason, got, c.spec)
		}
	}
}
