package telemetry

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seedproof/seedproof/internal/proof"
)

// EtcdMetrics are the metrics of one etcd cluster as one agent sees it. Every
// series bears the label "cluster". The leader sets what concerns the whole
// cluster, and drops it with LostLead when it no longer leads. The methods may
// be called from several goroutines.
type EtcdMetrics struct {
	verdict, witness, record, identity           *gauges
	backupTime, backupSize, backupRev, backupOK  *gauges
	backupInterval                               *gauges
	backupFailures                               prometheus.Counter
	leader, epoch, pass                          *gauges
	certificates, alarms, quota, dbSize, dbInUse *gauges
	stores                                       *gauges
}

// NewEtcdMetrics registers the metrics of the named cluster.
func NewEtcdMetrics(reg prometheus.Registerer, cluster string) *EtcdMetrics {
	reg = prometheus.WrapRegistererWith(prometheus.Labels{"cluster": cluster}, reg)
	g := func(name, help string, labels ...string) *gauges { return newGauges(reg, name, help, labels...) }
	return &EtcdMetrics{
		verdict: g("etcd_verdict", "1 for the verdict that stands for the cluster, 0 for all others.", "verdict"),
		witness: g("etcd_witness_finding", "1 for what each witness testified when it was last asked.", "witness", "kind", "finding"),
		record:  g("etcd_record_present", "Whether the cluster's record was found in the control store (1) or not (0)."),
		identity: g("etcd_identity_info", "1, with the identity that the cluster was seen to have.",
			"lineage", "generation", "cluster_id"),
		backupTime:     g("etcd_last_backup_timestamp_seconds", "When the newest complete backup was taken, Unix time."),
		backupSize:     g("etcd_last_backup_size_bytes", "Size of the newest complete backup as stored."),
		backupRev:      g("etcd_last_backup_revision", "etcd revision that the newest complete backup holds."),
		backupOK:       g("etcd_last_backup_success", "Whether the last try of a backup succeeded (1) or failed (0)."),
		backupInterval: g("etcd_backup_interval_seconds", "Interval at which backups are due by the cluster's spec."),
		backupFailures: newCounters(reg, "etcd_backup_failures_total", "Tries of a backup that failed.").WithLabelValues(),
		leader:         g("etcd_leader", "Whether this agent leads (1) or not (0)."),
		epoch:          g("etcd_leader_epoch", "Highest epoch of a leader that this agent has heard of."),
		pass:           g("etcd_pass_timestamp_seconds", "When the leader's last pass ended, Unix time."),
		certificates:   g("certificate_expiry_timestamp_seconds", "When the named certificate expires, Unix time.", "name"),
		alarms:         g("etcd_alarm", "1 for each alarm that a member has raised.", "type", "member"),
		quota:          g("etcd_quota_bytes", "Quota of the member's database.", "member"),
		dbSize:         g("etcd_db_size_bytes", "Size of the member's database file; the quota is held against it.", "member"),
		dbInUse:        g("etcd_db_in_use_bytes", "Part of the member's database that is in use; the rest is freed by a defrag.", "member"),
		stores:         g("store_reachable", "Whether the store answered when it was last asked (1) or not (0).", "store"),
	}
}

// SetVerdict shows v as the one that stands.
func (m *EtcdMetrics) SetVerdict(v proof.State) {
	all := make([]sample, 0, len(proof.States()))
	for _, s := range proof.States() {
		all = append(all, sample{[]string{s.String()}, oneIf(s == v)})
	}
	m.verdict.replace(all...)
}

// WitnessFinding is what one witness testified.
type WitnessFinding struct{ Witness, Kind, Finding string }

// SetWitnesses shows the findings of all witnesses that were asked.
func (m *EtcdMetrics) SetWitnesses(all []WitnessFinding) {
	samples := make([]sample, 0, len(all))
	for _, w := range all {
		samples = append(samples, sample{[]string{w.Witness, w.Kind, w.Finding}, 1})
	}
	m.witness.replace(samples...)
}

// SetRecordPresent shows whether the record was found. Where that is not known
// (the store was silent) call RecordUnknown.
func (m *EtcdMetrics) SetRecordPresent(present bool) { m.record.set(oneIf(present)) }

// RecordUnknown drops the claim: a silent store says nothing about the record.
func (m *EtcdMetrics) RecordUnknown() { m.record.clear() }

// SetIdentity shows the identity that was seen. The cluster id is etcd's, in hex.
func (m *EtcdMetrics) SetIdentity(lineage string, generation int64, clusterID string) {
	m.identity.replace(sample{[]string{lineage, strconv.FormatInt(generation, 10), clusterID}, 1})
}

// SetBackupInterval shows the interval of the spec; 0 means that no backups
// are due, and nothing is shown.
func (m *EtcdMetrics) SetBackupInterval(d time.Duration) {
	if d <= 0 {
		m.backupInterval.clear()
		return
	}
	m.backupInterval.set(d.Seconds())
}

// SetLastBackup shows the newest complete backup: when it was taken, its size
// in bytes as stored, and its etcd revision.
func (m *EtcdMetrics) SetLastBackup(at time.Time, size, revision int64) {
	m.backupTime.set(unix(at))
	m.backupSize.set(float64(size))
	m.backupRev.set(float64(revision))
}

// BackupTried counts a try of a backup.
func (m *EtcdMetrics) BackupTried(err error) {
	m.backupOK.set(oneIf(err == nil))
	if err != nil {
		m.backupFailures.Inc()
	}
}

// SetLeader shows whether this agent leads and the highest epoch it knows.
func (m *EtcdMetrics) SetLeader(leads bool, epoch uint64) {
	m.leader.set(oneIf(leads))
	m.epoch.set(float64(epoch))
}

// PassEnded shows when the leader's last pass ended.
func (m *EtcdMetrics) PassEnded(at time.Time) { m.pass.set(unix(at)) }

// SetCertificates shows when each certificate expires, by its name.
func (m *EtcdMetrics) SetCertificates(expiry map[string]time.Time) {
	samples := make([]sample, 0, len(expiry))
	for name, at := range expiry {
		samples = append(samples, sample{[]string{name}, unix(at)})
	}
	m.certificates.replace(samples...)
}

// Alarm is one alarm of one member, as etcd names it ("NOSPACE", "CORRUPT").
type Alarm struct{ Type, Member string }

// SetAlarms shows all alarms that stand.
func (m *EtcdMetrics) SetAlarms(all []Alarm) {
	samples := make([]sample, 0, len(all))
	for _, a := range all {
		samples = append(samples, sample{[]string{a.Type, a.Member}, 1})
	}
	m.alarms.replace(samples...)
}

// MemberSize is what a member says of its database, in bytes.
type MemberSize struct {
	Member             string
	Quota, Size, InUse int64
}

// SetSizes shows the databases of all members that answered.
func (m *EtcdMetrics) SetSizes(all []MemberSize) {
	var quota, size, inUse []sample
	for _, s := range all {
		labels := []string{s.Member}
		quota = append(quota, sample{labels, float64(s.Quota)})
		size = append(size, sample{labels, float64(s.Size)})
		inUse = append(inUse, sample{labels, float64(s.InUse)})
	}
	m.quota.replace(quota...)
	m.dbSize.replace(size...)
	m.dbInUse.replace(inUse...)
}

// SetStores shows which stores answered, by their role ("control", "backup").
func (m *EtcdMetrics) SetStores(reachable map[string]bool) {
	samples := make([]sample, 0, len(reachable))
	for store, ok := range reachable {
		samples = append(samples, sample{[]string{store}, oneIf(ok)})
	}
	m.stores.replace(samples...)
}

// LostLead drops what only a leader knows, so that an agent that no longer
// leads does not go on showing an old verdict or an old backup.
func (m *EtcdMetrics) LostLead() {
	for _, g := range []*gauges{
		m.verdict, m.witness, m.record, m.identity, m.backupTime, m.backupSize, m.backupRev,
		m.backupOK, m.backupInterval, m.pass, m.alarms, m.quota, m.dbSize, m.dbInUse,
	} {
		g.clear()
	}
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
