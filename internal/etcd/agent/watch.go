package agent

import (
	"context"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/process"
	"github.com/seedproof/seedproof/internal/store"
)

// wakeWatch tells the watch that something has changed.
func (a *Agent) wakeWatch() {
	select {
	case a.wake <- struct{}{}:
	default: // it was told already
	}
}

// watch keeps an etcd running whenever it may run: at boot, after it fell, and
// after its volume came back.
func (a *Agent) watch(ctx context.Context) {
	falls, idle := a.cfg.RestartMin, a.cfg.RestartMin // the next pauses
	for ctx.Err() == nil {
		a.bringUp(ctx)
		p := a.runs(ctx)
		if p == nil {
			a.rest(ctx, idle, true)
			idle = min(2*idle, a.cfg.RestartMax)
			continue
		}
		began := a.deps.Clock.Now()
		if !a.awaitFall(ctx, p) {
			return
		}
		if a.deps.Clock.Now().Sub(began) > a.cfg.RestartMax {
			falls = a.cfg.RestartMin
		}
		a.rest(ctx, falls, false)
		falls, idle = min(2*falls, a.cfg.RestartMax), a.cfg.RestartMin
	}
}

// runs gives the etcd that runs. Whether one does may be unknown: then it is
// looked at again after the pause.
func (a *Agent) runs(ctx context.Context) *process.Process {
	ctx, cancel := context.WithTimeout(ctx, lookTimeouts*a.cfg.AskTimeout)
	defer cancel()
	p, _, _ := a.etcd.current(ctx) // see above
	return p
}

// lookTimeouts bound one look: three questions to etcd, and the rest.
const lookTimeouts = 4

// rest waits, less when something changed and it may be woken. It is false when
// the agent ends.
func (a *Agent) rest(ctx context.Context, pause time.Duration, wakeable bool) bool {
	wake := a.wake
	if !wakeable {
		wake = nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-a.deps.Clock.After(pause):
	case <-wake:
	}
	return true
}

// awaitFall waits for the end of the etcd. It is false when the agent ends.
func (a *Agent) awaitFall(ctx context.Context, p *process.Process) bool {
	a.held.Store(nil)
	select {
	case <-ctx.Done():
		return false
	case <-p.Exited():
		a.deps.Log.Warn("etcd ended", "pid", p.PID, "status", p.ExitStatus())
		return true
	}
}

// bringUp finishes what was left, and starts the etcd of a whole directory. It
// has an end: while it runs every act has to wait.
func (a *Agent) bringUp(parent context.Context) {
	ctx, cancel := context.WithTimeout(parent, 2*a.cfg.StopGrace)
	defer cancel()
	if err := a.acts.lock(ctx); err != nil {
		return
	}
	defer a.acts.unlock()
	err := a.boot(ctx)
	if parent.Err() != nil || err == nil {
		return
	}
	a.holdBack(err.Error())
}

func (a *Agent) boot(ctx context.Context) error {
	if err := a.settle(ctx); err != nil {
		return err
	}
	s := a.look(ctx)
	if s.place.State == store.PlaceTakenOver && s.doc.ID != "" {
		if err := a.rememberVolume(ctx, a.deps.Clock.Now()); err != nil {
			return err
		}
	}
	boot, running := a.mayBoot(s)
	switch {
	case running:
		return nil
	case !boot.Start:
		a.holdBack(boot.Why)
		return nil
	}
	a.deps.Log.Info("starting etcd", "why", boot.Why)
	return a.startEtcd(ctx)
}

// holdBack says once why no etcd is started.
func (a *Agent) holdBack(why string) {
	before := a.held.Swap(&why)
	if before == nil || *before != why {
		a.deps.Log.Info("no etcd is started", "why", why)
	}
}
