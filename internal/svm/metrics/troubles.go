package metrics

import "github.com/seedproof/seedproof/internal/svm/trouble"

// troubleOf is one trouble by its labels.
type troubleOf struct {
	kind trouble.Type
	trouble.Subject
}

var (
	famTrouble = newFamily("trouble", "Whether trouble of this type stands (1) or not (0). What is not measured stands as it stood.", "type", "svm", "array", "aggregate")
	famSilent  = newFamily("trouble_unknown", "Whether it cannot be measured now (1), so that trouble is what it was then, or can (0).", "type", "svm", "array", "aggregate")
)

// measures are the metrics that show the value of each kind of trouble. Their
// labels are those that the subject of the kind has.
var measures = map[trouble.Type]*family{
	trouble.SVMSpaceLow:         newFamily("space_used_ratio", "Share of the SVM's own storage limit that is used.", "svm"),
	trouble.AggregateSpaceLow:   newFamily("aggregate_used_ratio", "Share of an aggregate that is used.", "array", "aggregate"),
	trouble.VolumesNearlyFull:   newFamily("fullest_volume_used_ratio", "Share that is used of the SVM's fullest volume.", "svm"),
	trouble.ArraySlow:           newFamily("array_latency_seconds", "Quantile of the calls to an array over the last minutes, by which it is called slow.", "array"),
	trouble.ArrayErrors:         newFamily("array_error_ratio", "Share of the calls to an array over the last minutes whose outcome is not known.", "array"),
	trouble.ManagementSlow:      newFamily("management_latency_seconds", "How long the last login at the SVM's management interface took.", "svm"),
	trouble.KubernetesSlow:      newFamily("kube_latency_seconds", "Quantile of the calls to the Kubernetes API over the last minutes, by which it is called slow."),
	trouble.KubernetesThrottled: newFamily("kube_throttled_ratio", "Share of the calls over the last minutes that the Kubernetes API told to wait."),
	trouble.QueueOld:            newFamily("queue_oldest_age_seconds", "Age of the oldest item of the work queue."),
}

// SetTroubles shows what is seen coming, in place of all that was shown before.
// Of several conditions that differ only in what their kind has no label for,
// the worst is shown.
func (m *Metrics) SetTroubles(conditions []trouble.Condition) {
	now := make(map[troubleOf]trouble.Condition, len(conditions))
	for _, c := range conditions {
		measure, known := measures[c.Type]
		if !known {
			continue
		}
		of := troubleOf{kind: c.Type}
		for _, name := range measure.labels {
			*field(&of.Subject, name) = label(*field(&c.Subject, name))
		}
		if other, shown := now[of]; !shown || worse(c, other) {
			now[of] = c
		}
	}
	m.board.mu.Lock()
	defer m.board.mu.Unlock()
	m.board.troubles = now
}

// field is what a label shows of a subject.
func field(s *trouble.Subject, label string) *string {
	switch label {
	case "svm":
		return &s.SVM
	case "array":
		return &s.Array
	}
	return &s.Aggregate
}

func worse(a, b trouble.Condition) bool {
	if a.Raised != b.Raised {
		return a.Raised
	}
	if a.Measured != b.Measured {
		return a.Measured
	}
	return a.Value > b.Value
}

func (t troubleOf) show(c trouble.Condition, show shower) {
	labels := []string{string(t.kind), t.SVM, t.Array, t.Aggregate}
	show(famTrouble, oneIf(c.Raised), labels...)
	show(famSilent, oneIf(c.Status == trouble.Unknown), labels...)
	if !c.Measured {
		return
	}
	measure := measures[t.kind]
	var values []string
	for _, name := range measure.labels {
		values = append(values, *field(&t.Subject, name))
	}
	show(measure, c.Value, values...)
}
