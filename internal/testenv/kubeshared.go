package testenv

import (
	"fmt"
	"os"
	"sync"
	"testing"
)

// sharedKube is the one API server of this test process.
var sharedKube struct {
	sync.Mutex
	allowed bool // RunWithKube is there to end it
	asked   bool
	kube    *KubeServer
	err     error
}

// RunWithKube runs the tests of a package that use SharedKube, and ends the
// shared server after them:
//
//	func TestMain(m *testing.M) { os.Exit(testenv.RunWithKube(m)) }
func RunWithKube(m interface{ Run() int }) int {
	sharedKube.Lock()
	sharedKube.allowed = true
	sharedKube.Unlock()
	defer endSharedKube()
	return m.Run()
}

// SharedKube is one API server for all tests of this process, started when the
// first asks. Each test takes a Namespace of its own; none may stop the server.
func SharedKube(t testing.TB) *KubeServer {
	t.Helper()
	sharedKube.Lock()
	defer sharedKube.Unlock()
	if !sharedKube.allowed {
		t.Fatal("testenv: SharedKube needs RunWithKube in the package's TestMain")
	}
	if !sharedKube.asked {
		sharedKube.asked = true
		sharedKube.kube, sharedKube.err = startSharedKube()
	}
	if sharedKube.err != nil {
		t.Fatalf("testenv: start the shared API server: %v", sharedKube.err)
	}
	return sharedKube.kube
}

func startSharedKube() (*KubeServer, error) {
	ports, err := keepPorts(3)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "seedproof-kube-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for it: %w", err)
	}
	k, err := newKube(dir, ports)
	if err == nil {
		k.shared = true
		err = k.begin()
	}
	if err != nil {
		if k != nil {
			k.end()
		}
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return k, nil
}

func endSharedKube() {
	sharedKube.Lock()
	defer sharedKube.Unlock()
	if k := sharedKube.kube; k != nil {
		k.end()
		_ = os.RemoveAll(k.dir)
	}
	sharedKube.allowed, sharedKube.asked = false, false
	sharedKube.kube, sharedKube.err = nil, nil
}

// keepPorts is FreePorts without a test that gives the ports back.
func keepPorts(n int) ([]int, error) {
	blocks.Lock()
	defer blocks.Unlock()
	var ports []int
	for len(ports) < n {
		port, _, err := nextPort()
		if err != nil {
			return nil, fmt.Errorf("find %d free ports: %w", n, err)
		}
		ports = append(ports, port)
	}
	return ports, nil
}
