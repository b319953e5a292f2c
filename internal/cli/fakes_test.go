package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	agentv1 "github.com/seedproof/seedproof/api/agent/v1"
	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/pki"
	"github.com/seedproof/seedproof/internal/flow"
)

// fakeAgent is a real gRPC server that says what a test tells it to, and keeps
// the words that it was given.
type fakeAgent struct {
	agentv1.UnimplementedAgentServer
	address string

	mu        sync.Mutex
	report    controller.Report
	words     []*agentv1.Attestation
	approvals []*agentv1.Approval
	asked     []*agentv1.ConfigureRequest
	refuse    error // of GiveWord and Configure
	// onApproval is called with the lock held.
	onApproval func(f *fakeAgent, a *agentv1.Approval)
}

func startAgent(t *testing.T, r controller.Report, opts ...grpc.ServerOption) *fakeAgent {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeAgent{address: l.Addr().String(), report: r}
	s := grpc.NewServer(opts...)
	agentv1.RegisterAgentServer(s, f)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.Serve(l) }()
	t.Cleanup(func() { s.Stop(); <-ended })
	return f
}

func (f *fakeAgent) Report(context.Context, *agentv1.ReportRequest) (*agentv1.ReportReply, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.report.At.IsZero() {
		f.report.At = f.report.At.Add(time.Millisecond) // each report is a new one
	}
	text, err := json.Marshal(f.report)
	return &agentv1.ReportReply{Json: text}, err
}

func (f *fakeAgent) Testify(context.Context, *agentv1.TestifyRequest) (*agentv1.Testimony, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &agentv1.Testimony{Approvals: slices.Clone(f.approvals)}, nil
}

func (f *fakeAgent) GiveWord(_ context.Context, r *agentv1.GiveWordRequest) (*agentv1.Done, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != nil {
		return nil, f.refuse
	}
	if w := r.GetAttestation(); w != nil {
		f.words = append(f.words, w)
	}
	if w := r.GetApproval(); w != nil {
		f.approvals = append(f.approvals, w)
		if f.onApproval != nil {
			f.onApproval(f, w)
		}
	}
	return &agentv1.Done{}, nil
}

func (f *fakeAgent) Configure(_ context.Context, r *agentv1.ConfigureRequest) (*agentv1.ConfigureReply, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, r)
	if f.refuse != nil {
		return nil, f.refuse
	}
	spec, changes, err := f.report.Spec.With(r.GetSpec())
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	f.report.Spec = spec
	if r.GetMoveControlStore() != "" {
		changes = append(changes, "control-store: old -> "+r.GetMoveControlStore())
	}
	return &agentv1.ConfigureReply{Changes: changes}, nil
}

// nobodyAt is an address at which nobody listens.
func nobodyAt(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

type outcome struct {
	code        int
	out, errOut string
}

// typeIn runs one command line.
func typeIn(t *testing.T, args ...string) outcome {
	t.Helper()
	var out, errOut bytes.Buffer
	code := Run(t.Context(), args, strings.NewReader(""), &out, &errOut)
	return outcome{code, out.String(), errOut.String()}
}

// says fails unless the outcome has the code and all the texts.
func (o outcome) says(t *testing.T, code int, texts ...string) {
	t.Helper()
	if o.code != code {
		t.Errorf("exit code %d, expected %d", o.code, code)
	}
	for _, text := range texts {
		if !strings.Contains(o.out+o.errOut, text) {
			t.Errorf("it does not say %q", text)
		}
	}
	if t.Failed() {
		t.Logf("stdout:\n%s\nstderr:\n%s", o.out, o.errOut)
	}
}

// tlsAgents is how agents with certificates serve, and the flags that reach
// them.
func tlsAgents(t *testing.T) (grpc.ServerOption, []string) {
	t.Helper()
	dir := t.TempDir()
	all, err := pki.CreateAuthorities(filepath.Join(dir, "pki"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	path := func(name string) string { return filepath.Join(dir, "pki", name) }
	for _, r := range []pki.Request{{Name: "agent", Hosts: []string{"127.0.0.1"}, Life: 20*24*time.Hour + time.Hour}, {Name: "admin", Usage: pki.Client}} {
		if _, err := pki.EnsureLeaf(path(""), all.Agents, r, time.Now); err != nil {
			t.Fatal(err)
		}
	}
	ca := path(pki.AgentsCA + ".crt")
	conf, err := pki.ServerTLS(pki.Files{Cert: path("agent.crt"), Key: path("agent.key"), CA: ca})
	if err != nil {
		t.Fatal(err)
	}
	return grpc.Creds(credentials.NewTLS(conf)), []string{"--cacert", ca, "--cert", path("admin.crt"), "--key", path("admin.key")}
}

func statusStory(name string) clusterStatus {
	s := clusterStatus{Report: storyNamed(name).report(), Agents: []agentStatus{{Name: "a", Address: "10.0.0.1:2377", Answers: true}}}
	switch name {
	case "intact":
		s.History = []controller.Event{
			{At: storyTime.Add(-20 * time.Minute), What: "verdict RecordLost", Why: "the record is absent, and what is whole is vouched for by memory/a", Pass: "p1"},
			{At: storyTime.Add(-20 * time.Minute), What: "heal/write-record: the record was written again", Pass: "p1"},
		}
		s.Certificates = []certificateStatus{{"a/agent", storyTime.AddDate(0, 0, 12), 12}, {"agents-ca", storyTime.AddDate(9, 0, 0), 3287}}
	case "control-store-silent":
		s.Agents = append(s.Agents, agentStatus{Name: "c", Address: "10.0.0.3:2377", Error: "connection refused"})
		s.Escalations = []flow.Escalation{{Flow: "heal", Step: "write-record", Why: "access denied by the store", Advice: "seedproof etcd explain", Since: storyTime.Add(-5 * time.Minute), Attempts: 9}}
		s.Troubles = []string{"b: the peer URL is configured as https://b:2381, and the member was made with https://b:2380"}
	}
	return s
}

func (s clusterStatus) tableAt(now time.Time) func(io.Writer) {
	return func(w io.Writer) { s.table(w, now) }
}

func tabbed(print func(g *global) error) string {
	var out bytes.Buffer
	if err := print(&global{stdout: &out}); err != nil {
		return err.Error()
	}
	return out.String()
}
