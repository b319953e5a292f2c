package gate

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/file"
	"github.com/seedproof/seedproof/internal/store/mem"
)

// counting counts what is really opened.
type counting struct {
	n      int
	before func()
}

func (c *counting) Verify(ctx context.Context, s store.Store, key string) (kops.Snapshot, error) {
	c.n++
	if c.before != nil {
		c.before()
	}
	return opens{}.Verify(ctx, s, key)
}

func TestCached(t *testing.T) {
	s := mem.New("state")
	kopstest.Put(t, s, "a", "good")
	kopstest.Put(t, s, "bad", "damaged")
	inner := &counting{}
	at := now
	dir := filepath.Join(t.TempDir(), "cache")
	c := Cached{Inner: inner, Dir: dir, Now: func() time.Time { return at }}
	verify := func(why, key string, opened int, good bool) {
		t.Helper()
		inner.n = 0
		held, err := c.Verify(t.Context(), s, key)
		if inner.n != opened || (err == nil) != good || good && held.Keys != 4000 {
			t.Errorf("%s: opened %d times, %+v, %v", why, inner.n, held, err)
		}
	}
	verify("the first time", "a", 1, true)
	verify("the second", "a", 0, true)
	verify("damage is not remembered", "bad", 1, false)
	verify("and looked at again", "bad", 1, false)
	verify("what is not there is for the Verifier to say", "nothing", 1, false)
	kopstest.Put(t, s, "a", "bettr")
	verify("another version of that size", "a", 1, true)
	verify("remembered too", "a", 0, true)
	at = now.Add(cacheLife + time.Hour)
	verify("too long ago", "a", 1, true)
	at = now
	verify("in the future", "a", 1, true)

	other := mem.New("other")
	kopstest.Put(t, other, "a", "good")
	s2 := s
	s = other
	verify("the same in another store", "a", 1, true)
	s = s2

	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
		write(t, filepath.Join(dir, f.Name()), `{"held":{"Keys":4000}}`)
	}
	verify("a cache that was written over", "a", 1, true)
	kopstest.Put(t, s, "b", "goods")
	verify("another object", "b", 1, true)
	a, errA := versionOf(t.Context(), s, "a")
	b, errB := versionOf(t.Context(), s, "b")
	content, err := os.ReadFile(c.path(b))
	if err := errors.Join(errA, errB, err); err != nil {
		t.Fatal(err)
	}
	write(t, c.path(a), string(content))
	verify("the entry of another object", "a", 1, true)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	verify("a cache that others can write", "a", 1, true)
	verify("is not used at all", "a", 1, true)
	c.Dir = ""
	verify("no cache", "a", 1, true)
	verify("none at all", "a", 1, true)
}

// TestCachedRace: what is written anew while it is read is not remembered, not
// for the version from before either.
func TestCachedRace(t *testing.T) {
	s, err := file.Open(t.Context(), "file://"+t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	kopstest.Put(t, s, "a", "good")
	inner := &counting{}
	c := Cached{Inner: inner, Dir: filepath.Join(t.TempDir(), "cache")}
	inner.before = func() { kopstest.Put(t, s, "a", "else") }
	for n, content := range []string{"good", "else", "good"} {
		if _, err := c.Verify(t.Context(), s, "a"); err != nil || inner.n != n+1 {
			t.Errorf("%s: opened %d times: %v", content, inner.n, err)
		}
		inner.before = nil
		if n == 1 {
			kopstest.Put(t, s, "a", "good")
		}
	}
}
