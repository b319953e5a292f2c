package gate

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/store"
)

// play is one run that is struck at each of its calls.
type play struct {
	name  string
	stage func(t *testing.T) *stage
	// answer is what a person types at every prompt; "" for no terminal.
	answer string
	// approved: there is an approval.
	approved bool
	// enough: without a fault kops is started.
	enough bool
}

func plays() []play {
	well := func(t *testing.T) *stage { return newStage(t, healthy()) }
	imminent := func(t *testing.T) *stage {
		s := newStage(t, healthy())
		kopstest.Delete(t, s.store, marker)
		return s
	}
	return []play{
		{"nothing changes", well, "", false, true},
		{"a new cluster", func(t *testing.T) *stage { return newStage(t, kopstest.New(prod, 3)) }, "", false, true},
		{"a changed spec, nobody there", changed, "", false, false},
		{"a changed spec, y", changed, "y", false, true},
		{"the incident, nobody there", incident, "", false, false},
		{"the incident, y", incident, "y", false, false},
		{"the incident, approved", incident, "", true, true},
		{"seed imminent, y", imminent, "y", false, false},
	}
}

// run plays it over a store that strikes, and judges what became of it. A
// timeout that is short enough for calls that hang may strike others too, so
// what happens without a fault is judged without one.
func (p play) run(t *testing.T, what string, timeout time.Duration, over func(s store.Store) store.Store, struck func() bool) bool {
	t.Helper()
	s := p.stage(t)
	approval := ""
	if p.approved {
		approval = s.approve(updateYes)
	}
	if p.answer != "" {
		s.who = &person{answers: slices.Repeat([]string{p.answer}, rounds)}
	}
	s.store, s.timeout = over(s.store), timeout
	err := s.runWith(approval, updateYes)
	if !struck() {
		if timeout == 0 && (err == nil) != p.enough {
			t.Errorf("%s: without a fault: %v", p.name, err)
		}
		return false
	}
	started, code := len(s.started) > 0, codeOf(err)
	switch {
	case started && !p.enough:
		t.Errorf("%s, %s: kops was started\n%s", p.name, what, &s.out)
	case started != (err == nil):
		t.Errorf("%s, %s: started %v, and %v", p.name, what, started, err)
	case code != 0 && code != 3 && code != 4:
		t.Errorf("%s, %s: exit code %d: %v", p.name, what, code, err)
	}
	if started && p.approved {
		if files, err := os.ReadDir(filepath.Join(s.home, "used")); err != nil || len(files) != 1 {
			t.Errorf("%s, %s: started, and the approval is not used up: %v", p.name, what, err)
		}
	}
	return true
}

// TestEveryCallFails strikes each call to the store of each play in each way,
// those of the second look and of the note that an approval is used among them.
func TestEveryCallFails(t *testing.T) {
	n := 0
	for _, p := range plays() {
		for _, mode := range []fault.Mode{fault.Refused, fault.FailedBefore, fault.LostReply, fault.Hung} {
			for k := 1; ; k++ {
				injector, timeout := fault.NewInjector(k, mode), time.Duration(0)
				if mode == fault.Hung {
					timeout = shortTime
				}
				over := func(s store.Store) store.Store {
					return renamed{store.WithFaults(s, injector), s.URL()}
				}
				if !p.run(t, fmt.Sprintf("call %d %s", k, mode), timeout, over, func() bool { return injector.Struck() != nil }) {
					break
				}
				n++
			}
		}
	}
	t.Logf("%d calls struck", n)
	if n < 350 {
		t.Errorf("only %d calls were struck", n)
	}
}

// TestEveryAnswerIsCut: bodies and listings that end in their middle, with an
// error and without.
func TestEveryAnswerIsCut(t *testing.T) {
	n := 0
	for _, p := range plays() {
		for _, clean := range []bool{false, true} {
			for k := int64(1); ; k++ {
				cut := &cutting{k: k, clean: clean}
				over := func(s store.Store) store.Store {
					cut.Store = s
					return cut
				}
				if !p.run(t, fmt.Sprintf("answer %d cut (clean %v)", k, clean), 0, over, cut.struck.Load) {
					break
				}
				n++
			}
		}
	}
	t.Logf("%d answers cut", n)
	if n < 200 {
		t.Errorf("only %d answers were cut", n)
	}
}

// cutting ends the k-th body, or the k-th listing, in its middle.
type cutting struct {
	store.Store
	k      int64
	clean  bool // it ends without an error of its own
	calls  atomic.Int64
	struck atomic.Bool
}

func (c *cutting) hit() bool {
	if c.calls.Add(1) != c.k {
		return false
	}
	c.struck.Store(true)
	return true
}

func (c *cutting) Open(ctx context.Context, key string, r store.Range) (bodyOf, store.Info, error) {
	body, info, err := c.Store.Open(ctx, key, r)
	if err != nil || !c.hit() {
		return body, info, err
	}
	half := io.LimitReader(body, info.Size/2)
	if !c.clean {
		half = io.MultiReader(half, failing{})
	}
	return struct {
		io.Reader
		io.Closer
	}{half, body}, info, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func (c *cutting) List(ctx context.Context, prefix, after string) listOf {
	if !c.hit() {
		return c.Store.List(ctx, prefix, after)
	}
	return func(yield func(store.Info, error) bool) {
		n := 0
		for info, err := range c.Store.List(ctx, prefix, after) {
			if n++; n > 9 && !c.clean || n > 29 {
				yield(store.Info{}, fmt.Errorf("list: %w", fault.ErrInjected))
				return
			}
			if !yield(info, err) {
				return
			}
		}
	}
}
