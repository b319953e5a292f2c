package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

func TestDecodeMark(t *testing.T) {
	good := string(mine.Encode())
	got, err := store.DecodeMark([]byte(good))
	if err != nil || got.ID != mine.ID || !got.Created.Equal(mine.Created) {
		t.Fatalf("%+v, %v; want %+v", got, err, mine)
	}
	for _, test := range []struct{ reason, old, new string }{
		{"unknown field", `"format": 1,`, `"format": 1, "more": 2,`},
		{"no format", `"format": 1,`, ``},
		{"format 0", `"format": 1,`, `"format": 0,`},
		{"short id", mine.ID, mine.ID[1:]},
		{"id that is no hex", mine.ID[:1], "g"},
		{"unknown kind", "control-store", "cupboard"},
		{"no nonce", mine.Nonce, ""},
		{"no time", "1970-", "0-"},
		{"cut", "}\n", ""},
		{"two values", "}\n", "}{}"},
		{"text of wrong type", `"main"`, `{}`},
		{"long cluster", "main", strings.Repeat("m", 300)},
	} {
		bad := strings.Replace(good, test.old, test.new, 1)
		if bad == good {
			t.Fatalf("%s: the case changes nothing", test.reason)
		}
		if m, err := store.DecodeMark([]byte(bad)); err == nil || errors.Is(err, store.ErrNewerMark) {
			t.Errorf("%s: %+v, %v; want it refused as damaged", test.reason, m, err)
		}
	}
	newer := strings.Replace(good, `"format": 1,`, `"format": 2, "more": {},`, 1)
	if _, err := store.DecodeMark([]byte(newer)); !errors.Is(err, store.ErrNewerMark) {
		t.Errorf("a newer mark: %v; want ErrNewerMark", err)
	}
}

func FuzzDecodeMark(f *testing.F) {
	f.Add(mine.Encode())
	f.Add([]byte(`{"format":2}`))
	f.Add([]byte(`{"format":1,"id":"","kind":"data-volume"}{}`))
	f.Add([]byte("\x00"))
	f.Fuzz(func(t *testing.T, content []byte) {
		m, err := store.DecodeMark(content)
		if err != nil {
			return
		}
		again, err := store.DecodeMark(m.Encode())
		if err != nil || again.ID != m.ID || again.Kind != m.Kind || again.Nonce != m.Nonce || again.Cluster != m.Cluster {
			t.Fatalf("%+v is encoded as %+v, %v", m, again, err)
		}
	})
}

// volume is a store on a filesystem that can change under it.
type volume struct {
	*mem.Store
	answers []store.Filesystem
	err     error
}

func (v *volume) Filesystem(context.Context) (store.Filesystem, error) {
	fs := v.answers[0]
	if len(v.answers) > 1 {
		v.answers = v.answers[1:]
	}
	return fs, v.err
}

func TestLookAtPlaceOnAFilesystem(t *testing.T) {
	v := &volume{Store: mem.New("volume"), answers: []store.Filesystem{*disk}}
	wrapped := store.Counted(store.WithFaults(v, nil), new(store.Counter))
	if seen := store.LookAtPlace(t.Context(), wrapped); seen.MarkFinding != store.MarkAbsent || seen.FS == nil || *seen.FS != *disk {
		t.Errorf("%+v; want the filesystem under the wrappers", seen)
	}
	v.answers = []store.Filesystem{*disk, *unmount}
	if seen := store.LookAtPlace(t.Context(), v); seen.MarkFinding != store.MarkUnknown || seen.Err == nil {
		t.Errorf("unmounted during the look: %+v; want unknown", seen)
	}
	v.err = errors.New("stale handle")
	if seen := store.LookAtPlace(t.Context(), v); seen.MarkFinding != store.MarkUnknown || !errors.Is(seen.Err, v.err) {
		t.Errorf("%+v; want unknown, with the error", seen)
	}
}

func TestMarkTooLargeIsUnknown(t *testing.T) {
	s := mem.New("large")
	if _, err := s.Put(t.Context(), store.MarkKey, strings.NewReader(strings.Repeat(" ", 1<<20)), store.Condition{}); err != nil {
		t.Fatal(err)
	}
	if seen := store.LookAtPlace(t.Context(), s); seen.MarkFinding != store.MarkUnknown || !errors.Is(seen.Err, store.ErrTooLarge) {
		t.Errorf("%+v; not wholly read, so unknown", seen)
	}
}

func TestPutMarkWantsAWholeMark(t *testing.T) {
	if err := store.PutMark(t.Context(), mem.New("x"), store.Mark{ID: "short", Kind: store.DataVolume, Created: time.Unix(1, 0)}); err == nil {
		t.Error("put a mark that cannot be read back")
	}
}
