package incident

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
)

// namespaced says to a test process that its mounts are its own.
const namespaced = "SEEDPROOF_TEST_OWN_MOUNTS"

// TestMain runs the tests in a mount namespace of their own, where that is
// allowed: what they mount goes with them, even when they are killed.
func TestMain(m *testing.M) {
	if os.Geteuid() != 0 || mayMount() {
		os.Exit(m.Run())
	}
	runtime.LockOSThread() // whose end would end the child
	child := exec.Command("/proc/self/exe", os.Args[1:]...)
	child.Env = append(os.Environ(), namespaced+"=1")
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	child.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	err := child.Run()
	var ended *exec.ExitError
	switch {
	case err == nil:
		os.Exit(0)
	case errors.As(err, &ended):
		os.Exit(max(ended.ExitCode(), 1))
	}
	fmt.Fprintf(os.Stderr, "NOTE: no mount namespace of our own (%v), so nothing is mounted\n", err)
	os.Exit(m.Run())
}

// mayMount: loop mounts need root, and are made only where they go with us.
func mayMount() bool { return os.Geteuid() == 0 && os.Getenv(namespaced) != "" }
