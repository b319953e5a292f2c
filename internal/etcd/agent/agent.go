package agent

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/seedproof/seedproof/internal/etcd/process"
)

// Agent is one node. Its methods may be called from several goroutines.
type Agent struct {
	cfg  Config
	deps Deps

	memory    *memory
	volume    volume
	dir       dataDir
	etcd      *server
	asker     *asker
	inspector inspector
	listener  net.Listener

	acts  oneAtATime
	wake  chan struct{} // an act ended: the watch looks again
	hooks atomic.Pointer[Hooks]

	// What was seen last of data that cannot be read just now.
	known    atomic.Pointer[known]
	lastMark atomic.Pointer[DirMark]
	held     atomic.Pointer[string] // why no etcd is started; nil when one runs
}

// New checks everything that can be checked, takes the port and opens the
// memory, in this order: when it refuses, nothing was written.
func New(cfg Config, deps Deps) (*Agent, error) {
	deps = deps.filled()
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	cfg = cfg.filled()
	if err := checkCerts(cfg.PKIDir, deps.Clock.Now()); err != nil {
		return nil, fmt.Errorf("agent %s: %w", cfg.Name, err)
	}
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("agent %s: listen: %w", cfg.Name, err)
	}
	l := layout{data: cfg.DataDir, state: cfg.StateDir}
	m, err := openMemory(l, cfg.Cluster, deps.Faults, deps.Clock.Now())
	if err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("agent %s: %w", cfg.Name, err)
	}
	return &Agent{
		cfg: cfg, deps: deps, memory: m, listener: listener,
		volume: volume{dir: cfg.DataDir, filesystemOf: deps.FilesystemOf},
		dir:    dataDir{layout: l, faults: deps.Faults},
		etcd: &server{dir: l.etcd(), runner: &process.Runner{StateDir: cfg.StateDir,
			Executable: deps.Executable, Faults: deps.Faults}},
		asker: &asker{url: cfg.ClientURL, pkiDir: cfg.PKIDir, timeout: cfg.AskTimeout},
		acts:  make(oneAtATime, 1),
		wake:  make(chan struct{}, 1),
	}, nil
}

// Addr is the address that the agent listens on.
func (a *Agent) Addr() string { return a.listener.Addr().String() }

// Close gives back what New took, for an agent that is not Run or whose Run has
// ended. The etcd is left as it is.
func (a *Agent) Close() {
	_ = a.listener.Close()
	a.asker.close()
	a.etcd.release()
}

// Run brings up the etcd, serves, and watches, until ctx ends. Then the etcd is
// left running, unless the configuration says otherwise.
func (a *Agent) Run(ctx context.Context) error {
	defer a.Close()
	stop, served, err := a.serve()
	if err != nil {
		return fmt.Errorf("agent %s: %w", a.cfg.Name, err)
	}
	defer stop()
	loops, end := context.WithCancel(ctx)
	done := make(chan struct{}, 2)
	for _, loop := range []func(context.Context){a.watch, a.noteLoop} {
		go func() {
			loop(loops)
			done <- struct{}{}
		}()
	}
	select {
	case <-ctx.Done():
	case err = <-served:
	}
	end()
	<-done
	<-done
	if a.cfg.StopEtcdOnExit && ctx.Err() != nil { // told to end; a server that failed is no reason to stop what runs
		return a.stopForGood(context.WithoutCancel(ctx), err)
	}
	return err
}

// stopForGood ends the etcd together with the agent.
func (a *Agent) stopForGood(ctx context.Context, cause error) error {
	ctx, cancel := context.WithTimeout(ctx, 2*a.cfg.StopGrace)
	defer cancel()
	if err := a.acts.lock(ctx); err != nil {
		return err
	}
	defer a.acts.unlock()
	if err := a.etcd.stop(ctx, a); err != nil {
		return err
	}
	return cause
}
