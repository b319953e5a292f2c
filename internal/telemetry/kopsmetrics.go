package telemetry

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seedproof/seedproof/internal/proof"
)

// KopsWords are the closed lists of words that stand in labels: what is not
// known by its name gets no series.
type KopsWords struct {
	Actions      []string // what an update would do
	Backups      []string // what the backups of an etcd cluster are worth
	BackupStates []string // what is known of one backup
	Turns        []string // what can turn
	Passes       []string // how a pass can end
	StoreErrors  []string // classes of errors of a store
	Openings     []string // what an opened backup can be
}

// KopsCluster is what is shown of one etcd cluster of one kops cluster. A time
// that is zero is not known, and has no series.
type KopsCluster struct {
	Cluster, Etcd string
	Action        string
	Verdict       proof.State
	ExitCode      int
	// FirstStart: what looks like a wipe may be the first start of a new one.
	FirstStart bool

	Backups                         string
	BackupCount                     int
	Newest, LastValid, LastVerified time.Time // when they were taken
	NewestSize                      int64     // bytes, as stored
	NewestState                     string    // "" where there is none

	// RuleHits is when a lifecycle rule deletes a control file ("marker",
	// "spec").
	RuleHits map[string]time.Time
	Threats  map[string]int // how many stand, by kind

	Looked        time.Time // when all that matters last answered
	Seen          time.Time // when anything of it was last there
	StaleSince    time.Time // zero: it is fresh
	VanishedSince time.Time // zero: it is there
}

// KopsMetrics are the metrics of the watch over one kops state store. Every
// series bears the label "state_store". The methods may be called from several
// goroutines.
type KopsMetrics struct {
	words KopsWords

	action, verdict, exitCode, firstStart      *gauges
	backups, backupCount                       *gauges
	newest, newestSize, newestState            *gauges
	valid, verified                            *gauges
	ruleHits, threats                          *gauges
	looked, seen, stale                        *gauges
	vanished, acknowledged                     *gauges
	pass, success                              *gauges
	interval, verifyInterval, maxAge           *gauges
	incomplete, clusters, untracked, bucketOld *gauges

	duration                    prometheus.Histogram
	passes, storeErrors, opened *prometheus.CounterVec
	slow, readBytes             prometheus.Counter
	turnsMu                     sync.Mutex
	turns                       *prometheus.CounterVec
	turning                     map[[2]string]bool // clusters that have counters of turns
}

// NewKopsMetrics registers the metrics of the watch over a state store.
func NewKopsMetrics(reg prometheus.Registerer, stateStore string, words KopsWords) *KopsMetrics {
	reg = prometheus.WrapRegistererWith(prometheus.Labels{"state_store": label(stateStore)}, reg)
	m := &KopsMetrics{words: words, turning: map[[2]string]bool{}}
	m.registerClusters(reg)
	m.registerPasses(reg)
	for _, outcome := range words.Passes {
		m.passes.WithLabelValues(outcome)
	}
	for _, class := range words.StoreErrors {
		m.storeErrors.WithLabelValues(class)
	}
	for _, state := range words.Openings {
		m.opened.WithLabelValues(state)
	}
	return m
}

// registerClusters makes what is shown of each etcd cluster.
func (m *KopsMetrics) registerClusters(reg prometheus.Registerer) {
	g := func(name, help string, labels ...string) *gauges {
		return newGauges(reg, "kops_"+name, help, append([]string{"cluster", "etcd"}, labels...)...)
	}
	m.action = g("action", "1 for what the next kops update would do to the etcd cluster, 0 for all else.", "action")
	m.verdict = g("verdict", "1 for the verdict on whether the etcd cluster was ever applied, 0 for all others.", "verdict")
	m.exitCode = g("exit_code", "Exit code that seedproof kops check would have: 0 safe, 3 refused, 4 unproven.")
	m.firstStart = g("first_start", "Whether what looks like a wipe may be the first start of a new cluster (1) or not (0).")
	m.backups = g("backups_state", "1 for what the backups are worth, 0 for all else.", "state")
	m.backupCount = g("backups", "Number of backups in the store.")
	m.newest = g("newest_backup_timestamp_seconds", "When the newest backup was taken, valid or not, Unix time.")
	m.newestSize = g("newest_backup_size_bytes", "Size of the newest backup as stored.")
	m.newestState = g("newest_backup_state", "1 for what is known of the newest backup, 0 for all else.", "state")
	m.valid = g("last_valid_backup_timestamp_seconds", "When the newest backup was taken that is valid as far as it was looked at, Unix time.")
	m.verified = g("last_verified_backup_timestamp_seconds", "When the newest backup was taken that was opened and holds, Unix time.")
	m.ruleHits = g("rule_hits_control_file_timestamp_seconds", "When a lifecycle rule deletes a control file, Unix time.", "file")
	m.threats = g("threats", "Number of threats that stand, by their kind.", "kind")
	m.looked = g("looked_timestamp_seconds", "When all that matters of the etcd cluster last answered, Unix time.")
	m.seen = g("seen_timestamp_seconds", "When anything of the etcd cluster was last in the state store, Unix time.")
	m.stale = g("stale_since_timestamp_seconds", "Since when what is shown is what was last known, Unix time.")
	m.vanished = g("vanished_timestamp_seconds", "Since when an etcd cluster that was there is not in the state store any more, Unix time.")
	m.acknowledged = g("vanish_acknowledged_timestamp_seconds", "For each etcd cluster that a person let go of and that is not there, since when it was gone by that word, Unix time.")
	m.turns = newCounters(reg, "kops_turns_total", "How often something turned.", "cluster", "etcd", "what")
}

// registerPasses makes what is shown of the watch itself.
func (m *KopsMetrics) registerPasses(reg prometheus.Registerer) {
	g := func(name, help string, labels ...string) *gauges {
		return newGauges(reg, "kops_"+name, help, labels...)
	}
	m.pass = g("pass_timestamp_seconds", "When the last pass ended, however it ended, Unix time.")
	m.success = g("pass_success_timestamp_seconds", "When the last pass ended to which the state store answered, Unix time.")
	m.interval = g("interval_seconds", "Time from one pass to the next.")
	m.verifyInterval = g("verify_interval_seconds", "How often the newest backups are opened.")
	m.maxAge = g("max_backup_age_seconds", "How old the last valid backup may be.")
	m.incomplete = g("listing_incomplete", "Whether the last listing ended early, so that there may be more clusters (1), or not (0).")
	m.clusters = g("clusters", "Number of etcd clusters that are watched.")
	m.untracked = g("untracked_clusters", "Number of etcd clusters beyond the limit, which are not watched.")
	m.bucketOld = g("bucket_settings_stale_since_timestamp_seconds", "Since when the settings of a bucket could not be read, Unix time.", "bucket")
	m.duration = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: Prefix + "kops_pass_duration_seconds", Help: "How long passes take.",
		Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600},
	})
	reg.MustRegister(m.duration)
	m.passes = newCounters(reg, "kops_passes_total", "Passes, by how they ended.", "outcome")
	m.storeErrors = newCounters(reg, "kops_store_errors_total", "Calls that a store did not answer, by class.", "class")
	m.opened = newCounters(reg, "kops_opened_backups_total", "Backups that were opened, by what they turned out to be.", "state")
	m.slow = newCounters(reg, "kops_slow_passes_total", "Passes that took longer than the interval.").WithLabelValues()
	m.readBytes = newCounters(reg, "kops_verify_read_bytes_total", "Bytes read to verify backups.").WithLabelValues()
}

// SetPace shows the settings of the watch. A verify of 0: backups are not
// opened, and nothing is shown.
func (m *KopsMetrics) SetPace(interval, verify, maxBackupAge time.Duration) {
	m.interval.set(interval.Seconds())
	m.maxAge.set(maxBackupAge.Seconds())
	if verify > 0 {
		m.verifyInterval.set(verify.Seconds())
	}
}

// PassEnded shows a pass: how it ended, when, and how long it took. Answered
// says whether the state store did; slow, whether it took too long.
func (m *KopsMetrics) PassEnded(outcome string, at time.Time, took time.Duration, answered, slow bool) {
	m.passes.WithLabelValues(outcome).Inc()
	m.duration.Observe(took.Seconds())
	m.pass.set(unix(at))
	if answered {
		m.success.set(unix(at))
	}
	if slow {
		m.slow.Inc()
	}
}

// SetListing shows whether the listing was complete, and how many etcd
// clusters are beyond the limit.
func (m *KopsMetrics) SetListing(incomplete bool, untracked int) {
	m.incomplete.set(oneIf(incomplete))
	m.untracked.set(float64(untracked))
}

// SetBucketsStale shows since when the settings of buckets could not be read.
func (m *KopsMetrics) SetBucketsStale(since map[string]time.Time) {
	var samples []sample
	for bucket, at := range since {
		samples = append(samples, sample{[]string{label(bucket)}, unix(at)})
	}
	m.bucketOld.replace(samples...)
}

// StoreError counts a call that a store did not answer.
func (m *KopsMetrics) StoreError(class string) { m.storeErrors.WithLabelValues(class).Inc() }

// Opened counts a backup that was opened.
func (m *KopsMetrics) Opened(state string) { m.opened.WithLabelValues(state).Inc() }

// VerifyRead counts bytes read to verify backups.
func (m *KopsMetrics) VerifyRead(n int) { m.readBytes.Add(float64(n)) }

// Turned counts that something of an etcd cluster turned.
func (m *KopsMetrics) Turned(cluster, etcd, what string) {
	m.turns.WithLabelValues(label(cluster), label(etcd), what).Inc()
}

// SetAcknowledged shows who is gone by a person's word, cluster and etcd, and
// since when: the word does not cover a later loss.
func (m *KopsMetrics) SetAcknowledged(since map[[2]string]time.Time) {
	samples := make([]sample, 0, len(since))
	for name, at := range since {
		samples = append(samples, sample{[]string{label(name[0]), label(name[1])}, unix(at)})
	}
	m.acknowledged.replace(samples...)
}

// SetClusters shows all etcd clusters that are watched, and no others.
func (m *KopsMetrics) SetClusters(all []KopsCluster) {
	c := collected{}
	for _, k := range all {
		c.add(m, k)
	}
	for family, samples := range c {
		family.replace(samples...)
	}
	for _, family := range m.perCluster() {
		if c[family] == nil {
			family.clear()
		}
	}
	m.clusters.set(float64(len(all)))
	m.startTurns(all)
}

// perCluster are the families that SetClusters fills.
func (m *KopsMetrics) perCluster() []*gauges {
	return []*gauges{
		m.action, m.verdict, m.exitCode, m.firstStart, m.backups, m.backupCount, m.newest, m.newestSize,
		m.newestState, m.valid, m.verified, m.ruleHits, m.threats, m.looked, m.seen, m.stale, m.vanished,
	}
}

// startTurns gives each etcd cluster its counters, at zero, so that their first
// increase is seen as one, and takes away those of who is watched no more.
func (m *KopsMetrics) startTurns(all []KopsCluster) {
	m.turnsMu.Lock()
	defer m.turnsMu.Unlock()
	now := make(map[[2]string]bool, len(all))
	for _, k := range all {
		id := [2]string{label(k.Cluster), label(k.Etcd)}
		now[id] = true
		for _, what := range m.words.Turns {
			m.turns.WithLabelValues(id[0], id[1], what)
		}
	}
	for id := range m.turning {
		if !now[id] {
			m.turns.DeletePartialMatch(prometheus.Labels{"cluster": id[0], "etcd": id[1]})
		}
	}
	m.turning = now
}

// collected are the samples of all families, to be set at once.
type collected map[*gauges][]sample

func (c collected) add(m *KopsMetrics, k KopsCluster) {
	put := func(g *gauges, v float64, more ...string) {
		c[g] = append(c[g], sample{append([]string{label(k.Cluster), label(k.Etcd)}, more...), v})
	}
	oneOf := func(g *gauges, words []string, is string) {
		for _, word := range words {
			put(g, oneIf(word == is), word)
		}
	}
	at := func(g *gauges, t time.Time, more ...string) {
		if !t.IsZero() {
			put(g, unix(t), more...)
		}
	}
	oneOf(m.action, m.words.Actions, k.Action)
	for _, s := range proof.States() {
		put(m.verdict, oneIf(s == k.Verdict), s.String())
	}
	put(m.exitCode, float64(k.ExitCode))
	put(m.firstStart, oneIf(k.FirstStart))
	oneOf(m.backups, m.words.Backups, k.Backups)
	put(m.backupCount, float64(k.BackupCount))
	if k.NewestState != "" {
		oneOf(m.newestState, m.words.BackupStates, k.NewestState)
		put(m.newestSize, float64(k.NewestSize))
	}
	at(m.newest, k.Newest)
	at(m.valid, k.LastValid)
	at(m.verified, k.LastVerified)
	for file, t := range k.RuleHits {
		at(m.ruleHits, t, file)
	}
	for kind, n := range k.Threats {
		put(m.threats, float64(n), kind)
	}
	at(m.looked, k.Looked)
	at(m.seen, k.Seen)
	at(m.stale, k.StaleSince)
	at(m.vanished, k.VanishedSince)
}

// longestLabel is that of a DNS name. Names come from a bucket, where anybody
// may have put anything.
const longestLabel = 253

// label makes a value that Prometheus takes of any name: a longer one, or one
// that is no UTF-8, ends in a hash of the whole.
func label(name string) string {
	if len(name) <= longestLabel && utf8.ValidString(name) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	cut := name[:min(len(name), longestLabel-20)]
	clean := make([]rune, 0, len(cut))
	for _, r := range cut {
		if r != utf8.RuneError {
			clean = append(clean, r)
		}
	}
	return string(clean) + "~" + hex.EncodeToString(sum[:8])
}
