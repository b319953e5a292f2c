package agent

import (
	"crypto/tls"
	"errors"
	"path/filepath"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/pki"
	"github.com/seedproof/seedproof/internal/etcd/process"
)

// The certificates of one node, each a .crt and a .key in Config.PKIDir, beside
// the certificates of the three authorities.
const (
	AgentCert      = "agent"       // of the agent, as server and as client of others
	EtcdPeerCert   = "etcd-peer"   // of etcd towards other members
	EtcdServerCert = "etcd-server" // of etcd's client port
	EtcdClientCert = "etcd-client" // of the agent towards etcd
)

var nodeCerts = map[string]string{
	AgentCert: pki.AgentsCA, EtcdPeerCert: pki.PeersCA, EtcdServerCert: pki.ClientsCA, EtcdClientCert: pki.ClientsCA,
}

// IssueCertificates keeps the four certificates of a node good in dir. hosts
// are the names and addresses under which the node is reached. The authorities'
// certificates must lie in dir too.
func IssueCertificates(dir string, by *pki.Authorities, hosts []string, clock func() time.Time) error {
	for name, ca := range map[string]*pki.Authority{
		AgentCert: by.Agents, EtcdPeerCert: by.Peers, EtcdServerCert: by.Clients, EtcdClientCert: by.Clients,
	} {
		request := pki.Request{Name: name, Hosts: hosts}
		if name == EtcdClientCert {
			request.Usage, request.Hosts = pki.Client, nil
		}
		if _, err := pki.EnsureLeaf(dir, ca, request, clock); err != nil {
			return err
		}
	}
	return nil
}

func certFiles(dir, name string) pki.Files {
	path := func(base string) string { return filepath.Join(dir, base) }
	return pki.Files{Cert: path(name + ".crt"), Key: path(name + ".key"), CA: path(nodeCerts[name] + ".crt")}
}

// certProblems are sentences on certificates that cannot be used now.
func certProblems(dir string, now time.Time) []string {
	if dir == "" {
		return nil
	}
	var problems []string
	for _, name := range []string{AgentCert, EtcdPeerCert, EtcdServerCert, EtcdClientCert} {
		files := certFiles(dir, name)
		if report := pki.CheckFiles(files.Cert, files.CA, now); report.Problem != "" {
			problems = append(problems, report.Problem)
		}
	}
	return problems
}

// checkCerts refuses what would only fail later, in every handshake.
func checkCerts(dir string, now time.Time) error {
	if problems := certProblems(dir, now); len(problems) > 0 {
		return errors.New(problems[0])
	}
	return nil
}

// CheckCertificates refuses the certificates of a node that cannot be used now.
func CheckCertificates(dir string, now time.Time) error { return checkCerts(dir, now) }

func etcdTLS(dir, name string) process.TLSFiles {
	if dir == "" {
		return process.TLSFiles{}
	}
	f := certFiles(dir, name)
	return process.TLSFiles{CA: f.CA, Cert: f.Cert, Key: f.Key}
}

// clientTLS is nil without certificates.
func clientTLS(dir, name string) (*tls.Config, error) {
	if dir == "" {
		return nil, nil
	}
	return pki.ClientTLS(certFiles(dir, name), "")
}

// ServerTLS is for whoever serves beside the agent with its certificate; nil
// when dir is empty.
func ServerTLS(dir string) (*tls.Config, error) {
	if dir == "" {
		return nil, nil
	}
	return pki.ServerTLS(certFiles(dir, AgentCert))
}

// DialTLS is what Dial needs to reach other agents; nil when dir is empty.
func DialTLS(dir string) (*tls.Config, error) { return clientTLS(dir, AgentCert) }

// EtcdClientTLS is what a client of etcd needs; nil when dir is empty.
func EtcdClientTLS(dir string) (*tls.Config, error) { return clientTLS(dir, EtcdClientCert) }
