package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/seedproof/seedproof/internal/atomicfile"
	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

// Ready is the ready file: how the cluster is reached, and who its processes
// are. Its form is stable.
type Ready struct {
	Endpoints    []string      `json:"endpoints"`
	CACert       string        `json:"cacert"`
	Cert         string        `json:"cert"`
	Key          string        `json:"key"`
	ClusterID    string        `json:"clusterID"` // etcd's, in hex
	Lineage      string        `json:"lineage"`
	BackupStore  string        `json:"backupStore"`
	ControlStore string        `json:"controlStore"`
	Members      []ReadyMember `json:"members"`
}

// ReadyMember is one member of the cluster.
type ReadyMember struct {
	Name      string `json:"name"`
	AgentPID  int    `json:"agentPID"`
	EtcdPID   int    `json:"etcdPID"`
	DataDir   string `json:"dataDir"`
	StatusURL string `json:"statusURL"`
}

// serves: the cluster is proved to be the recorded one, and every member that
// the spec asks for answers for it.
func serves(r controller.Report) bool {
	if r.Verdict.State != proof.Intact || r.Record.Finding != proof.Present || r.Record.ClusterID == "" {
		return false
	}
	serving := 0
	for _, m := range r.Members {
		if m.ID != "" && !m.Serves {
			return false
		}
		if m.Serves && m.EtcdPID != 0 {
			serving++
		}
	}
	return serving > 0 && serving >= r.Spec.MemberCount
}

// readyOf is the ready file for a report of a cluster that serves.
func (r *run) readyOf(report controller.Report) Ready {
	l := layout{dir: r.o.Dir}
	files := l.etcdFiles()
	ready := Ready{
		CACert: files.CA, Cert: files.Cert, Key: files.Key,
		ClusterID: report.Record.ClusterID, Lineage: report.Verdict.Identity.Lineage,
		BackupStore: r.c.BackupStore, ControlStore: r.c.ControlStore,
	}
	for _, s := range report.Stores {
		switch s.Kind {
		case string(store.BackupStore):
			ready.BackupStore = s.URL
		case string(store.ControlStore):
			ready.ControlStore = s.URL
		}
	}
	for _, m := range report.Members {
		n, ours := r.c.node(m.Name)
		if !ours || !m.Serves {
			continue
		}
		ready.Endpoints = append(ready.Endpoints, n.clientURL())
		ready.Members = append(ready.Members, ReadyMember{Name: n.Name, AgentPID: r.agentPID(n.Name), EtcdPID: int(m.EtcdPID),
			DataDir: l.data(n.Name), StatusURL: n.statusURL()})
	}
	return ready
}

func (c cluster) node(name string) (node, bool) {
	for _, n := range c.Nodes {
		if n.Name == name {
			return n, true
		}
	}
	return node{}, false
}

func writeReady(path string, r Ready) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the ready file: %w", err)
	}
	if err := atomicfile.Write(path, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the ready file: %w", err)
	}
	return nil
}

func removeReady(path string) error {
	if path == "" {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the old ready file: %w", err)
	}
	return nil
}
