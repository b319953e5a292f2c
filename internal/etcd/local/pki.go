package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/pki"
)

// Certificates for people, in the directory of the authorities.
const (
	clientCert = "client" // for etcdctl and other clients of etcd
	adminCert  = "admin"  // for the commands that ask the agents
)

// ensurePKI makes the authorities of a new cluster, and keeps the certificates
// for people good. The agents issue their own. Authorities that are gone from
// a cluster that has agents already are not made anew: nobody would trust them.
func ensurePKI(l layout, now func() time.Time, fresh bool) error {
	if fresh {
		if _, err := pki.CreateAuthorities(l.pki(), now()); err != nil {
			return fmt.Errorf("make the certificate authorities: %w", err)
		}
	}
	all, err := pki.LoadAuthorities(l.pki())
	if err != nil {
		return fmt.Errorf("load the certificate authorities: %w", err)
	}
	for name, ca := range map[string]*pki.Authority{clientCert: all.Clients, adminCert: all.Agents} {
		if _, err := pki.EnsureLeaf(l.pki(), ca, pki.Request{Name: name, Usage: pki.Client}, now); err != nil {
			return fmt.Errorf("issue the certificate %s: %w", name, err)
		}
	}
	return nil
}

func (l layout) files(name, ca string) pki.Files {
	path := func(base string) string { return filepath.Join(l.pki(), base) }
	return pki.Files{Cert: path(name + ".crt"), Key: path(name + ".key"), CA: path(ca + ".crt")}
}

func (l layout) etcdFiles() pki.Files  { return l.files(clientCert, pki.ClientsCA) }
func (l layout) agentFiles() pki.Files { return l.files(adminCert, pki.AgentsCA) }

// hasAgents: an agent may have been started here already.
func (l layout) hasAgents() bool {
	entries, err := os.ReadDir(l.members())
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	return err != nil || len(entries) > 0
}
