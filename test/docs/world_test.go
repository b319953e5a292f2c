package docs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/story"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/open"
	"github.com/seedproof/seedproof/internal/testenv"
)

const (
	limit = 3 * time.Minute // a generous end for one block
	day   = 24 * time.Hour
	keys  = 200
)

// world is what a document takes for granted: programs on the PATH, a state
// store, and what had happened to it.
type world struct {
	dir   string
	env   []string
	state *story.State
	// replace puts what is there in place of what stands in the documents.
	replace *strings.Replacer
	stop    []func()
}

// snapshots are what backups hold: of a cluster that lived, and of an empty one.
var snapshots = sync.OnceValue(func() (s struct {
	full, empty map[string][]byte
	err         error
}) {
	names := make([]string, keys)
	for i := range names {
		names[i] = fmt.Sprintf("/registry/pods/default/web-%03d", i)
	}
	full, err := story.Snapshot(context.Background(), names, "a pod")
	empty, err2 := story.Snapshot(context.Background(), nil, "")
	s.full = map[string][]byte{"main": full, "events": full}
	s.empty, s.err = map[string][]byte{"main": empty, "events": empty}, errors.Join(err, err2)
	return s
})

// newWorld makes the world of a block. It ends with the test.
func newWorld(t *testing.T, b block) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "docs-")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{dir: dir, stop: []func(){func() { _ = os.RemoveAll(dir) }}}
	t.Cleanup(w.end)
	w.programs(t)
	kind, _, _ := strings.Cut(b.in, "#")
	w.make(t, kind)
	url := "file://" + filepath.Join(w.dir, "state")
	if b.store == "s3" {
		url = w.moveToS3(t)
	}
	ports := testenv.FreePorts(t, 3)
	w.replace = strings.NewReplacer("s3://my-state", decide.Quote(url), "/mnt/master-vol-0123456789", filepath.Join(w.dir, "volume"),
		"12379", fmt.Sprint(ports[0]), "12380", fmt.Sprint(ports[1]), "9753", fmt.Sprint(ports[2]))
	return w
}

func (w *world) end() {
	for i := len(w.stop) - 1; i >= 0; i-- {
		w.stop[i]()
	}
	w.stop = nil
}

// builtKops is the stand-in, built once in a test process.
var builtKops = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "standin-kops-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program := filepath.Join(dir, "kops")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/seedproof/seedproof/test/standins/kops").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return os.ReadFile(program)
})

// aws stands for the vendor's tool, as far as the documents use it.
const aws = `#!/bin/sh
set -e
[ "$1" = s3 ] || { echo "aws: only s3 is played here" >&2; exit 2; }
case "$2 $3" in
"cp -") mkdir -p "$(dirname "${4#file://}")" && cat >"${4#file://}" ;;
cp*) [ "$4" = - ] && cat "${3#file://}" ;;
ls*) ls "${3#file://}" ;;
*) echo "aws s3 $2 is not played here" >&2; exit 2 ;;
esac
`

// programs fills the PATH.
func (w *world) programs(t *testing.T) {
	t.Helper()
	bin := filepath.Join(w.dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	kops, err := builtKops()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"kops": kops, "aws": []byte(aws)} {
		if err := os.WriteFile(filepath.Join(bin, name), content, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, path := range map[string]string{"seedproof": testenv.Seedproof(t), "etcd": testenv.Binary(t, "etcd"), "etcdctl": testenv.Binary(t, "etcdctl"), "kube-apiserver": testenv.Binary(t, "kube-apiserver")} {
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	w.env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + filepath.Join(w.dir, "home"), "TMPDIR=" + w.dir, "USER=somebody", "GOTRACEBACK=all"}
}

// make plays what had happened before.
func (w *world) make(t *testing.T, kind string) {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	switch kind {
	case "empty":
	case "cluster":
		w.up(t)
	case "healthy":
		w.write(t, now.Add(-5*time.Minute))
	case "gone":
		w.write(t, now.Add(-61*day))
		w.remove(t, "main/control", "events/control")
	case "planned": // kops has made a plan for Terraform, and nothing was applied
		w.write(t, now.Add(-5*time.Minute))
		w.remove(t, "..")
		for _, applied := range []string{"cluster-completed.spec", "kops-version.txt", "igconfig", "manifests", "addons"} {
			w.remove(t, "../../"+applied)
		}
	case "changed":
		w.write(t, now.Add(-5*time.Minute))
		w.overwrite(t, "main/control/etcd-cluster-spec", `{"memberCount":3,"etcdVersion":"3.5.31"}`)
	case "wiped", "trash":
		w.write(t, now.Add(-3*time.Hour))
		w.state.Snapshots = snapshots().empty
		w.backUp(t, now.Add(-20*time.Minute), now.Add(-5*time.Minute))
		if kind == "trash" {
			w.trash(t)
		}
	default:
		t.Fatalf("there is no world %q", kind)
	}
}

// write makes a healthy state store whose last backup is of that time.
func (w *world) write(t *testing.T, last time.Time) {
	t.Helper()
	made := snapshots()
	if made.err != nil {
		t.Fatal(made.err)
	}
	var err error
	if w.state, err = story.Write(t.Context(), filepath.Join(w.dir, "state"), last.Add(-80*day), made.full); err != nil {
		t.Fatal(err)
	}
	w.backUp(t, last.Add(-45*time.Minute), last.Add(-30*time.Minute), last.Add(-15*time.Minute), last)
}

func (w *world) backUp(t *testing.T, times ...time.Time) {
	t.Helper()
	if err := w.state.BackUp(t.Context(), times...); err != nil {
		t.Fatal(err)
	}
}

func (w *world) remove(t *testing.T, below ...string) {
	t.Helper()
	for _, b := range below {
		if err := os.RemoveAll(filepath.Join(w.dir, "state", story.Cluster, "backups/etcd", b)); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) overwrite(t *testing.T, below, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, "state", story.Cluster, "backups/etcd", below), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// moveToS3 copies the state store into a bucket, and puts a plan beside it as
// Terraform shows one that writes the spec. It gives the URL.
func (w *world) moveToS3(t *testing.T) string {
	t.Helper()
	server := testenv.S3(t)
	server.Setenv(t)
	w.env = append(w.env, server.Env()...)
	bucket := server.Bucket(t)
	url := server.URL(bucket, "")
	to, err := open.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	err = filepath.WalkDir(w.state.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		content = bytes.ReplaceAll(content, []byte(w.state.URL()), []byte("s3://"+bucket)) // in the config
		key, _ := filepath.Rel(w.state.Dir, path)
		_, err = to.Put(t.Context(), key, bytes.NewReader(content), store.Condition{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	plan := fmt.Sprintf(`{"format_version":"1.2","terraform_version":"1.9.5","planned_values":{"root_module":{}},"resource_changes":[{"address":"aws_s3_object.etcd-cluster-spec-main","mode":"managed","type":"aws_s3_object","name":"etcd-cluster-spec-main","change":{"actions":["create"],"before":null,"after":{"bucket":%q,"key":%q,"content":"{\"memberCount\":3,\"etcdVersion\":\"3.6.12\"}"},"after_unknown":{}}}]}`,
		bucket, story.Base("main")+"/control/etcd-cluster-spec")
	if err := os.WriteFile(filepath.Join(w.dir, "plan.json"), []byte(plan), 0o600); err != nil {
		t.Fatal(err)
	}
	return url
}

// trash is what etcd-manager leaves of a member that it stopped: the data
// directory of an etcd that was killed.
func (w *world) trash(t *testing.T) {
	t.Helper()
	data := filepath.Join(w.dir, "volume/data-trashcan/TOKEN")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	ports := testenv.FreePorts(t, 2)
	client, peer := fmt.Sprintf("http://127.0.0.1:%d", ports[0]), fmt.Sprintf("http://127.0.0.1:%d", ports[1])
	cmd := exec.Command(testenv.Binary(t, "etcd"), "--name", "a", "--data-dir", data, "--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "a="+peer, "--log-outputs", filepath.Join(w.dir, "etcd.log"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{client}, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	for i := range keys {
		if _, err := c.Put(ctx, fmt.Sprintf("/registry/pods/default/web-%03d", i), "a pod"); err != nil {
			t.Fatal(err)
		}
	}
}

// up starts a cluster under Seedproof and waits until it serves.
func (w *world) up(t *testing.T) {
	t.Helper()
	var out buffer
	cmd := exec.Command(filepath.Join(w.dir, "bin/seedproof"), "up", "--members", "1")
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = w.dir, w.env, &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.stop = append(w.stop, func() { _, _ = cmd.Process.Signal(syscall.SIGTERM), cmd.Wait() })
	out.await(t, "serving:")
}
