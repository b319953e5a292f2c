package backup

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/flow/flowtest"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

func gunzip(t *testing.T, b []byte) []byte {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func TestTake(t *testing.T) {
	s, src := mem.New("backups"), newMember()
	o := optionsFor(s, src)
	entry, err := Take(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	stored := content(t, s, entry.Name+"/etcd.backup.gz")
	if !bytes.Equal(gunzip(t, stored), src.stream) {
		t.Fatal("the data does not expand to the member's stream, trailer included")
	}
	want := Proof{
		Format: 1, Name: entry.Name, Attempt: entry.Proof.Attempt, Identity: o.Identity,
		RevisionAtLeast: 41, RevisionAtMost: 43,
		Size: int64(len(src.stream)), SHA256: hexSum(src.stream),
		StoredSize: int64(len(stored)), StoredSHA256: hexSum(stored),
		EtcdVersion: "3.6.16", From: From{Member: "a", ID: "a", RaftTerm: 3},
		Members: o.Members, Spec: &o.Spec, HashKV: o.HashKV, Marks: o.Marks,
		Taken: entry.Proof.Taken, Verified: false,
	}
	got, err := Read(t.Context(), s, entry.Name)
	if err != nil || got.Problem != "" {
		t.Fatalf("read it: %v, problem %q", err, got.Problem)
	}
	if diff := cmp.Diff(want, *got.Proof); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(entry, got); diff != "" {
		t.Errorf("what Take gave is not what Read gives:\n%s", diff)
	}
	if listed := listedByManager(t, s); len(listed) != 1 || listed[0] != entry.Name {
		t.Errorf("etcd-manager lists %v, want %s", listed, entry.Name)
	}
	meta, err := managerfiles.DecodeMeta(content(t, s, entry.Name+"/_etcd_backup.meta"))
	if err != nil || meta.EtcdVersion != "3.6.16" || *meta.Spec != o.Spec || !meta.Time.Equal(entry.Taken.Truncate(time.Second)) {
		t.Errorf("meta %+v, %v", meta, err)
	}
}

func TestTakeRefusesADamagedStream(t *testing.T) {
	whole := newMember().stream
	for reason, stream := range map[string][]byte{
		"cut":                    whole[:len(whole)/2],
		"cut before the trailer": whole[:len(whole)-32],
		"a flipped byte":         flipped(whole, 5000),
		"garbage follows":        append(bytes.Clone(whole), make([]byte, 512)...),
		"nothing":                {},
	} {
		t.Run(reason, func(t *testing.T) {
			s, src := mem.New("backups"), newMember()
			src.stream = stream
			_, err := Take(t.Context(), optionsFor(s, src))
			if step := stepOf(t, err, ErrTrailer); step != StepStream {
				t.Errorf("step %s", step)
			}
			nothingOfABackup(t, s)
			src.stream = whole // the claim was given back: nobody has to wait
			if _, err := Take(t.Context(), optionsFor(s, src)); err != nil {
				t.Errorf("the next take: %v", err)
			}
		})
	}
}

func nothingOfABackup(t *testing.T, s store.Store) {
	t.Helper()
	for _, key := range keys(t, s) {
		if key != ClaimKey && key != FormatKey {
			t.Errorf("%s was left", key)
		}
	}
}

func TestTakeEndsAStalledStream(t *testing.T) {
	s, src, clock := mem.New("backups"), newMember(), flowtest.NewFakeClock()
	src.stream, src.stall = src.stream[:4096], true
	o := optionsFor(s, src)
	o.Clock, o.MaxHold, o.StatusEvery, o.ClaimTerm = clock, time.Minute, time.Hour, time.Hour
	src.opened = advanceWhenWaited(clock, time.Minute)
	_, err := Take(t.Context(), o)
	if step := stepOf(t, err, ErrHeld); step != StepStream {
		t.Errorf("step %s", step)
	}
	nothingOfABackup(t, s)
}

// advanceWhenWaited moves the clock on, again and again, for as long as the
// test runs: whoever waits gets its turn however late it starts to wait.
func advanceWhenWaited(clock *flowtest.FakeClock, step time.Duration) func() {
	return func() {
		go func() {
			for range 1000 {
				clock.Advance(step)
				<-time.After(time.Millisecond)
			}
		}()
	}
}

func TestTakeEndsWhenTheDatabaseGrows(t *testing.T) {
	for reason, c := range map[string]struct {
		quota, limit int64
		grown        int64
	}{
		"beyond the limit given":      {0, 1000, 1001},
		"beyond a fifth of the quota": {100 << 20, 0, 20<<20 + 1},
		"beyond the default":          {0, 0, 512<<20 + 1},
	} {
		t.Run(reason, func(t *testing.T) {
			s, src := mem.New("backups"), newMember()
			src.stall = true
			src.info.Quota = c.quota
			var grown int64
			src.statusOf = func(info SourceInfo) (SourceInfo, error) {
				info.DBSize += grown
				return info, nil
			}
			src.opened = func() { grown = c.grown }
			o := optionsFor(s, src)
			o.MaxGrowth, o.StatusEvery = c.limit, time.Millisecond
			_, err := Take(t.Context(), o)
			stepOf(t, err, ErrGrowth)
			nothingOfABackup(t, s)
		})
	}
}

func TestGrowthLimit(t *testing.T) {
	for _, c := range []struct {
		given, quota, want int64
		reason             string
	}{
		{7, 1 << 30, 7, "what is given counts"},
		{0, 0, 512 << 20, "no quota known"},
		{0, 1000, 200, "a fifth of a small quota"},
		{0, 8 << 30, 512 << 20, "a fifth of a large one is too much"},
	} {
		if got := growthLimit(&Options{MaxGrowth: c.given}, c.quota); got != c.want {
			t.Errorf("%s: %d, want %d", c.reason, got, c.want)
		}
	}
}

func TestTakeEndsWhenTheMemberCannotBeAsked(t *testing.T) {
	s, src := mem.New("backups"), newMember()
	src.stall = true
	silent, asked := errors.New("deadline exceeded"), 0
	src.statusOf = func(info SourceInfo) (SourceInfo, error) {
		if asked++; asked == 1 {
			return info, nil
		}
		return SourceInfo{}, silent
	}
	o := optionsFor(s, src)
	o.StatusEvery = time.Millisecond
	_, err := Take(t.Context(), o)
	stepOf(t, err, ErrGrowth)
	if !errors.Is(err, silent) || asked != 1+maxBlind {
		t.Errorf("after %d questions: %v", asked, err)
	}
}

func TestTakeEndsWithItsContext(t *testing.T) {
	s, src := mem.New("backups"), newMember()
	src.stall = true
	ctx, cancel := context.WithCancel(t.Context())
	src.opened = cancel
	_, err := Take(ctx, optionsFor(s, src))
	stepOf(t, err, context.Canceled)
	nothingOfABackup(t, s)
	src.stall, src.opened = false, nil
	if _, err := Take(t.Context(), optionsFor(s, src)); err != nil {
		t.Errorf("the claim was not given back under a context of its own: %v", err)
	}
}

func TestTakeRefusesAnotherCluster(t *testing.T) {
	s, src := mem.New("backups"), newMember()
	src.info.ClusterID = 0xbad
	_, err := Take(t.Context(), optionsFor(s, src))
	if step := stepOf(t, err, ErrWrongCluster); step != StepSource {
		t.Errorf("step %s", step)
	}
	nothingOfABackup(t, s)
}

func TestTakeWritesNothingIntoAForeignStore(t *testing.T) {
	s := mem.New("backups")
	if _, err := EnsureFormat(t.Context(), s, "another lineage", "other", time.Now()); err != nil {
		t.Fatal(err)
	}
	before := content(t, s, FormatKey)
	_, err := Take(t.Context(), optionsFor(s, newMember()))
	if step := stepOf(t, err, ErrForeignStore); step != StepFormat {
		t.Errorf("step %s", step)
	}
	if got := keys(t, s); len(got) != 1 || !bytes.Equal(content(t, s, FormatKey), before) {
		t.Errorf("the foreign store now holds %v", got)
	}
}

func TestTakeNamesTheNext(t *testing.T) {
	clock := flowtest.NewFakeClock()
	s, src := mem.New("backups"), newMember()
	o := optionsFor(s, src)
	o.Clock = clock
	first, err := Take(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	o.Slot = "slot-2"
	// Somebody else's data gets the next name after it was found free.
	taken := managerfiles.Name(clock.Now(), 1)
	src.opened = func() {
		src.opened = nil
		put(t, s, managerfiles.DataKey(taken), strings.Repeat("another's data ", 20))
	}
	second, err := Take(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if first.Name != managerfiles.Name(clock.Now(), 0) || second.Name != managerfiles.Name(clock.Now(), 2) {
		t.Errorf("names %s and %s", first.Name, second.Name)
	}
	if got := content(t, s, managerfiles.DataKey(taken)); !strings.HasPrefix(string(got), "another's") {
		t.Error("the other's data was touched")
	}
}

func TestTakeNeedsItsOptions(t *testing.T) {
	for reason, spoil := range map[string]func(*Options){
		"no store":   func(o *Options) { o.Store = nil },
		"no source":  func(o *Options) { o.Source = nil },
		"no lineage": func(o *Options) { o.Identity.Lineage = "" },
		"no holder":  func(o *Options) { o.Holder = "" },
		"no slot":    func(o *Options) { o.Slot = "" },
		"no watch":   func(o *Options) { o.Watch = nil },
	} {
		o := optionsFor(mem.New("backups"), newMember())
		spoil(&o)
		if _, err := Take(t.Context(), o); err == nil {
			t.Errorf("%s: taken", reason)
		}
	}
}
