package watch

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/telemetry"
)

// Status is what /status shows: the fields of a kops.Report, and since when
// each thing is known.
type Status struct {
	State    string `json:"state"`
	ExitCode int    `json:"exitCode"` // the worst of all
	// At is when the store was last asked, Success when it last answered. Zero:
	// not yet.
	At         time.Time `json:"at,omitzero"`
	Success    time.Time `json:"success,omitzero"`
	Started    time.Time `json:"started"`
	LastPass   string    `json:"lastPass"`      // how the last pass ended
	Why        string    `json:"why,omitempty"` // why it ended so
	Incomplete string    `json:"incomplete,omitempty"`
	// Untracked is how many etcd clusters are beyond the limit.
	Untracked       int                  `json:"untracked,omitempty"`
	Acknowledgement string               `json:"acknowledgementsProblem,omitempty"`
	StaleBuckets    map[string]time.Time `json:"staleBuckets,omitempty"`
	Clusters        []ClusterStatus      `json:"clusters"`
	Turns           []Turn               `json:"turns"` // the last ones, the newest first
}

// ClusterStatus is what stands of one etcd cluster.
type ClusterStatus struct {
	kops.Result
	Looked     time.Time `json:"looked,omitzero"`     // when all that matters last answered
	StaleSince time.Time `json:"staleSince,omitzero"` // what is shown was last known then
	StaleWhy   string    `json:"staleWhy,omitempty"`
	// VanishedSince: it is not in the store any more. Acknowledge is the line
	// by which a person lets go of that, or of a marker that was rewritten.
	VanishedSince time.Time `json:"vanishedSince,omitzero"`
	Acknowledge   string    `json:"acknowledge,omitempty"`
	// LastVerified is the newest backup that was opened and holds.
	LastVerified *kops.Backup `json:"lastVerifiedBackup"`
	Opened       time.Time    `json:"opened,omitzero"` // when backups were last opened
}

// Status is how things stand. It asks nobody.
func (w *Watcher) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := Status{
		State: w.conf.Check.State, At: w.last.ended, Success: w.success, Started: w.started, LastPass: w.last.outcome, Why: w.last.why,
		Incomplete: w.last.incomplete, Untracked: w.book.beyond, Acknowledgement: w.ackWhy, Clusters: []ClusterStatus{}, Turns: slices.Clone(w.turns),
	}
	if s.LastPass == "" {
		s.LastPass = "none yet"
	}
	if w.buckets != nil {
		s.StaleBuckets = w.buckets.stale()
	}
	slices.Reverse(s.Turns)
	for _, name := range w.book.sorted() {
		c := w.book.entries[name].status(name)
		s.Clusters = append(s.Clusters, c)
		s.ExitCode = decide.Worse(s.ExitCode, c.ExitCode)
	}
	if !answered(w.last.outcome) || s.Untracked > 0 || w.success.IsZero() {
		s.ExitCode = decide.Worse(s.ExitCode, decide.UnprovenOutcome)
	}
	return s
}

func (e *entry) status(name id) ClusterStatus {
	c := ClusterStatus{Result: e.shown, Looked: e.looked, StaleSince: e.stale, StaleWhy: e.why, VanishedSince: e.vanished, LastVerified: e.lastVerified()}
	switch {
	case !e.vanished.IsZero():
		c.Acknowledge = acknowledgement{name, e.vanished}.String()
	case !e.rewritten.IsZero():
		c.Acknowledge = acknowledgement{name, e.rewritten}.String()
	}
	if e.opened != nil {
		c.Opened = e.opened.at
	}
	return c
}

// lastVerified is the newest backup that was opened and holds; nil where none
// did, or where there are no backups any more.
func (e *entry) lastVerified() *kops.Backup {
	if e.opened == nil || e.shown.NewestBackup == nil {
		return nil
	}
	return e.opened.lastValid
}

// metrics is what the metrics show of it.
func (e *entry) metrics() telemetry.KopsCluster {
	r := e.shown
	k := telemetry.KopsCluster{
		Cluster: r.Cluster, Etcd: r.Etcd, Action: string(r.Action), Verdict: r.Verdict, ExitCode: r.ExitCode, FirstStart: e.firstStart(),
		Backups: r.Evidence.Backups.String(), BackupCount: r.Backups,
		RuleHits: map[string]time.Time{}, Threats: map[string]int{},
		Looked: e.looked, Seen: e.seen, StaleSince: e.stale, VanishedSince: e.vanished,
	}
	if b := r.NewestBackup; b != nil {
		k.Newest, k.NewestSize, k.NewestState = b.Time, b.SizeBytes, string(b.State)
	}
	if b := r.LastValidBackup; b != nil {
		k.LastValid = b.Time
	}
	if b := e.lastVerified(); b != nil {
		k.LastVerified = b.Time
	}
	for _, t := range r.Threats {
		k.Threats[t.Kind]++
		if file := controlFile(t); file != "" && (k.RuleHits[file].IsZero() || t.At.Before(k.RuleHits[file])) {
			k.RuleHits[file] = t.At
		}
	}
	return k
}

// controlFile names the control file that a lifecycle rule reaches.
func controlFile(t decide.Threat) string {
	if t.Kind != kops.LifecycleControl || t.At.IsZero() || len(t.Objects) == 0 {
		return ""
	}
	if strings.HasSuffix(t.Objects[0], managerfiles.CreatedKey) {
		return "marker"
	}
	return "spec"
}

// Page implements telemetry.Pager.
func (s Status) Page() telemetry.Page {
	p := telemetry.Page{Title: "Seedproof: kops state store " + s.State, Summary: s.summary()}
	clusters := telemetry.Section{Title: "Etcd clusters", Columns: []string{"cluster", "etcd", "an update would", "verdict", "exit", "last valid backup", "looked at", "says"}}
	for _, c := range s.Clusters {
		if c.ExitCode != decide.Safe {
			p.Escalations = append(p.Escalations, c.escalation(s.Started))
		}
		clusters.Rows = append(clusters.Rows, []string{c.Cluster, c.Etcd, string(c.Action), c.Verdict.String(), fmt.Sprint(c.ExitCode),
			backupCell(c.LastValidBackup), c.lookedCell(), c.Sentence})
	}
	threats := telemetry.Section{Title: "Threats", Columns: []string{"cluster", "etcd", "kind", "says"}}
	for _, c := range s.Clusters {
		for _, t := range c.Threats {
			threats.Rows = append(threats.Rows, []string{c.Cluster, c.Etcd, t.Kind, t.Sentence})
		}
	}
	turns := telemetry.Section{Title: "What turned", Columns: []string{"at", "cluster", "etcd", "from", "to"}}
	for _, t := range s.Turns {
		turns.Rows = append(turns.Rows, []string{clock(t.At), t.Cluster, t.Etcd, t.From, t.To})
	}
	p.Sections = []telemetry.Section{clusters, threats, turns}
	return p
}

func (s Status) summary() string {
	text := fmt.Sprintf("%d etcd clusters. The last pass ended %s at %s", len(s.Clusters), s.LastPass, clock(s.At))
	if s.Why != "" {
		text += ": " + s.Why
	}
	if s.Success.IsZero() {
		return text + ". The store has not answered yet."
	}
	return text + ". The store last answered at " + clock(s.Success) + "."
}

func (c ClusterStatus) escalation(started time.Time) flow.Escalation {
	since := c.Looked
	if since.IsZero() {
		since = started
	}
	return flow.Escalation{Flow: "kops", Subject: c.Cluster, Step: c.Etcd, Why: c.Sentence, Advice: firstCommand(c.Advice), Since: since, Attempts: 1}
}

func (c ClusterStatus) lookedCell() string {
	if c.StaleSince.IsZero() {
		return clock(c.Looked)
	}
	return "stale since " + clock(c.StaleSince) + ": " + c.StaleWhy
}

func backupCell(b *kops.Backup) string {
	if b == nil {
		return "none"
	}
	return clock(b.Time) + " (" + string(b.State) + ")"
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
