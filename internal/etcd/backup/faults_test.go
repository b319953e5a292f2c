package backup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/flow/flowtest"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

// hungTime ends calls that hang; it is waited for, never asserted on.
const hungTime = time.Second

type struckTake struct {
	injector *fault.Injector
	crashed  bool
	entry    Entry
	err      error
}

// takeWithFault runs one take, the k-th call of which to the store is struck.
func takeWithFault(t *testing.T, s store.Store, o Options, k int, mode fault.Mode) struckTake {
	t.Helper()
	run := struckTake{injector: fault.NewInjector(k, mode)}
	o.Store = store.WithFaults(s, run.injector)
	o.StoreTimeout, o.FinishTimeout = hungTime, hungTime
	type answer struct {
		entry Entry
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		entry, err := Take(t.Context(), o)
		answers <- answer{entry, err}
	}()
	select {
	case got := <-answers:
		run.entry, run.err = got.entry, got.err
	case <-run.injector.Dead():
		run.crashed = true
	}
	return run
}

// TestEveryCallOfATakeFails strikes each call to the store in each way. After
// that a backup is listed and whole or not listed, and the next take succeeds.
func TestEveryCallOfATakeFails(t *testing.T) {
	plain := takeWithFault(t, mem.New("backups"), optionsFor(mem.New("unused"), newMember()), 0, fault.None)
	if plain.err != nil || plain.injector.Count() == 0 {
		t.Fatalf("%d calls: %v", plain.injector.Count(), plain.err)
	}
	calls := plain.injector.Count()
	t.Logf("a take makes %d calls to the store: %v", calls, plain.injector.Calls())
	for k := 1; k <= calls; k++ {
		for _, mode := range fault.Modes {
			t.Run(plain.injector.Calls()[k-1].Op+" "+mode.String(), func(t *testing.T) {
				t.Parallel() // what hangs waits for its deadline
				strike(t, k, mode)
			})
		}
	}
}

func strike(t *testing.T, k int, mode fault.Mode) {
	s, src, clock := mem.New("backups"), newMember(), flowtest.NewFakeClock()
	o := optionsFor(s, src)
	if mode == fault.Hung {
		clock = nil // what hangs is ended by real deadlines
	} else {
		o.Clock = clock
	}
	run := takeWithFault(t, s, o, k, mode)
	if run.injector.Struck() == nil {
		t.Fatalf("call %d never came", k)
	}
	if mode == fault.LostReply && run.injector.Struck().Op == store.OpPut && run.err != nil {
		t.Errorf("a write took effect and the answer was lost: %v; want success after a look", run.err)
	}
	listed := listedByManager(t, s)
	if run.err == nil && !run.crashed && (len(listed) != 1 || listed[0] != run.entry.Name) {
		t.Fatalf("the take succeeded, and %v is listed", listed)
	}
	if catalogue, err := List(t.Context(), s, ""); err != nil || run.err == nil && !run.crashed && len(catalogue.Incomplete) != 0 {
		t.Errorf("the take succeeded, and left %v incomplete, %v", catalogue.Incomplete, err)
	}
	for _, name := range listed {
		wholeBackup(t, s, name, src.stream)
	}
	var failed *TakeError
	if errors.As(run.err, &failed) && len(listed) == 0 && mode != fault.CrashedAfter {
		notLeft(t, s, failed)
	}
	again(t, s, src, clock)
}

// notLeft: an attempt that failed and lived removes what it left.
func notLeft(t *testing.T, s store.Store, failed *TakeError) {
	t.Helper()
	if failed.Step == StepMeta || failed.Step == StepReadBack {
		return // from there on all of it stays
	}
	if len(failed.Left) != 0 {
		t.Errorf("it left %v", failed.Left)
	}
	nothingOfABackup(t, s)
}

// again: a new instance, with no memory, takes a backup of the next slot.
func again(t *testing.T, s store.Store, src Source, clock *flowtest.FakeClock) {
	t.Helper()
	o := optionsFor(s, src)
	o.Slot, o.Watch, o.Holder, o.ClaimTerm = "slot-2", &Watch{}, "agent-b", time.Minute
	if clock == nil {
		clock = flowtest.NewFakeClock()
	}
	o.Clock = clock
	_, err := Take(t.Context(), o)
	if errors.Is(err, ErrClaimed) {
		clock.Advance(time.Minute)
		_, err = Take(t.Context(), o)
	}
	if err != nil {
		t.Fatalf("the next take: %v", err)
	}
	catalogue, err := List(t.Context(), s, "")
	if err != nil || len(catalogue.Backups) == 0 || len(catalogue.Foreign) != 0 {
		t.Fatalf("%+v, %v", catalogue, err)
	}
	for _, e := range catalogue.Backups {
		if e.Problem != "" {
			t.Errorf("%s: %s", e.Name, e.Problem)
		}
	}
}

// wholeBackup checks a listed backup by its bytes, without our reader.
func wholeBackup(t *testing.T, s store.Store, name string, stream []byte) {
	t.Helper()
	if !bytes.Equal(gunzip(t, content(t, s, name+"/etcd.backup.gz")), stream) {
		t.Errorf("%s is listed and does not expand to the snapshot", name)
	}
	if _, err := managerfiles.DecodeMeta(content(t, s, name+"/_etcd_backup.meta")); err != nil {
		t.Errorf("%s is listed: %v", name, err)
	}
	if _, err := decodeProof(name, content(t, s, name+"/_seedproof.json")); err != nil {
		t.Errorf("%s is listed: %v", name, err)
	}
}

// TestALateMetaFindsAWholeBackup: the write of the meta fails, and takes effect
// after the take has given up. What it makes a backup must still be there.
func TestALateMetaFindsAWholeBackup(t *testing.T) {
	s, src := mem.New("backups"), newMember()
	late := &lateMeta{Store: s}
	_, err := Take(t.Context(), optionsFor(late, src))
	if step := stepOf(t, err, errLate); step != StepMeta {
		t.Fatalf("step %s", step)
	}
	if listed := listedByManager(t, s); len(listed) != 0 {
		t.Fatalf("%v is listed before its time", listed)
	}
	put(t, s, late.key, string(late.content))
	wholeBackup(t, s, listedByManager(t, s)[0], src.stream)
}

var errLate = errors.New("connection reset")

// lateMeta keeps the meta that is put, and fails.
type lateMeta struct {
	store.Store
	key     string
	content []byte
}

func (l *lateMeta) Put(ctx context.Context, key string, r io.Reader, c store.Condition) (store.Info, error) {
	if !strings.HasSuffix(key, managerfiles.MetaFile) {
		return l.Store.Put(ctx, key, r, c)
	}
	content, err := io.ReadAll(r)
	l.key, l.content = key, content
	return store.Info{}, errors.Join(err, errLate)
}
