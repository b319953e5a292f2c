package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seedproof/seedproof/internal/store/open"
)

// run is one run of a cluster in the foreground.
type run struct {
	o      Options
	c      cluster
	agents []*supervisor
	serves atomic.Bool

	saying sync.Mutex
	said   []string // of the last report
	ready  Ready    // as it was last written
}

// Run brings up the cluster in o.Dir, a new one where there is none, and keeps
// its agents running until ctx ends; then agents and etcds are stopped.
func Run(ctx context.Context, o Options) error {
	o, err := o.filled()
	if err != nil {
		return err
	}
	r := &run{o: o}
	lock, err := r.prepare(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	return r.supervise(ctx)
}

// prepare reads or makes the cluster and everything that the agents need. It
// gives the lock that keeps a second run away.
func (r *run) prepare(ctx context.Context) (*os.File, error) {
	l := layout{dir: r.o.Dir}
	if _, _, err := l.read(); err != nil {
		return nil, err
	}
	if err := r.checkStores(ctx); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory: %w", err)
	}
	lock, holder, err := lockFile(l.lock())
	if holder != 0 {
		return nil, fmt.Errorf("another seedproof up (process %d) runs the cluster in %s", holder, l.dir)
	}
	if err != nil {
		return nil, err
	}
	if err := r.prepareLocked(ctx, l); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return lock, nil
}

func (r *run) prepareLocked(ctx context.Context, l layout) error {
	if err := removeReady(r.o.ReadyFile); err != nil {
		return err
	}
	if err := r.readOrMake(l); err != nil {
		return err
	}
	if err := r.endLeftovers(l); err != nil {
		return err
	}
	if err := r.c.checkPorts(ctx, l); err != nil {
		return err
	}
	if err := l.write(r.c); err != nil {
		return err
	}
	if err := ensurePKI(l, r.o.Clock.Now, !l.hasAgents()); err != nil {
		return err
	}
	for _, n := range r.c.Nodes {
		if err := os.MkdirAll(l.member(n.Name), 0o700); err != nil {
			return fmt.Errorf("make the directory of member %s: %w", n.Name, err)
		}
	}
	return nil
}

// checkStores looks at the URLs before anything is written.
func (r *run) checkStores(ctx context.Context) error {
	control, backup := r.o.stores()
	for _, u := range []*string{&control, &backup} {
		s, err := open.Open(ctx, *u)
		if err != nil {
			return &UsageError{err}
		}
		*u = s.URL()
		_ = s.Close()
	}
	if err := CheckStores(control, backup, r.o.AllowControlUnderBackup); err != nil {
		return &UsageError{err}
	}
	return nil
}

func (r *run) readOrMake(l layout) error {
	c, found, err := l.read()
	if err != nil {
		return err
	}
	control, backup := r.o.stores()
	if !found {
		c = cluster{Name: clusterName, Created: r.o.Clock.Now().UTC().Truncate(time.Second), Members: max(r.o.Members, 1),
			ControlStore: control, BackupStore: backup, BackupInterval: r.o.BackupInterval.String()}
	}
	if r.o.BackupStore != "" {
		c.BackupStore, c.ControlStore = backup, control
	}
	if r.o.ControlStore != "" {
		c.ControlStore = control
	}
	r.c = c
	return r.c.grow(max(len(c.Nodes), c.Members, r.o.Members, r.o.Agents), newPortSource(r.o.Ports, c))
}

// endLeftovers ends the agents of a run that was killed.
func (r *run) endLeftovers(l layout) error {
	for _, n := range r.c.Nodes {
		pid, err := endLeftover(l.state(n.Name))
		if err != nil {
			return err
		}
		if pid != 0 {
			r.say("%s: ended agent %d of an earlier run; its etcd goes on", n.Name, pid)
		}
	}
	return nil
}

// supervise runs the agents and the watch until ctx ends or one cannot go on.
func (r *run) supervise(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for _, n := range r.c.Nodes {
		r.agents = append(r.agents, &supervisor{name: n.Name, program: r.o.Program, args: r.o.agentArgs(r.c, n),
			logFile: layout{dir: r.o.Dir}.log(n.Name), clock: r.o.Clock, say: r.say, serves: &r.serves})
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	keep := func(err error) {
		if err == nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		errs = append(errs, err)
		cancel(err)
	}
	for _, s := range r.agents {
		all.Go(func() { keep(s.run(ctx)) })
	}
	all.Go(func() { keep(r.watch(ctx)) })
	<-ctx.Done()
	r.say("stopping agents and etcds")
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := removeReady(r.o.ReadyFile); err != nil {
		return err
	}
	r.say("stopped; the same command resumes the cluster")
	return nil
}

func (r *run) agentPID(name string) int {
	for _, s := range r.agents {
		if s.name == name {
			return int(s.pid.Load())
		}
	}
	return 0
}

func (r *run) say(format string, args ...any) {
	r.saying.Lock()
	defer r.saying.Unlock()
	_, _ = fmt.Fprintf(r.o.Progress, format+"\n", args...)
}
