package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/seedproof/seedproof/internal/etcd/process"
)

// server holds the one etcd of this agent: started by it, or found running.
type server struct {
	runner *process.Runner
	dir    string

	mu      sync.Mutex
	process *process.Process
	fell    string // how the last one ended, for people; empty once one answers
}

// current gives the running etcd, looking for one where none is known. The
// error is set just when it is unknown whether one runs.
func (s *server) current(ctx context.Context) (*process.Process, process.Finding, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.currentLocked(ctx)
}

func (s *server) currentLocked(ctx context.Context) (*process.Process, process.Finding, error) {
	if s.process != nil {
		select {
		case <-s.process.Exited():
			s.fell = s.process.ExitStatus()
			s.process = nil
		default:
			return s.process, process.Running, nil
		}
	}
	p, finding, err := s.runner.Find(ctx, s.dir)
	if finding == process.Running {
		s.process = p
	}
	return p, finding, err
}

// start starts an etcd unless one runs. Of an error nothing is known.
func (s *server) start(ctx context.Context, cfg process.Config) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, finding, err := s.currentLocked(ctx)
	switch {
	case err != nil:
		return err
	case finding == process.Running:
		return nil
	}
	p, err := s.runner.Start(ctx, cfg)
	if errors.Is(err, process.ErrRunning) {
		_, _, err = s.currentLocked(ctx)
		return err
	}
	if err != nil {
		return err
	}
	s.process = p
	return nil
}

// stop ends the etcd and proves that it is gone.
func (s *server) stop(ctx context.Context, a *Agent) error {
	p, finding, err := s.current(ctx)
	switch {
	case err != nil:
		return err
	case finding == process.NotRunning:
		return nil
	}
	if err := p.Stop(ctx, a.cfg.StopGrace); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == p {
		s.process = nil
	}
	return nil
}

// release forgets the etcd and leaves it running.
func (s *server) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.process.Release()
	}
	s.process = nil
}

// lastFall says how the last etcd ended, with its own last words.
func (s *server) lastFall(logFile string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil || s.fell == "" {
		return ""
	}
	words, err := process.LastWords(logFile)
	if err != nil || words == "" {
		return "etcd ended: " + s.fell
	}
	return fmt.Sprintf("etcd ended: %s; its last words: %s", s.fell, words)
}

// etcdConfig is how the directory's etcd is started.
func (a *Agent) etcdConfig(mark DirMark, quota int64) process.Config {
	initial := map[string]string{}
	for name, url := range mark.Initial {
		initial[name] = url
	}
	if initial[a.cfg.Name] == "" {
		initial[a.cfg.Name] = a.cfg.PeerURL
	}
	client, peer := []string{a.cfg.ClientURL}, []string{a.cfg.PeerURL}
	return process.Config{
		Name: a.cfg.Name, DataDir: a.dir.etcd(), BinDir: a.cfg.EtcdBinDir,
		ListenClientURLs: client, AdvertiseClientURLs: client, ListenPeerURLs: peer, AdvertisePeerURLs: peer,
		InitialCluster: initial, State: mark.State, Token: mark.Token,
		ClientTLS: etcdTLS(a.cfg.PKIDir, EtcdServerCert), PeerTLS: etcdTLS(a.cfg.PKIDir, EtcdPeerCert),
		LogFile: a.dir.etcdLog(), QuotaBytes: quota, SnapshotCount: a.cfg.SnapshotCount,
		HeartbeatMS: a.cfg.HeartbeatMS, ElectionMS: a.cfg.ElectionMS,
		UnsafeNoFsync: a.cfg.UnsafeNoFsync, ExtraFlags: a.cfg.EtcdFlags,
	}
}
