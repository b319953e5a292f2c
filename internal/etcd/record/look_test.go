package record

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

var now = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

func keeperOf(s store.Store) *Keeper {
	return &Keeper{Cluster: "main", Store: s, Now: func() time.Time { return now }, Writer: "a"}
}

func put(t *testing.T, s store.Store, key string, content []byte) {
	t.Helper()
	if _, err := s.Put(context.Background(), key, bytes.NewReader(content), store.Condition{}); err != nil {
		t.Fatal(err)
	}
}

// bent is a store whose answers are bent for one key.
type bent struct {
	store.Store
	key       string
	cut       bool  // its body ends before its stated length
	openErr   error // opening it fails
	changes   bool  // it is another by the time it is opened
	unmounted bool  // the listing was made while something else was there
	listErr   error // after the first object of the listing
}

func (b *bent) Open(ctx context.Context, key string, r store.Range) (io.ReadCloser, store.Info, error) {
	body, info, err := b.Store.Open(ctx, key, r)
	switch {
	case err != nil || key != b.key:
		return body, info, err
	case b.openErr != nil:
		_ = body.Close()
		return nil, store.Info{}, b.openErr
	case b.cut:
		return io.NopCloser(io.LimitReader(body, info.Size-1)), info, nil
	case b.changes:
		info.Version += "-next"
	}
	return body, info, nil
}

func (b *bent) List(ctx context.Context, prefix, after string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		if b.unmounted {
			return
		}
		for info, err := range b.Store.List(ctx, prefix, after) {
			if !yield(info, err) {
				return
			}
			if b.listErr != nil {
				yield(store.Info{}, b.listErr)
				return
			}
		}
	}
}

// place is one state of the control store, and who remembers it.
type place struct {
	name       string
	state      store.PlaceState
	marked     bool
	remembered []store.Remembered
	notAll     bool
	bend       func(*bent)
}

func places(mark store.Mark) []place {
	memory := []store.Remembered{{URL: "mem://control", MarkID: mark.ID}}
	down := errors.New("503 slow down")
	return []place{
		{name: "new", state: store.PlaceNew},
		{name: "ours", state: store.PlaceOurs, marked: true, remembered: memory},
		{name: "taken over", state: store.PlaceTakenOver, marked: true},
		{name: "emptied", state: store.PlaceEmptied, remembered: memory},
		{name: "another mark", state: store.PlaceOther, marked: true, remembered: []store.Remembered{{URL: "mem://control", MarkID: strings.Repeat("0", 32)}}},
		{name: "another URL", state: store.PlaceOther, marked: true, remembered: []store.Remembered{{URL: "mem://before", MarkID: mark.ID}}},
		{name: "no bucket", state: store.PlaceOther, marked: true, remembered: memory, bend: func(b *bent) { b.Store.(*mem.Store).SetGone(true) }},
		{name: "no bucket, and nobody remembers one", state: store.PlaceOther, bend: func(b *bent) { b.Store.(*mem.Store).SetGone(true) }},
		{name: "not all who could remember answered", state: store.PlaceUnknown, notAll: true},
		{name: "marked, and not all answered", state: store.PlaceUnknown, marked: true, notAll: true},
		{name: "the listing ends in an error", state: store.PlaceUnknown, marked: true, remembered: memory, bend: func(b *bent) { b.listErr = down }},
		{name: "the mark cannot be read", state: store.PlaceUnknown, marked: true, remembered: memory, bend: func(b *bent) {
			b.Store.(*mem.Store).SetHook(func(_ context.Context, op, key string) error {
				if op == store.OpOpen && key == store.MarkKey {
					return down
				}
				return nil
			})
		}},
		{name: "mounted between the listing and the look", state: store.PlaceUnknown, marked: true, remembered: memory, bend: func(b *bent) { b.unmounted = true }},
	}
}

// thing is one state of an object, and what it is in a place that answers.
type thing struct {
	name    string
	content func(good []byte) []byte // nil: it is not there
	bend    func(*bent)
	want    proof.Finding
}

func things() []thing {
	same := func(good []byte) []byte { return good }
	return []thing{
		{name: "absent", want: proof.Absent},
		{name: "present", content: same, want: proof.Present},
		{name: "empty", content: func([]byte) []byte { return []byte{} }, want: proof.Unusable},
		{name: "truncated", content: func(good []byte) []byte { return good[:len(good)/2] }, want: proof.Unusable},
		{name: "not JSON", content: func([]byte) []byte { return []byte("???") }, want: proof.Unusable},
		{name: "newer", content: func([]byte) []byte { return []byte(`{"format":2}`) }, want: proof.Unknown},
		{name: "too large", content: func([]byte) []byte { return bytes.Repeat([]byte("x"), sizeLimit+1) }, want: proof.Unknown},
		{name: "cut in transit", content: same, bend: func(b *bent) { b.cut = true }, want: proof.Unknown},
		{name: "listed and denied", content: same, bend: func(b *bent) { b.openErr = store.ErrDenied }, want: proof.Unknown},
		{name: "listed and not there", content: same, bend: func(b *bent) { b.openErr = store.ErrNotFound }, want: proof.Unknown},
		{name: "listed and no bucket", content: same, bend: func(b *bent) { b.openErr = store.ErrNoPlace }, want: proof.Unknown},
		{name: "changed while it was looked at", content: same, bend: func(b *bent) { b.changes = true }, want: proof.Unknown},
	}
}

// TestLook goes through every state of the place with every state of an object.
func TestLook(t *testing.T) {
	mark := store.NewMark(store.ControlStore, "main", now)
	good := map[string][]byte{RecordKey: encode(someRecord()), ClaimKey: encode(someClaim())}
	for _, p := range places(mark) {
		for _, th := range things() {
			for key, content := range good {
				t.Run(p.name+"/"+th.name+"/"+key, func(t *testing.T) {
					base := mem.New("control")
					s := &bent{Store: base, key: key}
					if p.marked {
						put(t, base, store.MarkKey, mark.Encode())
					}
					put(t, base, "a-neighbour.json", []byte("x"))
					if th.content != nil {
						put(t, base, key, th.content(content))
					}
					if th.bend != nil {
						th.bend(s)
					}
					if p.bend != nil {
						p.bend(s)
					}
					v := keeperOf(s).Look(t.Context(), p.remembered, !p.notAll)
					if v.Place.State != p.state {
						t.Fatalf("the place is %s: %s", v.Place.State, v.Place.Why)
					}
					checkLook(t, v, key, wantIn(p.state, key, th.want))
				})
			}
		}
	}
}

// wantIn: only a place that answers as the right one lets an object be judged,
// and what an emptied one does not hold was there.
func wantIn(state store.PlaceState, key string, want proof.Finding) proof.Finding {
	switch {
	case state == store.PlaceOther || state == store.PlaceUnknown:
		return proof.Unknown
	case state == store.PlaceEmptied && want == proof.Absent && key == RecordKey:
		return proof.Unusable
	}
	return want
}

func checkLook(t *testing.T, v View, key string, want proof.Finding) {
	t.Helper()
	got, why, doc := v.Record.Finding, v.Record.Why, v.Doc != nil
	other := v.Claim.Finding
	if key == ClaimKey {
		got, why, doc, other = v.Claim.Finding, v.Claim.Why, v.ClaimDoc != nil, v.Record.Finding
	}
	if got != want || doc != (want == proof.Present) {
		t.Errorf("%s is %s (%s), document %v; want %s", key, got, why, doc, want)
	}
	if want != proof.Present && why == "" {
		t.Errorf("%s is %s, and nothing says why", key, got)
	}
	if other == proof.Present {
		t.Error("the other object was found, and is not there")
	}
	if want == proof.Present && key == RecordKey && (v.Record.Identity != ours || v.Record.Serial != 7 || v.Record.Revision != 42 || len(v.Record.Members) != 3 || v.Record.Cluster != "main") {
		t.Errorf("got %+v", v.Record)
	}
}

// marked is a control store of ours with what a look at it needs.
func marked(t *testing.T, s store.Store) []store.Remembered {
	t.Helper()
	mark := store.NewMark(store.ControlStore, "main", now)
	put(t, s, store.MarkKey, mark.Encode())
	return []store.Remembered{{URL: s.URL(), MarkID: mark.ID}}
}

func TestAnUnchangedLookCostsOneListing(t *testing.T) {
	base, calls := mem.New("control"), &store.Counter{}
	memory := marked(t, base)
	put(t, base, RecordKey, encode(someRecord()))
	put(t, base, ClaimKey, encode(someClaim()))
	put(t, base, "lease.json", []byte("beat"))
	k := keeperOf(store.Counted(base, calls))
	look := func(reason string, opens int) View {
		t.Helper()
		calls.Reset()
		v := k.Look(t.Context(), memory, true)
		by := calls.By()
		if by[store.OpList] != 1 || by[store.OpOpen] != opens || calls.Total() != 1+opens {
			t.Errorf("%s: %v; want one listing and %d reads", reason, by, opens)
		}
		if v.Record.Finding != proof.Present || v.Claim.Finding != proof.Present || v.Place.State != store.PlaceOurs {
			t.Fatalf("%s: %+v", reason, v)
		}
		return v
	}
	look("the first look reads mark, record and claim", 3)
	look("nothing changed", 0)
	put(t, base, "lease.json", []byte("next beat"))
	look("what is not ours to read changed", 0)
	next := someRecord()
	next.Serial = 8
	put(t, base, RecordKey, encode(next))
	if v := look("the record changed", 1); v.Record.Serial != 8 {
		t.Errorf("an old record was shown: %+v", v.Record)
	}
	put(t, base, ForwardKey, []byte(`{"format":1,"to":"s3://new"}`))
	if v := look("a forwarding mark came", 1); v.MovedTo != "s3://new" {
		t.Errorf("moved to %q", v.MovedTo)
	}
	look("nothing changed", 0)
}

// What was read once is never shown in the place of what cannot be read now.
func TestNothingIsRemembered(t *testing.T) {
	base := mem.New("control")
	memory := marked(t, base)
	put(t, base, RecordKey, encode(someRecord()))
	s := &bent{Store: base, key: RecordKey}
	k := keeperOf(s)
	look := func(reason string, want proof.Finding) {
		t.Helper()
		if v := k.Look(t.Context(), memory, true); v.Record.Finding != want {
			t.Errorf("%s: %s (%s); want %s", reason, v.Record.Finding, v.Record.Why, want)
		}
	}
	look("there", proof.Present)
	base.SetGone(true)
	look("the bucket is gone", proof.Unknown)
	base.SetGone(false)
	look("it is back", proof.Present)
	s.listErr = errors.New("timeout")
	look("the listing fails", proof.Unknown)
	s.listErr = nil
	put(t, base, RecordKey, []byte("damaged"))
	look("it was damaged", proof.Unusable)
	info, _ := base.Stat(t.Context(), RecordKey)
	if err := base.Delete(t.Context(), RecordKey, info.Version); err != nil {
		t.Fatal(err)
	}
	look("it was deleted", proof.Absent)
	base.Empty()
	look("all was deleted", proof.Unusable)
}

func TestAForwardingMarkOfAnotherPlaceIsNotFollowed(t *testing.T) {
	mark := store.NewMark(store.ControlStore, "main", now)
	for _, p := range places(mark) {
		base := mem.New("control")
		if p.marked {
			put(t, base, store.MarkKey, mark.Encode())
		}
		put(t, base, ForwardKey, []byte(`{"format":1,"to":"s3://new"}`))
		s := &bent{Store: base}
		if p.bend != nil {
			p.bend(s)
		}
		v := keeperOf(s).Look(t.Context(), p.remembered, !p.notAll)
		if follows := p.state == store.PlaceOurs || p.state == store.PlaceTakenOver; (v.MovedTo != "") != follows {
			t.Errorf("%s: moved to %q", p.name, v.MovedTo)
		}
	}
}
