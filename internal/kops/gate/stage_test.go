package gate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/gate/cmdline"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

const (
	prod   = "prod.example.com"
	marker = prod + "/backups/etcd/main/control/etcd-cluster-created"
	spec   = prod + "/backups/etcd/main/control/etcd-cluster-spec"
	// shortTime ends calls that hang; it is waited for, never asserted on.
	shortTime = 5 * time.Millisecond
)

var now = time.Date(2026, 11, 1, 3, 0, 0, 0, time.UTC)

// opens stands for the snapshot package: every backup that can be read holds,
// unless its content says otherwise.
type opens struct{ timeout time.Duration }

func (o opens) Verify(ctx context.Context, s store.Store, key string) (kops.Snapshot, error) {
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.timeout)
		defer cancel()
	}
	content, _, err := store.Read(ctx, s, key, 1<<20)
	switch {
	case err != nil:
		return kops.Snapshot{}, err
	case string(content) == "damaged":
		return kops.Snapshot{}, fmt.Errorf("%w: the snapshot was cut short", kops.ErrDamaged)
	}
	return kops.Snapshot{Revision: 90_000, Keys: 4000, Members: []uint64{1, 2, 3}}, nil
}

// person answers what is asked, and remembers the questions.
type person struct {
	answers []string
	asked   []string
	before  func() // an answer is given
}

func (p *person) Ask(_ context.Context, prompt string) (string, error) {
	p.asked = append(p.asked, prompt)
	if p.before != nil {
		p.before()
	}
	if len(p.answers) == 0 {
		return "", errors.New("nobody was to be asked")
	}
	answer := p.answers[0]
	p.answers = p.answers[1:]
	return answer, nil
}

// stage is one gate before a state store in memory.
type stage struct {
	t       *testing.T
	store   store.Store // as kops.Check sees it
	home    string
	out     bytes.Buffer
	started [][]string
	looks   int
	lookErr error
	// looked is called before each look, with its number.
	looked     func(n int)
	skipVerify bool
	now        time.Time
	who        *person // nil: no terminal
	timeout    time.Duration
}

// renamed bears the URL that the words are made of.
type renamed struct {
	store.Store
	url string
}

func (r renamed) URL() string { return r.url }

// newStage is a stage with these clusters.
func newStage(t *testing.T, clusters ...kopstest.Cluster) *stage {
	t.Helper()
	inMemory := mem.New("state")
	inMemory.SetClock(func() time.Time { return now.Add(-4 * time.Minute) })
	s := &stage{t: t, store: renamed{inMemory, "s3://state"}, home: t.TempDir(), now: now}
	for _, c := range clusters {
		c.Write(t, s.store)
	}
	return s
}

func healthy() kopstest.Cluster { return kopstest.Healthy(prod, 3, now) }

// changed is a healthy cluster whose config asks for a newer etcd.
func changed(t *testing.T) *stage {
	t.Helper()
	s := newStage(t, healthy())
	kopstest.Put(t, s.store, spec, `{"memberCount":3,"etcdVersion":"3.5.31"}`)
	return s
}

// incident is the one of kops 16416: both control files are gone.
func incident(t *testing.T) *stage {
	t.Helper()
	s := newStage(t, healthy())
	kopstest.Delete(t, s.store, marker)
	kopstest.Delete(t, s.store, spec)
	return s
}

func (s *stage) gate() *Gate {
	open := func(context.Context, string) (store.Store, error) { return s.store, nil }
	g := &Gate{
		Out: &s.out, Now: func() time.Time { return s.now },
		Used: Used{Dir: filepath.Join(s.home, "used"), Open: open, Timeout: s.timeout},
		Start: func(_ context.Context, args []string) error {
			s.started = append(s.started, args)
			return nil
		},
		Look: func(ctx context.Context, state, cluster string) (kops.Report, error) {
			s.looks++
			if s.looked != nil {
				s.looked(s.looks)
			}
			if s.lookErr != nil {
				return kops.Report{}, s.lookErr
			}
			return kops.Check(ctx, kops.Options{
				State: state, Name: cluster, Open: open, Verify: !s.skipVerify, Verifier: opens{s.timeout},
				Now: func() time.Time { return s.now }, Parallel: 1, Timeout: s.timeout,
			})
		},
	}
	if s.who != nil {
		g.Person = s.who
	}
	return g
}

func (s *stage) request(line string) Request {
	s.t.Helper()
	args := strings.Fields(line)
	command, err := cmdline.Parse(args, cmdline.Surroundings{Getenv: func(name string) string {
		return map[string]string{cmdline.StateVariable: "s3://state"}[name]
	}})
	if err != nil {
		s.t.Fatal(err)
	}
	r := Request{Command: command, Args: args, SkipVerify: s.skipVerify}
	if s.skipVerify {
		r.Own = []string{"--skip-verify"}
	}
	return r
}

// run runs a kops command line through the gate.
func (s *stage) run(line string) error { return s.gate().Run(s.t.Context(), s.request(line)) }

// runWith is run with an approval file.
func (s *stage) runWith(approval, line string) error {
	r := s.request(line)
	r.Approval = approval
	return s.gate().Run(s.t.Context(), r)
}

func codeOf(err error) int {
	var refusal *Refusal
	switch {
	case err == nil:
		return 0
	case errors.As(err, &refusal):
		return refusal.Code
	}
	return 1
}
