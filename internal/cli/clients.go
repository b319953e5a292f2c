package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/status"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/local"
	"github.com/seedproof/seedproof/internal/etcd/pki"
)

// defaultDir is where `seedproof up` puts its cluster.
const defaultDir = "seedproof-data"

// target is how a command was told where the cluster is.
type target struct {
	dir               string
	agents            []string
	cacert, cert, key string
	timeout           time.Duration
}

func (t *target) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&t.dir, "dir", "", "directory of the cluster that `seedproof up` runs (default ./"+defaultDir+", where it exists)")
	f.StringSliceVar(&t.agents, "agents", nil, "addresses of the cluster's agents, HOST:PORT,…")
	f.StringVar(&t.cacert, "cacert", "", "certificate of the agents' authority")
	f.StringVar(&t.cert, "cert", "", "client certificate towards the agents")
	f.StringVar(&t.key, "key", "", "key of the client certificate")
	f.DurationVar(&t.timeout, "timeout", 5*time.Second, "how long an agent may take to answer")
}

// place is where the agents of one cluster are, and how they are asked.
type place struct {
	dir     string            // of `up`; empty with --agents
	agents  map[string]string // addresses by name; with --agents the name is the address
	tls     *tls.Config       // nil: without TLS, on loopback only
	certDir string            // of `up`: where its certificates lie
	again   string            // the flags that find this cluster, for hints
}

// find turns the flags into a place. It asks nobody.
func (t *target) find() (place, error) {
	switch {
	case t.timeout <= 0:
		return place{}, usagef("--timeout is %s; expected a time above zero", t.timeout)
	case t.dir != "" && len(t.agents) > 0:
		return place{}, usagef("both --dir and --agents are given; expected one of them")
	case len(t.agents) > 0:
		return t.findByAddress()
	case t.cacert != "" || t.cert != "" || t.key != "":
		return place{}, usagef("--cacert, --cert and --key go with --agents, which is missing")
	}
	dir := t.dir
	if dir == "" {
		if _, err := os.Stat(defaultDir); err != nil {
			return place{}, &usageError{
				err:  fmt.Errorf("no cluster is named: there is no directory ./%s, and neither --dir nor --agents is given", defaultDir),
				next: "seedproof up   (starts one), or give --agents HOST:PORT,… --cacert … --cert … --key …",
			}
		}
		dir = defaultDir
	}
	access, err := local.Load(dir)
	if err != nil {
		return place{}, withNext(err, "seedproof up --dir "+quote(dir))
	}
	conf, err := pki.ClientTLS(access.AgentTLS, "")
	if err != nil {
		return place{}, fmt.Errorf("load the certificates of the cluster in %s: %w", dir, err)
	}
	p := place{dir: dir, agents: access.Agents, tls: conf, certDir: filepath.Dir(access.AgentTLS.Cert)}
	if dir != defaultDir {
		p.again = " --dir " + quote(dir)
	}
	return p, nil
}

func (t *target) findByAddress() (place, error) {
	p := place{agents: map[string]string{}, again: " --agents " + strings.Join(t.agents, ",")}
	for _, address := range t.agents {
		if host, port, ok := strings.Cut(address, ":"); !ok || host == "" && port == "" || strings.Contains(address, "://") {
			return place{}, usagef("agent address %q; expected HOST:PORT", address)
		}
		p.agents[address] = address
	}
	given := 0
	for _, file := range []string{t.cacert, t.cert, t.key} {
		if file != "" {
			given++
		}
	}
	switch given {
	case 0:
		return p, nil
	case 3:
		conf, err := pki.ClientTLS(pki.Files{CA: t.cacert, Cert: t.cert, Key: t.key}, "")
		if err != nil {
			return place{}, &usageError{err: fmt.Errorf("load --cacert, --cert and --key: %w", err)}
		}
		p.tls = conf
		p.again += fmt.Sprintf(" --cacert %s --cert %s --key %s", quote(t.cacert), quote(t.cert), quote(t.key))
		return p, nil
	}
	return place{}, usagef("of --cacert, --cert and --key %d are given; expected all three, or none where the agents serve without TLS", given)
}

// answer is what one agent said.
type answer struct {
	name, address string
	client        *agent.Client
	report        controller.Report
	err           error
	certEnds      *atomic.Pointer[time.Time] // of the certificate that it showed; none without TLS
}

// asked is a cluster whose agents have been asked once.
type asked struct {
	place   place
	timeout time.Duration
	answers []answer          // by name
	report  controller.Report // the one to go by
}

// ask asks all agents for their report, at once. Somebody has answered, or
// there is an error. The caller closes what it gets.
func (t *target) ask(ctx context.Context) (*asked, error) {
	p, err := t.find()
	if err != nil {
		return nil, err
	}
	a := &asked{place: p, timeout: t.timeout}
	for _, name := range slices.Sorted(maps.Keys(p.agents)) {
		a.answers = append(a.answers, answer{name: name, address: p.agents[name]})
	}
	for i := range a.answers {
		if err := a.answers[i].dial(p.tls); err != nil {
			a.Close()
			return nil, err
		}
	}
	a.again(ctx)
	if err := a.choose(); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// dial makes the client. It connects at the first call.
func (n *answer) dial(conf *tls.Config) error {
	n.certEnds = &atomic.Pointer[time.Time]{}
	if conf != nil {
		ends := n.certEnds
		conf = conf.Clone()
		conf.VerifyConnection = func(s tls.ConnectionState) error {
			ends.Store(&s.PeerCertificates[0].NotAfter)
			return nil
		}
	}
	client, err := agent.Dial(n.name, n.address, conf, nil)
	n.client = client
	return err
}

// again asks everybody once more.
func (a *asked) again(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	var all sync.WaitGroup
	for i := range a.answers {
		n := &a.answers[i]
		all.Go(func() {
			var text []byte
			n.report = controller.Report{}
			if text, n.err = n.client.Report(ctx); n.err != nil {
				return
			}
			if err := json.Unmarshal(text, &n.report); err != nil {
				n.err = fmt.Errorf("read the report of %s (is the agent newer than this program?): %w", n.name, err)
			}
		})
	}
	all.Wait()
}

// choose finds the report to go by: that of the leader, of two who think that
// they lead that of the later epoch, else the newest.
func (a *asked) choose() error {
	answered := a.answered()
	if len(answered) == 0 {
		return a.nobody()
	}
	for _, n := range answered {
		if n.report.Cluster != "" && answered[0].report.Cluster != "" && n.report.Cluster != answered[0].report.Cluster {
			return usagef("the agents are of different clusters: %s is of %s, %s of %s; name those of one cluster",
				answered[0].name, answered[0].report.Cluster, n.name, n.report.Cluster)
		}
	}
	best := slices.MaxFunc(answered, func(x, y answer) int {
		if x.report.Leads != y.report.Leads {
			if x.report.Leads {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(x.report.Leader.Epoch, y.report.Leader.Epoch), x.report.At.Compare(y.report.At))
	})
	if best.report.At.IsZero() {
		return unproven(errors.New("the agents answer, and none of them has looked at the cluster yet"), "seedproof etcd status"+a.place.again)
	}
	a.report = best.report
	return nil
}

func (a *asked) answered() []answer {
	return slices.DeleteFunc(slices.Clone(a.answers), func(n answer) bool { return n.err != nil })
}

// leader is the agent whose report leads, or the first that answers.
func (a *asked) leader() answer {
	answered := a.answered()
	for _, n := range answered {
		if n.report.Leads && n.report.Leader.Epoch == a.report.Leader.Epoch {
			return n
		}
	}
	return answered[0]
}

func (a *asked) nobody() error {
	var tried []string
	for _, n := range a.answers {
		tried = append(tried, fmt.Sprintf("%s: %v", n.address, rootCause(n.err)))
	}
	err := fmt.Errorf("no agent answers; tried %s", strings.Join(tried, "; "))
	if a.place.dir != "" {
		return withNext(err, fmt.Sprintf("is `seedproof up --dir %s` running? Start it again; it resumes the same cluster", a.place.dir))
	}
	next := "on the agents' hosts: systemctl status seedproof-agent"
	if a.place.tls == nil {
		next += "; if they serve with TLS, give --cacert, --cert and --key"
	}
	return withNext(err, next)
}

// rootCause is what happened, without who was asked for what.
func rootCause(err error) string {
	text := inWords(err).Error()
	if i := strings.LastIndex(text, `: dial tcp `); i >= 0 {
		text = text[i+2:]
	}
	return strings.Trim(text, `" `)
}

// inWords is an agent's error without the words of the transport.
func inWords(err error) error {
	var of interface{ GRPCStatus() *status.Status }
	if errors.As(err, &of) {
		return errors.New(of.GRPCStatus().Message())
	}
	return err
}

// tell calls every agent that answered, at once, and says who took it and who
// did not.
func (a *asked) tell(ctx context.Context, call func(context.Context, *agent.Client) error) (took []string, failed []error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	answered := a.answered()
	errs := make([]error, len(answered))
	var all sync.WaitGroup
	for i, n := range answered {
		all.Go(func() { errs[i] = call(ctx, n.client) })
	}
	all.Wait()
	for i, n := range answered {
		if errs[i] != nil {
			failed = append(failed, fmt.Errorf("agent %s: %w", n.name, inWords(errs[i])))
			continue
		}
		took = append(took, n.name)
	}
	return took, failed
}

// Close ends the connections.
func (a *asked) Close() {
	for _, n := range a.answers {
		if n.client != nil {
			_ = n.client.Close()
		}
	}
}
