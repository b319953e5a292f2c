package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

// contents are all objects of s by key, without the mark.
func contents(t *testing.T, s store.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	for info, err := range s.List(context.Background(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		content, _, err := store.Read(context.Background(), s, info.Key, math.MaxInt32)
		if err != nil {
			t.Fatal(err)
		}
		all[info.Key] = string(content)
	}
	delete(all, store.MarkKey)
	return all
}

func TestSerialsAndNonces(t *testing.T) {
	base := mem.New("control")
	memory := marked(t, base)
	k := keeperOf(base)
	nonces := map[string]bool{}
	write := func(reason string, r Record, remembered, want uint64) {
		t.Helper()
		got, err := k.WriteRecord(t.Context(), k.Look(t.Context(), memory, true), r, remembered)
		if err != nil {
			t.Fatalf("%s: %v", reason, err)
		}
		v := k.Look(t.Context(), memory, true)
		if got.Serial != want || v.Record.Serial != want || nonces[got.Nonce] || v.Doc.Nonce != got.Nonce {
			t.Errorf("%s: serial %d, read %d; want %d; nonce %s", reason, got.Serial, v.Record.Serial, want, got.Nonce)
		}
		if v.Doc.WrittenBy != "a" || !v.Doc.WrittenAt.Equal(now) || v.Doc.Cluster != "main" || v.Doc.Format != format {
			t.Errorf("%s: %+v", reason, v.Doc)
		}
		nonces[got.Nonce] = true
	}
	r := someRecord()
	r.Serial = 0
	write("the first one", r, 0, 1)
	write("one above the store's", r, 0, 2)
	write("one above what a memory knows: an old one was put back", r, 40, 41)
	write("a memory that lags counts nothing", r, 3, 42)
	r.Serial = 50
	write("one above the document itself", r, 0, 51)
}

func TestListsInTheRecordAreBounded(t *testing.T) {
	base := mem.New("control")
	memory := marked(t, base)
	k := keeperOf(base)
	r := someRecord()
	for i := range 200 {
		r.UsedApprovals = append(r.UsedApprovals, fmt.Sprint("approval-", i))
		r.Mirrored = append(r.Mirrored, fmt.Sprint("hash-", i))
	}
	got, err := k.WriteRecord(t.Context(), k.Look(t.Context(), memory, true), r, 0)
	if err != nil || len(got.UsedApprovals) != maxUsedUp || len(got.Mirrored) != maxMirrored {
		t.Fatalf("%d %d %v", len(got.UsedApprovals), len(got.Mirrored), err)
	}
	if got.UsedApprovals[maxUsedUp-1] != "approval-199" || got.Mirrored[0] != "hash-168" || len(r.UsedApprovals) != 200 {
		t.Errorf("the newest are to be kept: %v", got.Mirrored)
	}
}

// TestNothingIsWritten goes through every place that is not ours, and every
// object that could not be judged.
func TestNothingIsWritten(t *testing.T) {
	mark := store.NewMark(store.ControlStore, "main", now)
	for _, p := range places(mark) {
		for _, th := range things() {
			t.Run(p.name+"/"+th.name, func(t *testing.T) {
				base, calls := mem.New("control"), &store.Counter{}
				if p.marked {
					put(t, base, store.MarkKey, mark.Encode())
				}
				if th.content != nil {
					put(t, base, RecordKey, th.content(encode(someRecord())))
					put(t, base, ClaimKey, th.content(encode(someClaim())))
				}
				tryAll(t, base, calls, p, th)
			})
		}
	}
}

func tryAll(t *testing.T, base *mem.Store, calls *store.Counter, p place, th thing) {
	ctx := t.Context()
	for _, key := range []string{RecordKey, ClaimKey} {
		s := &bent{Store: base, key: key}
		for _, bend := range []func(*bent){th.bend, p.bend} {
			if bend != nil {
				bend(s)
			}
		}
		k := keeperOf(store.Counted(s, calls))
		v := k.Look(ctx, p.remembered, !p.notAll)
		calls.Reset()
		ours := p.state == store.PlaceOurs || p.state == store.PlaceTakenOver
		if !ours {
			wantNoWrite(t, "record", func() error { _, err := k.WriteRecord(ctx, v, someRecord(), 9); return err })
			wantNoWrite(t, "claim", func() error { return k.WriteClaim(ctx, v, someClaim()) })
			wantNoWrite(t, "forward", func() error { return k.Forward(ctx, v, "s3://new") })
			_ = k.SetForeignAside(ctx, v)
		}
		if ours && th.want == proof.Unknown && key == RecordKey {
			wantNoWrite(t, "record", func() error { _, err := k.WriteRecord(ctx, v, someRecord(), 9); return err })
		}
		if ours && th.want == proof.Unknown && key == ClaimKey {
			wantNoWrite(t, "claim", func() error { return k.WriteClaim(ctx, v, someClaim()) })
		}
		if p.state != store.PlaceNew && p.state != store.PlaceEmptied {
			wantNoWrite(t, "mark", func() error { return k.PutMark(ctx, v, store.ControlStore) })
		}
		if n := calls.By()[store.OpPut] + calls.By()[store.OpDelete]; n != 0 {
			t.Errorf("%s: %d writes", key, n)
		}
	}
}

func wantNoWrite(t *testing.T, what string, write func() error) {
	t.Helper()
	if err := write(); err == nil || !strings.Contains(err.Error(), ": ") {
		t.Errorf("the %s was written, or nothing says why not: %v", what, err)
	}
}

func TestWhatCouldNotBeReadAgainIsNotWritten(t *testing.T) {
	base := mem.New("control")
	memory := marked(t, base)
	k := keeperOf(base)
	v := k.Look(t.Context(), memory, true)
	for reason, change := range map[string]func(*Record){
		"no identity":         func(r *Record) { r.Identity = proof.Identity{} },
		"no generation":       func(r *Record) { r.Identity.Generation = 0 },
		"a spec without etcd": func(r *Record) { r.Spec = Spec{MemberCount: 3} },
		"a newer etcd":        func(r *Record) { r.Spec.EtcdVersion = "3.7.0" },
	} {
		r := someRecord()
		change(&r)
		if _, err := k.WriteRecord(t.Context(), v, r, 0); err == nil {
			t.Errorf("%s: written", reason)
		}
	}
	if _, err := k.WriteRecord(t.Context(), v, someRecord(), math.MaxUint64); err == nil {
		t.Error("a serial that wraps round: written")
	}
	for reason, change := range map[string]func(*ClaimDoc){
		"no spec":     func(c *ClaimDoc) { c.Spec = Spec{} },
		"no members":  func(c *ClaimDoc) { c.Claim.Members = nil },
		"no birth id": func(c *ClaimDoc) { c.Claim.Identity.Birth = "" },
		"no state":    func(c *ClaimDoc) { c.Claim.State = "" },
	} {
		c := someClaim()
		change(&c)
		if err := k.WriteClaim(t.Context(), v, c); err == nil {
			t.Errorf("%s: written", reason)
		}
	}
	if left := contents(t, base); len(left) != 0 {
		t.Errorf("something was written: %v", left)
	}
}

func TestWritesStandOnWhatWasRead(t *testing.T) {
	base := mem.New("control")
	memory := marked(t, base)
	k, other := keeperOf(base), keeperOf(base)
	stale := k.Look(t.Context(), memory, true)
	if _, err := other.WriteRecord(t.Context(), other.Look(t.Context(), memory, true), someRecord(), 0); err != nil {
		t.Fatal(err)
	}
	if err := other.WriteClaim(t.Context(), other.Look(t.Context(), memory, true), someClaim()); err != nil {
		t.Fatal(err)
	}
	before := contents(t, base)
	wantRefused := func(what string, err error) {
		t.Helper()
		var refused *store.Refused
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v; want a refusal", what, err)
		}
	}
	_, err := k.WriteRecord(t.Context(), stale, someRecord(), 0)
	wantRefused("a record was created meanwhile", err)
	wantRefused("a claim was created meanwhile", k.WriteClaim(t.Context(), stale, someClaim()))
	for key, content := range contents(t, base) {
		if before[key] != content {
			t.Errorf("%s was overwritten", key)
		}
	}
	stale = k.Look(t.Context(), memory, true)
	if _, err := other.WriteRecord(t.Context(), other.Look(t.Context(), memory, true), someRecord(), 0); err != nil {
		t.Fatal(err)
	}
	_, err = k.WriteRecord(t.Context(), stale, someRecord(), 0)
	wantRefused("a record was swapped meanwhile", err)
	stale = k.Look(t.Context(), memory, true)
	base.Empty()
	_, err = k.WriteRecord(t.Context(), stale, someRecord(), 0)
	wantRefused("the record was removed meanwhile: it is not made again unseen", err)
	wantRefused("the claim was removed meanwhile", k.WriteClaim(t.Context(), stale, someClaim()))
}

// deafAfter loses the answer of every put, after its effect.
type deafAfter struct{ store.Store }

func (d deafAfter) Put(ctx context.Context, key string, r io.Reader, c store.Condition) (store.Info, error) {
	_, _ = d.Store.Put(ctx, key, r, c)
	return store.Info{}, errors.New("connection reset")
}

func TestALostAnswerIsDoneAndNotRepeated(t *testing.T) {
	base, calls := mem.New("control"), &store.Counter{}
	memory := marked(t, base)
	k := keeperOf(deafAfter{store.Counted(base, calls)})
	look := func() View { return k.Look(t.Context(), memory, true) }
	writes := []struct {
		what string
		puts int
		do   func() error
	}{
		{"create the claim", 1, func() error { return k.WriteClaim(t.Context(), look(), someClaim()) }},
		{"swap the claim", 1, func() error { return k.WriteClaim(t.Context(), look(), someClaim()) }},
		{"create the record", 1, func() error { _, err := k.WriteRecord(t.Context(), look(), someRecord(), 0); return err }},
		{"swap the record", 1, func() error { _, err := k.WriteRecord(t.Context(), look(), someRecord(), 0); return err }},
		{"replace another cluster's record", 2, func() error {
			r := someRecord()
			r.Identity.Lineage = "lineage-b"
			_, err := k.WriteRecord(t.Context(), look(), r, 0)
			return err
		}},
		{"leave a forwarding mark", 1, func() error { return k.Forward(t.Context(), look(), "s3://new") }},
		{"change the forwarding mark", 1, func() error { return k.Forward(t.Context(), look(), "s3://newer") }},
	}
	for _, w := range writes {
		calls.Reset()
		if err := w.do(); err != nil {
			t.Errorf("%s: %v", w.what, err)
		}
		if n := calls.By()[store.OpPut]; n != w.puts {
			t.Errorf("%s: %d puts; want %d", w.what, n, w.puts)
		}
	}
	if v := look(); v.Record.Finding != proof.Present || v.Record.Identity.Lineage != "lineage-b" || v.Claim.Finding != proof.Present || v.MovedTo != "s3://newer" {
		t.Errorf("got %+v", v)
	}
}

func TestPutMark(t *testing.T) {
	base := mem.New("control")
	k := keeperOf(base)
	if err := k.PutMark(t.Context(), k.Look(t.Context(), nil, true), store.ControlStore); err != nil {
		t.Fatal(err)
	}
	v := k.Look(t.Context(), nil, true)
	if v.Place.State != store.PlaceTakenOver || v.Seen.Mark.Cluster != "main" || v.Seen.Mark.Kind != store.ControlStore {
		t.Fatalf("%+v", v.Place)
	}
	memory := []store.Remembered{{URL: base.URL(), MarkID: v.Place.MarkID}}
	base.Empty()
	emptied := k.Look(t.Context(), memory, true)
	if err := k.PutMark(t.Context(), emptied, store.ControlStore); err != nil {
		t.Fatal(err)
	}
	if again := k.Look(t.Context(), memory, true); again.Place.State != store.PlaceOurs || again.Place.MarkID != v.Place.MarkID {
		t.Errorf("the remembered mark is put back, and no other: %+v", again.Place)
	}
}

func TestAClaimIsSwappedThroughItsLife(t *testing.T) {
	base := mem.New("control")
	memory := marked(t, base)
	k := keeperOf(base)
	doc := someClaim()
	nonces := map[string]bool{}
	for _, change := range []func(*decide.Claim){
		func(*decide.Claim) {}, func(c *decide.Claim) { c.Noted = []string{"a"} }, func(c *decide.Claim) { c.State = decide.ClaimBorn },
	} {
		change(&doc.Claim)
		if err := k.WriteClaim(t.Context(), k.Look(t.Context(), memory, true), doc); err != nil {
			t.Fatal(err)
		}
		v := k.Look(t.Context(), memory, true)
		if v.Claim.Finding != proof.Present || v.Claim.Claim.State != doc.Claim.State || len(v.Claim.Claim.Noted) != len(doc.Claim.Noted) || nonces[v.ClaimDoc.Nonce] {
			t.Errorf("got %+v", v.ClaimDoc)
		}
		nonces[v.ClaimDoc.Nonce] = true
	}
	if len(aside(t, base)) != 0 || !bytes.Contains([]byte(contents(t, base)[ClaimKey]), []byte(`"born"`)) {
		t.Errorf("%v", contents(t, base))
	}
}
