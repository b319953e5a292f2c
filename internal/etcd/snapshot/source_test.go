package snapshot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	bolt "go.etcd.io/bbolt"
)

// isLimit: whoever asked set a limit, and it was met.
func isLimit(err error) bool { return errors.Is(err, ErrTooLarge) || errors.Is(err, ErrNoSpace) }

// errWrapped is an error in which there is an io.EOF, and no end.
var errWrapped = fmt.Errorf("proxy: %w", io.EOF)

// TestASourceThatFails: its error is not the snapshot's damage, not even where
// it is the one that a cut stream of gzip gives.
func TestASourceThatFails(t *testing.T) {
	whole := small(t)
	for name, stream := range map[string][]byte{"plain": whole, "packed": zip(t, whole)} {
		for _, cause := range []error{io.ErrUnexpectedEOF, errors.New("connection reset"), context.DeadlineExceeded, errWrapped} {
			for _, at := range []int{0, 1, 2, 10, 100, 5000, len(stream)} {
				r := io.MultiReader(bytes.NewReader(stream[:at]), iotest.ErrReader(cause))
				_, err := Inspect(t.Context(), r, Options{Dir: t.TempDir()})
				if _, damage := DamageOf(err); damage || !errors.Is(err, cause) {
					t.Errorf("%s, %v after %d bytes: %v", name, cause, at, err)
				}
			}
		}
	}
}

func TestHoweverTheBytesCome(t *testing.T) {
	whole := small(t)
	for name, stream := range map[string][]byte{"plain": whole, "packed": zip(t, whole)} {
		for how, r := range map[string]io.Reader{
			"byte by byte":    iotest.OneByteReader(bytes.NewReader(stream)),
			"halves":          iotest.HalfReader(bytes.NewReader(stream)),
			"EOF with a read": iotest.DataErrReader(bytes.NewReader(stream)),
		} {
			if _, err := Inspect(t.Context(), r, Options{Dir: t.TempDir()}); err != nil {
				t.Errorf("%s, %s: %v", name, how, err)
			}
		}
	}
}

// reading calls a function at the first read after so many bytes.
type reading struct {
	r     io.Reader
	after int
	do    func()
}

func (r *reading) Read(p []byte) (int, error) {
	n, err := r.r.Read(p[:min(len(p), 1000)])
	if r.after -= n; r.after <= 0 && r.do != nil {
		r.do()
		r.do = nil
	}
	return n, err
}

func TestTheContextEnds(t *testing.T) {
	whole := sealed(boltFile(t, &bolt.Options{PageSize: 512}, likeEtcd(9000)))
	reason := errors.New("the time is up")
	for _, after := range []int{0, 100_000, len(whole)} {
		ctx, cancel := context.WithCancelCause(t.Context())
		r := &reading{bytes.NewReader(whole), after, func() { cancel(reason) }}
		_, err := Inspect(ctx, r, Options{Dir: t.TempDir()})
		if _, damage := DamageOf(err); damage || !errors.Is(err, reason) {
			t.Errorf("ended after %d bytes: %v", after, err)
		}
	}
}

// TestTheTemporaryFile: it has no name, so that nothing stays even after a
// crash, and is for nobody else.
func TestTheTemporaryFile(t *testing.T) {
	dir := t.TempDir()
	looked := false
	whole := sealed(boltFile(t, nil, likeEtcd(9000)))
	r := &reading{bytes.NewReader(whole), 300_000, func() {
		looked = true
		if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
			t.Errorf("the directory shows %v, %v", names, err)
		}
		if mode, size := openIn(t, dir); mode != 0o600 || size == 0 {
			t.Errorf("the file has mode %o and %d bytes", mode, size)
		}
	}}
	_, err := Inspect(t.Context(), r, Options{Dir: dir})
	must(t, err)
	if !looked {
		t.Error("nobody looked")
	}
	if mode, _ := openIn(t, dir); mode != 0 {
		t.Error("it is still open")
	}
}

// openIn finds the file of a directory that this process holds open.
func openIn(t *testing.T, dir string) (mode os.FileMode, size int64) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	must(t, err)
	for _, link := range links {
		target, err := os.Readlink(link)
		if err == nil && strings.HasPrefix(target, dir) {
			info, err := os.Stat(link)
			must(t, err)
			mode, size = info.Mode().Perm(), info.Size()
		}
	}
	return mode, size
}

func TestNoRoomToWrite(t *testing.T) {
	if _, err := Inspect(t.Context(), bytes.NewReader(small(t)), Options{Dir: filepath.Join(t.TempDir(), "missing")}); err == nil {
		t.Error("no error without a directory")
	} else if _, damage := DamageOf(err); damage {
		t.Errorf("called damage: %v", err)
	}
}

// TestEndlessStreams: none is read for ever, and none fills the disk.
func TestEndlessStreams(t *testing.T) {
	db := boltFile(t, nil, likeEtcd(400))
	endless := func(head []byte) io.Reader { return io.MultiReader(bytes.NewReader(head), zeros{}) }
	empty := zip(t, nil)
	for _, c := range []struct {
		reason string
		r      io.Reader
		want   error
	}{
		{"a snapshot, and then zeros", endless(sealed(db)), ErrTrailing},
		{"a database, and then zeros", endless(db), ErrTooLarge},
		{"zeros", zeros{}, ErrNotBbolt},
		{"gzip, and then zeros", endless(zip(t, sealed(db))), ErrTrailing},
		{"empty streams of gzip", &repeat{empty, 0}, ErrTooLarge},
	} {
		_, err := Inspect(t.Context(), c.r, Options{Dir: t.TempDir(), MaxSize: 4 << 20})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.reason, err, c.want)
		}
	}
}

// repeat reads as some bytes again and again.
type repeat struct {
	b  []byte
	at int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := copy(p, r.b[r.at:])
	r.at = (r.at + n) % len(r.b)
	return n, nil
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []Options{{Form: "zip"}, {MaxSize: -1}, {MaxRatio: -1}} {
		if _, err := Inspect(t.Context(), bytes.NewReader(nil), o); err == nil || errors.Is(err, ErrEmpty) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestLiveKeys holds the count to a plain map, with room for few keys at a
// time.
func TestLiveKeys(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for _, keys := range []int{0, 1, 500, 2000, 40000} {
		var records []record
		plain := map[string]bool{}
		for range keys * 3 {
			r := record{key: fmt.Appendf(nil, "k%d", random.IntN(keys)), deleted: random.IntN(3) == 0}
			records = append(records, r)
			plain[string(r.key)] = !r.deleted
		}
		records = append(records, record{}) // of a raised revision
		want := int64(0)
		for _, there := range plain {
			if there {
				want++
			}
		}
		for _, limit := range []int{512, 4096, liveLimit} {
			l := newLiveKeys(limit)
			passes := 0
			for more := true; more; more = l.next() {
				passes++
				for _, r := range records {
					l.add(r)
				}
			}
			if l.total != want {
				t.Errorf("%d keys, %d at a time: %d live ones, want %d", keys, limit, l.total, want)
			}
			if len(l.slots) > 4*max(limit, 512) || (passes > 1) != (len(plain) > max(limit, 512)) {
				t.Errorf("%d keys, %d at a time: %d slots, %d passes", len(plain), limit, len(l.slots), passes)
			}
		}
	}
}

func TestManyKeysInPasses(t *testing.T) {
	db := boltFile(t, nil, likeEtcd(6000))
	p := newPages(t.Context(), bytes.NewReader(db), must2(readMeta(db)))
	d := newDescription(p, &Summary{}, 512)
	must(t, d.walk())
	must(t, d.countLive())
	if d.live.total != 3001 || len(d.live.slots) > 2048 {
		t.Errorf("%d live keys, %d slots", d.live.total, len(d.live.slots))
	}
}

func must2(m meta, _ metaState, err error) meta {
	if err != nil {
		panic(err)
	}
	return m
}
