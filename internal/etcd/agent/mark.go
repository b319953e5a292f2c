package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/seedproof/seedproof/internal/atomicfile"
	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/process"
	"github.com/seedproof/seedproof/internal/proof"
)

const (
	markFormat = 1
	markLimit  = 256 << 10 // bytes; a mark of five members is 1 KiB
)

// errNewer: written by a later version of Seedproof. What it says is unknown,
// not damaged.
var errNewer = errors.New("written by a newer Seedproof")

// DirMark lies beside etcd's member directory and says whose data it is.
type DirMark struct {
	Format   int            `json:"format"`
	Cluster  string         `json:"cluster"`
	Identity proof.Identity `json:"identity"`
	// Claim is the attempt that made the directory; empty when it was made to
	// join, or adopted.
	Claim     string            `json:"claim,omitempty"`
	Name      string            `json:"name"`
	MemberID  uint64            `json:"memberID,string,omitempty"`  // 0 until it is known
	ClusterID uint64            `json:"clusterID,string,omitempty"` // etcd's; 0 until it is known
	Initial   map[string]string `json:"initialCluster"`             // member name to peer URL
	State     string            `json:"state"`                      // process.StateNew or StateExisting
	Token     string            `json:"token"`                      // the birth id
	PeerURL   string            `json:"peerURL"`
	ClientURL string            `json:"clientURL"`
	CreatedAt time.Time         `json:"createdAt"`
}

// ParseDirMark reads a mark. errNewer is among the causes when it cannot be
// judged; every other error means that it is damaged.
func ParseDirMark(content []byte) (*DirMark, error) {
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(content, &head); err != nil {
		return nil, fmt.Errorf("decode directory mark: %w", err)
	}
	if head.Format > markFormat {
		return nil, fmt.Errorf("directory mark of format %d, known up to %d: %w", head.Format, markFormat, errNewer)
	}
	var m DirMark
	if err := json.Unmarshal(content, &m); err != nil {
		return nil, fmt.Errorf("decode directory mark: %w", err)
	}
	known := m.State == process.StateNew || m.State == process.StateExisting
	if m.Format != markFormat || !m.Identity.Named() || m.Name == "" || m.Token == "" || len(m.Initial) == 0 || !known {
		return nil, errors.New("directory mark names no identity, member, token, members or state")
	}
	return &m, nil
}

func (m DirMark) encode() []byte {
	m.Format = markFormat
	b, _ := json.MarshalIndent(m, "", "  ") // plain values always encode
	return append(b, '\n')
}

// readDirMark gives nil without an error when there is none.
func readDirMark(path string) (*DirMark, error) {
	content, err := atomicfile.Read(path, markLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &unreadableError{err}
	}
	return ParseDirMark(content)
}

// unreadableError tells what could not be read from what was read and is
// damaged.
type unreadableError struct{ cause error }

func (e *unreadableError) Error() string { return "cannot be read: " + e.cause.Error() }
func (e *unreadableError) Unwrap() error { return e.cause }

// undecided reports whether nothing can be said of what the error is about.
func undecided(err error) bool {
	var unreadable *unreadableError
	return errors.As(err, &unreadable) || errors.Is(err, errNewer)
}

// stockIdentity is how a cluster is called that was not made by us.
func stockIdentity(clusterID uint64) proof.Identity {
	return proof.Identity{Lineage: fmt.Sprintf("etcd:%016x", clusterID)}
}

func claimedMark(cfg Config, c decide.Claim, now time.Time) DirMark {
	m := DirMark{Cluster: cfg.Cluster, Identity: c.Identity, Claim: c.Attempt, Name: cfg.Name, State: process.StateNew,
		Token: c.Identity.Birth, Initial: map[string]string{}, PeerURL: cfg.PeerURL, ClientURL: cfg.ClientURL, CreatedAt: now.UTC()}
	for _, member := range c.Members {
		m.Initial[member.Name] = member.PeerURL
	}
	return m
}

func joiningMark(cfg Config, id proof.Identity, member uint64, members decide.List, now time.Time) DirMark {
	return DirMark{Cluster: cfg.Cluster, Identity: id, Name: cfg.Name, MemberID: member, State: process.StateExisting,
		Token: tokenOf(id), Initial: initialCluster(cfg, member, members), PeerURL: cfg.PeerURL, ClientURL: cfg.ClientURL, CreatedAt: now.UTC()}
}

// tokenOf matters only while a directory has no data; an adopted cluster has
// no birth id.
func tokenOf(id proof.Identity) string {
	if id.Birth != "" {
		return id.Birth
	}
	return id.Lineage
}

// initialCluster names every member; one that was added and has not started
// has no name of its own yet.
func initialCluster(cfg Config, own uint64, members decide.List) map[string]string {
	initial := map[string]string{}
	for _, m := range members {
		name := m.Name
		switch {
		case m.ID == own && own != 0:
			name = cfg.Name
		case name == "":
			name = fmt.Sprintf("member-%016x", m.ID)
		}
		initial[name] = m.PeerURL
	}
	if initial[cfg.Name] == "" {
		initial[cfg.Name] = cfg.PeerURL
	}
	return initial
}
