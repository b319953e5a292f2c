package decide

import "math/bits"

// perm says for each new place who stood there before.
type perm [3]int

// naming is how the names of one world became those of another.
type naming struct {
	agents, leaders perm
	claims          [modelClaims + 1]claimNo // old to new
}

// renamed is the same world under other names of agents and leaders; claims
// are numbered by their first appearance, and those that nothing names and
// that never started anything are forgotten.
func (w *modelWorld) renamed(agents, leaders perm) (modelWorld, naming) {
	out := modelWorld{stores: w.stores, disasters: w.disasters}
	for place, before := range agents {
		out.nodes[place] = w.nodes[before]
	}
	for place, before := range leaders {
		l := w.leaders[before]
		l.counted, l.who = l.counted.renamed(agents), l.who.renamed(agents)
		out.leaders[place] = l
	}
	for i := range out.stores {
		out.stores[i].counted = out.stores[i].counted.renamed(agents)
	}
	names := naming{agents: agents, leaders: leaders}
	next := claimNo(1)
	name := func(c claimNo) claimNo {
		if c != 0 && names.claims[c] == 0 {
			names.claims[c] = next
			b := w.births[c]
			b.ids, b.started = b.ids.renamed(agents), b.started.renamed(agents)
			out.births[next] = b
			next++
		}
		return names.claims[c]
	}
	out.eachClaim(func(c *claimNo) { *c = name(*c) })
	for c := range w.births {
		if w.births[c].started != 0 {
			name(claimNo(c))
		}
	}
	return out, names
}

// canonical is the one world that stands for all that differ in names alone:
// agents and leaders in the order of what can be seen of them without a name
// and, among those that look alike, the order that packs into the least key.
func (w *modelWorld) canonical(leaders int) (modelKey, naming) {
	var look [3]uint32
	for i := range look {
		look[i] = w.nodeLooks(i)
	}
	agentOrders := sortedOrders(look, modelAgents)
	leaderOrders := []perm{{0, 1, 2}}
	if w.leaders[1].store == 0 { // else each leader has a store of its own
		for i := range look {
			look[i] = w.leaderLooks(i)
		}
		leaderOrders = sortedOrders(look, leaders)
	}
	var best modelKey
	var names naming
	for i, agents := range agentOrders {
		for j, order := range leaderOrders {
			r, n := w.renamed(agents, order)
			if key := r.pack(); i+j == 0 || key.less(best) {
				best, names = key, n
			}
		}
	}
	return best, names
}

var allPerms = []perm{{0, 1, 2}, {1, 0, 2}, {0, 2, 1}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}

// sortedOrders are the orders of the first few that do not go against their looks.
func sortedOrders(look [3]uint32, count int) []perm {
	orders := make([]perm, 0, 6)
	for _, p := range allPerms {
		if count < 3 && p[2] != 2 || count < 2 && p[1] != 1 {
			continue
		}
		if (count < 2 || look[p[0]] <= look[p[1]]) && (count < 3 || look[p[1]] <= look[p[2]]) {
			orders = append(orders, p)
		}
	}
	return orders
}

type signature uint32

func (s *signature) flag(b bool) {
	*s <<= 1
	if b {
		*s |= 1
	}
}

func (s *signature) number(n, width int) { *s = *s<<width | signature(n) }

// nodeLooks is what can be said of an agent without naming anybody.
func (w *modelWorld) nodeLooks(i int) uint32 {
	n := w.nodes[i]
	var s signature
	s.flag(n.noted != 0)
	s.flag(n.begun != 0)
	s.flag(n.born != 0)
	s.flag(n.dir != 0)
	s.flag(n.noted == n.dir)
	s.number(int(n.mark), 2)
	s.flag(n.hasData)
	s.flag(n.holds)
	s.flag(n.runs)
	for _, store := range w.stores {
		s.flag(store.counted.has(i))
		s.flag(n.noted == store.claim)
		s.flag(w.births[store.claim].ids.has(i))
	}
	who, counted, ids := 0, 0, 0
	for _, l := range w.leaders {
		who += int(l.who >> i & 1)
		counted += int(l.counted >> i & 1)
		ids += int(w.births[l.claim].ids >> i & 1)
	}
	s.number(who, 2)
	s.number(counted, 2)
	s.number(ids, 2)
	return uint32(s)
}

func (w *modelWorld) leaderLooks(i int) uint32 {
	l := w.leaders[i]
	var s signature
	s.number(int(l.doing), 3)
	s.number(int(l.mark), 2)
	s.flag(l.claim == w.stores[0].claim)
	s.number(bits.OnesCount8(uint8(l.who)), 2)
	s.number(bits.OnesCount8(uint8(l.counted)), 2)
	s.number(bits.OnesCount8(uint8(w.births[l.claim].ids)), 2)
	return uint32(s)
}
