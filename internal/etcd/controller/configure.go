package controller

import (
	"context"
	"fmt"
	"slices"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

// changeable are the fields of the spec that can be changed on a living
// cluster by this version.
var changeable = []string{"memberCount", "backupInterval"}

// refuse is a no that was given before anything was done.
func refuse(format string, args ...any) error {
	return &agent.RefusedError{Why: fmt.Sprintf(format, args...)}
}

// Configure changes fields of the spec in the record, by compare-and-swap. Any
// agent can do it; no lease is needed, since the write itself is the lock.
func (c *Controller) Configure(ctx context.Context, fields map[string]string) ([]string, error) {
	for field := range fields {
		if !slices.Contains(changeable, field) {
			return nil, refuse("the field %q cannot be changed on a living cluster; expected one of %v", field, changeable)
		}
	}
	c.passing.Lock()
	defer c.passing.Unlock()
	w := c.gather(ctx)
	if w.verdict.State != proof.Intact {
		return nil, refuse("the spec is changed only while the verdict is Intact; it is %s: %s", w.verdict.State, w.verdict.Why)
	}
	r := *w.control.Doc
	spec, changes, err := r.Spec.With(fields)
	if err != nil {
		return nil, refuse("%s", err)
	}
	if len(changes) == 0 {
		return nil, nil
	}
	r.Spec = spec
	if _, err := c.keeper.WriteRecord(ctx, w.control, r, w.serial); err != nil {
		return nil, err
	}
	return changes, nil
}

// MoveStores moves a store to another URL: the new place is marked, the record
// is written there (or names it), the agents' memories follow it, and the old
// place keeps a forwarding mark. Nothing is copied out of a store that was
// attested lost.
func (c *Controller) MoveStores(ctx context.Context, control, backup string) ([]string, error) {
	c.passing.Lock()
	defer c.passing.Unlock()
	w := c.gather(ctx)
	if len(w.verdict.Whole) != 1 || w.verdict.State != proof.Intact && w.verdict.State != proof.RecordLost {
		return nil, refuse("a store is moved only while the cluster is Intact or its record is lost; the verdict is %s: %s", w.verdict.State, w.verdict.Why)
	}
	if !c.leads() {
		return nil, refuse("this agent does not lead; ask the one that does (seedproof etcd status)")
	}
	h := &hand{c: c, w: w}
	stores := h.stores(w)
	var changes []string
	for _, m := range []struct {
		kind store.Kind
		to   string
		into *store.Remembered
	}{{store.ControlStore, control, &stores.Control}, {store.BackupStore, backup, &stores.Backup}} {
		if m.to == "" {
			continue
		}
		moved, err := c.prepareMove(ctx, m.kind, m.to)
		if err != nil {
			return changes, err
		}
		changes = append(changes, fmt.Sprintf("%s: %s -> %s", m.kind, m.into.URL, moved.URL))
		*m.into = moved
	}
	if len(changes) == 0 {
		return nil, nil
	}
	return changes, c.commitMove(ctx, w, stores, control)
}

// prepareMove marks the new place. It must be new, or marked by an earlier try.
func (c *Controller) prepareMove(ctx context.Context, kind store.Kind, to string) (store.Remembered, error) {
	s, err := c.deps.OpenStore(ctx, to)
	if err != nil {
		return store.Remembered{}, err
	}
	defer func() { _ = s.Close() }()
	seen := store.LookAtPlace(ctx, s)
	if seen.MarkFinding == store.MarkAbsent {
		if err := store.PutMark(ctx, s, store.NewMark(kind, c.cfg.Cluster, c.deps.Clock.Now())); err != nil {
			return store.Remembered{}, err
		}
		seen = store.LookAtPlace(ctx, s)
	}
	if seen.MarkFinding != store.MarkPresent {
		return store.Remembered{}, fmt.Errorf("look at the new %s %s: %w", kind, to, seen.Err)
	}
	if seen.Mark.Cluster != c.cfg.Cluster || seen.Mark.Kind != kind {
		return store.Remembered{}, refuse("%s is the %s of cluster %s; expected a new place", to, seen.Mark.Kind, seen.Mark.Cluster)
	}
	return store.Remembered{URL: s.URL(), MarkID: seen.Mark.ID, FS: seen.FS}, nil
}

// commitMove writes the record into the store that counts from now on, lets
// every agent remember it, and leaves the forwarding mark last.
func (c *Controller) commitMove(ctx context.Context, w *world, stores record.Stores, control string) error {
	h := &hand{c: c, w: w}
	r := record.Record{Identity: w.verdict.Identity, Spec: w.spec}
	if w.control.Doc != nil {
		r = *w.control.Doc
	}
	r.Stores = stores
	fillFromWhole(&r, w)
	keeper, view := c.keeper, w.control
	if control != "" {
		s, err := c.deps.OpenStore(ctx, control)
		if err != nil {
			return err
		}
		defer func() { _ = s.Close() }()
		keeper = &record.Keeper{Cluster: c.cfg.Cluster, Store: s, Now: c.deps.Clock.Now, Writer: c.cfg.Name}
		view = keeper.Look(ctx, []store.Remembered{stores.Control}, true)
	}
	written, err := keeper.WriteRecord(ctx, view, r, w.serial)
	if err != nil {
		return err
	}
	lease, _ := c.lead.Held()
	h.lease.Epoch, h.lease.Tenure, h.lease.Holder, h.lease.Pass = lease.Epoch, lease.Tenure, c.cfg.Name, flow.PassID(ctx)
	moved := *w
	moved.control.Doc = &written
	memory := h.memoryOf(&moved)
	memory.ControlStore, memory.BackupStore = &stores.Control, &stores.Backup
	var names []string
	for _, a := range w.answered() {
		names = append(names, a.name)
	}
	if err := h.eachOf(ctx, names, func(ctx context.Context, p Peer) error { return p.Remember(ctx, h.lease, memory) }); err != nil {
		return err
	}
	if control != "" && w.control.Place.Writable() {
		return c.keeper.Forward(ctx, w.control, stores.Control.URL)
	}
	return nil
}
