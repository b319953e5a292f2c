package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/seedproof/seedproof/internal/store"
)

func testList(t *testing.T, s store.Store) {
	// In byte order "a.b" and "a-b" come before "a/c", and "a0" after it. No
	// key is a folder of another: directories cannot do that.
	all := []string{"a-b", "a.b", "a/b/c", "a/c", "a0", "b/x/1", "b/x/2", "b/y/1", "z", "ä"}
	infos := map[string]store.Info{}
	for _, key := range slices.Backward(all) {
		infos[key] = put(t, s, key, fresh(key))
	}
	for _, test := range []struct{ reason, prefix, after string }{
		{"everything", "", ""},
		{"a folder", "a/", ""},
		{"a prefix that is no folder", "a", ""},
		{"a prefix inside a folder", "b/x/", ""},
		{"a prefix that ends within a name", "b/x/1", ""},
		{"a prefix that fits nothing", "nothing/", ""},
		{"after a key that is there", "", "a/c"},
		{"after a key that is not there", "", "a/bb"},
		{"after a folder's name", "", "b"},
		{"after everything", "", "\xf4\x8f\xbf\xbf"},
		{"prefix and after", "b/", "b/x/1"},
		{"after a key before the prefix", "b/", "a"},
		{"after a key behind the prefix", "a/", "b/x/1"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			var want []string
			for _, key := range all {
				if strings.HasPrefix(key, test.prefix) && key > test.after {
					want = append(want, key)
				}
			}
			if got := keys(t, s, test.prefix, test.after); !slices.Equal(got, want) {
				t.Errorf("got %q; want %q", got, want)
			}
		})
	}
	for info, err := range s.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		if put := infos[info.Key]; info.Version != put.Version || info.Size != put.Size {
			t.Errorf("listed as %+v; was put as %+v", info, put)
		}
	}
	for range s.List(t.Context(), "", "") {
		break // a caller may stop early
	}
}

// testListWhileWriting: what stands before and after a listing is in it,
// however much is written meanwhile.
func testListWhileWriting(t *testing.T, s store.Store) {
	var standing []string
	for i := range 20 {
		key := fmt.Sprintf("standing/%02d", i)
		standing = append(standing, key)
		put(t, s, key, fresh(key))
	}
	replaced := put(t, s, "standing/replaced", fresh("first")).Version
	standing = append(standing, "standing/replaced")
	var group errgroup.Group
	group.Go(func() error {
		for i := range 20 {
			info, err := store.Swap(t.Context(), s, "standing/replaced", replaced, fresh("next"))
			if err != nil {
				return err
			}
			replaced = info.Version
			passing := fmt.Sprintf("passing/%d", i)
			if info, err = store.Create(t.Context(), s, passing, fresh(passing)); err != nil {
				return err
			}
			if err := s.Delete(t.Context(), passing, info.Version); err != nil {
				return err
			}
		}
		return nil
	})
	for range 20 {
		if got := keys(t, s, "standing/", ""); !slices.Equal(got, standing) {
			t.Errorf("listed %q; want %q", got, standing)
			break
		}
		keys(t, s, "", "")
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}
