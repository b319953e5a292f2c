package trouble

import (
	"fmt"
	"time"
)

// Status is how a condition stands, in the words of Kubernetes.
type Status string

// What a condition can be.
const (
	True    Status = "True"    // there is trouble
	False   Status = "False"   // there is none
	Unknown Status = "Unknown" // it is not measured now; Raised says how it stood
)

// Reasons, one word each.
const (
	ReasonBelow         = "Below"         // the threshold
	ReasonRising        = "Rising"        // over it, and not for long enough
	ReasonOver          = "Over"          // the threshold, for long enough
	ReasonFalling       = "Falling"       // below the lower one, and not for long enough
	ReasonNotMeasured   = "NotMeasured"   // the sample failed, or is too old
	ReasonNotApplicable = "NotApplicable" // there is nothing to measure
)

// Condition is one kind of trouble with one subject.
type Condition struct {
	Type    Type    `json:"type"`
	Subject Subject `json:"subject,omitzero"`
	Status  Status  `json:"status"`
	// Since when the status stands. Where it is Unknown: when it was last
	// measured, zero if it never was.
	Since   time.Time `json:"since,omitzero"`
	Reason  string    `json:"reason"`
	Message string    `json:"message"` // for a person, with what to type

	// Raised: there is trouble, or there was when it was last measured.
	Raised bool `json:"raised"`
	// Measured: Value is of now.
	Measured bool    `json:"measured"`
	Value    float64 `json:"value"` // in the unit of the type
}

func (tr *track) condition(k key, at time.Time, l Level) Condition {
	c := Condition{Type: k.Type, Subject: k.Subject, Status: False, Since: tr.turned, Raised: tr.raised, Value: tr.value}
	c.Measured = tr.some == Measured
	if tr.raised {
		c.Status = True
	}
	if tr.silent(at, l) {
		c.Status, c.Since, c.Measured = Unknown, tr.seen, false
	}
	c.Reason = tr.reason(c.Status)
	c.Message = message(c, l, tr)
	return c
}

func (tr *track) reason(s Status) string {
	switch {
	case s == Unknown:
		return ReasonNotMeasured
	case s == True && !tr.span.IsZero():
		return ReasonFalling
	case s == True:
		return ReasonOver
	case tr.some == NotApplicable:
		return ReasonNotApplicable
	case !tr.span.IsZero():
		return ReasonRising
	}
	return ReasonBelow
}

func message(c Condition, l Level, tr *track) string {
	w := c.words()
	if c.Status == Unknown {
		return unknownMessage(c, w, tr)
	}
	if tr.some == NotApplicable {
		return w.what + ": there is nothing to measure"
	}
	is := fmt.Sprintf("%s is %s", w.what, w.amount(c.Value))
	switch c.Reason {
	case ReasonOver:
		return fmt.Sprintf("%s, and has been %s or more since %s (it ends at %s): %s; type: %s", is, w.amount(l.Raise), stamp(tr.from), w.amount(l.Clear), w.so, w.command)
	case ReasonFalling:
		return fmt.Sprintf("%s since %s, and has to stay at %s or less for %v before this ends; type: %s", is, stamp(tr.span), w.amount(l.Clear), time.Duration(l.For), w.command)
	case ReasonRising:
		return fmt.Sprintf("%s, over %s since %s, and is not called trouble before %v have passed", is, w.amount(l.Raise), stamp(tr.span), time.Duration(l.For))
	}
	return is
}

func unknownMessage(c Condition, w words, tr *track) string {
	when := "never measured"
	if !tr.seen.IsZero() {
		when = "last measured at " + stamp(tr.seen)
	}
	if tr.why != "" {
		when += " (" + tr.why + ")"
	}
	if c.Raised {
		return fmt.Sprintf("%s is not known now, %s; there was trouble then (%s), which stands; type: %s", w.what, when, w.amount(tr.value), w.command)
	}
	return fmt.Sprintf("%s is not known now, %s; type: %s", w.what, when, w.command)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// words are how a kind of trouble is spoken of.
type words struct {
	what    string // is measured
	so      string // what follows
	command string
	amount  func(float64) string
}

func (c Condition) words() words {
	s := c.Subject
	explain, status := "seedproof svm explain "+s.SVM, "seedproof svm status"
	switch c.Type {
	case SVMSpaceLow:
		return words{"the used share of the storage limit of SVM " + s.SVM, "at its limit every write of its volumes fails; raise the limit, or delete volumes", explain, percent}
	case AggregateSpaceLow:
		return words{"the used share of aggregate " + s.Aggregate + " of array " + s.Array, "when it is full, every volume on it stops; add disks, or move volumes", "storage aggregate show -aggregate " + s.Aggregate + " (on the array)", percent}
	case VolumesNearlyFull:
		return words{"the used share of the fullest volume of SVM " + s.SVM, "when it is full its pods cannot write; grow the claim", "volume show -vserver " + s.SVM + " -fields percent-used (on the array)", percent}
	case ArraySlow:
		return words{"the time that array " + s.Array + " takes to answer", "steps take long, and calls may end without an answer", status, seconds}
	case ArrayErrors:
		return words{"the share of calls that array " + s.Array + " did not answer", "nothing is made while an array cannot be asked", status, percent}
	case ManagementSlow:
		return words{"the time that a login at the management interface of SVM " + s.SVM + " takes", "Trident, which uses the same interface, is as slow", explain, seconds}
	case KubernetesSlow:
		return words{"the time that the Kubernetes API takes to answer", "records and Secrets are written late", "kubectl get --raw '/readyz?verbose'", seconds}
	case KubernetesThrottled:
		return words{"the share of calls that the Kubernetes API put off", "records and Secrets are written late", "kubectl get --raw /metrics | grep apiserver_flowcontrol_rejected_requests_total", percent}
	case QueueOld:
		return words{"the age of the oldest item of the work queue", "SVMs are looked at late; something holds the workers", status, seconds}
	}
	return words{string(c.Type), "", status, func(v float64) string { return fmt.Sprint(v) }}
}

func percent(v float64) string { return fmt.Sprintf("%.1f %%", v*100) }

func seconds(v float64) string {
	return time.Duration(v * float64(time.Second)).Round(time.Millisecond).String()
}
