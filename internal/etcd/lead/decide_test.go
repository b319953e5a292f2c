package lead

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

const term = 10 * time.Second

func held(epoch uint64) Lease {
	return Lease{Format: format, Epoch: epoch, Tenure: "t", Beat: "b", Holder: "a", TermMillis: 20_000}
}

func released(epoch uint64) Lease {
	l := held(epoch)
	l.Released = true
	return l
}

func TestDecide(t *testing.T) {
	all := Agents{Answered: 3, Of: 3, Highest: 4}
	none := Agents{Answered: 3, Of: 3}
	cases := []struct {
		reason string
		sight  Sight
		agents Agents
		epoch  uint64 // 0: it is not taken
		why    string // part of what is said
	}{
		{"the very first lease is taken at once", Sight{}, none, 1, "never was"},
		{"two of three agents are a quorum", Sight{}, Agents{Answered: 2, Of: 3}, 1, "never was"},
		{"one of three agents is none", Sight{}, Agents{Answered: 1, Of: 3}, 0, "1 of 3 agents answered"},
		{"half of four agents is none", Sight{}, Agents{Answered: 2, Of: 4}, 0, "2 of 4"},
		{"nobody of nobody is no quorum", Sight{}, Agents{}, 0, "0 of 0"},
		{"no quorum, and the lease was released: another may have been heard", Sight{There: true, Readable: true, Lease: released(5)}, Agents{Answered: 1, Of: 3}, 0, "1 of 3"},
		{"an emptied store: the holder may not know it yet", Sight{Still: term - 1}, all, 0, "the lease is gone"},
		{"an emptied store, for a whole term: above what the agents heard", Sight{Still: term}, all, 5, "the lease is gone"},
		{"an emptied store, and the last lease promised a longer term", Sight{Lease: held(5), Still: term}, all, 0, "of a term of 20s"},
		{"our own lease was removed: nobody else can have taken it", Sight{Ours: true, Lease: held(5)}, all, 6, "our own"},
		{"what this candidate saw before counts where the lease is gone", Sight{Highest: 9, Still: term}, all, 10, "gone"},
		{"a lease stands for the term that it promises, not for ours", Sight{There: true, Readable: true, Lease: held(5), Still: 20*time.Second - 1}, all, 0, "a holds the lease, epoch 5"},
		{"a beat that stood still for a whole term", Sight{There: true, Readable: true, Lease: held(5), Still: 20 * time.Second}, all, 6, "a whole term of 20s"},
		{"the agents heard a later epoch than the lease's: an old lease was put back", Sight{There: true, Readable: true, Lease: held(2), Still: 20 * time.Second}, all, 5, "whole term"},
		{"a released lease is taken at once", Sight{There: true, Readable: true, Lease: released(5)}, all, 6, "a released the lease"},
		{"a released lease below the agents' epoch", Sight{There: true, Readable: true, Lease: released(3)}, all, 5, "released"},
		{"a damaged lease is none that is not there", Sight{There: true, Still: term - 1}, all, 0, "damaged"},
		{"a damaged lease is not taken at once where no agent heard any", Sight{There: true}, none, 0, "damaged"},
		{"a damaged lease is replaced after a term", Sight{There: true, Still: term}, all, 5, "damaged"},
		{"a damaged lease after one that was released: who damaged it is not known", Sight{There: true, Lease: released(5), Still: term}, all, 0, "damaged"},
		{"a newer program's lease is never touched", Sight{There: true, Newer: true, Still: time.Hour}, all, 0, "newer Seedproof"},
		{"an epoch that would wrap round is never followed", Sight{}, Agents{Answered: 3, Of: 3, Highest: math.MaxUint64}, 0, "nobody can have reached"},
		{"the last epoch is not used up by us", Sight{}, Agents{Answered: 3, Of: 3, Highest: maxEpoch}, 0, "nobody can have reached"},
	}
	for _, c := range cases {
		m := Decide(c.sight, c.agents, term)
		if m.Take != (c.epoch != 0) || m.Epoch != c.epoch || !strings.Contains(m.Why, c.why) {
			t.Errorf("%s: got %+v; want epoch %d and %q", c.reason, m, c.epoch, c.why)
		}
	}
}

// TestDecideLaws holds the rules, written a second time, against random sights.
func TestDecideLaws(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	yes := func() bool { return rnd.IntN(2) == 0 }
	epoch := func() uint64 {
		return []uint64{0, 1, 2, 3, 100, maxEpoch - 1, maxEpoch, math.MaxUint64}[rnd.IntN(8)]
	}
	takes := 0
	for range 200_000 {
		s := Sight{There: yes(), Readable: yes(), Newer: rnd.IntN(8) == 0, Ours: yes(), Highest: epoch(), Still: time.Duration(rnd.Int64N(int64(3 * term)))}
		s.Lease = Lease{Epoch: epoch(), Holder: "a", TermMillis: rnd.Int64N(30_000), Released: yes()}
		a := Agents{Answered: rnd.IntN(6), Of: rnd.IntN(6), Highest: epoch()}
		m := Decide(s, a, term)
		if m.Why == "" {
			t.Fatalf("no reason for %+v", s)
		}
		if !m.Take {
			continue
		}
		takes++
		stands := term
		if s.Lease.TermMillis > 0 {
			stands = s.Lease.Term()
		}
		never := !s.There && s.Lease.Epoch == 0 && s.Highest == 0 && a.Highest == 0
		free := never || !s.There && s.Ours || s.There && s.Readable && s.Lease.Released
		switch {
		case 2*a.Answered <= a.Of || a.Of == 0:
			t.Fatalf("taken without a quorum: %+v %+v", s, a)
		case m.Epoch <= s.Lease.Epoch || m.Epoch <= s.Highest || m.Epoch <= a.Highest:
			t.Fatalf("epoch %d is not above %+v %+v", m.Epoch, s, a)
		case s.There && s.Newer:
			t.Fatalf("a newer lease was taken: %+v", s)
		case !free && s.Still < stands:
			t.Fatalf("taken before a whole term: %+v %+v", s, a)
		}
	}
	if takes < 1000 {
		t.Errorf("only %d of the sights led to a take", takes)
	}
}
