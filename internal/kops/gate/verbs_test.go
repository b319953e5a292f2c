package gate

import (
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/kops/kopstest"
)

const aCommand = prod + "/backups/etcd/main/control/2026-11-01T02:00:00Z-000000/_command.json"

// TestVerbs: what each command needs beside what an update would.
func TestVerbs(t *testing.T) {
	well := func(t *testing.T) *stage { return newStage(t, healthy()) }
	then := func(change func(s *stage)) func(t *testing.T) *stage {
		return func(t *testing.T) *stage { s := well(t); change(s); return s }
	}
	const createYes = "create cluster --cloud aws --zones=eu-central-1a --name " + prod + " --yes"
	for _, c := range []struct {
		reason  string
		stage   func(t *testing.T) *stage
		line    string
		started bool
		code    int
		says    string
	}{
		{"create, where nothing is", func(t *testing.T) *stage { return newStage(t) }, createYes, true, 0, "nothing under this name that a new cluster could replace"},
		{"create beside others", func(t *testing.T) *stage { return newStage(t, kopstest.New("other.example.com", 1)) }, createYes, true, 0, "nothing under this name"},
		{"create, where only the config is gone", then(func(s *stage) { kopstest.Delete(s.t, s.store, prod+"/config") }), createYes, false, 3, "NOT PROVEN"},
		{"create, where the control files are gone too", then(func(s *stage) {
			kopstest.Delete(s.t, s.store, prod+"/config")
			kopstest.DeleteAll(s.t, s.store, prod+"/backups/etcd/main/control/")
		}), createYes, false, 3, "NOT PROVEN"},
		{"create, where backups are all that is left", then(func(s *stage) {
			for _, below := range []string{"/config", "/cluster-completed.spec", "/kops-version.txt", "/manifests/", "/igconfig/", "/pki/", "/secrets/", "/instancegroup/", "/backups/etcd/main/control/"} {
				kopstest.DeleteAll(s.t, s.store, prod+below)
			}
		}), createYes, false, 3, "NOT PROVEN"},
		{"create, and nobody can list", then(func(s *stage) { s.store = denied{s.store, "list"} }), createYes, false, 3, "Not all of this cluster could be found"},
		{"create without --yes only writes a config", well, strings.TrimSuffix(createYes, " --yes"), true, 0, ""},
		{"update that rolls, with a restore queued", then(func(s *stage) { kopstest.Put(s.t, s.store, aCommand, "{}") }), "update cluster " + prod + " --reconcile --yes", false, 3, "Commands are queued"},
		{"update that does not, with a restore queued", then(func(s *stage) { kopstest.Put(s.t, s.store, aCommand, "{}") }), updateYes, true, 0, ""},
		{"update that adds members, with a restore queued", func(t *testing.T) *stage {
			s := well(t)
			kopstest.Put(t, s.store, spec, `{"memberCount":1,"etcdVersion":"3.6.12"}`)
			kopstest.Put(t, s.store, aCommand, "{}")
			return s
		}, updateYes, false, 3, "type the name"},
		{"rolling-update without a spec", then(func(s *stage) { kopstest.Delete(s.t, s.store, spec) }), "rolling-update cluster " + prod + " --yes", false, 3, "THE SPEC OF ETCD main IS NOT THERE"},
		{"delete instance without a spec", then(func(s *stage) { kopstest.Put(s.t, s.store, spec, "{") }), "delete instance i-1 --name " + prod + " --yes", false, 3, "THE SPEC OF ETCD main IS NOT THERE"},
		{"an update writes it", then(func(s *stage) { kopstest.Delete(s.t, s.store, spec) }), updateYes, false, 3, "[y/N]"},
	} {
		s := c.stage(t)
		s.who = &person{answers: []string{"no"}}
		err := s.run(c.line)
		said := s.out.String() + strings.Join(s.who.asked, "")
		if (len(s.started) == 1) != c.started || codeOf(err) != c.code || !strings.Contains(said, c.says) {
			t.Errorf("%s: started %v, %v\n%s", c.reason, s.started, err, said)
		}
	}
}
