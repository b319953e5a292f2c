package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	agentv1 "github.com/seedproof/seedproof/api/agent/v1"
	"github.com/seedproof/seedproof/internal/atomicfile"
	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/local"
	"github.com/seedproof/seedproof/internal/etcd/pki"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/store/open"
	"github.com/seedproof/seedproof/internal/telemetry"
)

const (
	certificatesEvery = time.Hour // looked at, and renewed when a third of the life is left
	readyLimit        = 3 * time.Second
	mostNoteEvery     = 5 * time.Second
)

// agentNode is one node of a cluster: agent, controller and status page.
type agentNode struct {
	f          agentFlags
	log        *slog.Logger
	clock      flow.Clock
	agent      *agent.Agent
	controller *controller.Controller
	metrics    *telemetry.EtcdMetrics
	status     net.Listener // nil: none is served
	endpoints  telemetry.Endpoints
	// endAgent ends the agent, and its etcd where it was told so. It is not
	// called when the controller must not go on.
	endAgent context.CancelFunc
}

// runAgent works until ctx ends. A controller that must not go on ends it at
// once, without stopping anything: the etcd is left running.
func runAgent(ctx context.Context, f agentFlags, log *slog.Logger) error {
	if err := f.firstCheck(); err != nil {
		return err
	}
	lock, err := local.LockAgent(f.agent.StateDir)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	n := &agentNode{f: f, log: log, clock: flow.RealClock{}}
	if err := n.assemble(); err != nil {
		return err
	}
	return n.run(ctx)
}

// firstCheck refuses, before not so much as a lock is written, what would be
// refused later.
func (f agentFlags) firstCheck() error {
	if err := f.agent.Check(); err != nil {
		return err
	}
	if f.caDir == "" { // else they are issued anew
		if err := agent.CheckCertificates(f.agent.PKIDir, time.Now()); err != nil {
			return fmt.Errorf("agent %s: %w", f.agent.Name, err)
		}
	}
	if _, err := os.Stat(f.agent.StateDir); err == nil {
		return nil // the lock there tells better which other agent has the port
	}
	for _, addr := range []string{f.agent.Listen, f.statusListen} {
		if addr == "" {
			continue
		}
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			return fmt.Errorf("agent %s: %w", f.agent.Name, err)
		}
		_ = ln.Close()
	}
	return nil
}

func (n *agentNode) assemble() error {
	if err := n.renewCertificates(); err != nil {
		return err
	}
	registry := telemetry.NewRegistry()
	n.metrics = telemetry.NewEtcdMetrics(registry, n.f.agent.Cluster)
	if err := n.listenForStatus(); err != nil {
		return err
	}
	n.f.agent.NoteEvery = min(5*n.f.interval, mostNoteEvery)
	node, err := agent.New(n.f.agent, agent.Deps{Log: n.log, Clock: n.clock})
	if err != nil {
		return err
	}
	n.agent = node
	if err := n.addController(telemetry.NewFlowObserver(registry, n.log)); err != nil {
		node.Close()
		return err
	}
	n.endpoints = telemetry.Endpoints{Metrics: registry, Ready: n.ready, Status: func() any { return n.controller.Report() }}
	return nil
}

func (n *agentNode) addController(observer flow.Observer) error {
	dialTLS, err := agent.DialTLS(n.f.agent.PKIDir)
	if err != nil {
		return fmt.Errorf("prepare to ask other agents: %w", err)
	}
	etcdTLS, err := agent.EtcdClientTLS(n.f.agent.PKIDir)
	if err != nil {
		return fmt.Errorf("prepare to ask etcd: %w", err)
	}
	n.controller = controller.New(controller.Config{
		Name: n.f.agent.Name, Cluster: n.f.agent.Cluster, Spec: n.f.spec(),
		ControlStore: n.f.controlStore, BackupStore: n.f.backupStore,
		Interval: n.f.interval, Term: n.f.term, Peers: n.f.agent.Peers,
	}, controller.Deps{
		Dial: dialer(dialTLS), OpenStore: open.Open, EtcdTLS: etcdTLS,
		Clock: n.clock, Log: n.log, Metrics: n.metrics, Observer: observer,
	})
	n.agent.SetHooks(agent.Hooks{
		Configure: n.configure,
		Report:    func(context.Context) ([]byte, error) { return n.controller.ReportJSON() },
		OnLeader:  n.controller.LeaderSpoke,
	})
	return nil
}

func dialer(conf *tls.Config) func(name, addr string) (controller.Peer, error) {
	return func(name, addr string) (controller.Peer, error) { return agent.Dial(name, addr, conf, nil) }
}

// configure carries out what a person asked this agent for.
func (n *agentNode) configure(ctx context.Context, r *agentv1.ConfigureRequest) (*agentv1.ConfigureReply, error) {
	n.log.InfoContext(ctx, "asked to configure", "by", r.GetBy(), "spec", r.GetSpec(),
		"control_store", r.GetMoveControlStore(), "backup_store", r.GetMoveBackupStore())
	var changes []string
	if len(r.GetSpec()) > 0 {
		done, err := n.controller.Configure(ctx, r.GetSpec())
		if err != nil {
			return nil, err
		}
		changes = append(changes, done...)
	}
	if r.GetMoveControlStore() != "" || r.GetMoveBackupStore() != "" {
		done, err := n.controller.MoveStores(ctx, r.GetMoveControlStore(), r.GetMoveBackupStore())
		if err != nil {
			return nil, err
		}
		changes = append(changes, done...)
	}
	return &agentv1.ConfigureReply{Changes: changes}, nil
}

// run ends when ctx does, controller first: it gives the lease back, and the
// agent serves it until then.
func (n *agentNode) run(ctx context.Context) error {
	var agentCtx context.Context
	agentCtx, n.endAgent = context.WithCancel(context.WithoutCancel(ctx))
	agentEnded := make(chan error, 1)
	go func() { agentEnded <- n.agent.Run(agentCtx) }()
	if n.status != nil {
		go n.serveStatus(agentCtx)
	}
	go n.keepCertificates(ctx)
	n.log.InfoContext(ctx, "agent runs", "name", n.f.agent.Name, "cluster", n.f.agent.Cluster, "listen", n.agent.Addr(),
		"control_store", n.f.controlStore, "backup_store", n.f.backupStore)
	controlCtx, endControl := context.WithCancel(ctx)
	defer endControl()
	controlEnded := make(chan error, 1)
	go func() { controlEnded <- n.controller.Run(controlCtx) }()
	select {
	case err := <-agentEnded:
		endControl()
		_ = <-controlEnded // that of the agent says why
		return err
	case err := <-controlEnded:
		if err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("agent %s must not go on, its etcd is left as it is: %w", n.f.agent.Name, err)
		}
	}
	n.endAgent()
	return <-agentEnded
}

func (n *agentNode) listenForStatus() error {
	if n.f.statusListen == "" {
		return nil
	}
	ln, err := net.Listen("tcp", n.f.statusListen)
	if err != nil {
		return fmt.Errorf("listen for metrics and status: %w", err)
	}
	n.status = ln
	return nil
}

func (n *agentNode) serveStatus(ctx context.Context) {
	if err := telemetry.ServeListener(ctx, n.status, n.endpoints); err != nil {
		n.log.ErrorContext(ctx, "the status page is not served any more", "err", err)
	}
}

// ready: this node's own etcd answers.
func (n *agentNode) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), readyLimit)
	defer cancel()
	if part := n.agent.Testify(ctx).Node.Part; !part.Live {
		return fmt.Errorf("the etcd of %s does not answer: %s", n.f.agent.Name, part.Why)
	}
	return nil
}

// renewCertificates issues what is missing or runs out, where the authorities'
// keys are at hand, and shows when each certificate ends.
func (n *agentNode) renewCertificates() error {
	if n.f.caDir == "" {
		return nil
	}
	all, err := pki.LoadAuthorities(n.f.caDir)
	if err != nil {
		return fmt.Errorf("load the certificate authorities of --ca-dir: %w", err)
	}
	for _, ca := range []*pki.Authority{all.Agents, all.Peers, all.Clients} {
		if err := copyAuthority(n.f.agent.PKIDir, ca); err != nil {
			return err
		}
	}
	if err := agent.IssueCertificates(n.f.agent.PKIDir, all, n.f.hosts(), n.clock.Now); err != nil {
		return fmt.Errorf("issue the certificates of %s: %w", n.f.agent.Name, err)
	}
	return nil
}

// copyAuthority puts an authority's certificate, not its key, beside the
// node's own.
func copyAuthority(dir string, ca *pki.Authority) error {
	path := filepath.Join(dir, ca.Name+".crt")
	if there, err := atomicfile.Read(path, 1<<20); err == nil && string(there) == string(ca.CertPEM) {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the directory of the certificates: %w", err)
	}
	if err := atomicfile.Write(path, ca.CertPEM, 0o644); err != nil {
		return fmt.Errorf("copy the authority %s: %w", ca.Name, err)
	}
	return nil
}

func (n *agentNode) keepCertificates(ctx context.Context) {
	if n.f.agent.PKIDir == "" {
		return
	}
	for {
		n.showCertificates(ctx)
		if err := n.clock.Sleep(ctx, certificatesEvery); err != nil {
			return
		}
		if err := n.renewCertificates(); err != nil {
			n.log.ErrorContext(ctx, "the certificates were not renewed", "err", err)
		}
	}
}

func (n *agentNode) showCertificates(ctx context.Context) {
	ends, err := pki.Expiries(n.f.agent.PKIDir)
	if err != nil {
		n.log.WarnContext(ctx, "a certificate could not be read", "err", err)
	}
	expiry := map[string]time.Time{}
	for _, e := range ends {
		expiry[e.Name] = e.NotAfter
	}
	n.metrics.SetCertificates(expiry)
}
