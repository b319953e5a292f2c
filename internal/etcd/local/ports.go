package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/seedproof/seedproof/internal/etcd/process"
)

// Ports of a new cluster: a decade for each agent, below the kernel's
// ephemeral range, so that no outgoing connection takes one between two runs.
const (
	firstPort = 23790
	lastPort  = 29990
	perNode   = 10
)

// portSource hands out ports for new nodes.
type portSource struct {
	given []int // by the caller; empty: looked for
	next  *int
}

func newPortSource(given []int, c cluster) portSource {
	next := firstPort
	for _, n := range c.Nodes {
		next = max(next, n.AgentPort-n.AgentPort%perNode+perNode)
	}
	if len(given) > 0 {
		next = 4 * len(c.Nodes)
	}
	return portSource{given: given, next: &next}
}

func (s portSource) four() ([]int, error) {
	if len(s.given) > 0 {
		i := *s.next
		*s.next += 4
		if i+4 > len(s.given) {
			return nil, fmt.Errorf("%d ports were given; expected 4 for each agent", len(s.given))
		}
		return s.given[i : i+4], nil
	}
	for ; *s.next < lastPort; *s.next += perNode {
		four := []int{*s.next, *s.next + 1, *s.next + 2, *s.next + 3}
		if firstUsed(four) == 0 {
			*s.next += perNode
			return four, nil
		}
	}
	return nil, fmt.Errorf("every port from %d to %d is in use", firstPort, lastPort)
}

// firstUsed is the first of the ports that cannot be listened on, or zero.
func firstUsed(ports []int) int {
	for _, p := range ports {
		if free(p) != nil {
			return p
		}
	}
	return 0
}

func free(port int) error {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return err
	}
	return l.Close()
}

// checkPorts refuses to start on a port that another program has. An etcd of
// ours that still runs keeps its own.
func (c cluster) checkPorts(ctx context.Context, l layout) error {
	for _, n := range c.Nodes {
		ports := []int{n.AgentPort, n.StatusPort}
		if !n.etcdRuns(ctx, l) {
			ports = append(ports, n.ClientPort, n.PeerPort)
		}
		for _, p := range ports {
			err := free(p)
			if errors.Is(err, syscall.EADDRINUSE) {
				return fmt.Errorf("port %d of member %s is in use by another program: end it (find it with: ss -ltnp 'sport = :%d'); "+
					"an existing cluster keeps its ports, so no other can be taken", p, n.Name, p)
			}
			if err != nil {
				return fmt.Errorf("try port %d of member %s: %w", p, n.Name, err)
			}
		}
	}
	return nil
}

func (n node) etcdRuns(ctx context.Context, l layout) bool {
	r := &process.Runner{StateDir: l.state(n.Name)}
	p, finding, _ := r.Find(ctx, agentDataDir(l.data(n.Name))) // unknown: the agent finds out
	if p != nil {
		p.Release()
	}
	return finding != process.NotRunning
}
