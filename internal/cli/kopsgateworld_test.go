package cli

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"golang.org/x/sys/unix"

	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/testenv"
)

// gateLimit is a generous end for whatever is waited for.
const gateLimit = 2 * time.Minute

// gateWorld is a state store, a stand-in for kops on a $PATH of its own, and
// the program itself.
type gateWorld struct {
	t         *testing.T
	seedproof string
	state     string // a directory
	home      string
	bin       string
	records   string // what the stand-in writes down
	more      []string
}

// builtKops is built once in a test process.
var builtKops = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "standin-kops-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program := filepath.Join(dir, "kops")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/seedproof/seedproof/test/standins/kops").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	content, err := os.ReadFile(program)
	return string(content), err
})

func newGateWorld(t *testing.T, clusters ...kopstest.Cluster) *gateWorld {
	t.Helper()
	content, err := builtKops()
	if err != nil {
		t.Fatal(err)
	}
	w := &gateWorld{t: t, seedproof: testenv.Seedproof(t), home: t.TempDir(), bin: t.TempDir(), records: t.TempDir()}
	if err := os.WriteFile(filepath.Join(w.bin, "kops"), []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
	w.state = strings.TrimPrefix(stateStore(t, clusters...), "file://")
	if err := os.MkdirAll(w.state, 0o700); err != nil {
		t.Fatal(err)
	}
	w.openable()
	return w
}

// openable makes every backup a real snapshot.
func (w *gateWorld) openable() {
	w.t.Helper()
	snapshot := realSnapshot(w.t)
	err := filepath.WalkDir(w.state, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "etcd.backup.gz" {
			return err
		}
		return os.WriteFile(path, snapshot, 0o600)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// loseControlFiles is the incident of kops 16416.
func (w *gateWorld) loseControlFiles() {
	lose(w.t, w.state, prodMarker, prodSpec)
}

// oldSpec has the config ask for a newer etcd than is there.
func (w *gateWorld) oldSpec() {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.state, prodSpec), []byte(`{"memberCount":3,"etcdVersion":"3.5.31"}`), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *gateWorld) env() []string {
	return append([]string{"PATH=" + w.bin, "HOME=" + w.home, "STANDIN_KOPS_DIR=" + w.records, "KOPS_STATE_STORE=file://" + w.state}, w.more...)
}

// command is the program with these arguments, in a session without a terminal.
func (w *gateWorld) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(w.t.Context(), w.seedproof, args...)
	cmd.Env = w.env()
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Pdeathsig: unix.SIGKILL}
	return cmd
}

// typeIn runs it without a terminal.
func (w *gateWorld) typeIn(args ...string) outcome {
	w.t.Helper()
	var out, errOut bytes.Buffer
	cmd := w.command(args...)
	cmd.Stdout, cmd.Stderr = &out, &errOut
	return outcome{w.exitCode(cmd.Run()), out.String(), errOut.String()}
}

func (w *gateWorld) exitCode(err error) int {
	w.t.Helper()
	var ended *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &ended):
		return ended.ExitCode()
	}
	w.t.Fatal(err)
	return -1
}

// kopsRun is one start of the stand-in, as it wrote it down.
type kopsRun struct {
	Arg0    string            `json:"arg0"`
	Args    []string          `json:"args"`
	Env     []string          `json:"env"`
	Streams map[string]string `json:"streams"`
	PID     int               `json:"pid"`
	Answer  string            `json:"answer"`
}

// runs are the starts of the stand-in so far.
func (w *gateWorld) runs() []kopsRun {
	w.t.Helper()
	content, err := os.ReadFile(filepath.Join(w.records, "runs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		w.t.Fatal(err)
	}
	var runs []kopsRun
	for line := range strings.Lines(string(content)) {
		var r kopsRun
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			w.t.Fatal(err)
		}
		runs = append(runs, r)
	}
	return runs
}

// await waits until the stand-in has written this into its file of signals.
func (w *gateWorld) await(want string, times int) {
	w.t.Helper()
	deadline := time.After(gateLimit)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		content, _ := os.ReadFile(filepath.Join(w.records, "signals")) // not there yet
		if strings.Count(string(content), want) >= times {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			w.t.Fatalf("the stand-in never wrote %q %d times: %s", want, times, content)
		}
	}
}

// seat is a person at a pseudo-terminal, in which a program runs.
type seat struct {
	t      *testing.T
	person *os.File
	mu     sync.Mutex
	screen bytes.Buffer
	ended  chan error
	cmd    *exec.Cmd
}

// sit starts the program at a terminal of its own. Streams that the command
// already has stay as they are.
func (w *gateWorld) sit(cmd *exec.Cmd) *seat {
	w.t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		w.t.Fatal(err)
	}
	n, err := unix.IoctlGetUint32(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		w.t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	cmd.ExtraFiles = []*os.File{tty}
	cmd.SysProcAttr.Setctty, cmd.SysProcAttr.Ctty = true, 3
	if cmd.Stdin == nil {
		cmd.Stdin = tty
	}
	if cmd.Stdout == nil {
		cmd.Stdout = tty
	}
	if cmd.Stderr == nil {
		cmd.Stderr = tty
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	_ = tty.Close() // the program has it
	s := &seat{t: w.t, person: person, ended: make(chan error, 1), cmd: cmd}
	read := make(chan struct{})
	go func() {
		defer close(read)
		b := make([]byte, 4096)
		for {
			n, err := person.Read(b)
			s.mu.Lock()
			s.screen.Write(b[:n])
			s.mu.Unlock()
			if err != nil {
				return // the last program has left the terminal
			}
		}
	}()
	go func() {
		err := cmd.Wait()
		<-read
		s.ended <- err
	}()
	return s
}

func (s *seat) shown() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.ReplaceAll(s.screen.String(), "\r\n", "\n")
}

// see waits until something is shown.
func (s *seat) see(want string) {
	s.t.Helper()
	deadline := time.After(gateLimit)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(s.shown(), want) {
		select {
		case <-tick.C:
		case <-deadline:
			s.t.Fatalf("%q was never shown:\n%s", want, s.shown())
		}
	}
}

func (s *seat) write(text string) {
	s.t.Helper()
	if _, err := s.person.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

// wait waits for the end and gives the exit code.
func (s *seat) wait(w *gateWorld) int {
	s.t.Helper()
	select {
	case err := <-s.ended:
		return w.exitCode(err)
	case <-time.After(gateLimit):
		s.t.Fatalf("it does not end:\n%s", s.shown())
	}
	return -1
}

// realSnapshot is a small snapshot, as a member streams it and etcd-manager
// packs it.
func realSnapshot(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(fillLikeEtcd); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	for _, part := range [][]byte{content, sum[:]} {
		if _, err := zip.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func fillLikeEtcd(tx *bolt.Tx) error {
	for _, name := range []string{"alarm", "auth", "cluster", "key", "lease", "members", "members_removed", "meta"} {
		if _, err := tx.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	if err := tx.Bucket([]byte("members")).Put([]byte("8e9e05c52164694d"), []byte(`{"id":1,"peerURLs":["http://a:2380"],"name":"a"}`)); err != nil {
		return err
	}
	for i := range int64(100) {
		kv := mvccpb.KeyValue{Key: fmt.Appendf(nil, "/registry/x/%d", i), Value: []byte("v"), CreateRevision: i + 2, ModRevision: i + 2, Version: 1}
		value, err := kv.Marshal()
		if err != nil {
			return err
		}
		key := binary.BigEndian.AppendUint64(append(binary.BigEndian.AppendUint64(nil, uint64(i+2)), '_'), 0)
		if err := tx.Bucket([]byte("key")).Put(key, value); err != nil {
			return err
		}
	}
	return nil
}
