package watch

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/kops/kopstest"
)

// TestTheStoryOfARule: a rule is added, deletes the control files, and they are
// put back, in the order that must not be and in the safe one. Everything is
// told once.
func TestTheStoryOfARule(t *testing.T) {
	bucket := &bucketOf{}
	bucket.set(nil)
	r := newRig(t, func(c *Config) { c.Check.Inspect = bucket.inspect }, healthy)
	const well = "none, Intact, exit 0"

	r.look()
	r.wantAction("none", 0)
	r.want("first_start", 0)
	r.want("backups_state", 1, "state", "recent")
	r.want("backups", 4)
	r.want("newest_backup_state", 1, "state", "not-opened")
	r.wantNone("rule_hits_control_file_timestamp_seconds")
	r.wantNone("threats")
	r.wantNone("stale_since_timestamp_seconds")
	r.wantTurns("a first look is no turn")
	r.look()
	r.wantTurns("nothing changed")

	bucket.set(expiresAfter(12))
	r.look()
	r.wantTurns("a rule was added", "threat: no lifecycle-deletes-backup -> lifecycle-deletes-backup", "threat: no lifecycle-deletes-control-file -> lifecycle-deletes-control-file")
	written, err := r.store.Stat(t.Context(), marker)
	if err != nil {
		t.Fatal(err)
	}
	r.want("rule_hits_control_file_timestamp_seconds", float64(written.Modified.Add(12*24*time.Hour).Unix()), "file", "marker")
	r.want("threats", 2, "kind", "lifecycle-deletes-control-file")
	r.wantAction("none", 0)
	r.look()
	r.wantTurns("nothing changed")

	r.filesGone(well)
	kopstest.Put(t, r.store, spec, healthy(r.clock.Now()).Spec())
	r.look()
	r.wantAction("seed-imminent", 3)
	r.want("first_start", 0)
	kopstest.Delete(t, r.store, spec)
	r.look()
	r.turned()

	kopstest.Put(t, r.store, marker, `{"timestamp":1}`)
	r.look()
	r.wantAction("change-spec", 0)
	kopstest.Put(t, r.store, spec, healthy(r.clock.Now()).Spec())
	bucket.set(nil)
	r.look()
	r.wantAction("none", 0)
	if kinds := r.kinds(); kinds != MarkerRewritten { // by hand, and not by etcd-manager: that is for a person to say
		t.Errorf("put back: the threats are %s", kinds)
	}
	told := r.turned()
	if !slices.Contains(told, "state: change-spec, RecordLost, exit 0 -> "+well) {
		t.Errorf("put back: it told %v", told)
	}
	r.look()
	r.wantTurns("nothing changed")
	for _, class := range Words().StoreErrors { // that something is not there is an answer
		r.wantAnswers("store_errors_total", "class", class, 0)
	}
	if turns := r.w.Status().Turns; len(turns) == 0 || turns[0].At.Before(turns[len(turns)-1].At) {
		t.Errorf("the status shows the turns %+v", turns)
	}
}

// filesGone: the rule has deleted both control files of a cluster that was well.
func (r *rig) filesGone(well string) {
	r.Helper()
	kopstest.Delete(r, r.store, marker)
	kopstest.Delete(r, r.store, spec)
	r.look()
	r.wantAction("seed-over-existing", 3)
	r.wantNone("rule_hits_control_file_timestamp_seconds")
	r.want("turns_total", 1, "what", "state")
	lines := r.lines()
	i := slices.IndexFunc(lines, func(m map[string]any) bool { return m["what"] == "state" })
	if i < 0 {
		r.Fatalf("the state has not turned: %v", lines)
	}
	line := lines[i]
	if line["level"] != "ERROR" || line["from"] != well || line["to"] != "seed-over-existing, RecordLost, exit 3" ||
		!strings.HasPrefix(line["sentence"].(string), "STOP:") || !strings.HasPrefix(line["next"].(string), "etcdctl --endpoints https://127.0.0.1:4001 ") {
		r.Errorf("the line is %v", line)
	}
	r.look()
	r.wantTurns("nothing changed")
}

// TestBackupsThatStop: without a single object changing, time itself turns it.
func TestBackupsThatStop(t *testing.T) {
	r := newRig(t, nil, healthy)
	r.look()
	r.turned()
	r.clock.Advance(3 * time.Hour)
	r.look()
	r.wantTurns("three hours later", "backups: recent -> stale", "threat: no backups-stopped -> backups-stopped", "threat: no manager-needs-restart -> manager-needs-restart")
	r.want("backups_state", 1, "state", "stale")
	r.want("backups_state", 0, "state", "recent")
	c := healthy(r.clock.Now())
	c.WriteBackup(t, r.store, base, r.clock.Now(), 1)
	r.look()
	told := r.turned()
	if !slices.Contains(told, "backups: stale -> recent") || !slices.Contains(told, "threat: backups-stopped -> no backups-stopped") {
		t.Errorf("a new backup: it told %v", told)
	}
}

// TestAFirstStartIsNoPage: spec before marker is also how every new cluster
// begins. Only one that nobody saw alive, for an hour, without a trace.
func TestAFirstStartIsNoPage(t *testing.T) {
	young := func(now time.Time) kopstest.Cluster {
		c := healthy(now)
		c.Running = false
		return c
	}
	r := newRig(t, nil, young)
	r.look()
	r.wantAction("seed-imminent", 3)
	r.want("first_start", 1)
	for _, line := range r.lines() {
		if line["level"] == "ERROR" {
			t.Errorf("an error for a first start: %v", line)
		}
	}
	r.clock.Advance(time.Hour)
	r.look()
	r.want("first_start", 0)

	lived := newRig(t, nil, healthy)
	lived.look()
	kopstest.DeleteAll(t, lived.store, base+"/2")
	kopstest.Delete(t, lived.store, marker)
	lived.look()
	lived.wantAction("seed-imminent", 3)
	lived.want("first_start", 0)
}
