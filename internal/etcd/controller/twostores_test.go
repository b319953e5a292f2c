package controller

import (
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/lead"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

func TestWhichPlaceIsOpened(t *testing.T) {
	at := func(urls ...string) (list []store.Remembered) {
		for _, url := range urls {
			list = append(list, store.Remembered{URL: url, MarkID: "mark of " + url})
		}
		return list
	}
	for _, test := range []struct {
		reason     string
		open       string
		remembered []store.Remembered
		want       string
	}{
		{"nobody remembers one", "", nil, "told"},
		{"all remember another", "", at("x", "x"), "x"},
		{"it has moved", "told", at("x", "x"), "x"},
		{"memories differ, and none is open", "", at("x", "y"), "told"},
		{"memories differ: what is open stays", "y", at("x", "y"), "y"},
		{"whoever was heard first", "y", at("y", "x"), "y"},
	} {
		var open *place
		if test.open != "" {
			open = &place{url: test.open}
		}
		if got := placeURL(open, "told", test.remembered); got != test.want {
			t.Errorf("%s: %s; want %s", test.reason, got, test.want)
		}
	}
}

// memories are agents that remember a control store, at a serial.
func memories(serial uint64, urls ...string) map[string]heard {
	answers := map[string]heard{}
	for i, url := range urls {
		name := string(rune('a' + i))
		h := heard{name: name, testimony: agent.Testimony{ControlStore: &store.Remembered{URL: url, MarkID: url}}}
		h.testimony.Node.Memory.Serial = serial
		answers[name] = h
	}
	return answers
}

func TestNotesOfTwoStores(t *testing.T) {
	if got := noted(memories(0, "x", "x", "y"), controlOf, "y"); len(got) != 1 || got[0].URL != "y" {
		t.Errorf("before a birth: %v; want y alone, which was told", got)
	}
	if got := noted(memories(0, "x", "y", "x"), controlOf, "z"); len(got) != 3 {
		t.Errorf("told of one that nobody noted: %v; want all three, which disagree", got)
	}
	if got := noted(memories(7, "x", "x", "y"), controlOf, "y"); len(got) != 3 {
		t.Errorf("after a birth: %v; want all three, whatever was told", got)
	}
}

// handClock is a clock that a test moves.
type handClock struct {
	flow.Clock
	now time.Time
}

func (c *handClock) Now() time.Time { return c.now }

func TestALeaseThatAgentsRefuseIsGivenBack(t *testing.T) {
	clock := &handClock{now: time.Unix(1000, 0)}
	c := New(Config{Name: "a", Term: time.Second, Interval: 100 * time.Millisecond}, Deps{Clock: clock})
	c.lead = &lead.Candidate{Store: mem.New("x"), Name: "a", Term: 10 * time.Minute, Clock: clock}
	lease, leads, why := c.lead.Tick(t.Context(), "", true, lead.Agents{Answered: 1, Of: 1})
	if !leads {
		t.Fatal(why)
	}
	says := func(epoch uint64, tenure string) *world {
		return &world{answers: map[string]heard{"a": {name: "a", testimony: agent.Testimony{Epoch: epoch, Tenure: tenure}}}}
	}
	for _, test := range []struct {
		reason string
		w      *world
		after  time.Duration
		want   bool
	}{
		{"it is ours", says(lease.Epoch, lease.Tenure), 5 * time.Second, false},
		{"an older one was heard", says(lease.Epoch-1, "old"), 5 * time.Second, false},
		{"a second one of the same epoch, just now", says(lease.Epoch, "other"), 0, false},
		{"still so, for less than a term", says(lease.Epoch, "other"), 900 * time.Millisecond, false},
		{"for a whole term", says(lease.Epoch, "other"), 100 * time.Millisecond, true},
		{"ours was heard after all", says(lease.Epoch, lease.Tenure), 0, false},
		{"then a higher one", says(lease.Epoch+3, "other"), 0, false},
		{"a higher one for a term", says(lease.Epoch+3, "other"), time.Second, true},
	} {
		clock.now = clock.now.Add(test.after)
		if got := c.outranked(test.w); got != test.want {
			t.Errorf("%s: outranked is %v; want %v", test.reason, got, test.want)
		}
	}
}

// A member that was added in the place of a lost one has not started yet: the
// word on its lost data is not about it, or it is removed and added for ever.
func TestAnAddedMemberHasLostNothing(t *testing.T) {
	part := proof.Witness{Kind: proof.Part, Name: decide.MemberWitness("b")}
	w := &world{answers: map[string]heard{"b": {name: "b", testimony: agent.Testimony{PeerURL: "http://b"}}}}
	b := w.answers["b"]
	b.testimony.Node.Memory.Finding = proof.Present
	b.testimony.Node.Part.Finding = proof.Unusable
	w.answers["b"] = b
	w.verdict.Heard = []proof.Testimony{{Witness: part, Finding: proof.Absent, AttestedBy: "ann"}}
	h := &hand{w: w}
	if v := h.memberView(w, decide.MemberRef{ID: 2, PeerURL: "http://b", Learner: true}, 0); v.Lost || !v.Empty {
		t.Errorf("the added member is %+v; want it empty and not lost", v)
	}
	if v := h.memberView(w, decide.MemberRef{ID: 1, Name: "b", PeerURL: "http://b"}, 0); !v.Lost {
		t.Errorf("the former member is %+v; want it lost", v)
	}
}
