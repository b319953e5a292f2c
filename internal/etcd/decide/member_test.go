package decide_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/etcd/decide"
)

// condition is how one member of the live list is.
type condition struct {
	word string
	view decide.MemberView
}

// conditions are all that the property test gives a member.
var conditions = []condition{
	{"healthy", decide.MemberView{Answers: true, Whole: true, Healthy: true}},
	{"its etcd answers, its agent does not", decide.MemberView{Healthy: true}},
	{"down, its data whole", decide.MemberView{Answers: true, Whole: true}},
	{"down, its agent too", decide.MemberView{}},
	{"down, its data whole when last seen", decide.MemberView{Whole: true}},
	{"its volume empty", decide.MemberView{Answers: true, Empty: true}},
	{"attested lost", decide.MemberView{Lost: true}},
	{"attested lost, its new volume empty", decide.MemberView{Lost: true, Answers: true, Empty: true}},
	{"attested lost, and back", decide.MemberView{Lost: true, Answers: true, Whole: true, Healthy: true}},
	{"learner that has not started", learner(decide.MemberView{Answers: true, Empty: true})},
	{"learner that catches up", learner(decide.MemberView{Answers: true, Whole: true, Healthy: true})},
	{"learner that has caught up", learner(decide.MemberView{Answers: true, Whole: true, Healthy: true, CaughtUp: true})},
	{"learner that is down", learner(decide.MemberView{Answers: true, Whole: true})},
	{"learner attested lost", learner(decide.MemberView{Lost: true})},
	{"learner attested lost, and back", learner(decide.MemberView{Lost: true, Answers: true, Healthy: true})},
	{"voter without a name, never started", decide.MemberView{Answers: true, Empty: true}},
	{"voter without a name, attested lost", decide.MemberView{Lost: true}},
}

const namelessFrom = 15 // the conditions from here on have no name

func learner(v decide.MemberView) decide.MemberView {
	v.Learner = true
	return v
}

// membership builds a list of members a, b, c, ... in these conditions.
func membership(desired int, is ...int) decide.Membership {
	m := decide.Membership{Desired: desired, LeaderID: 1}
	for i, c := range is {
		name := string(rune('a' + i))
		v := conditions[c].view
		v.ID, v.PeerURL = memberID(name), "https://"+name+":2380"
		if c < namelessFrom {
			v.Name = name
		}
		m.Members = append(m.Members, v)
	}
	return m
}

func is(words ...string) (indexes []int) {
	for _, w := range words {
		found := -1
		for i, c := range conditions {
			if c.word == w {
				found = i
			}
		}
		if found < 0 {
			panic("no condition " + w)
		}
		indexes = append(indexes, found)
	}
	return indexes
}

func TestNextMember(t *testing.T) {
	const ok = "healthy"
	candidates := func(m decide.Membership, names ...string) decide.Membership {
		for _, n := range names {
			m.Candidates = append(m.Candidates, decide.Candidate{Name: n, PeerURL: "https://" + n + ":2380"})
		}
		return m
	}
	tests := []struct {
		reason string
		m      decide.Membership
		action decide.MemberAction
		name   string
		says   string
	}{
		{"at rest", membership(3, is(ok, ok, ok)...), decide.MemberNothing, "", ""},
		{"one is down and not attested: nobody is removed", membership(3, is(ok, ok, "down, its agent too")...), decide.MemberNothing, "", ""},
		{"one whose volume is empty and not attested: it may be unmounted", membership(3, is(ok, ok, "its volume empty")...), decide.MemberNothing, "", ""},
		{"its data is whole and its etcd is down", membership(3, is(ok, "down, its data whole", ok)...), decide.MemberStart, "b", ""},
		{"its data is whole: no quorum is needed to start it", membership(3, is("down, its data whole", "down, its agent too", ok)...), decide.MemberStart, "a", ""},
		{"its agent does not answer: nobody can start it", membership(3, is(ok, "down, its data whole when last seen", ok)...), decide.MemberNothing, "", ""},
		{"attested lost: it is removed", membership(3, is(ok, "attested lost", ok)...), decide.MemberRemove, "b", "attested lost"},
		{"attested lost, and the others are no healthy quorum", membership(3, is(ok, "attested lost", "down, its agent too")...), decide.MemberWaitAction, "b", "no healthy quorum"},
		{"attested lost, of two", membership(2, is(ok, "attested lost")...), decide.MemberWaitAction, "b", ""},
		{"attested lost, of one", membership(1, is("attested lost")...), decide.MemberWaitAction, "a", ""},
		{"attested lost, and back: nothing", membership(3, is(ok, "attested lost, and back", ok)...), decide.MemberNothing, "", ""},

		{"from one to three: a learner first", candidates(membership(3, is(ok)...), "c", "b"), decide.MemberAdd, "b", "the spec counts 3 members, and 1 are there"},
		{"from one to three, and nobody is ready", membership(3, is(ok)...), decide.MemberWaitAction, "", "waiting for 2 more"},
		{"none is added while one is down", candidates(membership(3, is(ok, ok)[:1]...), "b"), decide.MemberAdd, "b", ""},
		{"none is added while a voter is down", candidates(membership(5, is(ok, ok, "down, its agent too")...), "d"), decide.MemberWaitAction, "", "none is added"},
		{"who is on the list already is no candidate", candidates(membership(5, is(ok, ok, ok)...), "c", "d"), decide.MemberAdd, "d", ""},
		{"nor is one with the peer URL of a member", func() decide.Membership {
			m := membership(5, is(ok, ok, ok)...)
			m.Candidates = []decide.Candidate{{Name: "d", PeerURL: "https://c:2380"}}
			return m
		}(), decide.MemberWaitAction, "", ""},
		{"it was added, and has not started", membership(3, is(ok, "learner that has not started")...), decide.MemberStartJoin, "b", ""},
		{"it catches up", candidates(membership(3, is(ok, "learner that catches up")...), "c"), decide.MemberWaitAction, "b", "catch up"},
		{"it has caught up", membership(3, is(ok, "learner that has caught up")...), decide.MemberPromote, "b", ""},
		{"it has caught up, and its vote would leave no healthy quorum",
			membership(3, is("down, its agent too", "down, its agent too", "learner that has caught up")...), decide.MemberWaitAction, "c", ""},
		{"a learner that is down is started", membership(3, is(ok, "learner that is down")...), decide.MemberStart, "b", ""},
		{"a learner attested lost goes", membership(3, is(ok, ok, "learner attested lost")...), decide.MemberRemove, "c", ""},
		{"a learner attested lost, and back, is waited for", membership(3, is(ok, ok, "learner attested lost, and back")...), decide.MemberWaitAction, "c", ""},
		{"nobody lost is removed while a learner waits", membership(3, is(ok, "attested lost", ok, "learner that catches up")...), decide.MemberWaitAction, "d", ""},
		{"nobody leaves while a learner waits", membership(1, is(ok, ok, "learner that catches up")...), decide.MemberWaitAction, "c", ""},
		{"a voter that somebody added and never started is started", membership(3, is(ok, ok, "voter without a name, never started")...), decide.MemberStartJoin, "", ""},
		{"or removed, once attested lost", membership(3, is(ok, ok, "voter without a name, attested lost")...), decide.MemberRemove, "", ""},
		{"but not without a quorum of the others", membership(3, is(ok, "down, its agent too", "voter without a name, attested lost")...), decide.MemberWaitAction, "", ""},

		{"from three to one: by name from the end, etcd's leader last", membership(1, is(ok, ok, ok)...), decide.MemberRemove, "c", "the spec counts 1"},
		{"the leader goes last", func() decide.Membership { m := membership(1, is(ok, ok, ok)...); m.LeaderID = 3; return m }(), decide.MemberRemove, "b", ""},
		{"who is down goes first, even the leader of before", membership(1, is("down, its agent too", ok, ok)...), decide.MemberRemove, "a", ""},
		{"from three to one, and the others are no quorum", membership(1, is(ok, "down, its agent too", "down, its agent too")...), decide.MemberWaitAction, "", "no healthy quorum"},
		{"from two to one, one down", membership(1, is(ok, "down, its agent too")...), decide.MemberWaitAction, "", ""},
		{"a spec that nobody knows removes nobody", membership(0, is(ok, ok, ok)...), decide.MemberNothing, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			got := decide.NextMember(tt.m)
			if got.Action != tt.action || got.Name != tt.name || !strings.Contains(got.Why, tt.says) {
				t.Errorf("got %+v, expected %q of %q, saying %q", got, tt.action, tt.name, tt.says)
			}
			if got.Action != decide.MemberNothing && got.Why == "" {
				t.Error("it gives no reason")
			}
		})
	}
}

// Every list of one to four members in every condition, and of five in the
// conditions that matter most, for every count that the spec may ask for.
func TestNextMemberNeverEndangersTheQuorum(t *testing.T) {
	cases := 0
	for size := 1; size <= 5; size++ {
		each := len(conditions)
		if size == 5 {
			each = 9
		}
		if testing.Short() && size > 3 {
			continue
		}
		states := make([]int, size)
		for {
			for desired := 0; desired <= 6; desired++ {
				m := membership(desired, states...)
				if desired%2 == 0 {
					m.Candidates = []decide.Candidate{{Name: "x", PeerURL: "https://x:2380"}, {Name: "a", PeerURL: "https://a:2380"}}
				}
				if why := endangered(m, decide.NextMember(m)); why != "" {
					t.Fatalf("%s: desired %d, members %+v: %+v", why, desired, m.Members, decide.NextMember(m))
				}
				cases++
			}
			if !next(states, each) {
				break
			}
		}
	}
	t.Logf("%d cases", cases)
}

// next counts one further in base each; false after the last number.
func next(digits []int, each int) bool {
	for i := range digits {
		if digits[i]++; digits[i] < each {
			return true
		}
		digits[i] = 0
	}
	return false
}

// endangered says which promise the step breaks.
func endangered(m decide.Membership, step decide.MemberStep) string {
	voters, healthy, waiting := tally(m.Members)
	var it decide.MemberView
	for _, v := range m.Members {
		if v.ID == step.ID {
			it = v
		}
	}
	atRest := waiting == 0 && healthy == voters && (m.Desired == len(m.Members) || m.Desired == 0)
	switch step.Action {
	case decide.MemberNothing, decide.MemberWaitAction:
		return ""
	case decide.MemberStart:
		if !it.Whole || it.Healthy || !it.Answers {
			return "started what is not whole, or runs"
		}
		return ""
	case decide.MemberStartJoin:
		if !it.Empty || it.Healthy || !it.Learner && it.Name != "" {
			return "joined under an id that was in use before"
		}
		return ""
	}
	if atRest {
		return "changed something at rest"
	}
	after := m.Members
	switch step.Action {
	case decide.MemberAdd:
		if waiting > 0 {
			return "added while a learner waits"
		}
		if onList(m, step.Name) {
			return "added who is a member already"
		}
		if len(m.Members) >= m.Desired {
			return "added more than the spec asks for"
		}
		return quorumLost(after)
	case decide.MemberPromote:
		if !it.Learner || !it.CaughtUp || !it.Healthy {
			return "promoted what is no learner that has caught up"
		}
		after = replaced(after, step.ID, func(v decide.MemberView) []decide.MemberView { v.Learner = false; return []decide.MemberView{v} })
		return quorumLost(after)
	case decide.MemberRemove:
		return removedWrongly(m, it)
	}
	return fmt.Sprintf("an action that is not known: %q", step.Action)
}

func removedWrongly(m decide.Membership, it decide.MemberView) string {
	voters, healthy, waiting := tally(m.Members)
	fewer := m.Desired > 0 && m.Desired < len(m.Members)
	lostLearner := it.Learner && it.Lost && !it.Healthy
	switch {
	case waiting > 0 && !lostLearner:
		return "removed while a learner waits"
	case !it.Lost && !fewer:
		return "removed whom nobody attested, and the spec asks for no fewer"
	case it.Healthy && !fewer:
		return "removed one that is well"
	case it.Learner:
		return ""
	case healthy < voters/2+1:
		return "removed a voter without a quorum to agree to it"
	}
	return quorumLost(replaced(m.Members, it.ID, func(decide.MemberView) []decide.MemberView { return nil }))
}

func tally(members []decide.MemberView) (voters, healthy, waiting int) {
	for _, v := range members {
		switch {
		case v.Learner:
			waiting++
			continue
		case v.Name == "" && !v.Healthy && !v.Lost:
			waiting++
		}
		voters++
		if v.Healthy {
			healthy++
		}
	}
	return voters, healthy, waiting
}

func quorumLost(after []decide.MemberView) string {
	voters, healthy, _ := tally(after)
	if healthy < voters/2+1 {
		return fmt.Sprintf("%d healthy voters of %d are left", healthy, voters)
	}
	return ""
}

func replaced(members []decide.MemberView, id uint64, by func(decide.MemberView) []decide.MemberView) (out []decide.MemberView) {
	for _, v := range members {
		if v.ID == id {
			out = append(out, by(v)...)
		} else {
			out = append(out, v)
		}
	}
	return out
}

func onList(m decide.Membership, name string) bool {
	for _, v := range m.Members {
		if v.Name == name {
			return true
		}
	}
	return false
}
