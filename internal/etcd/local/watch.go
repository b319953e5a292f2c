package local

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/pki"
)

const (
	minPoll        = 100 * time.Millisecond
	maxPollAtStart = 500 * time.Millisecond
	maxPoll        = 5 * time.Second
	askLimit       = 2 * time.Second // for one report
)

// watch asks the agents for their reports, says what has changed, and keeps
// the ready file, until ctx ends.
func (r *run) watch(ctx context.Context) error {
	conf, err := pki.ClientTLS(layout{dir: r.o.Dir}.agentFiles(), "")
	if err != nil {
		return fmt.Errorf("prepare to ask the agents: %w", err)
	}
	for r.o.Clock.Sleep(ctx, r.pause()) == nil {
		report, ok := r.newestReport(ctx, conf)
		if !ok {
			continue
		}
		r.tell(report)
		if err := r.keepReady(report); err != nil {
			return err
		}
	}
	return nil
}

// pause is from one look to the next: once the cluster serves there is less to
// be seen.
func (r *run) pause() time.Duration {
	limit := maxPoll
	if !r.serves.Load() {
		limit = maxPollAtStart
	}
	return min(max(r.o.Interval/2, minPoll), limit)
}

// newestReport is that of the agent that leads, else the newest.
func (r *run) newestReport(ctx context.Context, conf *tls.Config) (controller.Report, bool) {
	reports := make(chan *controller.Report, len(r.c.Nodes))
	for _, n := range r.c.Nodes {
		go func() { reports <- r.ask(ctx, n, conf) }()
	}
	var newest *controller.Report
	for range r.c.Nodes {
		got := <-reports
		switch {
		case got == nil:
		case newest == nil, got.Leads && !newest.Leads, got.Leads == newest.Leads && got.At.After(newest.At):
			newest = got
		}
	}
	if newest == nil {
		return controller.Report{}, false
	}
	return *newest, true
}

// ask gives nil when the agent does not answer, or has made no pass yet.
func (r *run) ask(ctx context.Context, n node, conf *tls.Config) *controller.Report {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	client, err := agent.Dial(n.Name, n.agentAddr(), conf, nil)
	if err != nil {
		return nil
	}
	defer func() { _ = client.Close() }()
	text, err := client.Report(ctx)
	if err != nil {
		return nil
	}
	var report controller.Report
	if err := json.Unmarshal(text, &report); err != nil || report.At.IsZero() {
		return nil
	}
	return &report
}

// tell says what is new in a report.
func (r *run) tell(report controller.Report) {
	said := []string{fmt.Sprintf("verdict %s: %s", report.Verdict.State, report.Verdict.Why)}
	if c := report.Claim; c != nil && c.Claim.State == decide.ClaimOpen {
		// The verdict of a cluster that is being born would only alarm.
		said = []string{fmt.Sprintf("seeding: claim %.8s, noted by %d of %d", c.Claim.Attempt, len(c.Claim.Noted), len(c.Claim.Members))}
	}
	for _, e := range report.Escalations {
		said = append(said, fmt.Sprintf("needs you: %s/%s: %s; %s", e.Flow, e.Step, e.Why, e.Advice))
	}
	said = append(said, report.Troubles...)
	for _, line := range said {
		if !slices.Contains(r.said, line) {
			r.say("%s", line)
		}
	}
	r.said = said
}

// keepReady writes the ready file when the cluster first serves, and whenever
// what it says has changed since.
func (r *run) keepReady(report controller.Report) error {
	if !serves(report) {
		return nil
	}
	ready := r.readyOf(report)
	if slices.ContainsFunc(ready.Members, func(m ReadyMember) bool { return m.AgentPID == 0 }) {
		return nil // an agent is being started again
	}
	if reflect.DeepEqual(ready, r.ready) {
		return nil
	}
	first := r.ready.ClusterID == ""
	r.ready = ready
	if err := r.followStores(ready); err != nil {
		return err
	}
	if r.o.ReadyFile != "" {
		if err := writeReady(r.o.ReadyFile, ready); err != nil {
			return err
		}
	}
	if !first {
		return nil
	}
	r.serves.Store(true)
	r.say("serving: %s", strings.Join(ready.Endpoints, ","))
	if asked, has := r.o.Members, report.Spec.MemberCount; asked != 0 && asked != has {
		r.say("the cluster has %d member(s), as its record says, and --members %d changes nothing; to change it: seedproof etcd configure --dir %s --member-count %d",
			has, asked, r.o.Dir, asked)
	}
	if r.o.Serving != nil {
		r.o.Serving(ready)
	}
	return nil
}

// followStores notes where the stores have moved to, for the next run, unless
// this one was told by hand.
func (r *run) followStores(ready Ready) error {
	byHand := r.o.ControlStore != "" || r.o.BackupStore != ""
	if byHand || ready.ControlStore == r.c.ControlStore && ready.BackupStore == r.c.BackupStore {
		return nil
	}
	r.c.ControlStore, r.c.BackupStore = ready.ControlStore, ready.BackupStore
	return layout{dir: r.o.Dir}.write(r.c)
}
