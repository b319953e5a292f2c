package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

// kthFlow is one flow under the matrix: the k-th call of one instance is
// struck, then everything is run to rest, and looked at.
type kthFlow struct {
	name    string
	members int
	// prepare brings the stage to where the flow begins, with all agents
	// running.
	prepare func(s *stage)
	// serving is how many members there are in the end.
	serving int
	// target is the agent whose instance is struck, when it is not the leader's.
	target string
	// mode is the only one in which calls are struck; None is every one.
	mode fault.Mode
	// killed: leader and agent of member a are one process, and when it is
	// struck its etcd dies with it.
	killed bool
	// costly: each run starts several etcds.
	costly bool
	// key was written before, or "" for one that is written after.
	key string
	// attempts are the claims that may be written.
	attempts int
}

func (f kthFlow) title() string {
	if f.target == "" {
		return f.name + ", leader"
	}
	return f.name + ", agent " + f.target
}

// atEnd: the flow has nothing left to do.
func (f kthFlow) atEnd(r Report) bool {
	return r.Leads && intactAndServing(f.serving)(r) && (r.Claim == nil || r.Claim.Claim.State != decide.ClaimOpen)
}

// activity changes with everything that is asked for or written. Backups are
// taken beside the passes, at times of their own.
func (s *stage) activity() string {
	mirrored := slices.DeleteFunc(s.backup.written(), func(key string) bool { return !strings.HasPrefix(key, "control/") })
	return fmt.Sprint(s.acts.Load(), len(s.control.written()), len(mirrored))
}

// caught runs do and gives what broke it.
func caught(do func()) (err error) {
	defer func() {
		switch cause := recover().(type) {
		case nil:
		case broken:
			err = fmt.Errorf("%s", cause.why)
		default:
			panic(cause)
		}
	}()
	do()
	return nil
}

// passes makes passes until the flow is at its end, and quiet passes in a row
// changed nothing.
func (f kthFlow) passes(s *stage, c *Controller, quiet int) {
	deadline := time.Now().Add(stepLimit)
	for calm := 0; calm < quiet; {
		before := s.activity()
		if quiet > 1 {
			before += s.trees()
		}
		c.Pass(context.Background())
		report := c.Report()
		after := s.activity()
		if quiet > 1 {
			after += s.trees()
		}
		calm++
		if after != before || !f.atEnd(report) || !c.backups.idle() {
			calm = 0
		}
		if time.Now().After(deadline) {
			fail("never at rest: verdict %s (%s), leads %v (%s), claim %+v, members %+v, troubles %v, escalations %v",
				report.Verdict.State, report.Verdict.Why, report.Leads, report.Leader.Why, report.Claim, report.Members, report.Troubles, report.Escalations)
		}
		pause(s.pace.interval)
	}
}

// drive lets one controller work until the flow is at its end or its instance
// has crashed.
func (f kthFlow) drive(s *stage, c *Controller, faults *fault.Injector) {
	done := make(chan error, 1)
	go func() {
		done <- caught(func() {
			f.passes(s, c, 1)
			c.backups.running.Wait()
			_ = c.release(context.Background())
			c.closePeers()
		})
	}()
	select {
	case err := <-done:
		must(err)
	case <-faults.Dead():
	}
}

// idle: no backup is under way or due. One that was cut off is tried again
// when its claim has run out, which is long after the end of the run.
func (b *backups) idle() bool {
	if b.busy.Load() {
		return false
	}
	_, due := b.due()
	return !due
}

func (c *Controller) closePeers() {
	c.peers.mu.Lock()
	defer c.peers.mu.Unlock()
	for _, p := range c.peers.open {
		_ = p.Close()
	}
}

// run is one run with a fault; k zero counts the calls.
func (f kthFlow) run(s *stage, k int, mode fault.Mode) *fault.Injector {
	f.prepare(s)
	s.control.forget()
	limit := time.Duration(0)
	if mode == fault.Hung {
		limit = hungLimit
	}
	faults := fault.NewInjector(k, mode)
	switch {
	case f.killed:
		f.runKilled(s, faults)
	case f.target == "":
		f.drive(s, s.controller("a", faults, limit), faults)
	default:
		f.runAgent(s, faults, limit)
	}
	f.rest(s)
	return faults
}

// runAgent strikes an agent. When it crashes it is started again at once, as
// its service manager does, and the leader goes on.
func (f kthFlow) runAgent(s *stage, faults *fault.Injector, limit time.Duration) {
	s.stop(f.target)
	s.start(f.target, faults)
	restarted := make(chan error, 1)
	over := make(chan struct{})
	go func() {
		select {
		case <-faults.Dead():
			restarted <- caught(func() {
				s.crash(f.target)
				s.start(f.target, nil)
			})
		case <-over:
			restarted <- nil
		}
	}()
	f.drive(s, s.controller("a", nil, limit), fault.NewInjector(0, fault.None))
	close(over)
	must(<-restarted)
	select {
	case <-faults.Dead(): // and was started again, or has crashed since
		if s.instance(f.target).faults != nil {
			s.crash(f.target)
			s.start(f.target, nil)
		}
	default:
		s.relieve(f.target, faults)
	}
}

// runKilled strikes everything that is on the host of member a.
func (f kthFlow) runKilled(s *stage, faults *fault.Injector) {
	s.stop("a")
	s.start("a", faults)
	f.drive(s, s.controller("a", faults, 0), faults)
	select {
	case <-faults.Dead():
		s.crash("a")
		s.killEtcds("a")
		s.start("a", nil)
	default:
		s.relieve("a", faults)
	}
}

// rest runs everything to rest with a leader that knows nothing, and looks.
func (f kthFlow) rest(s *stage) {
	c := s.controller(s.names[len(s.names)-1], nil, 0)
	defer c.closePeers()
	f.passes(s, c, 2)
	key := f.key
	if key == "" {
		key = "written-after-birth"
		s.put("a", key, "value")
		f.passes(s, c, 2)
	}
	f.check(s, key)
	bare := c.control.store
	await("the etcds to stand still", func() bool { return s.idles(c, bare) })
	f.check(s, key)
	must(c.release(context.Background()))
}

// idles looks that passes at rest write nothing but the lease. It gives false
// where the etcds went on by themselves meanwhile: on a busy machine they elect a
// leader anew, and then the agents note how far their data have come.
func (s *stage) idles(c *Controller, control store.Store) bool {
	var counter store.Counter
	c.control.store = store.Counted(control, &counter)
	c.keeper.Store, c.lead.Store = c.control.store, c.control.store
	positions := s.positions()
	s.awaitNoted()
	trees, activity := s.trees(), s.activity()
	const idle = 3
	for range idle {
		c.Pass(context.Background())
	}
	if puts := counter.By()[store.OpPut]; puts != idle {
		fail("%d writes in %d passes at rest, want the lease alone: %v", puts, idle, s.control.written())
	}
	if after := s.activity(); after != activity {
		fail("at rest something was done: %s, before: %s", after, activity)
	}
	after := s.trees()
	if after != trees && s.positions() != positions {
		return false
	}
	if after != trees {
		fail("at rest something was written:\n%s\nbefore:\n%s", after, trees)
	}
	return true
}

// positions are how far the data of each agent have come.
func (s *stage) positions() string {
	var b strings.Builder
	for _, name := range s.names {
		p := s.instance(name).agent.Testify(context.Background()).Node.Part
		fmt.Fprintln(&b, name, p.Finding, p.Position, p.Revision)
	}
	return b.String()
}

// awaitNoted waits until every agent has noted how far its data have come,
// which it does by itself every now and then.
func (s *stage) awaitNoted() {
	for _, name := range s.names {
		await("the notes of "+name, func() bool {
			p := s.instance(name).agent.Testify(context.Background()).Node.Part
			content, err := os.ReadFile(filepath.Join(s.stateDir(name), "memory.json"))
			must(err)
			var doc struct {
				Noted struct {
					Position decide.Position
					Revision int64
				}
			}
			must(json.Unmarshal(content, &doc))
			return p.Finding == proof.Absent || doc.Noted.Position == p.Position && doc.Noted.Revision == p.Revision
		})
	}
}

func (s *spied) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes, s.attempts = nil, nil
}

func (s *spied) claims() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for a := range s.attempts {
		all = append(all, a)
	}
	return all
}
