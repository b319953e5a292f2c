package backup

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow/flowtest"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
	"github.com/seedproof/seedproof/internal/store/open"
	"github.com/seedproof/seedproof/internal/testenv"
)

func TestDecideClaim(t *testing.T) {
	const term = time.Minute
	running := &Claim{Holder: "b", Slot: "s1", State: ClaimRunning}
	done := &Claim{Holder: "b", Slot: "s1", State: ClaimDone}
	failed := &Claim{Holder: "b", Slot: "s1", State: ClaimFailed}
	for _, c := range []struct {
		reason   string
		standing Standing
		want     Decision
	}{
		{"nobody ever took one", Standing{Absent: true, ThisSlot: "s1"}, Create},
		{"somebody is at this slot", Standing{Claim: running, ThisSlot: "s1"}, Wait},
		{"somebody is at another slot", Standing{Claim: running, ThisSlot: "s2"}, Wait},
		{"not silent for long enough", Standing{Claim: running, Unmoved: term - 1, ThisSlot: "s1"}, Wait},
		{"silent for a term", Standing{Claim: running, Unmoved: term, ThisSlot: "s1"}, Takeover},
		{"silent for a term at another slot", Standing{Claim: running, Unmoved: term, ThisSlot: "s2"}, Takeover},
		{"the slot has its backup", Standing{Claim: done, ThisSlot: "s1"}, SlotDone},
		{"the slot has its backup, however old", Standing{Claim: done, Unmoved: 9 * term, ThisSlot: "s1"}, SlotDone},
		{"the slot before has its backup", Standing{Claim: done, ThisSlot: "s2"}, Takeover},
		{"the attempt at this slot failed", Standing{Claim: failed, ThisSlot: "s1"}, Takeover},
		{"the attempt at another slot failed", Standing{Claim: failed, ThisSlot: "s2"}, Takeover},
		{"what is there cannot be read: somebody may be at it", Standing{ThisSlot: "s1"}, Wait},
		{"what is there cannot be read, and nobody moves it", Standing{Unmoved: term, ThisSlot: "s1"}, Takeover},
	} {
		if got := DecideClaim(c.standing, term); got != c.want {
			t.Errorf("%s: %s, want %s", c.reason, got, c.want)
		}
	}
}

func TestWatchStartsAnewWithEachChange(t *testing.T) {
	var w Watch
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		mark  string
		after time.Duration
		want  time.Duration
	}{{"x", 0, 0}, {"x", 10, 10}, {"y", 20, 0}, {"y", 25, 5}, {"x", 30, 0}} {
		if got := w.see(c.mark, now.Add(c.after)); got != c.want {
			t.Errorf("%s after %d: %d, want %d", c.mark, c.after, got, c.want)
		}
	}
}

// TestTakeoverOfADeadTaker: one taker dies in the middle. Another waits for a
// whole term on its own clock, then takes the backup.
func TestTakeoverOfADeadTaker(t *testing.T) {
	s, clock := mem.New("backups"), flowtest.NewFakeClock()
	o := optionsFor(s, newMember())
	o.Clock, o.ClaimTerm = clock, time.Minute
	dead, _ := o.complete()
	if _, err := acquire(t.Context(), dead, "attempt of the dead"); err != nil {
		t.Fatal(err)
	}
	o.Watch, o.Holder = &Watch{}, "agent-b"
	for _, passed := range []time.Duration{0, 59 * time.Second} {
		clock.Advance(passed)
		_, err := Take(t.Context(), o)
		if step := stepOf(t, err, ErrClaimed); step != StepClaim {
			t.Fatalf("step %s", step)
		}
	}
	clock.Advance(time.Second)
	if _, err := Take(t.Context(), o); err != nil {
		t.Fatalf("after a term: %v", err)
	}
}

func TestADamagedClaimExpiresToo(t *testing.T) {
	s, clock := mem.New("backups"), flowtest.NewFakeClock()
	put(t, s, ClaimKey, "{\"state\":")
	o := optionsFor(s, newMember())
	o.Clock, o.ClaimTerm = clock, time.Minute
	_, err := Take(t.Context(), o)
	stepOf(t, err, ErrClaimed)
	clock.Advance(time.Minute)
	if _, err := Take(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

// TestALivingClaimIsNotTakenOver: the holder streams for many terms and beats
// all the while.
func TestALivingClaimIsNotTakenOver(t *testing.T) {
	s, clock := mem.New("backups"), flowtest.NewFakeClock()
	o := optionsFor(s, newMember())
	o.Clock, o.ClaimTerm = clock, time.Minute
	holder, _ := o.complete()
	claim, err := acquire(t.Context(), holder, "attempt")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancelCause(t.Context())
	var beating sync.WaitGroup
	beating.Go(func() { claim.beat(ctx, end) })
	o.Watch, o.Holder = &Watch{}, "agent-b"
	for beat := int64(1); beat <= 9; beat++ {
		_, err := Take(t.Context(), o)
		stepOf(t, err, ErrClaimed)
		eventually(t, "the next beat", func() bool {
			clock.Advance(time.Second)
			standing, _ := decodeClaim(content(t, s, ClaimKey))
			return standing.Beat > beat*2
		})
	}
	end(nil)
	beating.Wait()
}

// TestALostClaimEndsTheTake: a taker that was paused finds another one's claim.
func TestALostClaimEndsTheTake(t *testing.T) {
	for _, at := range []string{"while streaming", "before the meta"} {
		t.Run(at, func(t *testing.T) {
			s, src, clock := mem.New("backups"), newMember(), flowtest.NewFakeClock()
			o := optionsFor(s, src)
			o.Clock, o.MaxHold, o.FinishTimeout = clock, 1000*time.Hour, 1000*time.Hour
			src.stall = at == "while streaming"
			src.opened = func() {
				put(t, s, ClaimKey, `{"holder":"agent-b","slot":"slot-1","attempt":"another","nonce":"n","state":"running"}`)
				if src.stall {
					advanceWhenWaited(clock, DefaultClaimTerm/3)()
				}
			}
			_, err := Take(t.Context(), o)
			step := stepOf(t, err, ErrClaimLost)
			if want := map[bool]Step{true: StepStream, false: StepConfirm}[src.stall]; step != want {
				t.Errorf("step %s, want %s", step, want)
			}
			nothingOfABackup(t, s)
			if standing, _ := decodeClaim(content(t, s, ClaimKey)); standing.Holder != "agent-b" {
				t.Errorf("the other's claim was overwritten: %+v", standing)
			}
		})
	}
}

// TestAnUnconfirmedClaimEndsTheTake: while the store does not answer for a
// whole term, another taker may have taken over.
func TestAnUnconfirmedClaimEndsTheTake(t *testing.T) {
	s, src, clock := mem.New("backups"), newMember(), flowtest.NewFakeClock()
	down := errors.New("503")
	o := optionsFor(s, src)
	o.Clock, o.MaxHold, o.FinishTimeout = clock, 1000*time.Hour, 1000*time.Hour
	src.stall = true
	src.opened = func() {
		s.SetHook(func(_ context.Context, _, key string) error {
			if key == ClaimKey {
				return down
			}
			return nil
		})
		advanceWhenWaited(clock, DefaultClaimTerm/3)()
	}
	_, err := Take(t.Context(), o)
	stepOf(t, err, ErrClaimLost)
	if !errors.Is(err, down) {
		t.Errorf("%v does not name the cause", err)
	}
	s.SetHook(nil)
	nothingOfABackup(t, s)
}

// TestOneBackupASlot: many takers at once want the same slot.
func TestOneBackupASlot(t *testing.T) {
	s3 := testenv.S3(t)
	s3.Setenv(t)
	dir := t.TempDir()
	for _, c := range []struct {
		name   string
		rounds int
		fresh  func(round int) store.Store
	}{
		{"mem", 20, func(int) store.Store { return mem.New("backups") }},
		{"file", 5, func(round int) store.Store { return opened(t, fmt.Sprintf("file://%s/%d", dir, round)) }},
		{"s3", 5, func(int) store.Store { return opened(t, s3.URL(s3.Bucket(t), "backups")) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			for round := range c.rounds {
				oneSlot(t, c.fresh(round))
			}
		})
	}
}

func opened(t *testing.T, url string) store.Store {
	t.Helper()
	s, err := open.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func oneSlot(t *testing.T, s store.Store) {
	t.Helper()
	const takers = 4
	errs := make([]error, takers)
	var all sync.WaitGroup
	for i := range takers {
		o := optionsFor(s, newMember())
		o.Holder, o.Watch = fmt.Sprintf("agent-%d", i), &Watch{}
		all.Go(func() { _, errs[i] = Take(t.Context(), o) })
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, ErrClaimed) && !errors.Is(err, ErrSlotDone) {
			t.Error(err)
		}
	}
	if listed := listedByManager(t, s); won != 1 || len(listed) != 1 {
		t.Fatalf("%d takers say they took one, %d are listed", won, len(listed))
	}
	if _, err := Take(t.Context(), optionsFor(s, newMember())); !errors.Is(err, ErrSlotDone) {
		t.Fatalf("the slot again: %v", err)
	}
}

func TestEnsureFormat(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		reason, content string
		want            error
	}{
		{"a new store", "", nil},
		{"ours", `{"format":"etcd-manager","lineage":"l1"}`, nil},
		{"another cluster's", `{"format":"etcd-manager","lineage":"l2"}`, ErrForeignStore},
		{"a format that is not known here", `{"format":"seedproof","lineage":"l1"}`, ErrFormat},
		{"no lineage", `{"format":"etcd-manager"}`, ErrFormat},
		{"not JSON", `{`, ErrFormat},
	} {
		s := mem.New("backups")
		if c.content != "" {
			put(t, s, FormatKey, c.content)
		}
		_, err := EnsureFormat(t.Context(), s, "l1", "main", now)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.reason, err, c.want)
		}
		if got := content(t, s, FormatKey); c.content != "" && string(got) != c.content {
			t.Errorf("%s: it was overwritten by %s", c.reason, got)
		}
	}
	s := mem.New("backups")
	s.SetGone(true)
	if _, err := EnsureFormat(t.Context(), s, "l1", "main", now); !errors.Is(err, store.ErrNoPlace) {
		t.Errorf("no place: %v", err)
	}
	if _, err := EnsureFormat(t.Context(), mem.New("x"), "", "main", now); err == nil {
		t.Error("made a format without a lineage")
	}
}

// TestOneLineageAStore: of two clusters that are given one new store at once,
// one gets it.
func TestOneLineageAStore(t *testing.T) {
	for range 50 {
		s := mem.New("backups")
		var errs [2]error
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() { _, errs[i] = EnsureFormat(t.Context(), s, fmt.Sprintf("l%d", i), "main", time.Now()) })
		}
		all.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs[:]...), ErrForeignStore) {
			t.Fatalf("%v, %v", errs[0], errs[1])
		}
	}
}

func FuzzDecodeClaim(f *testing.F) {
	f.Add([]byte(`{"holder":"a","slot":"s","state":"running","beat":3}`))
	f.Add([]byte(`{"state":"later"}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, content []byte) {
		claim, mark := decodeClaim(content)
		if len(mark) != 64 {
			t.Fatalf("mark %q", mark)
		}
		if claim != nil && DecideClaim(Standing{Claim: claim, ThisSlot: claim.Slot}, time.Minute) == Create {
			t.Fatal("a claim that is there was taken for none")
		}
	})
}

func FuzzDecodeFormat(f *testing.F) {
	f.Add([]byte(`{"format":"etcd-manager","lineage":"l1"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, content []byte) {
		if got, err := decodeFormat(content); err == nil && (got.Lineage == "" || got.Format != FormatManager) {
			t.Fatalf("%+v passed", got)
		}
	})
}
