package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

// snapshotOf is a database of n pages as a member would stream it.
func snapshotOf(pages int, seed uint64) []byte {
	db := make([]byte, pages*4096)
	chacha := rand.NewChaCha8([32]byte{byte(seed)})
	for at := 0; at < len(db); at += 2 * 4096 { // every other page is random
		_, _ = chacha.Read(db[at : at+4096])
	}
	sum := sha256.Sum256(db)
	return append(db, sum[:]...)
}

func flipped(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

func TestCheckReader(t *testing.T) {
	whole := snapshotOf(8, 1)
	n := len(whole)
	for _, c := range []struct {
		reason string
		stream []byte
		ok     bool
	}{
		{"whole", whole, true},
		{"nothing came", nil, false},
		{"a trailer of nothing", snapshotOf(0, 1), false},
		{"no trailer", whole[:n-32], false},
		{"cut by a byte", whole[:n-1], false},
		{"cut at a page, so that the length looks right", append(bytes.Clone(whole[:4096*3]), whole[:32]...), false},
		{"cut in the middle", whole[:n/2], false},
		{"first byte altered", flipped(whole, 0), false},
		{"last byte before the trailer altered", flipped(whole, n-33), false},
		{"trailer altered", flipped(whole, n-1), false},
		{"a byte follows", append(bytes.Clone(whole), 0), false},
		{"a sector follows", append(bytes.Clone(whole), make([]byte, 512)...), false},
		{"the trailer twice", append(bytes.Clone(whole), whole[n-32:]...), false},
	} {
		for name, reader := range map[string]io.Reader{
			"at once":         bytes.NewReader(c.stream),
			"byte by byte":    iotest.OneByteReader(bytes.NewReader(c.stream)),
			"halves":          iotest.HalfReader(bytes.NewReader(c.stream)),
			"EOF with a read": iotest.DataErrReader(bytes.NewReader(c.stream)),
		} {
			r := NewCheckReader(reader)
			got, err := io.ReadAll(r)
			if c.ok != (err == nil) || (err != nil && !errors.Is(err, ErrTrailer)) {
				t.Errorf("%s, %s: %v", c.reason, name, err)
			}
			if !bytes.Equal(got, c.stream) {
				t.Errorf("%s, %s: the bytes that came through differ", c.reason, name)
			}
			if sum := sha256.Sum256(c.stream); c.ok && r.Sums() != (Sums{int64(n), hex.EncodeToString(sum[:])}) {
				t.Errorf("%s, %s: sums %+v", c.reason, name, r.Sums())
			}
		}
	}
}

func TestCheckReaderKeepsOtherErrors(t *testing.T) {
	broken := errors.New("connection reset")
	r := NewCheckReader(io.MultiReader(bytes.NewReader(snapshotOf(1, 1)), iotest.ErrReader(broken)))
	for range 2 {
		if _, err := io.ReadAll(r); !errors.Is(err, broken) || errors.Is(err, ErrTrailer) {
			t.Fatalf("%v; want the source's own error", err)
		}
	}
}

func FuzzCheck(f *testing.F) {
	whole := snapshotOf(1, 1)
	f.Add(whole, uint8(0))
	f.Add(whole[:len(whole)-1], uint8(7))
	f.Add(flipped(whole, 100), uint8(32))
	f.Add([]byte{}, uint8(1))
	f.Fuzz(func(t *testing.T, stream []byte, chunk uint8) {
		check := NewCheck()
		for rest := stream; len(rest) > 0; {
			n := min(len(rest), int(chunk)+1)
			_, _ = check.Write(rest[:n])
			rest = rest[n:]
		}
		_, err := check.Finish()
		if want := plainCheck(stream); (err == nil) != want {
			t.Fatalf("%d bytes in chunks of %d: %v; the plain rule says %v", len(stream), chunk, err, want)
		}
	})
}

// plainCheck is the rule with the whole stream at hand.
func plainCheck(stream []byte) bool {
	n := len(stream) - 32
	if n <= 0 || len(stream)%512 != 32 {
		return false
	}
	sum := sha256.Sum256(stream[:n])
	return bytes.Equal(sum[:], stream[n:])
}

func TestPipe(t *testing.T) {
	content := snapshotOf(1500, 3) // more than the pipe holds
	p := newPipe()
	go func() {
		_, err := io.Copy(p, iotest.HalfReader(bytes.NewReader(content)))
		p.CloseWrite(err)
	}()
	got, err := io.ReadAll(p)
	if err != nil || !bytes.Equal(got, content) {
		t.Fatalf("%d of %d bytes, %v", len(got), len(content), err)
	}
}

func TestPipeEnds(t *testing.T) {
	reason := errors.New("reason")
	p := newPipe()
	p.CloseRead(reason)
	if _, err := io.Copy(p, bytes.NewReader(snapshotOf(1500, 3))); !errors.Is(err, reason) {
		t.Errorf("writing to a reader that has gone: %v", err)
	}
	p = newPipe()
	_, _ = p.Write([]byte("x"))
	p.CloseWrite(reason)
	if got, err := io.ReadAll(p); !errors.Is(err, reason) || string(got) != "x" {
		t.Errorf("a writer that failed: %q, %v", got, err)
	}
}
