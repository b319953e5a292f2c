package record

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

// healing is one way in which a record comes to be written.
type healing struct {
	name string
	old  []byte // what stands there; nil: nothing
	lost bool   // the mark is gone as well
	kept bool   // the old one must be set aside
}

func healings() []healing {
	foreign := someRecord()
	foreign.Identity.Lineage = "lineage-b"
	return []healing{
		{name: "absent"},
		{name: "emptied", lost: true},
		{name: "damaged", old: []byte(`{"format":1,"cluster":"ma`), kept: true},
		{name: "empty", old: []byte{}, kept: true},
		{name: "damaged, and the mark is gone", old: []byte("???"), lost: true, kept: true},
		{name: "another cluster's", old: encode(foreign), kept: true},
		{name: "an old one of ours", old: encode(someRecord())},
	}
}

// heal is one pass: look, put the mark back, write the record and the claim
// where they are not as they should be.
func heal(ctx context.Context, s store.Store, memory []store.Remembered) {
	k := keeperOf(s)
	v := k.Look(ctx, memory, true)
	if v.Place.Markable() {
		if k.PutMark(ctx, v, store.ControlStore) != nil {
			return
		}
		v = k.Look(ctx, memory, true)
	}
	if v.Record.Finding != proof.Present || v.Record.Identity != ours || v.Record.Serial < 10 {
		if _, err := k.WriteRecord(ctx, v, someRecord(), 9); err != nil {
			return
		}
	}
	if v.Claim.Finding != proof.Present {
		_ = k.WriteClaim(ctx, v, someClaim())
	}
}

// TestKthCallFaults strikes every call of every healing with every fault.
func TestKthCallFaults(t *testing.T) {
	for _, h := range healings() {
		for _, mode := range fault.Modes {
			calls := 0
			for k := 1; ; k++ {
				in := fault.NewInjector(k, mode)
				kthRun(t, fmt.Sprintf("%s: %s at call %d", h.name, mode, k), h, in, mode)
				if in.Struck() == nil {
					break
				}
				calls++
			}
			if calls < 4 {
				t.Errorf("%s: %s struck %d calls only", h.name, mode, calls)
			}
			t.Logf("%s: %s: %d calls", h.name, mode, calls)
		}
	}
}

func kthRun(t *testing.T, name string, h healing, in *fault.Injector, mode fault.Mode) {
	base := mem.New("control")
	memory := marked(t, base)
	if h.lost {
		base.Empty()
	}
	if h.old != nil {
		put(t, base, RecordKey, h.old)
	}
	deadline := time.Minute
	if mode == fault.Hung {
		deadline = 10 * time.Millisecond // which ends the hung call
	}
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	done := make(chan struct{})
	go func() {
		heal(ctx, store.WithFaults(base, in), memory)
		close(done)
	}()
	select {
	case <-done:
	case <-in.Dead():
	}
	checkNothingLost(t, name, h, base)
	heal(t.Context(), base, memory)
	checkNothingLost(t, name, h, base)
	checkAtRest(t, name, h, base, memory)
}

// checkNothingLost: the old content is in place or aside, and what is in its
// place is whole.
func checkNothingLost(t *testing.T, name string, h healing, s store.Store) {
	t.Helper()
	all := contents(t, s)
	stands, there := all[RecordKey]
	inPlace := there == (h.old != nil) && stands == string(h.old)
	if inPlace {
		return
	}
	if r, err := ParseRecord([]byte(stands)); err != nil || r.Identity != ours || r.Serial < 10 {
		t.Fatalf("%s: neither the old record stands nor a whole new one: %q", name, stands)
	}
	kept := aside(t, s)
	if h.kept && (len(kept) != 1 || kept[0] != string(h.old)) || !h.kept && len(kept) != 0 {
		t.Fatalf("%s: set aside: %q", name, kept)
	}
}

// checkAtRest: all is well, and one more pass writes nothing.
func checkAtRest(t *testing.T, name string, h healing, s store.Store, memory []store.Remembered) {
	t.Helper()
	v := keeperOf(s).Look(t.Context(), memory, true)
	if v.Place.State != store.PlaceOurs || v.Record.Finding != proof.Present || v.Record.Identity != ours || v.Record.Serial < 10 || v.Claim.Finding != proof.Present {
		t.Fatalf("%s: %+v", name, v)
	}
	if v.Record.Serial > 11 {
		t.Fatalf("%s: serial %d: it was written again and again", name, v.Record.Serial)
	}
	calls := &store.Counter{}
	heal(t.Context(), store.Counted(s, calls), memory)
	if n := calls.By()[store.OpPut]; n != 0 {
		t.Fatalf("%s: %d writes at rest", name, n)
	}
}
