package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/trouble"
)

// board is what is shown as it stands. It is a collector of its own, so that a
// scrape sees each SVM whole, and nothing of one that was forgotten.
type board struct {
	mu        sync.Mutex
	svms      map[string]State
	escalated map[stepOf]bool
	troubles  map[troubleOf]trouble.Condition
	interval  time.Duration
	cycle     time.Time
}

func newBoard() *board {
	return &board{svms: map[string]State{}, escalated: map[stepOf]bool{}, troubles: map[troubleOf]trouble.Condition{}}
}

var _ prometheus.Collector = (*board)(nil)

// family is one metric of the board.
type family struct {
	labels []string
	desc   *prometheus.Desc
}

func newFamily(name, help string, labels ...string) *family {
	return &family{labels, prometheus.NewDesc(prefix+name, help, labels, nil)}
}

// families are all metrics of the board.
func families() []*family {
	all := []*family{
		famVerdict, famLooked, famDeleting, famSecrets, famRefused, famVerified, famAge, famDue, famDrift,
		famEscalated, famSVMs, famInterval, famCycle, famTrouble, famSilent,
	}
	for _, f := range measures {
		all = append(all, f)
	}
	return all
}

var (
	famVerdict   = newFamily("verdict", "1 for the verdict on the SVM, 0 for all others.", "svm", "verdict")
	famLooked    = newFamily("looked_timestamp_seconds", "When the verdict on the SVM was reached, Unix time.", "svm")
	famDeleting  = newFamily("deleting", "Whether the record of the SVM is closed for deletion (1) or not (0).", "svm")
	famSecrets   = newFamily("secrets", "Number of Secrets that the SVM is wanted to have, by how they stand: delivered, missing, unknown.", "svm", "state")
	famRefused   = newFamily("secrets_refused", "Number of delivered Secrets whose pair was refused at the last login.", "svm")
	famVerified  = newFamily("secret_verified_timestamp_seconds", "When the delivered pair had its last good login for which that is longest ago, Unix time.", "svm")
	famAge       = newFamily("rotation_age_seconds", "Age of the oldest delivered password.", "svm")
	famDue       = newFamily("rotation_due_timestamp_seconds", "When the next password is to be changed, Unix time.", "svm")
	famDrift     = newFamily("drift", "Number of objects that differ from what is wanted, by their kind and by who repairs them (controller, person).", "svm", "kind", "repair")
	famEscalated = newFamily("step_escalated", "Number of objects for which the step waits for a person.", "svm", "step")
	famSVMs      = newFamily("known", "Number of SVMs that are shown.")
	famInterval  = newFamily("cycle_interval_seconds", "Time from one look at all SVMs to the next.")
	famCycle     = newFamily("cycle_timestamp_seconds", "When all SVMs had last been looked at, Unix time.")
)

// Describe names the metrics.
func (b *board) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range families() {
		ch <- f.desc
	}
}

// Collect shows what stands.
func (b *board) Collect(ch chan<- prometheus.Metric) {
	b.mu.Lock()
	defer b.mu.Unlock()
	show := func(f *family, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(f.desc, prometheus.GaugeValue, v, labels...)
	}
	for _, s := range b.svms {
		s.show(show)
	}
	counts := map[[2]string]int{}
	for e := range b.escalated {
		counts[[2]string{e.svm, stepLabel(e.step)}]++
	}
	for at, n := range counts {
		show(famEscalated, float64(n), at[0], at[1])
	}
	for of, c := range b.troubles {
		of.show(c, show)
	}
	if b.interval > 0 {
		show(famInterval, b.interval.Seconds())
	}
	if !b.cycle.IsZero() {
		show(famCycle, unix(b.cycle))
		show(famSVMs, float64(len(b.svms)))
	}
}

type shower func(f *family, v float64, labels ...string)

func (s State) show(show shower) {
	at := func(f *family, t time.Time) {
		if !t.IsZero() {
			show(f, unix(t), s.SVM)
		}
	}
	for _, state := range proof.States() {
		show(famVerdict, oneIf(state == s.Verdict), s.SVM, state.String())
	}
	at(famLooked, s.Looked)
	show(famDeleting, oneIf(s.Deleting), s.SVM)
	show(famSecrets, float64(s.Secrets.Delivered), s.SVM, "delivered")
	show(famSecrets, float64(s.Secrets.Missing), s.SVM, "missing")
	show(famSecrets, float64(s.Secrets.Unknown), s.SVM, "unknown")
	show(famRefused, float64(s.Secrets.Refused), s.SVM)
	at(famVerified, s.VerifiedAt)
	at(famDue, s.RotationDue)
	if !s.ActivatedAt.IsZero() && !s.Looked.IsZero() {
		show(famAge, s.Looked.Sub(s.ActivatedAt).Seconds(), s.SVM)
	}
	drift := map[[2]string]int{}
	for _, d := range s.Drift {
		drift[[2]string{label(string(d.Kind)), repairBy(d.Person)}] += d.Count
	}
	for of, n := range drift {
		show(famDrift, float64(n), s.SVM, of[0], of[1])
	}
}

func repairBy(person bool) string {
	if person {
		return "person"
	}
	return "controller"
}

func (b *board) setSVM(s State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.svms[s.SVM] = s
}

func (b *board) setEscalated(s stepOf, is bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if is {
		b.escalated[s] = true
		return
	}
	delete(b.escalated, s)
}

func (b *board) setPace(interval time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.interval = interval
}

func (b *board) setCycle(at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cycle = at
}

func (b *board) forget(svm string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.svms, svm)
	for e := range b.escalated {
		if e.svm == svm {
			delete(b.escalated, e)
		}
	}
	for of := range b.troubles {
		if of.SVM == svm {
			delete(b.troubles, of)
		}
	}
}

func unix(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
