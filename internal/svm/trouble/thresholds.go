package trouble

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
)

// Thresholds say when trouble begins and ends. What is left out, or zero, takes
// the default named. Shares go from 0 to 1, times are seconds.
type Thresholds struct {
	SVMSpace            Level `json:"svmSpace,omitzero"`            // share of its storage limit; 0.85, ends at 0.80, for 10m
	AggregateSpace      Level `json:"aggregateSpace,omitzero"`      // share; 0.85, 0.80, 10m
	Volumes             Level `json:"volumes,omitzero"`             // share of the fullest; 0.95, 0.90, 10m
	ArrayLatency        Level `json:"arrayLatency,omitzero"`        // seconds; 5, 2, 10m
	ArrayErrors         Level `json:"arrayErrors,omitzero"`         // share of calls; 0.20, 0.05, 10m
	ManagementLatency   Level `json:"managementLatency,omitzero"`   // seconds; 3, 1.5, 30m, stale after 3h: logins are rare
	KubernetesLatency   Level `json:"kubernetesLatency,omitzero"`   // seconds; 2, 1, 10m
	KubernetesThrottled Level `json:"kubernetesThrottled,omitzero"` // share of calls; 0.10, 0.02, 10m
	QueueAge            Level `json:"queueAge,omitzero"`            // seconds; 600, 300, 5m

	// Quantile of latencies, between 0 and 1 (0.95), over the calls of the last
	// Window (5m). Fewer than MinCalls (5) are no sample.
	Quantile float64  `json:"quantile,omitempty"`
	Window   Duration `json:"window,omitempty"`
	MinCalls int      `json:"minCalls,omitempty"`
}

// Level is one threshold, with another below it at which the trouble ends.
type Level struct {
	// Raise and above begins it, Clear and below ends it. Raise alone moves
	// Clear along, by the share that the default has.
	Raise float64 `json:"raise,omitempty"`
	Clear float64 `json:"clear,omitempty"`
	// For is how long either must have lasted.
	For Duration `json:"for,omitempty"`
	// Stale (15m) is how far samples may lie apart. One that is older proves
	// nothing any more, and begins no span.
	Stale Duration `json:"stale,omitempty"`
}

// DefaultThresholds are those that hold where nothing is configured.
func DefaultThresholds() Thresholds {
	level := func(raise, ends float64, lasting time.Duration) Level {
		return Level{Raise: raise, Clear: ends, For: Duration(lasting), Stale: Duration(15 * time.Minute)}
	}
	t := Thresholds{
		SVMSpace:            level(0.85, 0.80, 10*time.Minute),
		AggregateSpace:      level(0.85, 0.80, 10*time.Minute),
		Volumes:             level(0.95, 0.90, 10*time.Minute),
		ArrayLatency:        level(5, 2, 10*time.Minute),
		ArrayErrors:         level(0.20, 0.05, 10*time.Minute),
		ManagementLatency:   level(3, 1.5, 30*time.Minute),
		KubernetesLatency:   level(2, 1, 10*time.Minute),
		KubernetesThrottled: level(0.10, 0.02, 10*time.Minute),
		QueueAge:            level(600, 300, 5*time.Minute),
		Quantile:            0.95,
		Window:              Duration(5 * time.Minute),
		MinCalls:            5,
	}
	t.ManagementLatency.Stale = Duration(3 * time.Hour)
	return t
}

// setting is one level of the thresholds, by its name in the configuration.
type setting struct {
	name  string
	level *Level
	share bool // it goes from 0 to 1
}

func (t *Thresholds) settings() []setting {
	return []setting{
		{"svmSpace", &t.SVMSpace, true}, {"aggregateSpace", &t.AggregateSpace, true}, {"volumes", &t.Volumes, true},
		{"arrayLatency", &t.ArrayLatency, false}, {"arrayErrors", &t.ArrayErrors, true},
		{"managementLatency", &t.ManagementLatency, false}, {"kubernetesLatency", &t.KubernetesLatency, false},
		{"kubernetesThrottled", &t.KubernetesThrottled, true}, {"queueAge", &t.QueueAge, false},
	}
}

// Filled is t with the defaults for what is left out.
func (t Thresholds) Filled() Thresholds {
	def := DefaultThresholds()
	defaults := def.settings()
	for i, s := range t.settings() {
		*s.level = s.level.filled(*defaults[i].level)
	}
	if t.Quantile == 0 {
		t.Quantile = def.Quantile
	}
	if t.Window == 0 {
		t.Window = def.Window
	}
	if t.MinCalls == 0 {
		t.MinCalls = def.MinCalls
	}
	return t
}

func (l Level) filled(def Level) Level {
	if l.Raise == 0 {
		l.Raise = def.Raise
		if l.Clear == 0 {
			l.Clear = def.Clear
		}
	}
	if l.Clear == 0 {
		l.Clear = l.Raise * def.Clear / def.Raise
	}
	if l.For == 0 {
		l.For = def.For
	}
	if l.Stale == 0 {
		l.Stale = def.Stale
	}
	return l
}

// Validate names every problem of the thresholds, with the defaults filled in.
func (t Thresholds) Validate() error {
	t = t.Filled()
	var problems []error
	for _, s := range t.settings() {
		problems = append(problems, s.level.validate(s.name, s.share)...)
	}
	if !(t.Quantile > 0 && t.Quantile < 1) {
		problems = append(problems, fmt.Errorf("quantile: %v is not between 0 and 1", t.Quantile))
	}
	if t.Window < 0 {
		problems = append(problems, fmt.Errorf("window: %v is not above 0", t.Window))
	}
	if t.MinCalls < 0 {
		problems = append(problems, fmt.Errorf("minCalls: %d is not above 0", t.MinCalls))
	}
	return errors.Join(problems...)
}

func (l Level) validate(name string, share bool) []error {
	var problems []error
	say := func(field, format string, args ...any) {
		problems = append(problems, fmt.Errorf("%s.%s: %s", name, field, fmt.Sprintf(format, args...)))
	}
	if !(l.Raise > 0) || math.IsInf(l.Raise, 0) || share && l.Raise > 1 {
		say("raise", "%v is not %s", l.Raise, map[bool]string{true: "above 0 and at most 1", false: "a number above 0"}[share])
	}
	if !(l.Clear > 0) || !(l.Clear < l.Raise) {
		say("clear", "%v is not above 0 and below raise (%v)", l.Clear, l.Raise)
	}
	if l.For < 0 {
		say("for", "%v is not above 0", l.For)
	}
	if l.Stale < 0 {
		say("stale", "%v is not above 0", l.Stale)
	}
	return problems
}

// level is that of a kind of trouble; false for one that is not known.
func (t *Thresholds) level(of Type) (Level, bool) {
	switch of {
	case SVMSpaceLow:
		return t.SVMSpace, true
	case AggregateSpaceLow:
		return t.AggregateSpace, true
	case VolumesNearlyFull:
		return t.Volumes, true
	case ArraySlow:
		return t.ArrayLatency, true
	case ArrayErrors:
		return t.ArrayErrors, true
	case ManagementSlow:
		return t.ManagementLatency, true
	case KubernetesSlow:
		return t.KubernetesLatency, true
	case KubernetesThrottled:
		return t.KubernetesThrottled, true
	case QueueOld:
		return t.QueueAge, true
	}
	return Level{}, false
}

// Duration is a time.Duration that reads as "10m".
type Duration time.Duration

func (d Duration) String() string { return time.Duration(d).String() }

// MarshalJSON writes "10m0s".
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads what time.ParseDuration does.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("reading a duration: %s is not text such as \"10m\"", b)
	}
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("reading a duration: %w", err)
	}
	*d = Duration(parsed)
	return nil
}
