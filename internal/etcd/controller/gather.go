package controller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/lead"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

// gather asks everybody once and puts the answers together. It changes nothing
// but the marks of places that nobody has used yet or that were emptied.
func (c *Controller) gather(ctx context.Context) *world {
	w := &world{at: c.deps.Clock.Now()}
	w.answers = c.peers.askAll(ctx, c.testify)
	c.countAgents(w)
	c.openPlaces(ctx, w)
	w.troubles = append(w.troubles, c.placeTroubles()...)
	allKnown := c.allWhoCouldRemember(w)
	var both sync.WaitGroup
	both.Go(func() { w.control = c.lookAtControl(ctx, w, allKnown) })
	both.Go(func() { w.backups = c.lookAtBackups(ctx, w, allKnown) })
	both.Wait()
	c.markPlaces(ctx, w, allKnown)
	c.learnSpec(w)
	c.buildEvidence(w)
	w.verdict, w.void = decide.Judge(w.evidence)
	return w
}

func (c *Controller) testify(ctx context.Context, p Peer) (agent.Testimony, error) {
	ctx, cancel := context.WithTimeout(ctx, c.askTimeout())
	defer cancel()
	return p.Testify(ctx)
}

func (c *Controller) countAgents(w *world) {
	w.agents = lead.Agents{Of: max(len(w.answers), c.cfg.Spec.MemberCount)}
	for _, h := range w.answered() {
		w.agents.Answered++
		w.agents.Highest = max(w.agents.Highest, h.testimony.Epoch)
		w.serial = max(w.serial, h.testimony.Node.Memory.Serial)
		for _, a := range h.testimony.Approvals {
			if !slices.Contains(w.approvals, a) {
				w.approvals = append(w.approvals, a)
			}
		}
		for _, a := range h.testimony.Attestations {
			if !slices.Contains(w.evidence.Attestations, a) {
				w.evidence.Attestations = append(w.evidence.Attestations, a)
			}
		}
		for _, t := range h.testimony.Troubles {
			w.troubles = append(w.troubles, h.name+": "+t)
		}
	}
}

// openPlaces opens the stores, once, and follows them when they move.
func (c *Controller) openPlaces(ctx context.Context, w *world) {
	control, err := c.openPlace(ctx, c.control, store.ControlStore, c.cfg.ControlStore, noted(w.answers, controlOf, c.cfg.ControlStore))
	if err != nil {
		w.troubles = append(w.troubles, err.Error())
	}
	if control != c.control {
		c.control = control
		c.keeper = &record.Keeper{Cluster: c.cfg.Cluster, Store: control.store, Now: c.deps.Clock.Now, Writer: c.cfg.Name}
		c.lead = &lead.Candidate{Store: control.store, Name: c.cfg.Name, Term: c.cfg.Term, Clock: c.deps.Clock}
	}
	backup, err := c.openPlace(ctx, c.backup, store.BackupStore, c.cfg.BackupStore, noted(w.answers, backupOf, c.cfg.BackupStore))
	if err != nil {
		w.troubles = append(w.troubles, err.Error())
	}
	if backup != c.backup {
		c.backup = backup
		c.look = &backupLook{}
		c.backups.forget()
	}
	w.controlPlace, w.backupPlace = c.control, c.backup
}

func (c *Controller) placeTroubles() []string {
	var troubles []string
	for _, p := range []*place{c.control, c.backup} {
		if p != nil && p.told != "" {
			troubles = append(troubles, fmt.Sprintf("the command line names the %s %s, and the cluster remembers %s, which is used; to move it: seedproof etcd move-store", p.kind, p.told, p.url))
		}
	}
	return troubles
}

// allWhoCouldRemember: every agent that is expected answered and can read its
// memory. Only then is "nobody remembers a mark" an answer.
func (c *Controller) allWhoCouldRemember(w *world) bool {
	known := 0
	for _, h := range w.answers {
		if h.err != nil || h.testimony.Node.Memory.Finding == proof.Unknown {
			return false
		}
		known++
	}
	return known >= c.cfg.Spec.MemberCount
}

func (c *Controller) lookAtControl(ctx context.Context, w *world, allKnown bool) record.View {
	if c.keeper == nil {
		why := "the control store could not be opened"
		return record.View{Record: decide.Record{Why: why}, Claim: decide.ClaimView{Why: why}, Place: store.PlaceFinding{Why: why}}
	}
	ctx, cancel := context.WithTimeout(ctx, c.askTimeout())
	defer cancel()
	v := c.keeper.Look(ctx, noted(w.answers, controlOf, c.cfg.ControlStore), allKnown)
	if v.MovedTo != "" && v.MovedTo != c.control.url {
		return c.hasMoved(w, v)
	}
	return v
}

// markPlaces marks what is new or was emptied: the control store first, and
// neither when that one cannot bear a lease.
func (c *Controller) markPlaces(ctx context.Context, w *world, allKnown bool) {
	if !w.agents.Quorum() {
		return
	}
	if c.keeper != nil && c.mayPutMark(w.control.Place, allKnown) && c.control.enforces(ctx, c) {
		c.markControl(ctx, w, allKnown)
	}
	if c.backup != nil && c.mayPutMark(w.backups.place, allKnown) && c.Fatal() == nil {
		c.markBackup(ctx, w, allKnown)
	}
}

// mayPutMark: a new mark needs everybody, the remembered one only a quorum.
func (c *Controller) mayPutMark(f store.PlaceFinding, allKnown bool) bool {
	return f.Markable() && (f.State == store.PlaceEmptied || allKnown)
}

func (c *Controller) markControl(ctx context.Context, w *world, allKnown bool) {
	ctx, cancel := context.WithTimeout(ctx, c.askTimeout())
	defer cancel()
	before := w.control
	if err := c.keeper.PutMark(ctx, before, store.ControlStore); err != nil {
		c.deps.Log.Warn("the control store could not be marked", "error", err)
		return
	}
	c.deps.Log.Warn("the control store was marked", "was", before.Place.State.String(), "why", before.Place.Why)
	w.control = c.keeper.Look(ctx, noted(w.answers, controlOf, c.cfg.ControlStore), allKnown)
	keepEmptied(before, &w.control)
}

// hasMoved: the cluster left this store for another, and those of our memories
// that know it are silent. What lies here is old, and nothing is written here.
func (c *Controller) hasMoved(w *world, v record.View) record.View {
	why := fmt.Sprintf("the cluster has moved its control store from %s to %s, and no agent that answers knows of it", c.control.url, v.MovedTo)
	w.troubles = append(w.troubles, why)
	v.Place = store.PlaceFinding{State: store.PlaceOther, MarkID: v.Place.MarkID, Why: why}
	v.Record, v.Doc = decide.Record{Why: why}, nil
	v.Claim, v.ClaimDoc = decide.ClaimView{Why: why}, nil
	return v
}

// keepEmptied holds on to what the look before the mark was put back found: an
// emptied place testifies Unusable in the pass that marks it again, and from
// the next pass on its memory does.
func keepEmptied(before record.View, after *record.View) {
	if before.Place.State == store.PlaceEmptied && after.Record.Finding == proof.Absent {
		after.Record = before.Record
	}
}

// learnSpec finds the newest spec that anybody knows.
func (c *Controller) learnSpec(w *world) {
	w.spec = c.cfg.Spec
	var serial uint64
	for _, h := range w.answered() {
		s, err := record.ParseSpec(h.testimony.Spec)
		if err == nil && (!w.specKnown || h.testimony.Node.Memory.Serial > serial) {
			w.spec, w.specKnown, serial = s, true, h.testimony.Node.Memory.Serial
		}
	}
	if w.control.ClaimDoc != nil && w.control.ClaimDoc.Claim.State == decide.ClaimOpen {
		w.spec, w.specKnown = w.control.ClaimDoc.Spec, true
	}
	if doc := w.control.Doc; doc != nil && doc.Serial >= serial && (!w.specKnown || c.remembersLineage(w, doc.Identity.Lineage)) {
		w.spec, w.specKnown = w.control.Doc.Spec, true
	}
}

// remembersLineage: a memory or the data themselves name the lineage. The spec
// of a record that nobody here knows is another cluster's.
func (c *Controller) remembersLineage(w *world, lineage string) bool {
	for _, h := range w.answered() {
		n := h.testimony.Node
		if n.Memory.Identity.Lineage == lineage || n.Part.Identity.Lineage == lineage {
			return true
		}
	}
	return false
}

func (c *Controller) buildEvidence(w *world) {
	e := &w.evidence
	e.Cluster, e.At = c.cfg.Cluster, w.at
	e.Record, e.Claim = w.control.Record, w.control.Claim
	e.Traces = w.backups.traces()
	e.Want = w.spec.MemberCount
	e.Nodes = c.nodes(w)
	w.serial = max(w.serial, e.Record.Serial)
	applyAdoption(w)
}

// nodes are the union of the members that anybody names and the agents that
// answered; whoever is named and did not answer is silent.
func (c *Controller) nodes(w *world) []decide.Node {
	nodes := map[string]decide.Node{}
	silent := func(name, why string) {
		if _, known := nodes[name]; !known && name != "" {
			nodes[name] = decide.Node{Name: name, Part: decide.Part{Why: why}, Memory: decide.Memory{Why: why}}
		}
	}
	for _, h := range w.answered() {
		nodes[h.name] = h.testimony.Node
	}
	for name := range c.named(w) {
		why := "its agent's address is not known"
		if h, asked := w.answers[name]; asked && h.err != nil {
			why = "its agent does not answer: " + h.err.Error()
		}
		silent(name, why)
	}
	for _, name := range slices.Sorted(maps.Keys(w.answers)) {
		if h := w.answers[name]; h.err != nil && len(nodes) < w.evidence.Want {
			silent(name, "its agent does not answer: "+h.err.Error())
		}
	}
	var list []decide.Node
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		list = append(list, nodes[name])
	}
	return list
}

// named are the members that record, claim, memories, data or the newest
// backup name.
func (c *Controller) named(w *world) map[string]bool {
	names := map[string]bool{}
	add := func(l decide.List) {
		for _, m := range l {
			names[m.Name] = true
		}
	}
	if w.control.Record.Finding == proof.Present {
		add(w.control.Record.Members)
	}
	if w.control.Claim.Finding == proof.Present && w.control.Claim.Claim.State == decide.ClaimOpen {
		add(w.control.Claim.Claim.List())
	}
	if w.backups.ofLineage(c.lineages(w)) {
		add(w.backups.members())
	}
	for _, h := range w.answered() {
		add(h.testimony.Node.Part.Members)
		add(h.testimony.Node.Memory.Members)
		if h.testimony.Claim != nil {
			add(h.testimony.Claim.List())
		}
	}
	return names
}

// lineages are those that the record, memories and data name.
func (c *Controller) lineages(w *world) map[string]bool {
	known := map[string]bool{}
	for _, h := range w.answered() {
		known[h.testimony.Node.Part.Identity.Lineage] = true
		known[h.testimony.Node.Memory.Identity.Lineage] = true
	}
	known[w.control.Record.Identity.Lineage] = true
	delete(known, "")
	return known
}
