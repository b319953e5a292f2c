package decide

// The model world of the exploration: three agents with their nodes, one or
// two control stores, up to three leaders, and the claims that were made. All
// of it is small plain values, so that a world packs into three words and the
// names of agents, leaders and claims can be changed for one another.

const (
	modelAgents  = 3
	modelLeaders = 3
	modelStores  = 2
	modelClaims  = 7 // as many as three bits can name, besides none
)

// claimNo names a claim of the world; 0 is none.
type claimNo uint8

// crew is a set of agents, one bit each.
type crew uint8

const everybody crew = 1<<modelAgents - 1

func (c crew) has(i int) bool     { return c&(1<<i) != 0 }
func (c crew) with(i int) crew    { return c | 1<<i }
func (c crew) without(i int) crew { return c &^ (1 << i) }
func (c crew) quorum() bool       { return c == everybody || c == 3 || c == 5 || c == 6 }
func (c crew) renamed(p perm) crew { // p says for each new place who stood there before
	var out crew
	for place, before := range p {
		if c.has(before) {
			out = out.with(place)
		}
	}
	return out
}

// mark is whose place mark somebody remembers.
type mark uint8

const (
	noMark    mark = iota
	markFirst      // the one that the first store bears now
	markSecond
	markGone // one that no store bears any more
)

func markOf(store int) mark { return markFirst + mark(store) }

// modelNode is one agent: its memory, its data directory and its etcd.
type modelNode struct {
	noted claimNo // memory: the claim it noted
	begun claimNo // memory: the claim for which it noted a start
	born  claimNo // memory: the identity of the cluster, once it was born
	mark  mark    // memory: the store's mark

	dir     claimNo // the claim for which the data directory was made
	hasData bool    // an etcd has run in it
	holds   bool    // it holds the acknowledged write
	runs    bool    // the etcd runs
}

// modelStore is one control store.
type modelStore struct {
	marked  bool
	claim   claimNo
	counted crew // whom the claim says to have noted it
	closed  bool
	record  claimNo
}

type leaderDoing uint8

const (
	leaderIdle leaderDoing = iota
	leaderAsking
	leaderClaim
	leaderNote
	leaderCount
	leaderStart
	leaderRecord
	leaderClose
)

// modelLeader holds the step that came of its last look, however old that is
// by now. It may act on it any number of times, until it looks again: that
// covers every call that is repeated, delayed, or answered in vain.
type modelLeader struct {
	doing   leaderDoing
	store   uint8
	claim   claimNo
	counted crew // of the claim as the leader read it
	who     crew // the members of the step; while asking, those that have answered
	mark    mark // of the store as the leader read it
}

// modelBirth is a claim's fixed part, and what became of it.
type modelBirth struct {
	ids     crew // members whose present memory is the one that the claim names
	started crew // members that ever started an etcd for it
	formed  bool // a quorum of it has run
	acked   bool // it has acknowledged a write
}

type modelWorld struct {
	nodes     [modelAgents]modelNode
	stores    [modelStores]modelStore
	leaders   [modelLeaders]modelLeader
	births    [modelClaims + 1]modelBirth
	disasters uint8
}

// running are the agents whose etcd of the claim runs.
func (w *modelWorld) running(c claimNo) crew {
	var up crew
	for i, n := range w.nodes {
		if c != 0 && n.runs && n.dir == c {
			up = up.with(i)
		}
	}
	return up
}

// freeClaim is a number that nothing bears.
func (w *modelWorld) freeClaim() claimNo {
	var used [modelClaims + 1]bool
	w.eachClaim(func(c *claimNo) { used[*c] = true })
	for c := 1; c <= modelClaims; c++ {
		if !used[c] && w.births[c].started == 0 {
			w.births[c] = modelBirth{}
			return claimNo(c)
		}
	}
	panic("more claims in one world than the model can name")
}

// eachClaim visits every place that names a claim, in a fixed order.
func (w *modelWorld) eachClaim(visit func(*claimNo)) {
	for i := range w.stores {
		visit(&w.stores[i].claim)
		visit(&w.stores[i].record)
	}
	for i := range w.nodes {
		n := &w.nodes[i]
		visit(&n.noted)
		visit(&n.begun)
		visit(&n.born)
		visit(&n.dir)
	}
	for i := range w.leaders {
		visit(&w.leaders[i].claim)
	}
}

// modelKey is a world in three words.
type modelKey [3]uint64

type packer struct {
	word uint64
	used uint
}

func (p *packer) put(v uint64, bits uint) { p.word |= v << p.used; p.used += bits }
func (p *packer) flag(b bool) {
	if b {
		p.put(1, 1)
		return
	}
	p.put(0, 1)
}

func (w *modelWorld) pack() modelKey {
	var key modelKey
	var p packer
	for _, n := range w.nodes {
		p.put(uint64(n.noted), 3)
		p.put(uint64(n.begun), 3)
		p.put(uint64(n.born), 3)
		p.put(uint64(n.dir), 3)
		p.put(uint64(n.mark), 2)
		p.flag(n.hasData)
		p.flag(n.holds)
		p.flag(n.runs)
	}
	p.put(uint64(w.disasters), 2)
	w.stores[0].pack(&p)
	key[0], p = p.word, packer{}
	for _, l := range w.leaders {
		p.put(uint64(l.doing), 3)
		p.put(uint64(l.store), 1)
		p.put(uint64(l.claim), 3)
		p.put(uint64(l.counted), 3)
		p.put(uint64(l.who), 3)
		p.put(uint64(l.mark), 2)
	}
	w.stores[1].pack(&p)
	key[1], p = p.word, packer{}
	for _, b := range w.births[1:] {
		p.put(uint64(b.ids), 3)
		p.put(uint64(b.started), 3)
		p.flag(b.formed)
		p.flag(b.acked)
	}
	key[2] = p.word
	return key
}

func (s modelStore) pack(p *packer) {
	p.flag(s.marked)
	p.put(uint64(s.claim), 3)
	p.put(uint64(s.counted), 3)
	p.flag(s.closed)
	p.put(uint64(s.record), 3)
}

func (p *packer) take(bits uint) uint64 {
	v := p.word & (1<<bits - 1)
	p.word >>= bits
	return v
}
func (p *packer) takeFlag() bool { return p.take(1) == 1 }

func (key modelKey) unpack() modelWorld {
	var w modelWorld
	p := packer{word: key[0]}
	for i := range w.nodes {
		n := &w.nodes[i]
		n.noted, n.begun = claimNo(p.take(3)), claimNo(p.take(3))
		n.born, n.dir = claimNo(p.take(3)), claimNo(p.take(3))
		n.mark = mark(p.take(2))
		n.hasData, n.holds, n.runs = p.takeFlag(), p.takeFlag(), p.takeFlag()
	}
	w.disasters = uint8(p.take(2))
	w.stores[0].unpack(&p)
	p = packer{word: key[1]}
	for i := range w.leaders {
		l := &w.leaders[i]
		l.doing, l.store, l.claim = leaderDoing(p.take(3)), uint8(p.take(1)), claimNo(p.take(3))
		l.counted, l.who, l.mark = crew(p.take(3)), crew(p.take(3)), mark(p.take(2))
	}
	w.stores[1].unpack(&p)
	p = packer{word: key[2]}
	for i := range w.births[1:] {
		b := &w.births[i+1]
		b.ids, b.started = crew(p.take(3)), crew(p.take(3))
		b.formed, b.acked = p.takeFlag(), p.takeFlag()
	}
	return w
}

func (s *modelStore) unpack(p *packer) {
	s.marked = p.takeFlag()
	s.claim, s.counted = claimNo(p.take(3)), crew(p.take(3))
	s.closed = p.takeFlag()
	s.record = claimNo(p.take(3))
}

func (key modelKey) less(o modelKey) bool {
	for i := range key {
		if key[i] != o[i] {
			return key[i] < o[i]
		}
	}
	return false
}
