package controller

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/telemetry"
)

// Report is what status and explain show, and the agent's status page. Its
// JSON form is stable.
type Report struct {
	Cluster     string            `json:"cluster"`
	Agent       string            `json:"agent"`
	At          time.Time         `json:"at"`
	Escalations []flow.Escalation `json:"escalations,omitempty"` // first, with what to type
	Troubles    []string          `json:"troubles,omitempty"`
	Verdict     proof.Verdict     `json:"verdict"`
	Advice      []string          `json:"advice,omitempty"`
	// Generation is the highest that anybody names; attestations are bound to it.
	Generation uint64            `json:"generation"`
	Leads      bool              `json:"leads"`
	Leader     LeaderReport      `json:"leader"`
	Spec       record.Spec       `json:"spec"`
	Record     RecordReport      `json:"record"`
	Claim      *decide.ClaimView `json:"claim,omitempty"`
	Stores     []StoreReport     `json:"stores"`
	Members    []MemberReport    `json:"members"`
	Backup     BackupReport      `json:"backup"`
	History    []Event           `json:"history,omitempty"` // what changed lately, the oldest first
}

// LeaderReport says who leads, and why or why not.
type LeaderReport struct {
	Holder string `json:"holder,omitempty"`
	Epoch  uint64 `json:"epoch,omitempty"`
	Why    string `json:"why,omitempty"`
}

// RecordReport is the record in short.
type RecordReport struct {
	Finding   proof.Finding `json:"finding"`
	Why       string        `json:"why,omitempty"`
	Serial    uint64        `json:"serial,omitempty"`
	WrittenAt time.Time     `json:"writtenAt,omitzero"`
	ClusterID string        `json:"clusterID,omitempty"`
}

// StoreReport is one store and its place mark.
type StoreReport struct {
	Kind  string `json:"kind"`
	URL   string `json:"url"`
	State string `json:"state"` // ours, new, emptied, other, unknown
	Mark  string `json:"mark,omitempty"`
	Why   string `json:"why,omitempty"`
}

// MemberReport is one member and its node.
type MemberReport struct {
	Name      string        `json:"name"`
	ID        string        `json:"id,omitempty"` // hex
	Finding   proof.Finding `json:"finding"`
	Live      bool          `json:"live"`
	Serves    bool          `json:"serves"` // answers linearizable reads
	Learner   bool          `json:"learner,omitempty"`
	Leader    bool          `json:"leader,omitempty"` // of etcd's raft
	Revision  int64         `json:"revision,omitempty"`
	DBSize    int64         `json:"dbSizeBytes,omitempty"`
	DBInUse   int64         `json:"dbInUseBytes,omitempty"`
	Version   string        `json:"etcdVersion,omitempty"`
	EtcdPID   int64         `json:"etcdPID,omitempty"`
	ClientURL string        `json:"clientURL,omitempty"`
	PeerURL   string        `json:"peerURL,omitempty"`
	Alarms    []string      `json:"alarms,omitempty"`
	Why       string        `json:"why,omitempty"`
}

// BackupReport is the newest backup and how the next one stands.
type BackupReport struct {
	Newest   string          `json:"newest,omitempty"`
	Stored   time.Time       `json:"stored,omitzero"`
	Size     int64           `json:"sizeBytes,omitempty"`
	Revision int64           `json:"revision,omitempty"`
	Verified bool            `json:"verified"`
	Interval record.Duration `json:"interval"`
	Error    string          `json:"error,omitempty"` // of the last try
}

// Report is the newest report.
func (c *Controller) Report() Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.report
}

// ReportJSON is the newest report as JSON.
func (c *Controller) ReportJSON() ([]byte, error) {
	b, err := json.Marshal(c.Report())
	if err != nil {
		return nil, fmt.Errorf("encode the report: %w", err)
	}
	return b, nil
}

// publish makes the report and the metrics of a pass.
func (c *Controller) publish(w *world) {
	r := Report{
		Cluster: c.cfg.Cluster, Agent: c.cfg.Name, At: w.at, Escalations: c.runner.Escalations(), Troubles: w.troubles,
		Verdict: w.verdict, Advice: decide.Advice(w.verdict), Generation: decide.Generation(w.evidence), Leads: w.leads,
		Leader: LeaderReport{Why: w.leadWhy}, Spec: w.spec,
		Record: RecordReport{Finding: w.control.Record.Finding, Why: w.control.Record.Why, Serial: w.control.Record.Serial},
		Stores: storeReports(w), Members: c.memberReports(w), Backup: c.backups.report(w), History: c.history.newest(),
	}
	if w.leads {
		r.Leader.Holder, r.Leader.Epoch = c.cfg.Name, w.lease.Epoch
	}
	if d := w.control.Doc; d != nil {
		r.Record.WrittenAt, r.Record.ClusterID = d.WrittenAt, d.ClusterID
	}
	if w.control.Claim.Finding != proof.Absent {
		r.Claim = &w.control.Claim
	}
	if step := decide.NextSeed(w.evidence, w.verdict); step.Action == decide.SeedStop || step.Action == decide.SeedWait {
		r.Troubles = append(r.Troubles, "seeding: "+step.Why)
	}
	c.mu.Lock()
	c.report = r
	c.mu.Unlock()
	c.measure(w, r)
}

func storeReports(w *world) []StoreReport {
	var reports []StoreReport
	if p := w.controlPlace; p != nil {
		reports = append(reports, StoreReport{string(p.kind), p.url, w.control.Place.State.String(), w.control.Place.MarkID, w.control.Place.Why})
	}
	if p := w.backupPlace; p != nil {
		reports = append(reports, StoreReport{string(p.kind), p.url, w.backups.place.State.String(), w.backups.place.MarkID, w.backups.place.Why})
	}
	return reports
}

func (c *Controller) memberReports(w *world) []MemberReport {
	var reports []MemberReport
	for _, n := range w.evidence.Nodes {
		r := MemberReport{Name: n.Name, Finding: n.Part.Finding, Live: n.Part.Live, Serves: n.Part.Linearizable, Revision: n.Part.Revision, Why: n.Part.Why}
		if n.Part.ID != 0 {
			r.ID = fmt.Sprintf("%x", n.Part.ID)
		}
		if a, ok := w.answers[n.Name]; ok && a.err == nil {
			t := a.testimony
			r.Learner, r.Leader = t.Learner, t.RaftLeader != 0 && t.RaftLeader == n.Part.ID
			r.DBSize, r.DBInUse, r.Version, r.EtcdPID = t.DBSize, t.DBInUse, t.EtcdVersion, int64(t.EtcdPID)
			r.ClientURL, r.PeerURL, r.Alarms = t.ClientURL, t.PeerURL, t.Alarms
		}
		reports = append(reports, r)
	}
	slices.SortFunc(reports, func(a, b MemberReport) int { return cmp.Compare(a.Name, b.Name) })
	return reports
}

func (b *backups) report(w *world) BackupReport {
	r := BackupReport{Interval: w.spec.BackupInterval}
	if n := w.backups.newest; n != nil {
		r.Newest, r.Stored, r.Size = n.Name, n.Stored, n.Size
		if n.Proof != nil {
			r.Revision = n.Proof.RevisionAtLeast
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.lastErr != nil:
		r.Error = b.lastErr.Error()
	case w.backups.err != nil:
		r.Error = w.backups.err.Error()
	}
	return r
}

// measure sets the metrics. Those of the cluster are the leader's to tell;
// while nobody leads, everybody tells what they see.
func (c *Controller) measure(w *world, r Report) {
	m := c.deps.Metrics
	if m == nil {
		return
	}
	m.PassEnded(w.at)
	m.SetLeader(w.leads, w.lease.Epoch)
	m.SetVerdict(w.verdict.State)
	var witnesses []telemetry.WitnessFinding
	for _, t := range w.verdict.Heard {
		witnesses = append(witnesses, telemetry.WitnessFinding{Witness: t.Witness.Name, Kind: t.Witness.Kind.String(), Finding: t.Finding.String()})
	}
	m.SetWitnesses(witnesses)
	if r.Record.Finding == proof.Unknown {
		m.RecordUnknown()
	} else {
		m.SetRecordPresent(r.Record.Finding == proof.Present)
	}
	if w.verdict.Identity.Named() {
		m.SetIdentity(w.verdict.Identity.Lineage, int64(w.verdict.Identity.Generation), r.Record.ClusterID)
	}
	m.SetBackupInterval(time.Duration(w.spec.BackupInterval))
	if r.Backup.Newest != "" {
		m.SetLastBackup(r.Backup.Stored, r.Backup.Size, r.Backup.Revision)
	}
	c.measureMembers(w, r)
}

func (c *Controller) measureMembers(w *world, r Report) {
	var sizes []telemetry.MemberSize
	var alarms []telemetry.Alarm
	for _, member := range r.Members {
		if !member.Live {
			continue
		}
		sizes = append(sizes, telemetry.MemberSize{Member: member.Name, Quota: r.Spec.QuotaBytes, Size: member.DBSize, InUse: member.DBInUse})
		for _, a := range member.Alarms {
			alarms = append(alarms, telemetry.Alarm{Type: a, Member: member.Name})
		}
	}
	c.deps.Metrics.SetSizes(sizes)
	c.deps.Metrics.SetAlarms(alarms)
	reachable := map[string]bool{}
	if w.controlPlace != nil {
		reachable["control"] = w.control.Seen.Err == nil
	}
	if w.backupPlace != nil {
		reachable["backup"] = w.backups.err == nil && w.backups.seen.Err == nil
	}
	c.deps.Metrics.SetStores(reachable)
}

// Page shows the report as a page.
func (r Report) Page() telemetry.Page {
	p := telemetry.Page{Title: "etcd cluster " + r.Cluster, Summary: r.Verdict.State.String() + ": " + r.Verdict.Why, Escalations: r.Escalations}
	members := telemetry.Section{Title: "Members", Columns: []string{"Name", "ID", "Finding", "Serves", "Revision", "Size", "Why"}}
	for _, m := range r.Members {
		members.Rows = append(members.Rows, []string{m.Name, m.ID, m.Finding.String(), yesNo(m.Serves), fmt.Sprint(m.Revision), fmt.Sprint(m.DBSize), m.Why})
	}
	witnesses := telemetry.Section{Title: "Witnesses", Columns: []string{"Witness", "Finding", "Identity", "Why"}}
	for _, t := range r.Verdict.Heard {
		witnesses.Rows = append(witnesses.Rows, []string{t.Witness.Name, t.Finding.String(), t.Identity.String(), t.Why})
	}
	todo := telemetry.Section{Title: "What to do", Columns: []string{""}}
	for _, line := range slices.Concat(r.Troubles, r.Advice) {
		todo.Rows = append(todo.Rows, []string{line})
	}
	backups := telemetry.Section{Title: "Newest backup", Columns: []string{"Name", "Stored", "Bytes", "Verified", "Error"},
		Rows: [][]string{{r.Backup.Newest, r.Backup.Stored.UTC().Format(time.RFC3339), fmt.Sprint(r.Backup.Size), yesNo(r.Backup.Verified), r.Backup.Error}}}
	p.Sections = []telemetry.Section{todo, members, witnesses, backups}
	return p
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
