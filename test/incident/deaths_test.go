package incident

import (
	"net"
	"slices"
	"syscall"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/local"
	"github.com/seedproof/seedproof/internal/etcd/local/localtest"
	"github.com/seedproof/seedproof/internal/proof"
)

// kill says who dies once something was taken away.
type kill string

const (
	killNobody kill = "nobody"
	killAgent  kill = "one agent"
	killAll    kill = "all agents and etcds"
)

var kills = []kill{killNobody, killAgent, killAll}

// die kills with SIGKILL. `up` starts agents again, and they their etcds.
func (s *stage) die(k kill, victim string) {
	s.t.Helper()
	var pids []int
	switch k {
	case killAgent:
		pids = s.processes(victim, "agent")
	case killAll:
		for _, name := range s.up() {
			pids = slices.Concat(pids, s.processes(name, "agent"), s.processes(name, "etcd"))
		}
	}
	if k != killNobody && len(pids) == 0 {
		s.fatalf("there is nobody to kill on %s", victim)
	}
	for _, pid := range pids {
		s.c.Kill(pid, syscall.SIGKILL)
	}
	s.wait("those who were killed are dead", func() bool { return !slices.ContainsFunc(pids, localtest.Runs) })
	for _, name := range s.up() {
		s.wait("there is an agent "+name+" again", func() bool { return len(s.processes(name, "agent")) == 1 })
	}
}

// leader is the agent that leads, and the first one while nobody does.
func (s *stage) leader() string {
	if r, ok := s.c.Newest(); ok && r.Leads && slices.Contains(s.up(), r.Agent) {
		return r.Agent
	}
	return names[0]
}

// heldNode is node c while it is down: its port is taken, so that its agent
// cannot listen, and the agent that `up` started again is stopped, so that it
// does not end and start all the while.
type heldNode struct {
	port  net.Listener
	agent int
}

// takeDown takes node c down: nobody answers there, and nothing runs.
func (s *stage) takeDown() {
	s.t.Helper()
	access, err := local.Load(s.o.Dir)
	if err != nil {
		s.t.Fatal(err)
	}
	h := &heldNode{}
	s.held = h
	s.wait("the port of agent c is taken", func() bool {
		for _, pid := range slices.Concat(s.processes("c", "agent"), s.processes("c", "etcd")) {
			s.c.Kill(pid, syscall.SIGKILL)
		}
		h.port, err = net.Listen("tcp", access.Agents["c"])
		return err == nil
	})
	go hangUp(h.port)
	s.wait("the agent of c is stopped before it works", func() bool {
		for _, pid := range s.processes("c", "agent") {
			if h.agent == pid {
				return true
			}
			s.c.Kill(pid, syscall.SIGSTOP)
			h.agent = pid
		}
		return false
	})
	s.wait("no etcd of c runs", func() bool {
		for _, pid := range s.processes("c", "etcd") { // one that was starting
			s.c.Kill(pid, syscall.SIGKILL)
		}
		return len(s.processes("c", "etcd")) == 0
	})
}

// bringUp lets node c come back.
func (s *stage) bringUp() {
	s.t.Helper()
	h := s.held
	s.held = nil
	if h.port != nil {
		_ = h.port.Close()
	}
	if h.agent != 0 {
		s.c.Kill(h.agent, syscall.SIGKILL)
	}
}

// hangUp ends whatever connects, at once.
func hangUp(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_ = conn.Close()
	}
}

// rerun runs change while `seedproof up` is away, and then `up` again. clean
// stops agents and etcds as well; else `up` alone is killed and they go on.
func (s *stage) rerun(clean bool, change func()) {
	s.t.Helper()
	down := s.held != nil
	if down {
		s.bringUp()
		s.wait("agent c answers", func() bool { _, ok := s.c.Report("c"); return ok })
	}
	if clean {
		s.c.Stop()
	} else {
		s.c.KillUp()
	}
	change()
	s.c.Run()
	for _, name := range names {
		s.wait("agent "+name+" answers", func() bool { _, ok := s.c.Report(name); return ok })
	}
	if down {
		s.awaitServed()
		s.takeDown()
	}
}

// awaitServed waits until `up` has seen the cluster serve, where it can: before
// that it gives up on an agent that ends again and again, as c's is going to.
func (s *stage) awaitServed() {
	s.t.Helper()
	since := time.Now()
	s.wait("up has seen that the cluster serves", func() bool {
		r, ok := s.c.Newest()
		unproven := ok && r.At.After(since) && r.Verdict.State == proof.Unproven
		return unproven || s.c.Served()
	})
}
