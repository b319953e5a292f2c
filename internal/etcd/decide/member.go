package decide

import (
	"cmp"
	"fmt"
	"slices"
)

// MemberAction is one change to the members of a cluster that is Intact.
type MemberAction string

const (
	MemberNothing    MemberAction = ""
	MemberStart      MemberAction = "start"       // start the etcd of a member whose data is whole
	MemberAdd        MemberAction = "add-learner" // add an empty node, as a learner first
	MemberStartJoin  MemberAction = "start-join"  // start the etcd of a member that was added
	MemberPromote    MemberAction = "promote"     // let a learner that has caught up vote
	MemberRemove     MemberAction = "remove"      // remove a member that is lost or too many
	MemberWaitAction MemberAction = "wait"
)

// MemberStep is the one next change, with its reason.
type MemberStep struct {
	Action MemberAction
	Name   string
	ID     uint64
	Why    string
}

// MemberView is one member of the live list, beside what its node says.
type MemberView struct {
	MemberRef
	// Answers: its agent answers. Whole: its data directory is there, whole,
	// and bears this very member id. Empty: its agent answers, its volume is
	// the one that is remembered (or one that a person confirmed), and nothing
	// is on it.
	Answers, Whole, Empty bool
	// Healthy: its etcd answers for itself.
	Healthy bool
	// Lost: a person attested that its data is lost.
	Lost bool
	// CaughtUp: a learner whose log is close to the leader's.
	CaughtUp bool
}

// Candidate is a node that is ready to join: its agent answers, and its volume
// is empty or of a member that is no longer on the list.
type Candidate struct {
	Name    string
	PeerURL string
}

// Membership is what NextMember decides on. It is read from a member that has
// just answered a linearizable read.
type Membership struct {
	Desired    int
	Members    []MemberView
	Candidates []Candidate
	LeaderID   uint64 // etcd's own leader, which is removed last
}

// NextMember gives at most one change. It never lets the started voters fall
// below a quorum, changes nothing while a learner waits, and removes a member
// only when the others are a healthy quorum and a person attested its loss, or
// when the spec asks for fewer.
func NextMember(m Membership) MemberStep {
	if step := m.startWhole(); step.Action != MemberNothing {
		return step
	}
	if step := m.bringUpLearner(); step.Action != MemberNothing {
		return step
	}
	if step := m.replaceLost(); step.Action != MemberNothing {
		return step
	}
	switch {
	case len(m.Members) < m.Desired:
		return m.grow()
	case len(m.Members) > m.Desired && m.Desired > 0:
		return m.shrink()
	}
	return MemberStep{}
}

func (m Membership) startWhole() MemberStep {
	for _, v := range m.Members {
		if v.Whole && !v.Healthy && v.Answers {
			return MemberStep{Action: MemberStart, Name: v.Name, ID: v.ID, Why: "its data is whole and its etcd is down"}
		}
	}
	return MemberStep{}
}

// bringUpLearner sees one learner through before anything else changes, and so
// a voter without a name, which has never been started.
func (m Membership) bringUpLearner() MemberStep {
	for _, v := range m.Members {
		neverStarted := v.Name == "" && !v.Healthy && !v.Lost
		if !v.Learner && !neverStarted {
			continue
		}
		step := MemberStep{Name: v.Name, ID: v.ID}
		switch {
		case v.Lost && !v.Healthy:
			step.Action, step.Why = MemberRemove, "a learner attested lost"
		case !v.Healthy && v.Empty:
			step.Action, step.Why = MemberStartJoin, "it was added and has not started yet"
		case v.Healthy && v.CaughtUp && m.healthyVoters()+1 >= quorum(m.voters()+1):
			step.Action, step.Why = MemberPromote, "the learner has caught up"
		default:
			step.Action, step.Why = MemberWaitAction, "waiting for the learner "+v.Name+" to catch up"
		}
		return step
	}
	return MemberStep{}
}

func (m Membership) replaceLost() MemberStep {
	for _, v := range m.Members {
		if !v.Lost || v.Healthy {
			continue
		}
		if m.healthyVoters() < quorum(m.voters()) {
			return MemberStep{Action: MemberWaitAction, Name: v.Name, ID: v.ID,
				Why: fmt.Sprintf("%s is attested lost, and the others are no healthy quorum", v.Name)}
		}
		return MemberStep{Action: MemberRemove, Name: v.Name, ID: v.ID, Why: v.Name + " is attested lost; it joins again as a new member"}
	}
	return MemberStep{}
}

func (m Membership) grow() MemberStep {
	if m.healthyVoters() < m.voters() {
		return MemberStep{Action: MemberWaitAction, Why: "a member is down; none is added meanwhile"}
	}
	candidates := slices.DeleteFunc(slices.Clone(m.Candidates), m.isMember)
	slices.SortFunc(candidates, func(a, b Candidate) int { return cmp.Compare(a.Name, b.Name) })
	if len(candidates) == 0 {
		return MemberStep{Action: MemberWaitAction,
			Why: fmt.Sprintf("waiting for %d more: the spec counts %d members, and %d are there", m.Desired-len(m.Members), m.Desired, len(m.Members))}
	}
	return MemberStep{Action: MemberAdd, Name: candidates[0].Name,
		Why: fmt.Sprintf("the spec counts %d members, and %d are there", m.Desired, len(m.Members))}
}

// isMember reports whether the candidate is on the list already: the reply to
// its joining was lost, or its old id has to go first.
func (m Membership) isMember(c Candidate) bool {
	return slices.ContainsFunc(m.Members, func(v MemberView) bool {
		return v.Name == c.Name || v.PeerURL != "" && v.PeerURL == c.PeerURL
	})
}

// shrink removes the member that is missed least: one that is down before one
// that is up, etcd's leader last, then by name from the end.
func (m Membership) shrink() MemberStep {
	members := slices.SortedFunc(slices.Values(m.Members), func(a, b MemberView) int {
		if a.Healthy != b.Healthy {
			return cmpBool(a.Healthy, b.Healthy)
		}
		if (a.ID == m.LeaderID) != (b.ID == m.LeaderID) {
			return cmpBool(a.ID == m.LeaderID, b.ID == m.LeaderID)
		}
		return cmp.Compare(b.Name, a.Name)
	})
	v := members[0]
	if m.healthyVoters() < quorum(m.voters()) {
		return MemberStep{Action: MemberWaitAction, Why: "the spec counts fewer members, and the others are no healthy quorum"}
	}
	return MemberStep{Action: MemberRemove, Name: v.Name, ID: v.ID,
		Why: fmt.Sprintf("the spec counts %d members, and %d are there", m.Desired, len(m.Members))}
}

func (m Membership) voters() int {
	return count(m.Members, func(v MemberView) bool { return !v.Learner })
}

func (m Membership) healthyVoters() int {
	return count(m.Members, func(v MemberView) bool { return !v.Learner && v.Healthy })
}

func count(members []MemberView, fits func(MemberView) bool) int {
	n := 0
	for _, v := range members {
		if fits(v) {
			n++
		}
	}
	return n
}

func quorum(voters int) int { return voters/2 + 1 }

func cmpBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
