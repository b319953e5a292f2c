package localtest

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// KillAgent kills a member's agent with SIGKILL and gives its process id. It
// is started again by `seedproof up`.
func (c *Cluster) KillAgent(name string) int {
	c.t.Helper()
	pid := c.Member(name).AgentPID
	c.Kill(pid, syscall.SIGKILL)
	return pid
}

// KillEtcd kills a member's etcd with SIGKILL and gives its process id. It is
// started again by its agent.
func (c *Cluster) KillEtcd(name string) int {
	c.t.Helper()
	pid := c.Member(name).EtcdPID
	c.Kill(pid, syscall.SIGKILL)
	return pid
}

// KillAll kills every agent and etcd, not `seedproof up`, which starts the
// agents again.
func (c *Cluster) KillAll() {
	c.t.Helper()
	for _, pid := range c.pids() {
		c.Kill(pid, syscall.SIGKILL)
	}
}

// KillUp kills `seedproof up` alone: agents and etcds go on.
func (c *Cluster) KillUp() {
	c.t.Helper()
	c.Kill(c.up.Process.Pid, syscall.SIGKILL)
	<-c.exited
}

// Kill signals a process of the cluster. One that has ended needs no signal.
func (c *Cluster) Kill(pid int, sig syscall.Signal) {
	c.t.Helper()
	if pid <= 1 {
		c.t.Fatalf("process id %d", pid)
	}
	if err := syscall.Kill(pid, sig); err != nil && err != syscall.ESRCH {
		c.t.Fatalf("signal process %d: %v", pid, err)
	}
}

// Runs reports whether a process runs. One that has ended and that nobody has
// reaped does not.
func Runs(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, fields, _ := bytes.Cut(stat, []byte(") ")) // after the program's name
	return len(fields) > 0 && fields[0] != 'Z' && fields[0] != 'X'
}

// Stop is Ctrl-C: agents and etcds are stopped cleanly. It gives the exit code.
func (c *Cluster) Stop() int {
	c.t.Helper()
	c.Kill(c.up.Process.Pid, syscall.SIGINT)
	select {
	case <-c.exited:
	case <-time.After(Limit):
		c.t.Fatalf("seedproof up does not end\n%s", c.Output())
	}
	return c.up.ProcessState.ExitCode()
}

// Restart is Stop and a second run.
func (c *Cluster) Restart() {
	c.t.Helper()
	c.Stop()
	c.Run()
}

// clean ends whatever is left of the cluster.
func (c *Cluster) clean() {
	if c.up != nil && !c.Exited() {
		_ = syscall.Kill(c.up.Process.Pid, syscall.SIGINT)
		select {
		case <-c.exited:
		case <-time.After(30 * time.Second):
			_ = c.up.Process.Kill()
			<-c.exited
		}
	}
	for _, pid := range c.pids() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	if c.t.Failed() {
		c.t.Logf("seedproof up said:\n%s", c.Output())
		c.logTails()
	}
}

func (c *Cluster) logTails() {
	logs, _ := filepath.Glob(filepath.Join(c.Dir, "members", "*", "agent.log"))
	for _, path := range logs {
		text, _ := os.ReadFile(path)
		c.t.Logf("the end of %s:\n%s", path, text[max(0, len(text)-8<<10):])
	}
}

// pids are the agents and etcds of the cluster: their command lines name its
// directory.
func (c *Cluster) pids() []int {
	procs, _ := filepath.Glob("/proc/[0-9]*")
	var pids []int
	for _, proc := range procs {
		args, err := os.ReadFile(filepath.Join(proc, "cmdline"))
		if err != nil || !bytes.Contains(args, []byte(filepath.Join(c.Dir, "members")+"/")) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(proc)); err == nil && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}
