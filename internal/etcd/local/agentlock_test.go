package local

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/etcd/process"
)

const holdCommand = "hold-agent-lock"

func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == process.ServerCommand:
		process.Main(os.Args[2:])
		return
	case len(os.Args) > 2 && os.Args[1] == holdCommand:
		if _, err := LockAgent(os.Args[2]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("held")
		select {}
	}
	os.Exit(m.Run())
}

// holder is a process that holds the lock of a state directory.
func holder(t *testing.T, stateDir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], holdCommand, stateDir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	said := make([]byte, 256)
	n, err := out.Read(said)
	if err != nil || !strings.HasPrefix(string(said[:n]), "held") {
		t.Fatalf("the holder said %q (%v)", said[:n], err)
	}
	return cmd
}

func TestOneAgentAloneWorksWithAStateDirectory(t *testing.T) {
	dir := t.TempDir()
	other := holder(t, dir)
	_, err := LockAgent(dir)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d", other.Process.Pid)) {
		t.Errorf("got %v, want an error that names process %d", err, other.Process.Pid)
	}
}

func TestALeftoverAgentIsEnded(t *testing.T) {
	dir := t.TempDir()
	if pid, err := endLeftover(dir); pid != 0 || err != nil {
		t.Fatalf("nobody was there, and process %d was ended (%v)", pid, err)
	}
	left := holder(t, dir)
	pid, err := endLeftover(dir)
	if err != nil || pid != left.Process.Pid {
		t.Fatalf("ended process %d (%v), want %d", pid, err, left.Process.Pid)
	}
	lock, err := LockAgent(dir)
	if err != nil {
		t.Fatalf("the lock is not free: %v", err)
	}
	_ = lock.Close()
	if pid, err := endLeftover(dir); pid != 0 || err != nil {
		t.Errorf("the lock is free, and process %d was ended (%v)", pid, err)
	}
}
