package decide

// bounds are how far an exploration goes.
type bounds struct {
	leaders   int
	stores    int  // with two, each leader has one of its own
	disasters int  // at most
	skewed    bool // a leader hears the agents one after the other, at any distance
	restarts  bool // etcds stop by themselves, and agents start them at boot
	claimLost bool // one more disaster: the claim's object alone is deleted
	unmarked  bool // agents remember no marks, so that claims alone must do
	anewIDs   bool // a deliberate mistake: a claim that is written again names the memories that are there now
}

type moveKind uint8

const (
	moveLook moveKind = iota
	moveReadStore
	moveAsk
	moveAct
	moveAck
	moveCatchUp
	moveStop
	moveBoot
	moveLearn
	moveLoseDisk
	moveLoseNode
	moveEmptyStore
	moveLoseClaim
)

// move is one thing that can happen in a world.
type move struct {
	kind   moveKind
	leader int
	agent  int
	store  int
	who    crew
	steps  int // of a start: how many of its sub-steps are done before a crash
	of     int // and how many there are
}

// harm is what must never happen, one bit each.
type harm uint8

const (
	twoClusters  harm = 1 << iota // two births have each had a running quorum
	emptyCluster                  // a quorum runs that does not hold the acknowledged write
	twoStarted                    // etcds were started for two claims
	startedTwice                  // a member was started without data that had been started before
)

const anyHarm = twoClusters | emptyCluster | twoStarted | startedTwice

// next is one world that follows another.
type next struct {
	move  move
	world modelWorld
	harm  harm
}

// mover lists what can happen next in a world.
type mover struct {
	bounds
	decider *decider
	out     []next
}

func (m *mover) add(w modelWorld, mv move, h harm) {
	h |= w.settleFacts()
	m.out = append(m.out, next{mv, w, h})
}

// settleFacts notes which quorums run, and what of that must never be.
func (w *modelWorld) settleFacts() harm {
	var h harm
	formed, started := 0, 0
	for c := claimNo(1); c <= modelClaims; c++ {
		b := &w.births[c]
		up := w.running(c)
		b.formed = b.formed || up.quorum()
		if b.formed {
			formed++
		}
		if b.started != 0 {
			started++
		}
		var empty crew
		for i, n := range w.nodes {
			if up.has(i) && !n.holds {
				empty = empty.with(i)
			}
		}
		if b.acked && empty.quorum() {
			h |= emptyCluster
		}
	}
	if formed > 1 {
		h |= twoClusters
	}
	if started > 1 {
		h |= twoStarted
	}
	return h
}

// moves are all worlds that follow w. The slice is used again by the next call.
func (m *mover) moves(w modelWorld) []next {
	m.out = m.out[:0]
	for l := range w.leaders[:m.leaders] {
		m.looks(w, l)
		if m.skewed {
			m.asks(w, l)
		}
		m.acts(w, l)
	}
	m.etcds(w)
	m.learns(w)
	if int(w.disasters) < m.disasters {
		m.disastersOf(w)
	}
	return m.out
}

// looks: a leader hears everybody or only some, and holds what comes of it.
// One that is told to wait or to stop still holds what it held before.
func (m *mover) looks(w modelWorld, l int) {
	old := w.leaders[l]
	store := int(old.store)
	var seen [8]modelLeader
	for i := range seen {
		answered := everybody - crew(i)
		d := m.decider.decide(w.hear(store, answered))
		if d.doing == leaderIdle || m.skewed && d.doing == leaderClaim && d.resume == 0 {
			continue
		}
		after := w
		held := m.hold(&after, store, answered, d)
		repeated := held == old
		for _, s := range seen[:i] {
			repeated = repeated || s == held
		}
		seen[i] = held
		if repeated {
			continue
		}
		after.leaders[l] = held
		m.add(after, move{kind: moveLook, leader: l, who: answered}, 0)
	}
}

// hold is the leader with the step of a decision, and the mark put on a place
// that is new.
func (m *mover) hold(w *modelWorld, store int, answered crew, d modelDecision) modelLeader {
	s := &w.stores[store]
	held := modelLeader{doing: d.doing, store: uint8(store), claim: s.claim, counted: s.counted, who: d.who}
	if answered == everybody && !s.marked && d.doing == leaderClaim {
		s.marked = true
	}
	if held.mark = markGone; s.marked {
		held.mark = markOf(store)
	}
	if m.unmarked {
		held.mark = noMark
	}
	if d.doing != leaderClaim {
		return held
	}
	held.counted = 0
	if held.claim = d.resume; held.claim == 0 {
		held.claim = w.freeClaim()
		w.births[held.claim].ids = everybody
	} else if m.anewIDs {
		w.births[held.claim].ids = everybody
	}
	return held
}

// asks: the store first, then one agent after the other. Only answers that
// together lead to a claim are of interest here: every other step leans on
// what stays true, and the looks cover it.
func (m *mover) asks(w modelWorld, l int) {
	held := w.leaders[l]
	store := int(held.store)
	if held.doing != leaderAsking {
		blank := modelView{answered: everybody, storeNo: store, store: w.stores[store]}
		if d := m.decider.decide(blank); d.doing != leaderClaim {
			return
		}
		after := w
		after.leaders[l] = modelLeader{doing: leaderAsking, store: held.store}
		after.leaders[l].claim = after.freeClaim()
		if w.stores[store].marked {
			after.leaders[l].mark = markOf(store)
		}
		m.add(after, move{kind: moveReadStore, leader: l, store: store}, 0)
		return
	}
	for i := range modelAgents {
		if held.who.has(i) {
			continue
		}
		heard := modelView{answered: everybody, storeNo: store, store: modelStore{marked: held.mark != noMark}}
		heard.nodes[i] = w.hear(store, everybody).nodes[i]
		if d := m.decider.decide(heard); d.doing != leaderClaim || d.resume != 0 {
			continue
		}
		after := w
		after.births[held.claim].ids = after.births[held.claim].ids.with(i)
		asking := &after.leaders[l]
		if asking.who = asking.who.with(i); asking.who == everybody {
			asking.doing, asking.who = leaderClaim, 0
			if asking.mark == noMark {
				after.stores[store].marked, asking.mark = true, markOf(store)
			}
			if m.unmarked {
				asking.mark = noMark
			}
		}
		m.add(after, move{kind: moveAsk, leader: l, agent: i}, 0)
	}
}

// acts: the leader's call is made, on what it knew when it last looked. That
// it may not be made, or its answer be lost, needs no move of its own: nothing
// is done with an answer but to look again.
func (m *mover) acts(w modelWorld, l int) {
	held := w.leaders[l]
	mv := move{kind: moveAct, leader: l}
	after := w
	s := &after.stores[held.store]
	current := s.claim == held.claim && s.counted == held.counted && !s.closed
	switch held.doing {
	case leaderClaim:
		if s.claim == 0 {
			s.claim, s.counted, s.closed = held.claim, 0, false
			m.add(after, mv, 0)
		}
	case leaderCount:
		if current {
			s.counted |= held.who
			m.add(after, mv, 0)
		}
	case leaderRecord:
		if s.record == 0 {
			s.record = held.claim
			m.add(after, mv, 0)
		}
	case leaderClose:
		if current {
			s.closed = true
			m.add(after, mv, 0)
		}
	case leaderNote:
		m.notes(w, mv)
	case leaderStart:
		m.starts(w, mv)
	}
}

func (m *mover) notes(w modelWorld, mv move) {
	held := w.leaders[mv.leader]
	for i := range modelAgents {
		if !held.who.has(i) || w.nodes[i].noted == held.claim || !m.decider.mayNote(w.startCase(i, held)) {
			continue
		}
		after, mv := w, mv
		after.nodes[i].noted, after.nodes[i].mark = held.claim, held.mark
		mv.agent = i
		m.add(after, mv, 0)
	}
}

// starts: the agent does some or all of the sub-steps, and crashes after them.
func (m *mover) starts(w modelWorld, mv move) {
	held := w.leaders[mv.leader]
	for i := range modelAgents {
		if !held.who.has(i) || w.nodes[i].runs {
			continue
		}
		how := m.decider.howToStart(w.startCase(i, held))
		if how.Refused != "" {
			continue
		}
		after, mv := w, mv
		mv.agent, mv.of = i, how.subSteps()
		for mv.steps = 1; mv.steps <= mv.of; mv.steps++ {
			h := after.subStep(i, held, &how)
			m.add(after, mv, h)
		}
	}
}
