package store_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

// liar changes the conditions of writes, or what it says of them.
type liar struct {
	*mem.Store
	forget   func(c store.Condition, exists bool) bool // ignore the condition
	pretend  bool                                      // and say that it was refused
	refuse   bool                                      // refuse every swap
	declared store.Capabilities
}

func (l *liar) Capabilities() store.Capabilities { return l.declared }

func (l *liar) Put(ctx context.Context, key string, r io.Reader, c store.Condition) (store.Info, error) {
	_, err := l.Stat(ctx, key)
	if l.refuse && c.Version() != "" {
		return store.Info{}, store.ErrConditionFailed
	}
	if l.forget == nil || !l.forget(c, err == nil) {
		return l.Store.Put(ctx, key, r, c)
	}
	info, err := l.Store.Put(ctx, key, r, store.Condition{})
	if l.pretend {
		return store.Info{}, store.ErrConditionFailed
	}
	return info, err
}

func TestProbeFindsLiars(t *testing.T) {
	offers := store.Capabilities{ConditionalWrites: true}
	for _, test := range []struct {
		reason string
		liar   liar
		what   string
	}{
		{"ignores create-if-absent", liar{declared: offers, forget: func(c store.Condition, exists bool) bool { return c.Absent() && exists }}, "there already"},
		{"ignores the version", liar{declared: offers, forget: func(c store.Condition, exists bool) bool { return c.Version() != "" && exists }}, "stale"},
		{"swaps what is not there", liar{declared: offers, forget: func(c store.Condition, exists bool) bool { return c.Version() != "" && !exists }}, "was not there"},
		{"overwrites and says that it refused", liar{declared: offers, pretend: true, forget: func(c store.Condition, exists bool) bool { return c.Absent() && exists }}, "said that it refused"},
		{"never swaps", liar{declared: offers, refuse: true}, "version that stood"},
		{"does not offer them", liar{}, "does not offer"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			test.liar.Store = mem.New("liar")
			err := store.Probe(t.Context(), &test.liar)
			var lies *store.NotEnforcedError
			if !errors.As(err, &lies) || !strings.Contains(lies.What, test.what) || !strings.Contains(err.Error(), "If-None-Match") {
				t.Errorf("%v; want it found out, saying %q and what to do", err, test.what)
			}
			for info := range test.liar.List(t.Context(), "", "") {
				t.Errorf("left %s", info.Key)
			}
		})
	}
}

// TestProbeOutage strikes every call of the probe: it may fail, and must never
// accuse the store.
func TestProbeOutage(t *testing.T) {
	counting := fault.NewInjector(0, fault.None)
	if err := store.Probe(t.Context(), store.WithFaults(mem.New("x"), counting)); err != nil {
		t.Fatal(err)
	}
	if counting.Count() == 0 {
		t.Fatal("no call was seen")
	}
	for k := 1; k <= counting.Count(); k++ {
		for _, mode := range []fault.Mode{fault.Refused, fault.FailedBefore, fault.LostReply} {
			in, s := fault.NewInjector(k, mode), mem.New("x")
			err := store.Probe(t.Context(), store.WithFaults(s, in))
			var lies *store.NotEnforcedError
			if errors.As(err, &lies) {
				t.Errorf("call %d (%s) %s: %v", k, in.Struck(), mode, err)
			}
			if in.Struck() == nil {
				t.Errorf("call %d was not reached", k)
			}
			if err := store.Probe(t.Context(), s); err != nil {
				t.Errorf("the next probe after call %d %s: %v", k, mode, err)
			}
		}
	}
}

func TestProbeSweepsWhatCrashedOnesLeft(t *testing.T) {
	s := mem.New("x")
	now := time.Unix(1e9, 0)
	s.SetClock(func() time.Time { return now })
	for _, key := range []string{".seedproof-probe/old", "not-a-probe"} {
		if _, err := store.Create(t.Context(), s, key, []byte(key)); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(59 * time.Minute)
	if _, err := store.Create(t.Context(), s, ".seedproof-probe/at-work", []byte("x")); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Minute)
	if err := store.Probe(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	var left []string
	for info := range s.List(t.Context(), "", "") {
		left = append(left, info.Key)
	}
	if got := strings.Join(left, " "); got != ".seedproof-probe/at-work not-a-probe" {
		t.Errorf("left %s", got)
	}
}
