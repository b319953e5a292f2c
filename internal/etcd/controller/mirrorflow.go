package controller

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/store"
)

// mirrorMemory is what is known of etcd-manager's spec file without reading it
// again: its content by the version that the listing shows.
type mirrorMemory struct {
	mu      sync.Mutex
	version store.Version
	content []byte
	wrote   []string // hashes, for a record that was lost
}

func (m *mirrorMemory) known() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.wrote)
}

func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8])
}

// mirrorSpec is the file that etcd-manager would read. It takes its etcd
// version and member count from the record.
func mirrorSpec(s record.Spec) ([]byte, error) {
	return managerfiles.EncodeSpec(managerfiles.Spec{MemberCount: int32(s.MemberCount), EtcdVersion: s.EtcdVersion})
}

// mirrorFlow keeps etcd-manager's two control files beside the backups, the
// marker always first: a spec without a marker is what wipes a cluster under a
// stock etcd-manager. They are created where absent and swapped where they are
// what we wrote last; nothing else is ever replaced.
func (h *hand) mirrorFlow() flow.Flow {
	f := flow.Flow{Name: "mirror", Subject: h.c.cfg.Cluster}
	if h.c.backup == nil || h.w.backups.err != nil || !h.w.backups.place.Writable() {
		return f
	}
	marker := h.step("marker", nil, func(w *world) flow.Sight {
		if _, there := w.backups.listed[managerfiles.CreatedKey]; there {
			return flow.Sight{Done: true}
		}
		return flow.Sight{Why: "etcd-manager's marker is missing", Next: "write " + managerfiles.CreatedKey}
	}, func(ctx context.Context, w *world) error {
		content, err := managerfiles.EncodeCreated(managerfiles.Created{Time: h.c.deps.Clock.Now().UTC()})
		if err != nil {
			return err
		}
		_, err = store.Create(ctx, h.c.backup.store, managerfiles.CreatedKey, content)
		return err
	})
	spec := h.step("spec", []string{"marker"}, h.mirrorSight, h.writeMirror)
	f.Steps = []flow.Step{marker, spec}
	return f
}

func (h *hand) mirrorSight(w *world) flow.Sight {
	if w.control.Doc == nil {
		return flow.Sight{Blocked: true, Why: "there is no record"}
	}
	want, err := mirrorSpec(w.control.Doc.Spec)
	if err != nil {
		return flow.Sight{Blocked: true, Why: err.Error()}
	}
	info, there := w.backups.listed[managerfiles.SpecKey]
	if !there {
		return flow.Sight{Why: "etcd-manager's spec file is missing", Next: "write " + managerfiles.SpecKey}
	}
	have, err := h.readMirror(context.Background(), info)
	switch {
	case err != nil:
		return flow.Sight{Blocked: true, Why: err.Error()}
	case sameSpec(have, want):
		return flow.Sight{Done: true}
	case hashOf(have) == last(w.control.Doc.Mirrored):
		return flow.Sight{Why: "the spec has changed", Next: "bring " + managerfiles.SpecKey + " up to the record"}
	}
	return flow.Sight{Done: true, Why: managerfiles.SpecKey + " is not what we wrote last; it is left as it is"}
}

func last(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1]
}

func sameSpec(a, b []byte) bool {
	x, errX := managerfiles.DecodeSpec(a)
	y, errY := managerfiles.DecodeSpec(b)
	return errX == nil && errY == nil && x == y
}

// writeMirror notes in the record what it is going to write, then writes it.
func (h *hand) writeMirror(ctx context.Context, w *world) error {
	want, err := mirrorSpec(w.control.Doc.Spec)
	if err != nil {
		return err
	}
	if last(w.control.Doc.Mirrored) != hashOf(want) {
		r := *w.control.Doc
		r.Mirrored = append(slices.Clone(r.Mirrored), hashOf(want))
		if _, err := h.c.keeper.WriteRecord(ctx, w.control, r, w.serial); err != nil {
			return err
		}
	}
	if info, there := w.backups.listed[managerfiles.SpecKey]; there {
		_, err = store.Swap(ctx, h.c.backup.store, managerfiles.SpecKey, info.Version, want)
	} else {
		_, err = store.Create(ctx, h.c.backup.store, managerfiles.SpecKey, want)
	}
	return err
}

func (h *hand) readMirror(ctx context.Context, info store.Info) ([]byte, error) {
	m := &h.c.mirror
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.version == info.Version && m.version != "" {
		return m.content, nil
	}
	ctx, cancel := context.WithTimeout(ctx, h.c.askTimeout())
	defer cancel()
	content, got, err := store.Read(ctx, h.c.backup.store, managerfiles.SpecKey, 64<<10)
	if err != nil {
		return nil, err
	}
	m.version, m.content = got.Version, content
	return content, nil
}

// specFlow applies a request that stands in etcd-manager's spec file: one that
// differs from everything we wrote is applied once when it is valid. One that
// equals what we wrote earlier is an old file put back, and is reported.
func (h *hand) specFlow() flow.Flow {
	f := flow.Flow{Name: "spec", Subject: h.c.cfg.Cluster}
	info, there := h.w.backups.listed[managerfiles.SpecKey]
	if h.w.control.Doc == nil || !there || h.w.backups.err != nil {
		return f
	}
	f.Steps = []flow.Step{h.step("request", nil, func(w *world) flow.Sight {
		if w.control.Doc == nil { // it could be read when the pass began
			return flow.Sight{Blocked: true, Why: "there is no record"}
		}
		have, err := h.readMirror(context.Background(), info)
		if err != nil {
			return flow.Sight{Blocked: true, Why: err.Error()}
		}
		_, changes, err := h.requested(w, have)
		switch {
		case err != nil:
			h.trouble(fmt.Sprintf("%s asks for what cannot be, and is not followed: %v", managerfiles.SpecKey, err))
			return flow.Sight{Done: true, Why: err.Error()}
		case len(changes) == 0:
			h.reportOldMirror(w, have)
			return flow.Sight{Done: true}
		}
		return flow.Sight{Why: managerfiles.SpecKey + " was changed by somebody else", Next: fmt.Sprint("apply ", changes)}
	}, func(ctx context.Context, w *world) error {
		have, err := h.readMirror(ctx, info)
		if err != nil {
			return err
		}
		spec, _, err := h.requested(w, have)
		if err != nil {
			return flow.AsNeedsPerson(err, "seedproof etcd configure")
		}
		r := *w.control.Doc
		r.Spec = spec
		r.Mirrored = append(slices.Clone(r.Mirrored), hashOf(have))
		_, err = h.c.keeper.WriteRecord(ctx, w.control, r, w.serial)
		return err
	})}
	return f
}

// reportOldMirror: the file equals one that stood there earlier, not the last
// one, which the mirror flow brings up to the record by itself.
func (h *hand) reportOldMirror(w *world, have []byte) {
	doc := w.control.Doc
	want, err := mirrorSpec(doc.Spec)
	stale := slices.Contains(doc.Mirrored, hashOf(have)) && hashOf(have) != last(doc.Mirrored)
	if err != nil || !stale || sameSpec(have, want) {
		return
	}
	h.trouble(fmt.Sprintf("%s is an old one that was put back; it is neither followed nor replaced: to go by it, seedproof etcd configure, else delete it", managerfiles.SpecKey))
}

// requested is the spec that the file asks for, and how it differs.
func (h *hand) requested(w *world, have []byte) (record.Spec, []string, error) {
	doc := w.control.Doc
	if slices.Contains(doc.Mirrored, hashOf(have)) || doc.Mirrored == nil {
		return doc.Spec, nil, nil // ours, or an older one of ours, or nothing was written yet
	}
	asked, err := managerfiles.DecodeSpec(have)
	if err != nil {
		return doc.Spec, nil, err
	}
	if asked.MemberCount == 0 || asked.EtcdVersion == "" {
		return doc.Spec, nil, errors.New("memberCount or etcdVersion is missing")
	}
	return doc.Spec.With(map[string]string{"memberCount": strconv.Itoa(int(asked.MemberCount)), "etcdVersion": asked.EtcdVersion})
}

func (h *hand) trouble(text string) {
	if !slices.Contains(h.w.troubles, text) {
		h.w.troubles = append(h.w.troubles, text)
	}
}
