package controller

import (
	"context"
	"fmt"
	"slices"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/process"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
)

// memberFlow brings the members to what the spec counts, one change at a time.
func (h *hand) memberFlow() flow.Flow {
	f := flow.Flow{Name: "members", Subject: h.c.cfg.Cluster}
	next := decide.NextMember(h.membership(h.w))
	if next.Action == decide.MemberNothing {
		return f
	}
	backup := h.risky(next)
	f.Steps = append(f.Steps, backup...)
	var needs []string
	for _, s := range backup {
		needs = append(needs, s.Name)
	}
	f.Steps = append(f.Steps, h.step(string(next.Action), needs, func(w *world) flow.Sight {
		now := decide.NextMember(h.membership(w))
		switch {
		case now.Action != next.Action || now.Name != next.Name || now.ID != next.ID:
			return flow.Sight{Done: true}
		case now.Action == decide.MemberWaitAction:
			return flow.Sight{Blocked: true, Why: now.Why}
		case now.Action == decide.MemberStart && w.answers[now.Name].testimony.EtcdPID != 0:
			return flow.Sight{Blocked: true, Why: "its etcd runs and does not answer yet"}
		}
		return flow.Sight{Why: now.Why, Next: string(now.Action) + " " + now.Name}
	}, func(ctx context.Context, w *world) error { return h.changeMember(ctx, w, next) }))
	return f
}

// risky takes a backup before a member is added or removed. The pass does not
// wait for it: a large database takes longer than the lease lasts. A backup
// store that is down does not keep a lost member from being replaced.
func (h *hand) risky(next decide.MemberStep) []flow.Step {
	if next.Action != decide.MemberAdd && next.Action != decide.MemberRemove {
		return nil
	}
	return []flow.Step{h.step("backup-first", nil, func(w *world) flow.Sight {
		if why, ok := h.c.backups.fresh(w); ok {
			return flow.Sight{Done: true, Why: why}
		}
		if h.c.backups.busy.Load() {
			return flow.Sight{Blocked: true, Why: "a backup is being taken before " + string(next.Action)}
		}
		return flow.Sight{Why: "a backup comes before " + string(next.Action), Next: "take a backup"}
	}, func(ctx context.Context, w *world) error {
		h.c.backups.begin(ctx, w, "before "+string(next.Action))
		return nil
	})}
}

func (h *hand) changeMember(ctx context.Context, w *world, next decide.MemberStep) error {
	switch next.Action {
	case decide.MemberStart:
		return h.eachOf(ctx, []string{next.Name}, func(ctx context.Context, p Peer) error { return p.Start(ctx, h.lease) })
	case decide.MemberStartJoin:
		return h.startJoining(ctx, w, next)
	}
	return h.withEtcd(ctx, w, func(ctx context.Context, etcd *process.Client) error {
		switch next.Action {
		case decide.MemberAdd:
			_, err := etcd.MemberAddAsLearner(ctx, []string{w.answers[next.Name].testimony.PeerURL})
			return err
		case decide.MemberPromote:
			return etcd.Promote(ctx, next.ID)
		case decide.MemberRemove:
			return etcd.MemberRemove(ctx, next.ID)
		}
		return fmt.Errorf("member action %q is not known", next.Action)
	})
}

func (h *hand) startJoining(ctx context.Context, w *world, next decide.MemberStep) error {
	live := w.live(w.verdict.Identity)
	if len(live) == 0 {
		return fmt.Errorf("nobody answers linearizable reads")
	}
	join := agent.Joining{Identity: w.verdict.Identity, ID: next.ID, Members: live[0].testimony.Node.Part.Members, FormerLost: attestedLost(w, next.Name)}
	return h.eachOf(ctx, []string{next.Name}, func(ctx context.Context, p Peer) error {
		return p.StartJoining(ctx, h.lease, join)
	})
}

// withEtcd asks the members that answer linearizable reads.
func (h *hand) withEtcd(ctx context.Context, w *world, ask func(context.Context, *process.Client) error) error {
	var endpoints []string
	for _, a := range w.live(w.verdict.Identity) {
		endpoints = append(endpoints, a.testimony.ClientURL)
	}
	if len(endpoints) == 0 {
		return fmt.Errorf("nobody answers linearizable reads")
	}
	etcd, err := process.NewClient(endpoints, h.c.deps.EtcdTLS, process.WithFaults(h.c.deps.Faults))
	if err != nil {
		return err
	}
	defer func() { _ = etcd.Close() }()
	ctx, cancel := context.WithTimeout(ctx, h.c.askTimeout())
	defer cancel()
	return ask(ctx, etcd)
}

// membership is what decide.NextMember decides on: the list of a member that
// has just answered a linearizable read, beside what every node says.
func (h *hand) membership(w *world) decide.Membership {
	live := w.live(w.verdict.Identity)
	if len(live) == 0 || w.verdict.State != proof.Intact {
		return decide.Membership{}
	}
	list := live[0].testimony.Node.Part.Members
	m := decide.Membership{Desired: w.spec.MemberCount, LeaderID: live[0].testimony.RaftLeader}
	leader := slices.MaxFunc(live, func(a, b heard) int {
		return int(a.testimony.Node.Part.Position.Index) - int(b.testimony.Node.Part.Position.Index)
	}).testimony.Node.Part.Position.Index
	onList := map[string]bool{}
	for _, ref := range list {
		v := h.memberView(w, ref, leader)
		onList[v.Name] = true
		m.Members = append(m.Members, v)
	}
	for _, a := range w.answered() {
		if !onList[a.name] && h.ready(w, a) {
			m.Candidates = append(m.Candidates, decide.Candidate{Name: a.name, PeerURL: a.testimony.PeerURL})
		}
	}
	return m
}

// catchUp is how many entries a learner may lie behind to be promoted; etcd
// has the last word.
const catchUp = 1000

func (h *hand) memberView(w *world, ref decide.MemberRef, leader uint64) decide.MemberView {
	v := decide.MemberView{MemberRef: ref}
	a, ok := nodeOf(w, ref)
	if !ok {
		v.Lost = attestedLost(w, ref.Name)
		return v
	}
	v.Name = a.name
	v.Lost = attestedLost(w, a.name)
	if a.err != nil {
		return v
	}
	p := a.testimony.Node.Part
	v.Answers = true
	v.Whole = p.Finding == proof.Present && p.ID == ref.ID && decide.AtBoot(a.testimony.Node).Start
	v.Empty = h.ready(w, a) || madeToJoin(w, ref, p)
	// A person's word was given for what the node held before: a member that was
	// added and has not started yet has lost nothing.
	v.Lost = v.Lost && (ref.Name != "" || !v.Empty)
	v.Healthy = p.Live && p.ID == ref.ID && (p.Linearizable || ref.Learner)
	v.CaughtUp = v.Healthy && p.Position.Index+catchUp >= leader
	return v
}

// madeToJoin: the directory was made for this very member, and its etcd has
// written nothing into it. The joining was cut off, and is asked for again.
func madeToJoin(w *world, ref decide.MemberRef, p decide.Part) bool {
	return p.Finding == proof.Present && !p.HasData && p.Claim == "" && p.Identity == w.verdict.Identity && p.ID == ref.ID
}

// nodeOf finds the agent of a member: by name or, for one that was added and
// has not started, by its peer URL.
func nodeOf(w *world, ref decide.MemberRef) (heard, bool) {
	if a, ok := w.answers[ref.Name]; ok && ref.Name != "" {
		return a, true
	}
	for _, a := range w.answered() {
		if a.testimony.PeerURL == ref.PeerURL {
			return a, true
		}
	}
	return heard{}, false
}

// ready: the node can take a new member's data. What lies on its volume is
// nothing, or was attested lost, or belongs to a member that is on no list.
func (h *hand) ready(w *world, a heard) bool {
	if a.err != nil || a.testimony.Node.Memory.Finding == proof.Unknown {
		return false
	}
	return a.testimony.Node.Part.Finding == proof.Absent || attestedLost(w, a.name)
}

// attestedLost: a person's word that this member's data is lost still stands.
func attestedLost(w *world, name string) bool {
	for _, t := range w.verdict.Heard {
		if t.Witness.Name == decide.MemberWitness(name) && t.AttestedBy != "" {
			return true
		}
	}
	return false
}

// retireFlow moves data into the trash that can serve nobody any more: that of
// an earlier generation, and that of a member that was removed. Its node can
// join anew then. What answers linearizable reads is never touched.
func (h *hand) retireFlow() flow.Flow {
	f := flow.Flow{Name: "retire", Subject: h.c.cfg.Cluster}
	for _, a := range h.w.answered() {
		if h.leftBehind(h.w, a) == "" {
			continue
		}
		p := a.testimony.Node.Part
		f.Steps = append(f.Steps, h.step(a.name, nil, func(w *world) flow.Sight {
			why := h.leftBehind(w, w.answers[a.name])
			if why == "" {
				return flow.Sight{Done: true}
			}
			return flow.Sight{Why: why, Next: "move the data of " + a.name + " into its trash"}
		}, func(ctx context.Context, w *world) error {
			return h.eachOf(ctx, []string{a.name}, func(ctx context.Context, peer Peer) error {
				return peer.Retire(ctx, h.lease, agent.Retiring{Reason: h.leftBehind(w, a), Was: p.Identity, ID: p.ID})
			})
		}))
	}
	return f
}

// leftBehind says why a node's data can serve nobody any more, or "".
func (h *hand) leftBehind(w *world, a heard) string {
	doc, live := w.control.Doc, w.live(w.verdict.Identity)
	p := a.testimony.Node.Part
	if a.err != nil || doc == nil || len(live) == 0 || p.Finding != proof.Present || p.Linearizable {
		return ""
	}
	if p.Identity.EarlierThan(doc.Identity) {
		return fmt.Sprintf("of generation %d, superseded by %d", p.Identity.Generation, doc.Identity.Generation)
	}
	onList := slices.ContainsFunc(live[0].testimony.Node.Part.Members, func(m decide.MemberRef) bool { return m.ID == p.ID })
	if p.Identity == doc.Identity && p.ID != 0 && !onList {
		return fmt.Sprintf("member %x was removed", p.ID)
	}
	return ""
}
