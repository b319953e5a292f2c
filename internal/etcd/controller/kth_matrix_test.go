package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/record"
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

// activity changes with everything that is asked for or written.
func (s *stage) activity() string {
	return fmt.Sprint(s.acts.Load(), len(s.control.written()), len(s.backup.written()))
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
		pause(kthInterval)
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
	if f.target == "" {
		f.drive(s, s.controller("a", faults, limit), faults)
	} else {
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
	s.awaitNoted()
	f.check(s, key)
	var counter store.Counter
	c.control.store = store.Counted(c.control.store, &counter)
	c.keeper.Store, c.lead.Store = c.control.store, c.control.store
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
	if after := s.trees(); after != trees {
		fail("at rest something was written:\n%s\nbefore:\n%s", after, trees)
	}
	f.check(s, key)
	must(c.release(context.Background()))
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

// check looks at what must hold whatever was struck.
func (f kthFlow) check(s *stage, key string) {
	doc := s.record()
	clusters := map[uint64]bool{}
	serving := 0
	for _, name := range s.names {
		t := s.instance(name).agent.Testify(context.Background())
		p := t.Node.Part
		if p.Finding == proof.Absent {
			continue
		}
		serving++
		if !p.Live || p.Identity != doc.Identity {
			fail("%s is of %s (live %v), and the record of %s", name, p.Identity, p.Live, doc.Identity)
		}
		clusters[t.EtcdClusterID] = true
		s.mustHave(name, key, "value")
	}
	if serving != f.serving || len(clusters) != 1 {
		fail("%d members of clusters %v, want %d of one", serving, clusters, f.serving)
	}
	etcds := s.etcds()
	for name, pids := range etcds {
		if len(pids) != 1 {
			fail("%s has the etcds %v", name, pids)
		}
	}
	if len(etcds) != f.serving {
		fail("etcds run on %v, want %d", etcds, f.serving)
	}
	if got := s.control.claims(); len(got) != f.attempts {
		fail("claims written: %v, want %d", got, f.attempts)
	}
	s.checkClaim(doc.Identity)
	s.checkStarts()
}

// record is the record as it stands.
func (s *stage) record() record.Record {
	content, _, err := store.Read(context.Background(), s.control, record.RecordKey, 1<<20)
	must(err)
	doc, err := record.ParseRecord(content)
	must(err)
	return *doc
}

// checkClaim: what claim stands is the one that the cluster was born of.
func (s *stage) checkClaim(id proof.Identity) {
	content, _, err := store.Read(context.Background(), s.control, record.ClaimKey, 1<<20)
	if err != nil {
		return // an adopted cluster has none
	}
	doc, err := record.ParseClaim(content)
	must(err)
	if doc.Claim.State != decide.ClaimBorn || doc.Claim.Identity != id {
		fail("the claim is %s of %s, and the cluster %s", doc.Claim.State, doc.Claim.Identity, id)
	}
}

// checkStarts: no member id began without data twice. The stand-in says in its
// log whenever it begins so.
func (s *stage) checkStarts() {
	began := map[string]string{}
	for _, name := range s.names {
		content, err := os.ReadFile(filepath.Join(s.stateDir(name), "etcd.log"))
		if os.IsNotExist(err) {
			continue
		}
		must(err)
		for line := range strings.Lines(string(content)) {
			var entry struct{ Msg string }
			if json.Unmarshal([]byte(line), &entry) != nil || !strings.HasPrefix(entry.Msg, "new member ") {
				continue
			}
			if before, twice := began[entry.Msg]; twice {
				fail("%s began twice without data: on %s and on %s", entry.Msg, before, name)
			}
			began[entry.Msg] = name
		}
	}
}

// kthRun is one cell of the matrix.
type kthRun struct {
	k    int
	mode fault.Mode
}

// matrix runs every k in every mode, in lanes beside each other.
func (f kthFlow) matrix(t *testing.T, bin string, lanes int) {
	t.Helper()
	began := time.Now()
	var dry *fault.Injector
	first := newStage(t, bin, f.members)
	if err := caught(func() { dry = f.run(first, 0, fault.None) }); err != nil {
		t.Fatalf("without a fault: %v", err)
	}
	calls := dry.Count()
	if calls == 0 {
		t.Fatal("the flow crossed nothing")
	}
	cells := kthCells(dry.Calls())
	m := &kthTally{t: t, f: f, calls: calls, queue: make(chan kthRun, len(cells))}
	for _, c := range cells {
		m.queue <- c
	}
	close(m.queue)
	var lane sync.WaitGroup
	for n := range lanes {
		s := first
		if n > 0 {
			s = newStage(t, bin, f.members)
		}
		lane.Go(func() { m.lane(s) })
	}
	lane.Wait()
	m.conclude(len(cells), time.Since(began))
}

// kthWhole: `make chaos` runs every call in every mode.
var kthWhole = os.Getenv("SEEDPROOF_KTH") == "whole"

// kthReads are how many of a flow's reads are struck where the matrix is thin.
const kthReads = 40

// kthCells are the calls to strike, each in every mode. A pass looks at the
// whole world again and again; of these reads, unless the whole matrix is
// asked for, some are struck, spread over the flow, each in the next mode.
func kthCells(calls []fault.Call) []kthRun {
	reads, every := 0, 1
	for _, c := range calls {
		if reading(c) {
			reads++
		}
	}
	if !kthWhole {
		every = max(1, reads/kthReads)
	}
	var cells []kthRun
	seen := 0
	for i, c := range calls {
		k := i + 1
		switch {
		case testing.Short() && k%7 != 1:
		case kthWhole || !reading(c):
			for _, mode := range fault.Modes {
				cells = append(cells, kthRun{k, mode})
			}
		default:
			if seen++; seen%every == 0 {
				cells = append(cells, kthRun{k, fault.Modes[seen/every%len(fault.Modes)]})
			}
		}
	}
	return cells
}

// reading: the call changes nothing on the other side, so that only its answer
// can be lost.
func reading(c fault.Call) bool {
	switch c.Transport + " " + c.Op {
	case "grpc Testify", "store stat", "store open", "store list", "etcd read":
		return true
	}
	return c.Op == store.OpPut && strings.HasPrefix(c.Target, ".seedproof-probe/") // of nobody's interest
}

// kthTally is what came of the cells.
type kthTally struct {
	t     *testing.T
	f     kthFlow
	calls int
	queue chan kthRun

	mu     sync.Mutex
	struck int
	missed []int
	broken int
}

// enough failures to see what is wrong.
const kthEnough = 12

func (m *kthTally) lane(s *stage) {
	for cell := range m.queue {
		var faults *fault.Injector
		err := caught(func() { faults = m.f.run(s, cell.k, cell.mode) })
		m.mu.Lock()
		switch {
		case err != nil:
			m.broken++
			m.t.Errorf("%s, call %d %s: %v", m.f.title(), cell.k, cell.mode, err)
		case faults.Struck() == nil:
			m.missed = append(m.missed, cell.k)
		default:
			m.struck++
		}
		enough := m.broken >= kthEnough
		m.mu.Unlock()
		if err != nil {
			_ = caught(s.wipe)
		}
		if enough {
			return
		}
	}
	s.endless.Range(func(what, _ any) bool {
		m.t.Errorf("%s: the call %v has no deadline", m.f.name, what)
		return true
	})
}

func (m *kthTally) conclude(cells int, took time.Duration) {
	m.t.Logf("NOTE: k-th call matrix: flow %s: %d calls x %d modes (%d cells run, %d struck, %d beyond the end) in %s",
		m.f.title(), m.calls, len(fault.Modes), cells, m.struck, len(m.missed), took.Round(100*time.Millisecond))
	for _, k := range m.missed { // how often is waited for something varies
		if k <= m.calls/2 {
			m.t.Errorf("%s: call %d of %d was not reached", m.f.name, k, m.calls)
		}
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
