package agent

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/file"
)

// volumeWith gives a node whose data volume was used and remembered, and whose
// filesystem can be exchanged under it.
func usedVolume(t *testing.T) (n *node, a *Agent, swap func(id string)) {
	t.Helper()
	n = newNode(t, "a")
	id := ""
	a = n.agent(t, Deps{FilesystemOf: func(path string) (store.Filesystem, error) {
		fs, err := file.FilesystemOf(path)
		if id == "error" {
			return fs, errors.New("input/output error")
		}
		if id != "" {
			fs.ID = id
		}
		return fs, err
	}})
	claim := n.claim(a.doc(t).ID)
	if err := a.claimVolume(deadline(t), a.look(deadline(t)).place, false); err != nil {
		t.Fatal(err)
	}
	if err := a.dir.makeMarked(deadline(t), claimedMark(n.cfg, claim, a.deps.Clock.Now())); err != nil {
		t.Fatal(err)
	}
	return n, a, func(to string) { id = to }
}

func TestVolumeTable(t *testing.T) {
	for _, tc := range []struct {
		reason string
		change func(t *testing.T, n *node, swap func(string))
		want   proof.Finding
	}{
		{"as it was", func(*testing.T, *node, func(string)) {}, proof.Present},
		{"only etcd's directory is gone: asked in the right place", func(t *testing.T, n *node, _ func(string)) {
			mustRemove(t, n.etcdDir())
		}, proof.Absent},
		{"emptied, the mark included", func(t *testing.T, n *node, _ func(string)) {
			mustRemove(t, n.cfg.DataDir)
			if err := os.Mkdir(n.cfg.DataDir, 0o700); err != nil {
				t.Fatal(err)
			}
		}, proof.Unusable},
		{"the path itself is gone, on the right filesystem", func(t *testing.T, n *node, _ func(string)) { mustRemove(t, n.cfg.DataDir) }, proof.Unusable},
		{"another filesystem without a mark: unmounted", func(t *testing.T, n *node, swap func(string)) {
			mustRemove(t, n.cfg.DataDir)
			swap("other")
		}, proof.Unknown},
		{"another mark", func(t *testing.T, n *node, _ func(string)) {
			mark := store.NewMark(store.DataVolume, "test", a0)
			write(t, filepath.Join(n.cfg.DataDir, store.MarkKey), string(mark.Encode()))
		}, proof.Unknown},
		{"the filesystem does not answer", func(t *testing.T, n *node, swap func(string)) { swap("error") }, proof.Unknown},
		{"the directory's mark is damaged", func(t *testing.T, n *node, _ func(string)) {
			write(t, filepath.Join(n.etcdDir(), dirMarkName), "{")
		}, proof.Unusable},
		{"the directory's mark is newer", func(t *testing.T, n *node, _ func(string)) {
			write(t, filepath.Join(n.etcdDir(), dirMarkName), `{"format":9}`)
		}, proof.Unknown},
		{"a file in the directory's place", func(t *testing.T, n *node, _ func(string)) {
			mustRemove(t, n.etcdDir())
			write(t, n.etcdDir(), "x")
		}, proof.Unusable},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			n, a, swap := usedVolume(t)
			tc.change(t, n, swap)
			s := a.Testify(deadline(t))
			if s.Node.Part.Finding != tc.want {
				t.Fatalf("the part is %s (%s), want %s", s.Node.Part.Finding, s.Node.Part.Why, tc.want)
			}
			if s.EmptyVolume != (tc.want == proof.Absent) {
				t.Fatalf("empty volume: %v", s.EmptyVolume)
			}
		})
	}
}

var a0 = func() (now timeT) { return now.AddDate(2025, 1, 1) }()

// A lost disk is replaced only on a person's word, and its new mark remembered.
func TestReplacingALostDisk(t *testing.T) {
	n, a, swap := usedVolume(t)
	mustRemove(t, n.cfg.DataDir)
	if err := os.Mkdir(n.cfg.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	swap("new-disk")
	j := Joining{Identity: born, ID: 7, Members: decide.List{{ID: 7, PeerURL: n.cfg.PeerURL}, {ID: 8, Name: "b", PeerURL: "http://127.0.0.1:1"}}}
	join := func(j Joining) error {
		s := a.look(deadline(t))
		if _, err := a.mayJoin(s, j); err != nil {
			return err
		}
		return a.makeJoining(deadline(t), s, j, joiningMark(a.cfg, j.Identity, j.ID, j.Members, a0))
	}
	mustRefuse(t, join(j), "remembered is")
	j.FormerLost = true
	if err := join(j); err != nil {
		t.Fatal(err)
	}
	s := a.look(deadline(t))
	if s.place.State != store.PlaceOurs || s.node.Part.Finding != proof.Present || s.node.Part.ID != 7 || s.doc.Volume.FS.ID != "new-disk" {
		t.Fatalf("after the replacement: %s, %+v, %+v", s.place.State, s.node.Part, s.doc.Volume)
	}
}

func TestEmptiedVolumeGetsItsMarkBack(t *testing.T) {
	n, a, _ := usedVolume(t)
	mark := a.doc(t).Volume.MarkID
	mustRemove(t, n.etcdDir())
	mustRemove(t, filepath.Join(n.cfg.DataDir, store.MarkKey))
	s := a.look(deadline(t))
	j := Joining{Identity: born, ID: 7, Members: decide.List{{ID: 7, PeerURL: n.cfg.PeerURL}}}
	_, err := a.mayJoin(s, j)
	mustRefuse(t, err, "unusable")
	j.FormerLost = true
	if _, err := a.mayJoin(s, j); err != nil {
		t.Fatal(err)
	}
	if err := a.claimVolume(deadline(t), s.place, true); err != nil {
		t.Fatal(err)
	}
	if s := a.look(deadline(t)); s.place.State != store.PlaceOurs || s.place.MarkID != mark {
		t.Fatalf("the mark: %+v", s.place)
	}
}

// A member id is used by one directory, once.
func TestUsedMemberID(t *testing.T) {
	n, a, _ := usedVolume(t)
	mustRemove(t, n.etcdDir())
	if err := a.noteJoined(deadline(t), Joining{Identity: born, ID: 7}); err != nil {
		t.Fatal(err)
	}
	j := Joining{Identity: born, ID: 7, FormerLost: true, Members: decide.List{{ID: 7, PeerURL: n.cfg.PeerURL}}}
	_, err := a.mayJoin(a.look(deadline(t)), j)
	mustRefuse(t, err, "needs a new one")
	j.ID = 9
	if _, err := a.mayJoin(a.look(deadline(t)), j); err != nil {
		t.Fatal(err)
	}
}

func TestUnmountedVolume(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("NOTE: not root: the unmounted volume is tested with an injected filesystem alone (TestVolumeTable)")
		return
	}
	n := newNode(t, "a")
	mountLoop(t, n.cfg.DataDir)
	a, stop := n.run(t, Deps{})
	n.seed(t, a)
	n.rememberBorn(t, a)
	stop()
	n.killEtcd(t)
	await(t, "the files of the dead to be closed", func() error { return exec.Command("umount", n.cfg.DataDir).Run() })
	a, _ = n.run(t, Deps{})
	s := a.Testify(deadline(t))
	if s.Node.Part.Finding != proof.Unknown || len(n.pids(t)) != 0 {
		t.Fatalf("unmounted: %+v", s.Node.Part)
	}
	mustRefuse(t, a.lead(deadline(t), func(ctx ctxT) error { return a.retire(ctx, Retiring{Reason: "x"}) }), "not one to write to")
	if entries, err := os.ReadDir(n.cfg.DataDir); err != nil || len(entries) != 0 {
		t.Fatalf("something was written under the mount point: %v, %v", entries, err)
	}
	// Mounted again, it starts by itself.
	run(t, "mount", "-o", "loop", n.cfg.DataDir+".img", n.cfg.DataDir)
	mustHave(t, n.awaitServing(t), "key", "value")
}

// mountLoop mounts a small ext4 of its own.
func mountLoop(t *testing.T, dir string) {
	t.Helper()
	image := dir + ".img"
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 512<<20); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.ext4", "-q", "-F", image)
	if out, err := exec.Command("mount", "-o", "loop", image, dir).CombinedOutput(); err != nil {
		t.Skipf("NOTE: SKIPPED: root, and no loop device can be mounted here: %v %s", err, out)
	}
	t.Cleanup(func() {
		n := &node{cfg: Config{DataDir: dir}}
		n.killEtcd(t)
		_ = exec.Command("umount", "-l", dir).Run()
	})
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v %s", name, args, err, out)
	}
}
