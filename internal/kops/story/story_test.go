package story_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/snapshot"
	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/kops/story"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/lifecycle"
	"github.com/seedproof/seedproof/internal/store/open"
)

const day = 24 * time.Hour

var born = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

func write(t *testing.T) *story.State {
	t.Helper()
	s, err := story.Write(t.Context(), filepath.Join(t.TempDir(), "state"), born, map[string][]byte{"main": []byte("m"), "events": []byte("e")})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// check is the real check, at a time, with the story's bucket.
func check(t *testing.T, s *story.State, at time.Time) kops.Report {
	t.Helper()
	bucket, err := story.NewBucket()
	if err != nil {
		t.Fatal(err)
	}
	report, err := kops.Check(t.Context(), kops.Options{State: s.URL(), Open: open.Open, Now: func() time.Time { return at },
		Inspect: func(context.Context, store.Store) (lifecycle.Inspector, error) { return bucket, nil }})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestStateIsAHealthyCluster(t *testing.T) {
	s := write(t)
	now := born.Add(10 * day)
	if err := s.BackUp(t.Context(), now.Add(-15*time.Minute), now.Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	report := check(t, s, now)
	if len(report.Clusters) != 2 || report.ExitCode != 0 {
		t.Fatalf("%d etcd clusters, exit code %d", len(report.Clusters), report.ExitCode)
	}
	for _, r := range report.Clusters {
		if r.Action != decide.None || r.Verdict != proof.Intact || r.Backups != 2 || r.LastValidBackup.Age() != time.Minute {
			t.Errorf("etcd %s: %s, %s, %d backups, the last %v", r.Etcd, r.Action, r.Verdict, r.Backups, r.LastValidBackup)
		}
	}
}

// TestStateHoldsWhatAnUpdateLeaves: the same signs of life as in the state
// stores that the tests of the check write by hand.
func TestStateHoldsWhatAnUpdateLeaves(t *testing.T) {
	byHand, err := open.Open(t.Context(), "file://"+filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer byHand.Close()
	kopstest.Healthy(story.Cluster, 3, born).Write(t, byHand)
	want, err := kops.Check(t.Context(), kops.Options{State: byHand.URL(), Open: open.Open})
	if err != nil {
		t.Fatal(err)
	}
	got := check(t, write(t), born)
	for i, r := range got.Clusters {
		var found []string
		for _, l := range r.Evidence.Leavings {
			if l.Finding == proof.Present {
				found = append(found, l.Name)
			}
		}
		for _, l := range want.Clusters[i].Evidence.Leavings {
			if l.Finding == proof.Present && !slices.Contains(found, l.Name) {
				t.Errorf("etcd %s: no %s", r.Etcd, l.Name)
			}
		}
	}
}

// TestTheRuleStrikesWhenItWasForeseen: the forecast and what is played come to
// the same day, of the control files and of nothing else.
func TestTheRuleStrikesWhenItWasForeseen(t *testing.T) {
	s := write(t)
	if err := s.BackUp(t.Context(), born.Add(70*day)); err != nil {
		t.Fatal(err)
	}
	if gone, err := s.Expire(t.Context(), born.Add(story.RuleDays*day)); err != nil || len(gone) != 0 {
		t.Errorf("before its time it deleted %v (%v)", gone, err)
	}
	var at []time.Time
	for _, r := range check(t, s, born.Add(71*day)).Clusters {
		for _, threat := range r.Threats {
			if threat.Kind == kops.LifecycleControl {
				at = append(at, threat.At)
			}
		}
	}
	struck := born.Add((story.RuleDays + 1) * day)
	if len(at) != 4 || at[0].After(struck) || struck.Sub(at[0]) > day {
		t.Errorf("foreseen for %v, struck on %v", at, struck)
	}
	gone, err := s.Expire(t.Context(), struck)
	if err != nil || len(gone) != 4 {
		t.Fatalf("it deleted %v (%v)", gone, err)
	}
	for _, key := range gone {
		if !strings.Contains(key, "/control/") {
			t.Errorf("it deleted %s", key)
		}
	}
	if report := check(t, s, struck); report.Clusters[0].Action != decide.SeedOverExisting {
		t.Errorf("after it the check says %s", report.Clusters[0].Action)
	}
}

func TestWriteKeepsOffWhatIsThere(t *testing.T) {
	if _, err := story.Write(t.Context(), t.TempDir(), born, nil); err == nil {
		t.Error("it wrote into a directory that was there")
	}
}

func TestSnapshotIsReal(t *testing.T) {
	packed, err := story.Snapshot(t.Context(), []string{"a", "b", "c"}, "x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gzip.NewReader(bytes.NewReader(packed)); err != nil {
		t.Fatal(err)
	}
	held, err := snapshot.Inspect(t.Context(), bytes.NewReader(packed), snapshot.Options{Form: snapshot.Gzip})
	if err != nil || held.LiveKeys != 3 || held.Revision != 4 {
		t.Errorf("%+v (%v)", held, err)
	}
}
