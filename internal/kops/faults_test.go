package kops_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

// shortTime ends calls that hang; it is waited for, never asserted on.
const shortTime = 5 * time.Millisecond

// checkAll is a check of the whole state store.
func checkAll(t *testing.T, s store.Store, timeout time.Duration) (kops.Report, error) {
	t.Helper()
	return kops.Check(t.Context(), kops.Options{
		State: s.URL(), Open: in(s), Now: func() time.Time { return now }, Timeout: timeout, Parallel: 1,
	})
}

// noSafer: what a fault made of a report is nowhere safer than the truth.
func noSafer(t *testing.T, what string, truth, struck kops.Report) {
	t.Helper()
	if struck.ExitCode == decide.Safe && truth.ExitCode != decide.Safe {
		t.Errorf("%s: exit code 0, and in truth %d", what, truth.ExitCode)
	}
	if len(struck.Clusters) < len(truth.Clusters) && struck.ExitCode == decide.Safe {
		t.Errorf("%s: %d results of %d, and nothing says so", what, len(struck.Clusters), len(truth.Clusters))
	}
	for _, r := range struck.Clusters {
		was := find(truth, r.Cluster, r.Etcd)
		if was == nil { // named without its config
			if r.ExitCode == decide.Safe {
				t.Errorf("%s: %s of %s is safe, and is not there", what, r.Etcd, r.Cluster)
			}
			continue
		}
		if r.ExitCode == decide.Safe && was.ExitCode != decide.Safe {
			t.Errorf("%s: etcd %s is safe, and in truth %s: %s", what, r.Etcd, was.Action, r.Sentence)
		}
		if safe := r.Action == decide.None || r.Action == decide.ChangeSpec || r.Action == decide.SeedNew; safe && r.Action != was.Action {
			t.Errorf("%s: etcd %s is %s, and in truth %s: %s", what, r.Etcd, r.Action, was.Action, r.Sentence)
		}
	}
}

func find(r kops.Report, cluster, etcd string) *kops.Result {
	for i, result := range r.Clusters {
		if result.Cluster == cluster && result.Etcd == etcd {
			return &r.Clusters[i]
		}
	}
	return nil
}

// TestEveryCallFails strikes each call of each story's check in each way.
func TestEveryCallFails(t *testing.T) {
	struck := 0
	for _, st := range stories() {
		if st.deny != "" {
			continue
		}
		s := mem.New("state")
		st.write(t, s)
		truth, err := checkAll(t, s, time.Minute)
		if err != nil {
			t.Fatalf("%s: %v", st.name, err)
		}
		for _, mode := range []fault.Mode{fault.Refused, fault.FailedBefore, fault.LostReply, fault.Hung} {
			timeout := time.Minute
			if mode == fault.Hung {
				timeout = shortTime
			}
			for k := 1; ; k++ {
				injector := fault.NewInjector(k, mode)
				report, err := checkAll(t, store.WithFaults(s, injector), timeout)
				if injector.Struck() == nil {
					break
				}
				struck++
				what := fmt.Sprintf("%s, call %d (%s) %s", st.name, k, injector.Struck(), mode)
				if err == nil {
					noSafer(t, what, truth, report)
				}
			}
		}
	}
	t.Logf("%d calls struck", struck)
	if struck < 1000 {
		t.Errorf("only %d calls were struck", struck)
	}
}

// cutting ends the k-th body, or the k-th listing, in its middle.
type cutting struct {
	store.Store
	k      int64
	clean  bool // the body ends without an error
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
	half := io.Reader(io.LimitReader(body, info.Size/2))
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
				yield(store.Info{}, fmt.Errorf("%w: %w", fault.ErrInjected, err))
				return
			}
			if !yield(info, err) {
				return
			}
		}
	}
}

// TestEveryAnswerIsCut: bodies and listings that end in their middle.
func TestEveryAnswerIsCut(t *testing.T) {
	for _, st := range stories() {
		if st.deny != "" {
			continue
		}
		s := mem.New("state")
		st.write(t, s)
		truth, err := checkAll(t, s, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for _, clean := range []bool{false, true} {
			for k := int64(1); ; k++ {
				cut := &cutting{Store: s, k: k, clean: clean}
				report, err := checkAll(t, cut, time.Minute)
				if !cut.struck.Load() {
					break
				}
				if err == nil {
					noSafer(t, fmt.Sprintf("%s, answer %d cut (clean %v)", st.name, k, clean), truth, report)
				}
			}
		}
	}
}

// TestACutListingIsNotTheWholeFleet: a cluster that was never listed is not
// there to be unproven, so the report itself must be.
func TestACutListingIsNotTheWholeFleet(t *testing.T) {
	s := mem.New("state")
	kopstest.New("a.example.com", 1).Write(t, s)
	for i := range 40 {
		kopstest.Put(t, s, fmt.Sprintf("b-logs/%02d", i), "x")
	}
	healthy(1).Write(t, s)
	report, err := checkAll(t, &cutting{Store: s, k: 1, clean: true}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Clusters) != 2 || report.Clusters[0].ExitCode != decide.Safe || report.ExitCode != decide.UnprovenOutcome || report.Incomplete == "" {
		t.Errorf("%d results, exit %d, %q", len(report.Clusters), report.ExitCode, report.Incomplete)
	}
}

// reading is a Verifier that reads a backup to its end, and nothing more.
type reading struct{}

func (reading) Verify(ctx context.Context, s store.Store, key string) (kops.Snapshot, error) {
	if _, _, err := store.Read(ctx, s, key, 1<<20); err != nil {
		return kops.Snapshot{}, err
	}
	return kops.Snapshot{Revision: 9000, Keys: 4000}, nil
}

// TestEveryCallOfAVerifyFails: what could not be opened is never taken for
// valid, and a changed spec without a backup to go back to is never safe.
func TestEveryCallOfAVerifyFails(t *testing.T) {
	s := mem.New("state")
	cluster := healthy(3)
	cluster.Etcds, cluster.EtcdVersion, cluster.Backups, cluster.Every = []string{"main"}, "3.7.0", 2, 24*time.Hour
	cluster.Write(t, s)
	check := func(s store.Store, timeout time.Duration) kops.Report {
		report, err := kops.Check(t.Context(), kops.Options{
			State: "mem://state", Name: prod, Open: in(s), Now: func() time.Time { return now },
			Verify: true, Verifier: reading{}, Timeout: timeout, Parallel: 1,
		})
		if err != nil {
			return kops.Report{ExitCode: decide.UnprovenOutcome}
		}
		return report
	}
	truth := check(s, time.Minute)
	if truth.ExitCode != decide.Safe || truth.Clusters[0].Action != decide.ChangeSpec || truth.Clusters[0].LastValidBackup.State != kops.Holds {
		t.Fatalf("%+v", truth)
	}
	opened := 0
	for _, mode := range []fault.Mode{fault.Refused, fault.FailedBefore, fault.LostReply} {
		for k := 1; ; k++ {
			injector := fault.NewInjector(k, mode)
			report := check(store.WithFaults(s, injector), time.Minute)
			struck := injector.Struck()
			if struck == nil {
				break
			}
			noSafer(t, fmt.Sprintf("call %d (%s) %s", k, struck, mode), truth, report)
			if strings.HasSuffix(struck.Target, "etcd.backup.gz") {
				opened++
				r := report.Clusters[0]
				if r.NewestBackup.State != kops.Unread || r.ExitCode == decide.Safe {
					t.Errorf("%s of %s: the newest is %s, exit %d", mode, struck.Target, r.NewestBackup.State, r.ExitCode)
				}
			}
		}
	}
	if opened == 0 {
		t.Error("no backup was opened")
	}
}
