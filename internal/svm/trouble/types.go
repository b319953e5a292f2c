package trouble

import (
	"cmp"
	"math"
	"time"
)

// Type is one kind of trouble.
type Type string

// The kinds of trouble. The unit of what is measured stands beside each.
const (
	SVMSpaceLow         Type = "SVMSpaceLow"         // share of the SVM's own storage limit that is used
	AggregateSpaceLow   Type = "AggregateSpaceLow"   // share of an aggregate that is used
	VolumesNearlyFull   Type = "VolumesNearlyFull"   // share of the SVM's fullest volume that is used
	ArraySlow           Type = "ArraySlow"           // a quantile of the calls to an array, seconds
	ArrayErrors         Type = "ArrayErrors"         // share of the calls to an array whose outcome is not known
	ManagementSlow      Type = "ManagementSlow"      // a login at the SVM's management interface, seconds
	KubernetesSlow      Type = "KubernetesSlow"      // a quantile of the calls to the Kubernetes API, seconds
	KubernetesThrottled Type = "KubernetesThrottled" // share of the calls that were throttled
	QueueOld            Type = "QueueOld"            // age of the oldest item of the work queue, seconds
)

// Types are all kinds of trouble.
func Types() []Type {
	return []Type{SVMSpaceLow, AggregateSpaceLow, VolumesNearlyFull, ArraySlow, ArrayErrors,
		ManagementSlow, KubernetesSlow, KubernetesThrottled, QueueOld}
}

// Subject is what is in trouble. What does not belong to the kind is left out:
// trouble with the Kubernetes API or the queue has no subject at all.
type Subject struct {
	SVM       string `json:"svm,omitempty"`
	Array     string `json:"array,omitempty"`
	Aggregate string `json:"aggregate,omitempty"`
}

func (s Subject) compare(o Subject) int {
	return cmp.Or(cmp.Compare(s.Array, o.Array), cmp.Compare(s.Aggregate, o.Aggregate), cmp.Compare(s.SVM, o.SVM))
}

// Answer says what came of a measurement. The zero value is NotMeasured.
type Answer uint8

// What can come of a measurement.
const (
	NotMeasured   Answer = iota // it failed, or was not tried
	Measured                    // Value holds
	NotApplicable               // it was asked, and there is nothing to measure: an SVM without a limit, or without a volume
)

// Reading is one sample.
type Reading struct {
	Type    Type
	Subject Subject
	Answer  Answer
	Value   float64 // in the unit of the type
	Why     string  // why it was not measured; it must bear no secret
}

// Measure is a sample with a value.
func Measure(t Type, s Subject, value float64) Reading {
	return Reading{Type: t, Subject: s, Answer: Measured, Value: value}
}

// MeasureTime is a sample of a kind whose unit is the second.
func MeasureTime(t Type, s Subject, d time.Duration) Reading { return Measure(t, s, d.Seconds()) }

// MeasureShare is a sample of how much of something is used, in any unit. Where
// there is no whole (0: no limit) it does not apply.
func MeasureShare(t Type, s Subject, used, whole int64) Reading {
	if whole == 0 {
		return Nothing(t, s)
	}
	if used < 0 || whole < 0 {
		return Failed(t, s, "the amounts that were read make no sense")
	}
	return Measure(t, s, float64(used)/float64(whole))
}

// Failed is a sample that could not be taken.
func Failed(t Type, s Subject, why string) Reading { return Reading{Type: t, Subject: s, Why: why} }

// Nothing is the explicit answer that there is nothing to measure.
func Nothing(t Type, s Subject) Reading { return Reading{Type: t, Subject: s, Answer: NotApplicable} }

// sound takes a value that is no amount for one that was not measured, and
// nothing to measure for an amount of zero.
func (r Reading) sound() Reading {
	switch {
	case r.Answer == NotApplicable:
		r.Value = 0
	case r.Answer == Measured && (math.IsNaN(r.Value) || math.IsInf(r.Value, 0) || r.Value < 0):
		r.Answer, r.Value, r.Why = NotMeasured, 0, "what was read is no amount"
	}
	return r
}
