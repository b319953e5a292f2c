package decide

import "math/bits"

// What happens on the nodes and in the stores without any leader: the
// sub-steps of a start, what etcds do by themselves, and the disasters.

func (s Start) subSteps() int {
	steps := 1
	if s.MakeDir {
		steps++
	}
	if s.NoteStart {
		steps++
	}
	return steps
}

// subStep does the next thing of a start and strikes it off.
func (w *modelWorld) subStep(i int, l modelLeader, how *Start) harm {
	n := &w.nodes[i]
	if n.noted == 0 { // there was no round of notes: it notes the claim now
		n.noted, n.mark = l.claim, l.mark
	}
	switch {
	case how.MakeDir:
		n.dir, n.hasData, n.holds = l.claim, false, false
		how.MakeDir = false
	case how.NoteStart:
		n.begun, how.NoteStart = l.claim, false
	default:
		return w.startEtcd(i)
	}
	return 0
}

func (w *modelWorld) startEtcd(i int) harm {
	n := &w.nodes[i]
	b := &w.births[n.dir]
	var h harm
	if !n.hasData && b.started.has(i) {
		h = startedTwice
	}
	b.started = b.started.with(i)
	n.hasData, n.runs = true, true
	return h
}

// etcds: a quorum acknowledges a write, a member catches up, one stops, one is
// started at boot.
func (m *mover) etcds(w modelWorld) {
	for c := claimNo(1); c <= modelClaims; c++ {
		up := w.running(c)
		for pair := crew(3); pair < everybody && !w.births[c].acked; pair++ {
			if bits.OnesCount8(uint8(pair)) != 2 || up&pair != pair {
				continue
			}
			after := w
			after.births[c].acked = true
			for i := range modelAgents {
				after.nodes[i].holds = after.nodes[i].holds || pair.has(i)
			}
			m.add(after, move{kind: moveAck, who: pair}, 0)
		}
	}
	for i, n := range w.nodes {
		after := w
		switch {
		case n.runs && !n.holds && w.holders(n.dir) != 0 && w.running(n.dir).quorum():
			after.nodes[i].holds = true
			m.add(after, move{kind: moveCatchUp, agent: i}, 0)
		case m.restarts && n.dir != 0 && !n.runs && AtBoot(n.seen(i, false)).Start:
			h := after.startEtcd(i)
			m.add(after, move{kind: moveBoot, agent: i}, h)
		}
		if m.restarts && n.runs {
			after = w
			after.nodes[i].runs = false
			m.add(after, move{kind: moveStop, agent: i}, 0)
		}
	}
}

func (w *modelWorld) holders(c claimNo) crew {
	var who crew
	for i, n := range w.nodes {
		if n.holds && n.runs && n.dir == c {
			who = who.with(i)
		}
	}
	return who
}

// learns: an agent hears that the cluster was born, and remembers it.
func (m *mover) learns(w modelWorld) {
	for s, store := range w.stores {
		for i, n := range w.nodes {
			if store.record == 0 || n.born != 0 || n.dir != store.record || !w.running(store.record).quorum() {
				continue
			}
			after := w
			after.nodes[i].born = store.record
			if store.marked && !m.unmarked {
				after.nodes[i].mark = markOf(s)
			}
			m.add(after, move{kind: moveLearn, agent: i}, 0)
		}
	}
}

func (m *mover) disastersOf(w modelWorld) {
	w.disasters++
	for i, n := range w.nodes {
		if n.dir != 0 {
			after := w
			after.loseDisk(i)
			m.add(after, move{kind: moveLoseDisk, agent: i}, 0)
		}
		named := false
		for _, b := range w.births {
			named = named || b.ids.has(i)
		}
		if named || n != (modelNode{}) {
			after := w
			after.loseNode(i)
			m.add(after, move{kind: moveLoseNode, agent: i}, 0)
		}
	}
	for s, store := range w.stores {
		if store != (modelStore{}) {
			after := w
			after.emptyStore(s)
			m.add(after, move{kind: moveEmptyStore, store: s}, 0)
		}
		if m.claimLost && store.claim != 0 {
			after := w
			after.stores[s].claim, after.stores[s].counted, after.stores[s].closed = 0, 0, false
			m.add(after, move{kind: moveLoseClaim, store: s}, 0)
		}
	}
}

func (w *modelWorld) loseDisk(i int) {
	n := &w.nodes[i]
	n.dir, n.hasData, n.holds, n.runs = 0, false, false, false
}

func (w *modelWorld) loseNode(i int) {
	w.nodes[i] = modelNode{}
	for c := range w.births {
		w.births[c].ids = w.births[c].ids.without(i)
	}
}

func (w *modelWorld) emptyStore(s int) {
	w.stores[s] = modelStore{}
	for i := range w.nodes {
		if w.nodes[i].mark == markOf(s) {
			w.nodes[i].mark = markGone
		}
	}
	for i := range w.leaders {
		if w.leaders[i].mark == markOf(s) {
			w.leaders[i].mark = markGone
		}
	}
}
