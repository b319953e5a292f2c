package snapshot

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"
)

func isDamage(err error, want *Damage) bool {
	d, ok := DamageOf(err)
	return ok && d == want && errors.Is(err, want)
}

func inspectBytes(t testing.TB, b []byte, o Options) error {
	t.Helper()
	o.Dir = t.TempDir()
	_, err := Inspect(t.Context(), bytes.NewReader(b), o)
	if left, rerr := os.ReadDir(o.Dir); rerr != nil || len(left) != 0 {
		t.Fatalf("left behind: %v, %v", left, rerr)
	}
	return err
}

func flipped(b []byte, at int, bit uint) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1 << bit
	return b
}

// damageIsFound cuts and alters a good snapshot at some places, plain and
// packed.
func damageIsFound(t *testing.T, plainPath, zippedPath string) {
	t.Helper()
	whole, err := os.ReadFile(plainPath)
	must(t, err)
	zipped, err := os.ReadFile(zippedPath)
	must(t, err)
	sum := sha256.Sum256(whole)
	random := rand.New(rand.NewPCG(3, 4))
	for range 4 {
		at := random.IntN(len(whole) - 33)
		if err := inspectBytes(t, whole[:at+1], Options{}); !isDamage(err, ErrCut) {
			t.Errorf("cut at %d of %d: %v", at+1, len(whole), err)
		}
		bit := byte(1) << random.UintN(8)
		whole[at] ^= bit
		if err := inspectBytes(t, whole, Options{}); !isDamage(err, ErrFlipped) {
			t.Errorf("altered at %d of %d: %v", at, len(whole), err)
		}
		whole[at] ^= bit
		at = 10 + random.IntN(len(zipped)-10)
		if err := inspectBytes(t, zipped[:at], Options{}); !isDamage(err, ErrCut) {
			t.Errorf("packed and cut at %d of %d: %v", at, len(zipped), err)
		}
		zipped[at] ^= bit
		s, err := Inspect(t.Context(), bytes.NewReader(zipped), Options{Dir: t.TempDir()})
		if _, ok := DamageOf(err); !ok && (err != nil || s.SHA256 != hex.EncodeToString(sum[:])) {
			t.Errorf("packed and altered at %d of %d: not noticed: %v", at, len(zipped), err)
		}
		zipped[at] ^= bit
	}
}

// small is a snapshot of some pages, made by bbolt.
func small(t testing.TB) []byte {
	t.Helper()
	return sealed(boltFile(t, nil, likeEtcd(400)))
}

func TestCuts(t *testing.T) {
	whole := small(t)
	must(t, inspectBytes(t, whole, Options{}))
	for at := 0; at < len(whole); at++ {
		if at > 300 && at < len(whole)-100 && at%257 != 0 && at%4096 > 1 {
			continue
		}
		want := ErrCut
		switch at {
		case 0:
			want = ErrEmpty
		case len(whole) - trailerSize:
			want = ErrNoTrailer
		}
		if err := inspectBytes(t, whole[:at], Options{}); !isDamage(err, want) {
			t.Errorf("cut at %d of %d: %v", at, len(whole), err)
		}
	}
}

func TestCutsWhenPacked(t *testing.T) {
	whole := zip(t, small(t))
	for at := range len(whole) {
		if at > 200 && at < len(whole)-200 && at%97 != 0 {
			continue
		}
		want := ErrCut
		if at == 0 {
			want = ErrEmpty
		}
		if err := inspectBytes(t, whole[:at], Options{Form: Gzip}); !isDamage(err, want) {
			t.Errorf("cut at %d of %d: %v", at, len(whole), err)
		}
	}
}

func TestFlips(t *testing.T) {
	whole := small(t)
	for at := range len(whole) {
		if at > 160 && at < len(whole)-100 && at%211 != 0 {
			continue
		}
		if err := inspectBytes(t, flipped(whole, at, uint(at%8)), Options{Form: Plain}); !isDamage(err, ErrFlipped) {
			t.Errorf("altered at %d of %d: %v", at, len(whole), err)
		}
	}
	both := flipped(flipped(whole, 20, 0), 4096+20, 0)
	if err := inspectBytes(t, both, Options{}); !isDamage(err, ErrFlipped) {
		t.Errorf("both meta pages altered: %v", err)
	}
	if err := inspectBytes(t, both[:len(both)-1], Options{}); !isDamage(err, ErrCut) {
		t.Errorf("both meta pages altered, and cut: %v", err)
	}
}

// TestFlipsWhenPacked: an altered bit of the packed form is noticed, unless the
// content is still the very same: some bits of gzip's header say nothing about
// it, and deflate can say one thing in several ways.
func TestFlipsWhenPacked(t *testing.T) {
	raw := small(t)
	whole := zip(t, raw)
	for at := range len(whole) {
		if at > 60 && at < len(whole)-60 && at%97 != 0 {
			continue
		}
		for bit := range uint(8) {
			altered := flipped(whole, at, bit)
			err := inspectBytes(t, altered, Options{Form: Gzip})
			_, found := DamageOf(err)
			if same := sameContent(altered, raw); found == same || (err != nil) == same {
				t.Errorf("altered at %d, bit %d, of %d: %v", at, bit, len(whole), err)
			}
			if at < 2 && !isDamage(err, ErrNotGzip) {
				t.Errorf("altered at %d: %v", at, err)
			}
		}
	}
}

// sameContent: it still unpacks into raw, in the eyes of gzip.
func sameContent(zipped, raw []byte) bool {
	r, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		return false
	}
	content, err := io.ReadAll(r)
	return err == nil && bytes.Equal(content, raw)
}

// zeros never end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestTheNameOfEachDamage(t *testing.T) {
	raw := boltFile(t, nil, likeEtcd(400))
	whole := sealed(raw)
	claims := func(pages uint64) []byte {
		return remeta(raw, 4096, func(m []byte) {
			m[40], m[41], m[42], m[43], m[44] = byte(pages), byte(pages>>8), byte(pages>>16), byte(pages>>24), byte(pages>>32)
		})
	}
	many := func(n int64) []byte { b, _ := io.ReadAll(io.LimitReader(zeros{}, n)); return b }
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for _, c := range []struct {
		reason string
		stream []byte
		o      Options
		want   error
	}{
		{"a good one, plain", whole, Options{}, nil},
		{"a good one, packed", zip(t, whole), Options{}, nil},
		{"packed in two streams, as parallel compressors do", join(zip(t, whole[:5000]), zip(t, whole[5000:])), Options{}, nil},
		{"an empty stream between the two", join(zip(t, whole[:5000]), zip(t, nil), zip(t, whole[5000:])), Options{}, nil},
		{"a member's file with a trailer put to it", sealed(join(raw, many(8192))), Options{}, nil},
		{"nothing", nil, Options{}, ErrEmpty},
		{"nothing where gzip was expected", nil, Options{Form: Gzip}, ErrEmpty},
		{"gzip of nothing", zip(t, nil), Options{}, ErrEmpty},
		{"plain where gzip was named", whole, Options{Form: Gzip}, ErrNotGzip},
		{"gzip where plain was named", zip(t, whole), Options{Form: Plain}, ErrNotBbolt},
		{"gzip's first bytes and no header", []byte{0x1f, 0x8b, 7, 0, 0, 0, 0, 0, 0, 0, 0}, Options{}, ErrNotGzip},
		{"an error page", []byte("<html><body>404 not found</body></html>"), Options{}, ErrNotBbolt},
		{"an error page, packed", zip(t, []byte("<html><body>404 not found</body></html>")), Options{}, ErrNotBbolt},
		{"packed twice", zip(t, zip(t, whole)), Options{}, ErrNotBbolt},
		{"bytes of no meaning", many(100000)[:99999], Options{}, ErrNotBbolt},
		{"a newer format", sealed(remeta(raw, 4096, func(m []byte) { m[4] = 3 })), Options{}, ErrNotBbolt},
		{"a byte after the trailer", join(whole, []byte{0}), Options{}, ErrTrailing},
		{"pages after the trailer", join(whole, many(300000)), Options{}, ErrTrailing},
		{"the snapshot twice", join(whole, whole), Options{}, ErrTrailing},
		{"the trailer twice", join(whole, whole[len(whole)-32:]), Options{}, ErrTrailing},
		{"a byte after gzip", join(zip(t, whole), []byte{0}), Options{}, ErrTrailing},
		{"text after gzip", join(zip(t, whole), []byte("and then")), Options{}, ErrTrailing},
		{"gzip's first bytes after gzip", join(zip(t, whole), []byte{0x1f, 0x8b, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}), Options{}, ErrTrailing},
		{"a member's file", join(raw, many(8192)), Options{}, ErrNoTrailer},
		{"longer than it says, and altered", join(flipped(whole, 9000, 1), []byte("x")), Options{}, ErrFlipped},
		{"both meta pages damaged, the trailer right", sealed(flipped(flipped(raw, 40, 1), 4096+40, 1)), Options{}, ErrCorrupt},
		{"zeros, packed", zip(t, many(ratioFloor+4096)), Options{}, ErrZipBomb},
		{"a database that claims much, and zeros", zip(t, join(claims(1<<20), many(ratioFloor+4096))), Options{}, ErrZipBomb},
		{"a database that claims more than is allowed", zip(t, join(claims(1<<30), many(100))), Options{}, ErrTooLarge},
		{"more than is allowed, by its size", whole, Options{MaxSize: int64(len(raw)) - 1}, ErrTooLarge},
		{"just as much as is allowed", whole, Options{MaxSize: int64(len(raw))}, nil},
		{"more than is allowed, by its length", join(raw, many(1<<20)), Options{MaxSize: int64(len(raw)) + 4096}, ErrTooLarge},
		{"a disk that has to stay free", whole, Options{KeepFree: 1 << 60}, ErrNoSpace},
	} {
		err := inspectBytes(t, c.stream, c.o)
		if c.want == nil {
			if err != nil {
				t.Errorf("%s: %v", c.reason, err)
			}
			continue
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.reason, err, c.want)
		}
		_, damage := DamageOf(err)
		if _, want := DamageOf(c.want); damage != want {
			t.Errorf("%s: called damage: %v", c.reason, damage)
		}
	}
}
