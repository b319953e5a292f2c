package acceptance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/testenv"
)

const askLimit = 20 * time.Second // for one request

// answer is how one command ended.
type answer struct {
	code           int
	stdout, stderr string
}

// run runs the program to its end.
func run(t *testing.T, args ...string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, testenv.Seedproof(t), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) || ctx.Err() != nil {
		t.Fatalf("seedproof %q: %v %v\n%s%s", args, err, ctx.Err(), &stdout, &stderr)
	}
	return answer{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// command runs `seedproof etcd …` against the fleet.
func (f *fleet) command(args ...string) answer {
	f.t.Helper()
	return run(f.t, append(append([]string{"etcd"}, args...), "--agents", f.addresses(false))...)
}

// must is command for one that has to succeed.
func (f *fleet) must(args ...string) answer {
	f.t.Helper()
	a := f.command(args...)
	if a.code != 0 {
		f.t.Fatalf("seedproof etcd %q: exit code %d\n%s%s", args, a.code, a.stdout, a.stderr)
	}
	return a
}

// agent is a client of an agent, closed when the test ends.
func (f *fleet) agent(name string) *agent.Client {
	f.t.Helper()
	client, err := agent.Dial(name, f.nodes[name].addr, nil, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = client.Close() })
	return client
}

// report is the newest report of an agent; ok is false when it does not answer
// or has made no pass yet. A follower's may be old.
func (f *fleet) report(name string) (r controller.Report, ok bool) {
	f.t.Helper()
	client, err := agent.Dial(name, f.nodes[name].addr, nil, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(f.t.Context(), askLimit)
	defer cancel()
	text, err := client.Report(ctx)
	if err != nil {
		return controller.Report{}, false
	}
	if err := json.Unmarshal(text, &r); err != nil {
		f.t.Fatalf("the report of %s: %v", name, err)
	}
	return r, !r.At.IsZero()
}

// leader is the report of the agent that leads under the highest epoch.
func (f *fleet) leader(names ...string) (best controller.Report, ok bool) {
	f.t.Helper()
	for _, name := range f.named(names) {
		if r, answered := f.report(name); answered && r.Leads && (!ok || r.Leader.Epoch > best.Leader.Epoch) {
			best, ok = r, true
		}
	}
	return best, ok
}

// until waits until the leader's report fits.
func (f *fleet) until(what string, fits func(controller.Report) bool) (last controller.Report) {
	f.t.Helper()
	deadline := time.Now().Add(limit)
	for {
		r, ok := f.leader()
		if ok && fits(r) {
			return r
		}
		if ok {
			last = r
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("waited %s in vain until %s: verdict %s (%s), troubles %v, escalations %v", limit, what,
				last.Verdict.State, last.Verdict.Why, last.Troubles, last.Escalations)
		}
		time.Sleep(pollPace) // between two looks
	}
}

// serving: the cluster is proved, and so many members serve.
func serving(members int) func(controller.Report) bool {
	return func(r controller.Report) bool {
		n := 0
		for _, m := range r.Members {
			if m.Serves && !m.Learner {
				n++
			}
		}
		return r.Verdict.State == proof.Intact && r.Record.Finding == proof.Present && n == members
	}
}

// testimony is what an agent says; ok is false when it does not answer.
func (f *fleet) testimony(name string) (agent.Testimony, bool) {
	ctx, cancel := context.WithTimeout(f.t.Context(), askLimit)
	defer cancel()
	client, err := agent.Dial(name, f.nodes[name].addr, nil, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	t, err := client.Testify(ctx)
	return t, err == nil
}

// etcd calls do with a client of some nodes' etcds, of all where none is named.
func (f *fleet) etcd(do func(context.Context, *clientv3.Client) error, names ...string) error {
	f.t.Helper()
	var endpoints []string
	for _, name := range f.named(names) {
		endpoints = append(endpoints, f.nodes[name].client)
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: endpoints, DialTimeout: askLimit})
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(f.t.Context(), askLimit)
	defer cancel()
	return do(ctx, client)
}

func (f *fleet) put(key, value string) {
	f.t.Helper()
	if err := f.etcd(func(ctx context.Context, c *clientv3.Client) error {
		_, err := c.Put(ctx, key, value)
		return err
	}); err != nil {
		f.t.Fatalf("put %s: %v", key, err)
	}
}

// keys counts all keys, linearizably.
func (f *fleet) keys() (n int64) {
	f.t.Helper()
	if err := f.etcd(func(ctx context.Context, c *clientv3.Client) error {
		r, err := c.Get(ctx, "", clientv3.WithPrefix(), clientv3.WithCountOnly())
		if err == nil {
			n = r.Count
		}
		return err
	}); err != nil {
		f.t.Fatalf("count the keys: %v", err)
	}
	return n
}

// record is the record of the control store on file://, or nil.
func (f *fleet) record() *record.Record {
	text, err := os.ReadFile(filepath.Join(f.controlDir(), record.RecordKey))
	if err != nil {
		return nil
	}
	r, err := record.ParseRecord(text)
	if err != nil {
		f.t.Errorf("the record: %v", err)
		return nil
	}
	return r
}

// claim is the claim of a control store's directory, or nil.
func (f *fleet) claim(dir string) *record.ClaimDoc {
	text, err := os.ReadFile(filepath.Join(dir, record.ClaimKey))
	if err != nil {
		return nil
	}
	c, err := record.ParseClaim(text)
	if err != nil {
		f.t.Errorf("the claim: %v", err)
		return nil
	}
	return c
}

// contextOf is a context that the test can end before its own.
func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}
