package decide

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/proof"
)

// SeedAction is what the leader may do next to bring a cluster into the world.
type SeedAction string

const (
	SeedNothing     SeedAction = ""             // there is nothing to seed
	SeedClaim       SeedAction = "claim"        // write the claim
	SeedNote        SeedAction = "note"         // ask the agents to note it
	SeedCountNotes  SeedAction = "count-notes"  // write down in the claim who noted it
	SeedStart       SeedAction = "start"        // ask the agents to start their etcd
	SeedWriteRecord SeedAction = "write-record" // it works: write the record
	SeedClose       SeedAction = "close"        // close the claim as born
	SeedWait        SeedAction = "wait"         // somebody or something has yet to answer
	SeedStop        SeedAction = "stop"         // only a person can go on
)

// SeedStep is one step of seeding: what, with whom, and why.
type SeedStep struct {
	Action  SeedAction
	Members []string
	// Resume is the attempt that the agents have noted already, where the claim
	// itself is gone: it is written again, never another one, as they noted it:
	// with its identity and its memories' ids, and with nobody counted. With the
	// ids that are there now, lost nodes would be let in.
	Resume string
	Why    string
}

// guards are the four rules that keep a seeding from putting an empty cluster
// in the place of one that answered. They are taken out one at a time by the
// exploration alone, to prove that each is needed.
type guards struct {
	memoryIDs     bool // a start needs the very memory that noted the claim
	roundOfNotes  bool // nobody starts before all have noted
	noteStart     bool // a start is noted before it happens
	noSecondStart bool // without its data, a member that was started stays down
}

var allGuards = guards{true, true, true, true}

// NextSeed is the next step of an open claim, or of one to be made. The verdict
// must be Judge's of the same evidence.
func NextSeed(e Evidence, v proof.Verdict) SeedStep { return nextSeed(e, v, allGuards) }

func nextSeed(e Evidence, v proof.Verdict, g guards) SeedStep {
	switch e.Claim.Finding {
	case proof.Absent:
		return firstClaim(e, v)
	case proof.Present:
		if e.Claim.Claim.State == ClaimOpen {
			return resume(e, v, g)
		}
		return startLate(e, g)
	}
	return withoutClaim(e, v)
}

// withoutClaim is for a claim that cannot be asked, which may end by itself,
// or that was emptied or damaged, which does not.
func withoutClaim(e Evidence, v proof.Verdict) SeedStep {
	if len(e.whole()) > 0 {
		return SeedStep{} // it runs, whatever the claim may be
	}
	action := stopOrWait(v)
	if e.Claim.Finding == proof.Unknown && v.State != proof.Conflicting {
		action = SeedWait
	}
	return SeedStep{Action: action, Why: fmt.Sprintf("the claim cannot be read: %s; the verdict is %s: %s", e.Claim.Why, v.State, v.Why)}
}

func firstClaim(e Evidence, v proof.Verdict) SeedStep {
	if v.State != proof.NeverExisted {
		return SeedStep{}
	}
	for _, n := range e.Nodes {
		if n.Memory.Claim != "" { // more than one attempt is a contradiction, and not NeverExisted
			return SeedStep{Action: SeedClaim, Resume: n.Memory.Claim, Why: "the agents noted a claim that is gone: it is written again"}
		}
	}
	return SeedStep{Action: SeedClaim, Why: "everybody has answered, and nobody knows of a cluster"}
}

func resume(e Evidence, v proof.Verdict, g guards) SeedStep {
	c := e.Claim.Claim
	if e.isWhole(c.Identity) {
		return closeAsBorn(e, g)
	}
	if v.State != proof.NeverExisted {
		return SeedStep{Action: stopOrWait(v), Why: fmt.Sprintf("claim %s is open, and the verdict is %s: %s", c.Attempt, v.State, v.Why)}
	}
	if g.roundOfNotes {
		if step, open := roundOfNotes(e, g); open {
			return step
		}
	}
	return startAll(e, g)
}

// stopOrWait: silence may end by itself, a contradiction does not.
func stopOrWait(v proof.Verdict) SeedAction {
	if v.State == proof.Unproven {
		return SeedWait
	}
	return SeedStop
}

// closeAsBorn waits for nobody who is silent: the new cluster has a quorum. It
// must have answered, too: whole directories alone prove no working cluster.
func closeAsBorn(e Evidence, g guards) SeedStep {
	c := e.Claim.Claim
	if seen := e.contradictions(); len(seen) > 0 {
		return SeedStep{Action: SeedStop, Why: proof.Whys(seen)}
	}
	if e.Record.Finding == proof.Present && e.Record.Identity == c.Identity {
		return SeedStep{Action: SeedClose, Why: "the new cluster works, and the record names it"}
	}
	if !e.answers(c.Identity) {
		return startAll(e, g)
	}
	if e.Record.Finding == proof.Unknown {
		return SeedStep{Action: SeedWait, Why: "the new cluster works, and the record cannot be asked: " + e.Record.Why}
	}
	if e.Record.Finding == proof.Present && !c.leavesBehind(e.Record.Identity) {
		return SeedStep{Action: SeedStop, Why: "there is a record of " + e.Record.Identity.String()}
	}
	return SeedStep{Action: SeedWriteRecord, Why: "the new cluster answers linearizable reads"}
}

func (e Evidence) answers(id proof.Identity) bool {
	return slices.ContainsFunc(e.Nodes, func(n Node) bool { return n.countsFor(id) && n.Part.Live && n.Part.Linearizable })
}

// roundOfNotes is what is left to do until every member has noted the claim,
// and the claim knows of it.
func roundOfNotes(e Evidence, g guards) (step SeedStep, open bool) {
	c := e.Claim.Claim
	if c.AllNoted() {
		return SeedStep{}, false
	}
	var ask, count, refuse []string
	for _, m := range c.Members {
		n, known := e.node(m.Name)
		switch {
		case slices.Contains(c.Noted, m.Name):
		case !known:
			return SeedStep{Action: SeedWait, Why: "waiting for the agent of " + m.Name}, true
		case n.Memory.Claim == c.Attempt && (!g.memoryIDs || n.Memory.ID == m.MemoryID):
			count = append(count, m.Name)
		default:
			if err := mayNote(n, c, g); err != nil {
				refuse = append(refuse, err.Error())
			}
			ask = append(ask, m.Name)
		}
	}
	switch {
	case len(refuse) > 0:
		return SeedStep{Action: SeedStop, Why: strings.Join(refuse, "; ")}, true
	case len(count) > 0:
		return SeedStep{Action: SeedCountNotes, Members: count, Why: "these members have noted the claim"}, true
	}
	return SeedStep{Action: SeedNote, Members: ask, Why: "every member notes the claim before the first etcd starts"}, true
}

// startAll starts whoever may start. Who may not is named once the others are
// too few for a quorum; before that the cluster can do without them.
func startAll(e Evidence, g guards) SeedStep {
	c := e.Claim.Claim
	var start, refused []string
	for _, m := range c.Members {
		n, known := e.node(m.Name)
		if !known || n.Part.Live || n.silent() {
			continue
		}
		if how := howToStart(n, c, g); how.Refused != "" {
			refused = append(refused, how.Refused)
		} else {
			start = append(start, m.Name)
		}
	}
	switch {
	case len(start) > 0:
		return SeedStep{Action: SeedStart, Members: start, Why: "all members have noted the claim"}
	case len(c.Members)-len(refused) < quorum(len(c.Members)):
		return SeedStep{Action: SeedStop, Why: strings.Join(refused, "; ")}
	}
	return SeedStep{Action: SeedWait, Why: "waiting for the new etcd to answer a linearizable read"}
}

// startLate starts the members that were silent when the claim was closed, for
// the first time: nobody else would, for they have no data to start at boot.
// The cluster must work, be the record's, and still count them as members.
func startLate(e Evidence, g guards) SeedStep {
	c := e.Claim.Claim
	if e.Record.Finding != proof.Present || e.Record.Identity != c.Identity || !e.isWhole(c.Identity) || !e.answers(c.Identity) {
		return SeedStep{}
	}
	var late []string
	for _, m := range c.Members {
		n, known := e.node(m.Name)
		if known && !n.Part.HasData && e.listedByAll(m.Name, c.Identity) && howToStart(n, c, g).Refused == "" {
			late = append(late, m.Name)
		}
	}
	if len(late) == 0 {
		return SeedStep{}
	}
	return SeedStep{Action: SeedStart, Members: late, Why: "the new cluster works, and these members have yet to start for the first time"}
}

// listedByAll: everybody who answers reads of the cluster counts it as a member.
func (e Evidence) listedByAll(name string, id proof.Identity) bool {
	return !slices.ContainsFunc(e.Nodes, func(n Node) bool {
		_, listed := n.Part.Members.Named(name)
		return n.countsFor(id) && n.readsLinearizably() && !listed
	})
}

func (e Evidence) node(name string) (Node, bool) {
	i := slices.IndexFunc(e.Nodes, func(n Node) bool { return n.Name == name })
	if i < 0 {
		return Node{}, false
	}
	return e.Nodes[i], true
}
