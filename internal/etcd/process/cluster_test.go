package process

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seedproof/seedproof/internal/etcd/pki"
)

// secured are members on loopback that talk TLS only.
type secured struct {
	all     *pki.Authorities
	dir     string
	members []*bench
	conf    *tls.Config
}

func newSecured(t *testing.T, n int) *secured {
	t.Helper()
	s := &secured{dir: t.TempDir()}
	var err error
	s.all, err = pki.CreateAuthorities(filepath.Join(s.dir, "pki"), time.Now())
	must(t, err)
	initial := map[string]string{}
	ports := freePorts(t, 2*n)
	for i := range n {
		m := s.member(t, fmt.Sprintf("m%d", i+1), ports[2*i], ports[2*i+1])
		initial[m.cfg.Name] = m.cfg.AdvertisePeerURLs[0]
		s.members = append(s.members, m)
	}
	for _, m := range s.members {
		m.cfg.InitialCluster = initial
	}
	s.conf = s.clientTLS(t, s.all.Clients)
	return s
}

func (s *secured) member(t *testing.T, name string, client, peer int) *bench {
	t.Helper()
	dir := filepath.Join(s.dir, name)
	m := &bench{runner: &Runner{StateDir: filepath.Join(dir, "state")}, cfg: member(dir, name, "https", client, peer)}
	mkdir(t, m.cfg.DataDir)
	m.cfg.ClientTLS = s.leaf(t, s.all.Clients, pki.ClientsCA, dir, name+"-server")
	m.cfg.PeerTLS = s.leaf(t, s.all.Peers, pki.PeersCA, dir, name+"-peer")
	t.Cleanup(func() { m.killAll(t) })
	return m
}

func (s *secured) leaf(t *testing.T, ca *pki.Authority, caName, dir, name string) TLSFiles {
	t.Helper()
	leaf, err := pki.EnsureLeaf(filepath.Join(dir, "pki"), ca, pki.Request{Name: name, Hosts: []string{"127.0.0.1", "localhost"}}, time.Now)
	must(t, err)
	return TLSFiles{CA: filepath.Join(s.dir, "pki", caName+".crt"), Cert: leaf.CertFile, Key: leaf.KeyFile}
}

func (s *secured) clientTLS(t *testing.T, ca *pki.Authority) *tls.Config {
	t.Helper()
	cert, key, err := pki.Issue(ca, pki.Request{Name: "agent", Usage: pki.Client}, time.Now())
	must(t, err)
	pair, err := tls.X509KeyPair(cert, key)
	must(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(s.all.Clients.Cert)
	return &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
}

func (s *secured) client(t *testing.T, conf *tls.Config, members ...*bench) *Client {
	t.Helper()
	var endpoints []string
	for _, m := range members {
		endpoints = append(endpoints, m.cfg.AdvertiseClientURLs...)
	}
	c, err := NewClient(endpoints, conf)
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestThreeMembersOverTLS(t *testing.T) {
	s := newSecured(t, 4)
	spare := s.members[3]
	s.members = s.members[:3]
	for _, m := range append(s.members, spare) {
		m.cfg.InitialCluster = map[string]string{}
		for _, other := range s.members {
			m.cfg.InitialCluster[other.cfg.Name] = other.cfg.AdvertisePeerURLs[0]
		}
	}
	for _, m := range s.members {
		m.start(t)
	}
	c := s.client(t, s.conf, s.members...)
	awaitRead(t, c)
	s.members[0].put(t, c, 10)
	t.Run("a foreign client is refused", func(t *testing.T) { refuseForeign(t, s) })
	t.Run("hashes agree", func(t *testing.T) { compareHashes(t, s, c) })
	t.Run("the lead moves", func(t *testing.T) { moveLead(t, s) })
	t.Run("a learner joins and leaves", func(t *testing.T) { joinAndLeave(t, s, c, spare) })
	t.Run("without a quorum no read is linearizable", func(t *testing.T) { loseQuorum(t, s) })
}

func refuseForeign(t *testing.T, s *secured) {
	foreign := s.client(t, s.clientTLS(t, s.all.Peers), s.members[0])
	ctx, cancel := context.WithTimeout(deadline(t), 3*time.Second)
	defer cancel()
	if _, err := foreign.LinearizableRead(ctx); err == nil {
		t.Error("a certificate of the peers' authority was let in")
	}
}

func compareHashes(t *testing.T, s *secured, c *Client) {
	rev, err := c.LinearizableRead(deadline(t))
	must(t, err)
	if rev != 11 {
		t.Errorf("revision %d, want 11", rev)
	}
	var hashes []Hash
	for _, m := range s.members {
		endpoint := m.cfg.AdvertiseClientURLs[0]
		await(t, endpoint+" to catch up", func() error {
			at, err := c.ReadRevision(deadline(t), endpoint)
			if err == nil && at < rev {
				err = fmt.Errorf("at %d", at)
			}
			return err
		})
		h, err := c.HashKV(deadline(t), endpoint, rev)
		must(t, err)
		hashes = append(hashes, h)
	}
	if hashes[0].Hash == 0 || hashes[0] != hashes[1] || hashes[1] != hashes[2] {
		t.Errorf("hashes %+v", hashes)
	}
	if alarms, err := c.Alarms(deadline(t)); err != nil || len(alarms) != 0 {
		t.Errorf("alarms %v, %v", alarms, err)
	}
}

func moveLead(t *testing.T, s *secured) {
	var leader *bench
	var to uint64
	for _, m := range s.members {
		st, err := s.client(t, s.conf, m).Status(deadline(t), m.cfg.AdvertiseClientURLs[0])
		must(t, err)
		if st.LeaderID == st.MemberID {
			leader = m
		} else {
			to = st.MemberID
		}
	}
	must(t, s.client(t, s.conf, leader).MoveLeader(deadline(t), to))
	await(t, "the new leader", func() error {
		st, err := s.client(t, s.conf, leader).Status(deadline(t), leader.cfg.AdvertiseClientURLs[0])
		if err == nil && st.LeaderID != to {
			err = fmt.Errorf("it is %x", st.LeaderID)
		}
		return err
	})
}

func joinAndLeave(t *testing.T, s *secured, c *Client, spare *bench) {
	var learner Member
	await(t, "etcd to find its members connected long enough", func() (err error) {
		learner, err = c.MemberAddAsLearner(deadline(t), spare.cfg.AdvertisePeerURLs)
		return err
	})
	if !learner.Learner || learner.ID == 0 {
		t.Fatalf("added %+v", learner)
	}
	spare.cfg.State = StateExisting
	spare.cfg.InitialCluster[spare.cfg.Name] = spare.cfg.AdvertisePeerURLs[0]
	p := spare.start(t)
	await(t, "the promotion", func() error { return c.Promote(deadline(t), learner.ID) })
	list, err := c.MemberList(deadline(t), true)
	must(t, err)
	if len(list.Members) != 4 || list.ClusterID == 0 {
		t.Errorf("members %+v", list)
	}
	must(t, c.MemberRemove(deadline(t), learner.ID))
	awaitExit(t, p) // a removed member ends by itself
	list, err = c.MemberList(deadline(t), false)
	must(t, err)
	for _, m := range list.Members {
		if m.ID == learner.ID {
			t.Error("it is still listed")
		}
	}
}

func loseQuorum(t *testing.T, s *secured) {
	for _, m := range s.members[1:] {
		p, finding, err := m.runner.Find(deadline(t), m.cfg.DataDir)
		if finding != Running {
			t.Fatal(finding, err)
		}
		must(t, p.Stop(deadline(t), limit))
	}
	last := s.client(t, s.conf, s.members[0])
	ctx, cancel := context.WithTimeout(deadline(t), 2*time.Second)
	defer cancel()
	if _, err := last.LinearizableRead(ctx); err == nil || !strings.Contains(err.Error(), "quorum") {
		t.Errorf("a read without a quorum: %v", err)
	}
	if _, err := last.Etcd().Get(deadline(t), "key/1", clientv3.WithSerializable()); err != nil {
		t.Errorf("a local read: %v", err)
	}
	if words, err := LastWords(s.members[0].cfg.LogFile); err != nil && !os.IsNotExist(err) {
		t.Error(words, err)
	}
}
