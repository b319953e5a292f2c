package acceptance

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/etcd/decide"
)

// Everything is killed while a cluster is being seeded; whoever comes next
// finishes the same claim, with the same identities.
func TestSeedingGoesOnAfterKill9OfAll(t *testing.T) {
	for _, crash := range []struct {
		reason   string
		reached  func(*fleet) bool
		etcdsToo bool
	}{
		{"the claim was just won", func(f *fleet) bool { return f.claim(f.controlDir()) != nil }, false},
		{"one agent has noted it", func(f *fleet) bool { return f.anyFile("state", "memory.json", `"claim"`) }, true},
		{"all have noted it and it says so", func(f *fleet) bool {
			c := f.claim(f.controlDir())
			return c != nil && c.Claim.AllNoted()
		}, false},
		{"the first directory is made", func(f *fleet) bool { return f.anyFile("data", "etcd/seedproof.json", "") }, true},
		{"the first start is noted", func(f *fleet) bool { return f.anyFile("state", "memory.json", `"started"`) }, false},
		{"the record is there and the claim may be open", func(f *fleet) bool { return f.record() != nil }, true},
	} {
		t.Run(crash.reason, func(t *testing.T) {
			f := newFleet(t, 3, 3)
			b := f.watchBirths()
			f.start()
			f.waitFor(crash.reason, func() bool { return crash.reached(f) })
			for range rand.IntN(40) { // up to a fifth of a second later
				_ = f.claim(f.controlDir())
				_ = f.anyFile("state", "memory.json", "")
			}
			f.kill()
			if crash.etcdsToo {
				f.killWithEtcd()
			}
			before := f.claim(f.controlDir())
			if before == nil {
				t.Fatal("there is no claim")
			}
			f.start()
			r := f.until("the cluster serves", serving(3))
			f.waitFor("the claim is closed", func() bool { return f.claim(f.controlDir()).Claim.State == decide.ClaimBorn })
			attempts, births := b.end()
			if len(attempts) != 1 || attempts[0] != before.Claim.Attempt {
				t.Errorf("claims %v; want %s alone", attempts, before.Claim.Attempt)
			}
			if len(births) != 1 || births[0] != before.Claim.Identity.Birth || r.Verdict.Identity != before.Claim.Identity {
				t.Errorf("births %v, and it serves as %s; want %s alone", births, r.Verdict.Identity, before.Claim.Identity)
			}
			f.oneCluster(3)
		})
	}
}

// anyFile reports whether some node's file is there and contains a text.
func (f *fleet) anyFile(dir, name, text string) bool {
	for _, n := range f.nodes {
		content, err := os.ReadFile(filepath.Join(n.dir, dir, name))
		if err == nil && strings.Contains(string(content), text) {
			return true
		}
	}
	return false
}
