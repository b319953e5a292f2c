package decide

import (
	"fmt"
	"strings"
)

// teller puts moves into words, under the names that things had at first.
type teller struct {
	agents, leaders [3]string
	claims          [modelClaims + 1]string
	named           int
}

func newTeller() *teller {
	return &teller{agents: [3]string{"a", "b", "c"}, leaders: [3]string{"leader 1", "leader 2", "leader 3"}}
}

// rename follows a world into its other naming.
func (t *teller) rename(n naming) {
	old := *t
	for place := range t.agents {
		t.agents[place], t.leaders[place] = old.agents[n.agents[place]], old.leaders[n.leaders[place]]
	}
	t.claims = [modelClaims + 1]string{}
	for before, now := range n.claims {
		if now != 0 {
			t.claims[now] = old.claims[before]
		}
	}
}

func (t *teller) claim(c claimNo) string {
	if t.claims[c] == "" {
		t.claims[c] = "claim " + string(rune('X'+t.named%3))
		if t.named >= 3 {
			t.claims[c] += fmt.Sprint(t.named / 3)
		}
		t.named++
	}
	return t.claims[c]
}

func (t *teller) crew(c crew) string {
	var names []string
	for i, name := range t.agents {
		if c.has(i) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

var disasterWords = map[moveKind]string{
	moveLoseDisk: "DISASTER: %s loses its disk; its memory stays",
	moveLoseNode: "DISASTER: %s is lost with its memory, and comes back empty",
	moveStop:     "the etcd of %s stops",
	moveBoot:     "%s starts at boot, and its etcd with it",
	moveCatchUp:  "%s catches up",
	moveLearn:    "%s remembers that the cluster was born",
}

// tell is the move from w in words.
func (t *teller) tell(w *modelWorld, n next) string {
	mv, agent, leader := n.move, t.agents[n.move.agent], t.leaders[n.move.leader]
	if words, ok := disasterWords[mv.kind]; ok {
		return fmt.Sprintf(words, agent)
	}
	switch mv.kind {
	case moveLook:
		return t.look(w, n)
	case moveReadStore:
		return leader + " reads the store: no claim, no record"
	case moveAsk:
		text := fmt.Sprintf("%s asks %s, which knows of nothing", leader, agent)
		if n.world.leaders[mv.leader].doing == leaderClaim {
			text += fmt.Sprintf("; all have answered: it is to write %s", t.claim(n.world.leaders[mv.leader].claim))
		}
		return text
	case moveAck:
		return fmt.Sprintf("the etcds of %s acknowledge a write", t.crew(mv.who))
	case moveEmptyStore:
		return fmt.Sprintf("DISASTER: control store %d is emptied, its mark included", mv.store+1)
	case moveLoseClaim:
		return fmt.Sprintf("DISASTER: the claim in control store %d is deleted, and nothing else", mv.store+1)
	}
	return leader + " " + t.act(w, mv)
}

func (t *teller) look(w *modelWorld, n next) string {
	held := n.world.leaders[n.move.leader]
	heard := "all answer"
	if silent := everybody &^ n.move.who; silent != 0 {
		heard = t.crew(silent) + " silent"
	}
	todo := map[leaderDoing]string{
		leaderClaim:  "to write %s",
		leaderNote:   "to have %[2]s note %[1]s",
		leaderCount:  "to write down in %s that %s noted it",
		leaderStart:  "to have %[2]s start for %[1]s",
		leaderRecord: "to write the record of %s",
		leaderClose:  "to close %s as born",
	}[held.doing]
	who := held.who
	return fmt.Sprintf("%s looks (%s): it is %s", t.leaders[n.move.leader], heard, fill(todo, t.claim(held.claim), t.crew(who)))
}

func (t *teller) act(w *modelWorld, mv move) string {
	held := w.leaders[mv.leader]
	agent := t.agents[mv.agent]
	text := map[leaderDoing]string{
		leaderClaim:  "writes %s",
		leaderNote:   "calls %[2]s, which notes %[1]s",
		leaderCount:  "writes down in %s that %s noted it",
		leaderStart:  "calls %[2]s, which starts its etcd for %[1]s",
		leaderRecord: "writes the record of %s",
		leaderClose:  "closes %s as born",
	}[held.doing]
	who := agent
	if held.doing == leaderCount {
		who = t.crew(held.who)
	}
	text = fill(text, t.claim(held.claim), who)
	if held.doing == leaderStart && mv.steps < mv.of {
		text += fmt.Sprintf(", but crashes after step %d of %d (directory, note, etcd)", mv.steps, mv.of)
	}
	if held.doing == leaderStart && mv.steps == mv.of && !w.nodes[mv.agent].hasData {
		text += ", empty"
	}
	return text
}

// fill is Sprintf that leaves out what the text does not use.
func fill(text, claim, who string) string {
	text = strings.ReplaceAll(text, "%[1]s", claim)
	text = strings.ReplaceAll(text, "%[2]s", who)
	text = strings.Replace(text, "%s", claim, 1)
	return strings.Replace(text, "%s", who, 1)
}
