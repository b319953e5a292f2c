package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/seedproof/seedproof/internal/atomicfile"
	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

const (
	memoryFormat = 1
	memoryLimit  = 4 << 20 // bytes; a memory is some 4 KiB
	maxWords     = 64      // attestations and approvals that are kept of each kind
)

// document is what an agent remembers, outside the data volume.
type document struct {
	Format  int    `json:"format"`
	ID      string `json:"id"` // random, made with the memory
	Cluster string `json:"cluster"`
	// Damaged says why the memory before this one could not be understood,
	// until a record told what it must have held.
	Damaged string `json:"damaged,omitempty"`

	Epoch  uint64 `json:"epoch,omitempty"` // the highest lease heard, and its tenure
	Tenure string `json:"tenure,omitempty"`

	Identity proof.Identity  `json:"identity,omitzero"` // of the cluster that was born
	Members  decide.List     `json:"members,omitempty"`
	Spec     json.RawMessage `json:"spec,omitempty"`
	Serial   uint64          `json:"serial,omitempty"`

	ControlStore *store.Remembered `json:"controlStore,omitempty"`
	BackupStore  *store.Remembered `json:"backupStore,omitempty"`
	Volume       *store.Remembered `json:"volume,omitempty"`

	Noted    *noted              `json:"noted,omitempty"`
	Claim    *decide.Claim       `json:"claim,omitempty"`
	Started  *startedClaim       `json:"started,omitempty"`
	Joined   *joinedAs           `json:"joined,omitempty"`
	Adopting *proof.Identity     `json:"adopting,omitempty"` // what the directory bore when its adoption was decided
	Words    []proof.Attestation `json:"attestations,omitempty"`
	Approved []proof.Approval    `json:"approvals,omitempty"`
}

// noted is how far this node's own data had come for certain.
type noted struct {
	Identity proof.Identity  `json:"identity"`
	MemberID uint64          `json:"memberID,string"`
	Position decide.Position `json:"position"`
	Revision int64           `json:"revision,omitempty"` // of a linearizable read
}

// startedClaim is the note that comes before the start of a claim's etcd.
type startedClaim struct {
	Attempt  string         `json:"attempt"`
	Identity proof.Identity `json:"identity"`
}

// joinedAs is the note that comes before the start of a member that joins: the
// id is used by one directory once.
type joinedAs struct {
	Identity proof.Identity `json:"identity"`
	MemberID uint64         `json:"memberID,string"`
}

// memory is the document and its file. What it returns are copies.
type memory struct {
	path    string
	cluster string
	faults  *fault.Injector

	mu      sync.Mutex
	doc     document
	met     bool   // there was a file, whether it could be read or not
	unknown string // why the file can be neither read nor replaced; empty when it was read
}

// openMemory reads the memory, and makes one where it is certain that there is
// none. Only a memory that cannot be made is an error: what cannot be read is
// for the testimony to tell.
func openMemory(l layout, cluster string, faults *fault.Injector, now time.Time) (*memory, error) {
	m := &memory{path: l.memory(), cluster: cluster, faults: faults}
	if err := os.MkdirAll(l.state, dirMode); err != nil {
		return nil, fmt.Errorf("make the state dir: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m, m.load(now)
}

// load settles what the file says. Its error is one of making a new memory.
func (m *memory) load(now time.Time) error {
	content, err := atomicfile.Read(m.path, memoryLimit)
	switch {
	case errors.Is(err, fs.ErrNotExist) && m.met:
		m.unknown = "it was there, and is gone while the agent runs: is the state directory mounted?"
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return m.begin(m.damagedBefore())
	case errors.Is(err, atomicfile.ErrTooLarge):
		return m.setAside(err, now)
	case err != nil:
		m.met, m.unknown = true, err.Error()
		return nil //nolint:nilerr // it is told as Unknown, never as an absence
	}
	m.met = true
	doc, err := parseMemory(content)
	switch {
	case errors.Is(err, errNewer):
		m.unknown = err.Error()
	case err != nil:
		return m.setAside(err, now)
	case doc.Cluster != m.cluster:
		m.unknown = fmt.Sprintf("it is of cluster %q, and this agent is of %q", doc.Cluster, m.cluster)
	default:
		m.doc, m.unknown = *doc, ""
	}
	return nil
}

// setAside keeps a damaged memory under another name and begins a new one.
func (m *memory) setAside(cause error, now time.Time) error {
	aside := m.path + damagedSuffix + now.UTC().Format(time.RFC3339)
	if err := os.Rename(m.path, aside); err != nil {
		return fmt.Errorf("set the damaged memory aside: %w", err)
	}
	return m.begin(fmt.Sprintf("it was damaged (%v) and is kept as %s", cause, filepath.Base(aside)))
}

// damagedSuffix and a time are what a damaged memory's name ends in.
const damagedSuffix = ".damaged-"

// damagedBefore says that a memory was set aside and the agent ended before it
// had begun a new one, or nothing.
func (m *memory) damagedBefore() string {
	aside, err := filepath.Glob(m.path + damagedSuffix + "*")
	if err != nil || len(aside) == 0 {
		return ""
	}
	return "it was damaged and is kept as " + filepath.Base(aside[len(aside)-1])
}

func (m *memory) begin(damaged string) error {
	m.met = true
	m.doc = document{Format: memoryFormat, ID: record.NewNonce(), Cluster: m.cluster, Damaged: damaged}
	m.unknown = ""
	if err := atomicfile.Write(m.path, encodeMemory(m.doc), fileMode); err != nil {
		return fmt.Errorf("make the memory: %w", err)
	}
	return nil
}

func parseMemory(content []byte) (*document, error) {
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(content, &head); err != nil {
		return nil, fmt.Errorf("decode the memory: %w", err)
	}
	if head.Format > memoryFormat {
		return nil, fmt.Errorf("memory of format %d, known up to %d: %w", head.Format, memoryFormat, errNewer)
	}
	var doc document
	if err := json.Unmarshal(content, &doc); err != nil {
		return nil, fmt.Errorf("decode the memory: %w", err)
	}
	if doc.Format != memoryFormat || doc.ID == "" || doc.Cluster == "" {
		return nil, errors.New("the memory bears no id or no cluster")
	}
	return &doc, nil
}

func encodeMemory(doc document) []byte {
	b, _ := json.MarshalIndent(doc, "", "  ") // what was parsed, or plain values: always encodes
	return append(b, '\n')
}

func (doc document) clone() document {
	copied, err := parseMemory(encodeMemory(doc))
	if err != nil {
		return doc // of a memory that was never read: empty
	}
	return *copied
}

// read gives what is remembered. unknown says why nothing can be said; then the
// document is empty. It tries again to read what could not be read.
func (m *memory) read(now time.Time) (doc document, unknown string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.unknown != "" {
		if err := m.load(now); err != nil {
			m.unknown = err.Error()
		}
	}
	if m.unknown != "" {
		return document{}, m.unknown
	}
	return m.doc.clone(), ""
}

// change applies edit and writes the memory when that made a difference. An
// error leaves as the memory whatever the file says then.
func (m *memory) change(ctx context.Context, now time.Time, edit func(*document) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.unknown != "" {
		return refuse("the memory cannot be read: %s", m.unknown)
	}
	next := m.doc.clone()
	if err := edit(&next); err != nil {
		return err
	}
	before, after := encodeMemory(m.doc), encodeMemory(next)
	if bytes.Equal(before, after) {
		return nil
	}
	err := m.faults.Around(ctx, fault.Call{Transport: "memory", Op: "write", Target: m.path}, func() error {
		return atomicfile.Write(m.path, after, fileMode)
	})
	if err != nil {
		m.unknown = err.Error()
		if lerr := m.load(now); lerr != nil {
			m.unknown = lerr.Error()
		}
		return fmt.Errorf("write the memory: %w", err)
	}
	m.doc = next
	return nil
}
