package local

import (
	"fmt"
	"path/filepath"

	"github.com/seedproof/seedproof/internal/etcd/pki"
)

// Access is what commands need to reach the cluster of a directory.
type Access struct {
	Cluster   string
	Agents    map[string]string // addresses by name
	AgentTLS  pki.Files         // towards agents
	Endpoints []string          // of etcd, of all nodes
	EtcdTLS   pki.Files         // towards etcd
}

// Load reads how the cluster in dir is reached. It asks nobody.
func Load(dir string) (Access, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Access{}, fmt.Errorf("find the directory %s: %w", dir, err)
	}
	l := layout{dir: abs}
	c, found, err := l.read()
	if err != nil {
		return Access{}, err
	}
	if !found {
		return Access{}, fmt.Errorf("there is no cluster in %s: no %s; start one with: seedproof up --dir %s", abs, clusterFile, dir)
	}
	a := Access{Cluster: c.Name, Agents: c.addresses(), AgentTLS: l.agentFiles(), EtcdTLS: l.etcdFiles()}
	for _, n := range c.Nodes {
		a.Endpoints = append(a.Endpoints, n.clientURL())
	}
	return a, nil
}
