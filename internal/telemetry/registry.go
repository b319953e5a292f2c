package telemetry

import (
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Prefix begins the name of every metric that is ours.
const Prefix = "seedproof_"

// NewRegistry is a registry of its own (never the global one) with the
// collectors of the Go runtime and of the process.
func NewRegistry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return reg
}

// gauges is one metric family whose whole content is set at once, so that no
// series of a witness, member or verdict that is gone lingers. A family that
// was never set shows nothing, rather than a zero that nobody vouches for.
type gauges struct {
	mu   sync.Mutex
	vec  *prometheus.GaugeVec
	have map[string][]string // label values by their joined form
}

type sample struct {
	labels []string
	value  float64
}

func newGauges(reg prometheus.Registerer, name, help string, labels ...string) *gauges {
	vec := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: Prefix + name, Help: help}, labels)
	reg.MustRegister(vec)
	return &gauges{vec: vec, have: map[string][]string{}}
}

func newCounters(reg prometheus.Registerer, name, help string, labels ...string) *prometheus.CounterVec {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: Prefix + name, Help: help}, labels)
	reg.MustRegister(vec)
	return vec
}

// replace makes the samples the family's whole content. What stays is written
// over and never missing for a scrape that comes in between.
func (g *gauges) replace(samples ...sample) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := make(map[string][]string, len(samples))
	for _, s := range samples {
		now[strings.Join(s.labels, "\xff")] = s.labels
		g.vec.WithLabelValues(s.labels...).Set(s.value)
	}
	for key, labels := range g.have {
		if _, stays := now[key]; !stays {
			g.vec.DeleteLabelValues(labels...)
		}
	}
	g.have = now
}

// set is replace for a family without labels.
func (g *gauges) set(v float64) { g.replace(sample{value: v}) }

// clear shows nothing until the next set or replace.
func (g *gauges) clear() { g.replace() }

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
