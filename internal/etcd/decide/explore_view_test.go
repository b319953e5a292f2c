package decide

import (
	"fmt"
	"slices"

	"github.com/seedproof/seedproof/internal/proof"
)

// modelView is what one leader hears in one look: the answers of some agents
// and what its store holds.
type modelView struct {
	nodes     [modelAgents]modelNode // those that are silent are zero
	answered  crew
	quorate   crew // whose etcd answers a linearizable read
	storeNo   int
	store     modelStore
	memoryIDs [modelClaims + 1]crew // of each claim, whose memory is still the one it names
}

// hear is one look at the world in one moment.
func (w *modelWorld) hear(store int, answered crew) modelView {
	v := modelView{answered: answered, storeNo: store, store: w.stores[store]}
	for c := range w.births {
		v.memoryIDs[c] = w.births[c].ids
	}
	for i, n := range w.nodes {
		if !answered.has(i) {
			continue
		}
		n.holds = false // nobody can see it
		v.nodes[i] = n
		if n.runs && w.running(n.dir).quorum() {
			v.quorate = v.quorate.with(i)
		}
	}
	return v
}

// place says how the store reads, going by the marks that are remembered.
func (v modelView) place() (proof.Finding, string) {
	var knownHere, knownElsewhere bool
	for _, n := range v.nodes {
		knownHere = knownHere || n.mark == markOf(v.storeNo)
		knownElsewhere = knownElsewhere || n.mark != noMark && n.mark != markOf(v.storeNo)
	}
	switch {
	case v.store.marked && knownElsewhere && !knownHere:
		return proof.Unknown, "the store bears another mark than the one that the agents remember"
	case v.store.marked:
		return proof.Absent, ""
	case knownHere || knownElsewhere:
		return proof.Unusable, "the store was emptied, its mark included"
	case v.answered != everybody:
		return proof.Unknown, "the store bears no mark, and not everybody who could remember one has answered"
	}
	return proof.Absent, "" // a new place
}

func (v modelView) evidence() Evidence {
	e := Evidence{Cluster: "model", Want: modelAgents}
	place, why := v.place()
	e.Record = Record{Finding: place, Why: why}
	e.Claim = ClaimView{Finding: place, Why: why}
	if r := v.store.record; r != 0 && place != proof.Unknown {
		e.Record = Record{Finding: proof.Present, Identity: identityOf(r), Members: membersOf(), Serial: 1}
	}
	if c := v.store.claim; c != 0 && place != proof.Unknown {
		e.Claim = ClaimView{Finding: proof.Present, Claim: claimAs(c, v.store.counted, v.store.closed, v.memoryIDs[c])}
	}
	for i, n := range v.nodes {
		if !v.answered.has(i) {
			e.Nodes = append(e.Nodes, silentNode(i))
			continue
		}
		e.Nodes = append(e.Nodes, n.seen(i, v.quorate.has(i)))
	}
	return e
}

func agentName(i int) string { return string(rune('a' + i)) }

func attemptOf(c claimNo) string {
	if c == 0 {
		return ""
	}
	return fmt.Sprintf("claim-%d", c)
}

func claimOf(attempt string) claimNo {
	for c := claimNo(1); c <= modelClaims; c++ {
		if attemptOf(c) == attempt {
			return c
		}
	}
	return 0
}

func identityOf(c claimNo) proof.Identity {
	if c == 0 {
		return proof.Identity{}
	}
	return proof.Identity{Lineage: fmt.Sprintf("lineage-%d", c), Generation: 1, Birth: fmt.Sprintf("birth-%d", c)}
}

func membersOf() List {
	var list List
	for i := range modelAgents {
		list = append(list, MemberRef{ID: uint64(i + 1), Name: agentName(i), PeerURL: "https://" + agentName(i)})
	}
	return list
}

func claimAs(c claimNo, counted crew, closed bool, ids crew) Claim {
	claim := Claim{Attempt: attemptOf(c), Identity: identityOf(c), State: ClaimOpen}
	if closed {
		claim.State = ClaimBorn
	}
	for i := range modelAgents {
		id := "memory-" + agentName(i)
		if !ids.has(i) {
			id += "-of-a-lost-node"
		}
		claim.Members = append(claim.Members, ClaimMember{Name: agentName(i), MemoryID: id, PeerURL: "https://" + agentName(i)})
		if counted.has(i) {
			claim.Noted = append(claim.Noted, agentName(i))
		}
	}
	return claim
}

func silentNode(i int) Node {
	return Node{Name: agentName(i), Part: Part{Why: "no answer"}, Memory: Memory{Why: "no answer"}}
}

// seen is the node as its own agent sees it.
func (n modelNode) seen(i int, quorate bool) Node {
	out := Node{
		Name: agentName(i),
		Part: Part{Finding: proof.Absent},
		Memory: Memory{Finding: proof.Absent, ID: "memory-" + agentName(i),
			Claim: attemptOf(n.noted), Started: attemptOf(n.begun)},
	}
	if n.born != 0 {
		out.Memory.Finding, out.Memory.Identity, out.Memory.Members = proof.Present, identityOf(n.born), membersOf()
		out.Memory.Serial = 1
	}
	if n.dir == 0 {
		return out
	}
	out.Part = Part{Finding: proof.Present, Identity: identityOf(n.dir), Claim: attemptOf(n.dir), HasData: n.hasData,
		Live: n.runs, Linearizable: quorate}
	if n.hasData {
		out.Part.ID, out.Part.Members = uint64(i+1), membersOf()
		out.Part.Position = Position{Term: 2, Index: 8}
	}
	return out
}

// modelDecision is what the real code says to a view.
type modelDecision struct {
	verdict proof.State
	action  SeedAction
	doing   leaderDoing // idle where there is nothing to do
	resume  claimNo
	who     crew
	why     string
}

var leaderDoes = map[SeedAction]leaderDoing{
	SeedClaim: leaderClaim, SeedNote: leaderNote, SeedCountNotes: leaderCount,
	SeedStart: leaderStart, SeedWriteRecord: leaderRecord, SeedClose: leaderClose,
}

// decider asks the real code, and remembers its answers: it is pure.
type decider struct {
	guards guards
	known  map[modelView]modelDecision
	starts map[startCase]Start
	notes  map[startCase]bool
}

func newDecider(g guards) *decider {
	return &decider{guards: g, known: map[modelView]modelDecision{},
		starts: map[startCase]Start{}, notes: map[startCase]bool{}}
}

func (d *decider) decide(v modelView) modelDecision {
	if known, ok := d.known[v]; ok {
		return known
	}
	e := v.evidence()
	verdict, _ := Judge(e)
	step := nextSeed(e, verdict, d.guards)
	out := modelDecision{verdict: verdict.State, action: step.Action, doing: leaderDoes[step.Action],
		resume: claimOf(step.Resume), why: step.Why}
	if step.Action == SeedNothing {
		out.why = verdict.Why
	}
	for i := range modelAgents {
		if slices.Contains(step.Members, agentName(i)) {
			out.who = out.who.with(i)
		}
	}
	d.known[v] = out
	return out
}

// startCase is what an agent looks at when a call for a claim arrives.
type startCase struct {
	agent   int
	node    modelNode
	claim   claimNo
	counted crew
	ids     crew
}

func (w *modelWorld) startCase(agent int, l modelLeader) startCase {
	n := w.nodes[agent]
	n.holds = false
	return startCase{agent, n, l.claim, l.counted, w.births[l.claim].ids}
}

func (s startCase) plain() (Node, Claim) {
	return s.node.seen(s.agent, false), claimAs(s.claim, s.counted, false, s.ids)
}

func (d *decider) mayNote(s startCase) bool {
	may, ok := d.notes[s]
	if !ok {
		node, claim := s.plain()
		may = mayNote(node, claim, d.guards) == nil
		d.notes[s] = may
	}
	return may
}

func (d *decider) howToStart(s startCase) Start {
	how, ok := d.starts[s]
	if !ok {
		node, claim := s.plain()
		how = howToStart(node, claim, d.guards)
		d.starts[s] = how
	}
	return how
}
