package testenv

import (
	"fmt"
	"net"
	"sync"
	"testing"
)

// Ports are carved in blocks out of a range below the kernel's ephemeral ports,
// so that no outgoing connection takes one between our looking and a server's
// binding.
const (
	firstPort = 20000
	lastPort  = 32000
	blockSize = 50
)

// block is a run of ports that belongs to this test process. Its first port is
// the lock: it is listened on while the process lives, which holds against every
// process of the host, of any user, and is released by the kernel.
type block struct {
	lock net.Listener
	free []int // used round robin: a port given back is reused last
}

var blocks struct {
	sync.Mutex
	held []*block
}

// FreePorts gives n TCP ports on 127.0.0.1 that nobody listens on and that no
// other test of this repository is given before the test ends.
func FreePorts(t testing.TB, n int) []int {
	t.Helper()
	blocks.Lock()
	defer blocks.Unlock()
	ports := make([]int, 0, n)
	for len(ports) < n {
		port, b, err := nextPort()
		if err != nil {
			t.Fatalf("testenv: find %d free ports: %v", n, err)
		}
		ports = append(ports, port)
		t.Cleanup(func() {
			blocks.Lock()
			defer blocks.Unlock()
			b.free = append(b.free, port)
		})
	}
	return ports
}

// nextPort takes a port out of a block that is held, or of a new one.
func nextPort() (int, *block, error) {
	for _, b := range blocks.held {
		if port, ok := b.take(); ok {
			return port, b, nil
		}
	}
	for base := firstPort; base < lastPort; base += blockSize {
		b, err := holdBlock(base)
		if err != nil {
			continue // held by another test process, or by this one
		}
		blocks.held = append(blocks.held, b)
		if port, ok := b.take(); ok {
			return port, b, nil
		}
	}
	return 0, nil, fmt.Errorf("every port from %d to %d is taken", firstPort, lastPort)
}

func holdBlock(base int) (*block, error) {
	l, err := net.Listen("tcp4", loopback(base))
	if err != nil {
		return nil, err
	}
	b := &block{lock: l}
	for port := base + 1; port < base+blockSize; port++ {
		b.free = append(b.free, port)
	}
	return b, nil
}

// take hands out the next port that nobody listens on. One that is in use
// (by a process that outlived its test) stays in the block for later.
func (b *block) take() (int, bool) {
	for range len(b.free) {
		port := b.free[0]
		b.free = b.free[1:]
		if l, err := net.Listen("tcp4", loopback(port)); err == nil {
			_ = l.Close()
			return port, true
		}
		b.free = append(b.free, port)
	}
	return 0, false
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
