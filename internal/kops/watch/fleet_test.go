package watch

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

// TestAFleet: a pass over 200 clusters is one listing and a few small reads
// for each, and its series are bounded.
func TestAFleet(t *testing.T) {
	const clusters = 200
	var fleet []func(time.Time) kopstest.Cluster
	for i := range clusters {
		fleet = append(fleet, func(now time.Time) kopstest.Cluster {
			return kopstest.Healthy(fmt.Sprintf("c%03d.example.com", i), 3, now)
		})
	}
	calls := &store.Counter{}
	r := newRig(t, func(c *Config) {
		open := c.Check.Open
		c.Check.Open = func(ctx context.Context, url string) (store.Store, error) {
			s, err := open(ctx, url)
			return store.Counted(s, calls), err
		}
	}, fleet...)
	r.look()
	first := calls.By()
	calls.Reset()
	r.look()
	if second := calls.By(); second[store.OpList] != 1 || second[store.OpList] != first[store.OpList] || calls.Total() > 10*clusters {
		t.Errorf("a pass made %v calls, the first %v", second, first)
	}
	if n := len(r.w.Status().Clusters); n != 2*clusters {
		t.Errorf("%d etcd clusters are watched", n)
	}
	series := r.seriesCount()
	if series > 2*clusters*50 {
		t.Errorf("%d series", series)
	}
	t.Logf("%d calls a pass, %d series, %d for each etcd cluster", calls.Total(), series, series/(2*clusters))
	if told := r.turned(); len(told) > 0 {
		t.Errorf("it told %v", told)
	}
}

// TestSilenceIsNoticedEverywhere: each thing that matters, by itself.
func TestSilenceIsNoticedEverywhere(t *testing.T) {
	r := newRig(t, nil, healthy)
	r.look()
	whole := r.report().Clusters[0]
	for name, change := range map[string]func(*kops.Result){
		"":        func(*kops.Result) {},
		"config":  func(k *kops.Result) { k.Evidence.Config.Finding = proof.Unknown },
		"marker":  func(k *kops.Result) { k.Evidence.Marker.File = managerfiles.Unreadable },
		"spec":    func(k *kops.Result) { k.Evidence.Spec.File = managerfiles.Unreadable },
		"igcon":   func(k *kops.Result) { k.Evidence.Leavings = []decide.Named{{Name: "igcon"}} },
		"traces":  func(k *kops.Result) { k.Evidence.Traces = []decide.Named{{Name: "traces"}} },
		"backups": func(k *kops.Result) { k.Evidence.Backups, k.NewestBackup = decide.BackupsUnknown, nil },
	} {
		k := whole
		change(&k)
		if got := strings.Join(silence(k), " "); got != name {
			t.Errorf("silent is %q, want %q", got, name)
		}
	}
}

// TestAlertsKnowTheKinds: a kind in an alert that nothing bears would never
// fire.
func TestAlertsKnowTheKinds(t *testing.T) {
	kinds := []string{
		kops.NoBackup, kops.BackupsStopped, kops.BackupIncomplete, kops.BackupDamaged, kops.BackupOther, kops.BackupShrunk, kops.BackupMeta,
		kops.QueuedCommand, kops.PublicAccess, decide.SharedPath, decide.ManagerStuck, decide.ManagerRestart, decide.LeavingsGone, decide.UndoneByRestart,
		MarkerRewritten,
	}
	text, err := os.ReadFile("../../../deploy/alerts/seedproof-kops.rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var used []string
	for _, m := range regexp.MustCompile(`kind=~"([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
		used = append(used, strings.Split(m[1], "|")...)
	}
	for _, kind := range used {
		if !slices.Contains(kinds, kind) {
			t.Errorf("an alert asks for %s, which there is not", kind)
		}
	}
	for _, kind := range kinds {
		if !slices.Contains(used, kind) {
			t.Errorf("no alert asks for %s", kind)
		}
	}
	for _, m := range regexp.MustCompile(`action=~?"([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
		for _, action := range strings.Split(m[1], "|") {
			if !slices.Contains(decide.Actions(), decide.Action(action)) {
				t.Errorf("an alert asks for the action %s", action)
			}
		}
	}
}
