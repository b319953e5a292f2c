package decide

import (
	"errors"
	"fmt"
	"math/bits"
	"strings"

	"github.com/seedproof/seedproof/internal/proof"
)

// ending is how a world comes to rest when every call is delivered, one leader
// of each store is left, and nothing more goes wrong.
type ending struct {
	world     modelWorld
	decisions []modelDecision // of each store's leader, the last one
}

// rest runs a world to its end. Leaders take turns, each looks anew before it
// acts, and does all of its step.
func (m *mover) rest(w modelWorld) (ending, error) {
	for l := range w.leaders { // what was held is forgotten
		w.leaders[l] = modelLeader{store: w.leaders[l].store}
	}
	for range 60 {
		before := w
		var e ending
		m.bootAll(&w)
		for l := range m.stores {
			d := m.decider.decide(w.hear(l, everybody))
			m.pass(&w, l, d)
			e.decisions = append(e.decisions, d)
		}
		if w.settleFacts() != 0 {
			return ending{}, fmt.Errorf("on the way to rest: %s", w.settleFacts())
		}
		if w == before {
			e.world = w
			return e, nil
		}
	}
	return ending{}, fmt.Errorf("it never comes to rest")
}

func (m *mover) bootAll(w *modelWorld) {
	for i, n := range w.nodes {
		if n.hasData && !n.runs && AtBoot(n.seen(i, false)).Start {
			w.startEtcd(i)
		}
	}
}

// pass is one look and all of its step.
func (m *mover) pass(w *modelWorld, l int, d modelDecision) {
	if d.doing == leaderIdle {
		return
	}
	w.leaders[l] = m.hold(w, l, everybody, d)
	for again := true; again; {
		again = false
		m.out = m.out[:0]
		m.acts(*w, l)
		for _, next := range m.out {
			if next.move.steps == next.move.of && next.world != *w {
				*w, again = next.world, true
				break
			}
		}
	}
	w.leaders[l] = modelLeader{store: w.leaders[l].store}
}

// differ reports whether agents have noted different claims.
func (w *modelWorld) differ() bool {
	var noted claimNo
	for _, n := range w.nodes {
		if noted != 0 && n.noted != 0 && n.noted != noted {
			return true
		}
		if n.noted != 0 {
			noted = n.noted
		}
	}
	return false
}

// patience: a cluster whose quorum runs and has yet to answer its first
// linearizable read is waited for, and nobody is called.
func (m *mover) patience(w *modelWorld) error {
	if w.differ() || !w.running(w.stores[0].claim).quorum() {
		return nil
	}
	v := w.hear(0, everybody)
	v.quorate = 0
	if d := m.decider.decide(v); d.action == SeedStop {
		return fmt.Errorf("a quorum runs, has not answered yet, and the step is to stop: %s", d.why)
	}
	return nil
}

// nobodyForgotten: without a disaster all that were to be members are.
func (w *modelWorld) nobodyForgotten() error {
	if up := w.running(w.stores[0].record); w.disasters == 0 && up != everybody {
		return fmt.Errorf("the cluster was born, and of its three members only %d run", bits.OnesCount8(uint8(up)))
	}
	return nil
}

func (e ending) otherPlace() bool {
	place, _ := e.world.hear(0, everybody).place()
	return place == proof.Unknown
}

const born = "born, with a record, and the claim closed"

// outcome puts an ending into one of a few classes; an error says that it is
// neither a born cluster nor something that a person is told about.
func (e ending) outcome() (string, error) {
	d, s := e.decisions[0], e.world.stores[0]
	switch {
	case d.verdict == proof.Intact && s.closed && e.world.running(s.record).quorum():
		return born, e.world.nobodyForgotten()
	case d.verdict == proof.Intact && d.action == SeedNothing && e.world.running(s.record).quorum():
		return "born; the claim was lost since", nil
	case d.verdict == proof.Intact:
		return "", fmt.Errorf("it rests with the verdict Intact, and no quorum runs")
	case d.action == SeedStop && !mayRecreate(d.verdict):
		return "", fmt.Errorf("it is a dead end: the verdict is %s, so that nothing can be approved, and the step is to stop: %s", d.verdict, d.why)
	case d.action == SeedStop && d.why != "":
		return "stop: a person is told what stands in the way; the verdict is " + d.verdict.String(), nil
	case d.action == SeedWait && e.otherPlace():
		return "wait: the store bears another mark than the one that is remembered", nil
	case d.action == SeedNothing && d.verdict == proof.RecordLost:
		return "a cluster runs, and its record is to be written again", nil
	case d.action == SeedNothing && d.verdict != proof.NeverExisted && d.why != "":
		return "nothing to seed: " + d.verdict.String(), nil
	}
	return "", fmt.Errorf("it rests with the verdict %s and the step %q (%s)", d.verdict, d.action, d.why)
}

// neitherGoesOn: agents noted different claims, so no etcd has started, none
// will, and each leader is told why.
func (m *mover) neitherGoesOn(w *modelWorld) error {
	for c, b := range w.births {
		if b.started != 0 {
			return fmt.Errorf("agents have noted different claims, and an etcd was started for %s", attemptOf(claimNo(c)))
		}
	}
	end, err := m.rest(*w)
	if err != nil {
		return err
	}
	for _, d := range end.decisions {
		if d.action != SeedStop || !strings.Contains(d.why, "different claims were noted") {
			return fmt.Errorf("agents have noted different claims, and a leader rests with the step %q: %s", d.action, d.why)
		}
	}
	for _, b := range end.world.births {
		if b.started != 0 {
			return errors.New("agents have noted different claims, and an etcd starts on the way to rest")
		}
	}
	return nil
}
