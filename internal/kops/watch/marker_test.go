package watch

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/kops/kopstest"
)

// TestTheWipeThatNobodySaw: between two looks the marker went, etcd-manager
// formed an empty cluster and wrote the marker anew. All files are as they
// were; only what the marker holds is not.
func TestTheWipeThatNobodySaw(t *testing.T) {
	file := filepath.Join(t.TempDir(), "acknowledged")
	r := newRig(t, func(c *Config) { c.Acknowledged = file }, healthy)
	r.look()
	r.look()
	r.wantNone("threats", "kind", MarkerRewritten)
	kopstest.Put(t, r.store, marker, `{"timestamp":1700000000000000000}`)
	at := r.clock.Now()
	r.look()
	lines := r.lines()
	if i := len(lines) - 1; i < 0 || lines[i]["level"] != "ERROR" || lines[i]["to"] != MarkerRewritten || !strings.Contains(lines[i]["sentence"].(string), "EMPTY") {
		t.Fatalf("it told %v", lines)
	}
	r.look()
	r.wantTurns("nothing changed")
	r.want("threats", 1, "kind", MarkerRewritten)
	line := r.w.Status().Clusters[0].Acknowledge
	if want := prod + "/main " + at.UTC().Format(time.RFC3339); line != want || !strings.Contains(r.entry().shown.Threats[0].Sentence, want) {
		t.Fatalf("the line is %q, want %q", line, want)
	}
	acknowledge(t, file, line)
	r.look()
	r.wantNone("threats", "kind", MarkerRewritten)
	r.wantAction("none", 0)
	r.look()
	r.wantNone("threats", "kind", MarkerRewritten)
	kopstest.Put(t, r.store, marker, `{"timestamp":1700000000000000001}`)
	r.look()
	r.want("threats", 1, "kind", MarkerRewritten)
}

// TestAMarkerThatIsPutBack as it was is no new one, however long it was away.
func TestAMarkerThatIsPutBack(t *testing.T) {
	r := newRig(t, nil, healthy)
	r.look()
	content, _, err := r.store.Open(t.Context(), marker, all)
	if err != nil {
		t.Fatal(err)
	}
	kopstest.Delete(t, r.store, marker)
	r.look()
	r.wantAction("seed-imminent", 3)
	if _, err := r.store.Put(t.Context(), marker, content, always); err != nil {
		t.Fatal(err)
	}
	r.look()
	r.wantAction("none", 0)
	r.wantNone("threats", "kind", MarkerRewritten)
}

// TestTheSameClusterUnderANewMarker is shown by a backup: taken later, opened,
// of its members, and at no earlier revision. That of an empty one shows
// nothing, however far it has come since.
func TestTheSameClusterUnderANewMarker(t *testing.T) {
	o := &opener{}
	r := newRig(t, verifying(o), healthy)
	r.look()
	r.open()
	kopstest.Put(t, r.store, marker, `{"timestamp":1}`)
	r.look()
	r.want("threats", 1, "kind", MarkerRewritten)
	r.clock.Advance(2 * time.Hour)
	r.look()
	r.open()
	r.want("threats", 1, "kind", MarkerRewritten) // none was taken since
	o.revision = 3
	r.backup(50, "")
	r.clock.Advance(2 * time.Hour)
	r.look()
	r.open()
	r.want("threats", 1, "kind", MarkerRewritten)
	o.revision, o.member = 40_000, 2
	r.clock.Advance(time.Minute)
	r.backup(51, "")
	r.clock.Advance(2 * time.Hour)
	r.look()
	r.open()
	r.want("threats", 1, "kind", MarkerRewritten)
	o.revision, o.member = 1001, 1
	r.clock.Advance(time.Minute)
	r.backup(52, "")
	r.clock.Advance(2 * time.Hour)
	r.look()
	r.open()
	r.wantNone("threats", "kind", MarkerRewritten)
}
