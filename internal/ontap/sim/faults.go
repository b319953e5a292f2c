package sim

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"time"
)

// FaultKind is what goes wrong.
type FaultKind string

// The kinds of faults. Those of jobs do nothing to calls that start none.
const (
	TooMany        FaultKind = "too-many"       // 429 with Retry-After
	Overloaded     FaultKind = "overloaded"     // 503 with Retry-After
	OutOfQuorum    FaultKind = "out-of-quorum"  // 500, code 393271
	Refuse         FaultKind = "refuse"         // Status and Code, without effect
	ResetBefore    FaultKind = "reset-before"   // the connection breaks, without effect
	ResetAfter     FaultKind = "reset-after"    // it is done, and the answer lost
	Slow           FaultKind = "slow"           // Delay before the call is looked at
	Hang           FaultKind = "hang"           // until the client goes, without effect
	HangAfter      FaultKind = "hang-after"     // it is done, and nobody ever answers
	JobFails       FaultKind = "job-fails"      // late, with Code, without effect
	JobFailsDone   FaultKind = "job-fails-done" // likewise, though it did take effect
	JobLost        FaultKind = "job-lost"       // its record vanishes; it takes effect
	JobLostUndone  FaultKind = "job-lost-undone"
	JobSlow        FaultKind = "job-slow"  // it takes Delay longer
	SVMStuck       FaultKind = "svm-stuck" // the job fails, the SVM stays in initializing
	NeedsApproval  FaultKind = "needs-approval"
	WrongAnswer    FaultKind = "html" // 502 with a page of a proxy
	EmptyAnswer    FaultKind = "empty"
	TruncatedReply FaultKind = "truncated" // it is done, half the answer comes
)

// Fault is one disturbance of the calls that it fits.
type Fault struct {
	Kind    FaultKind     `json:"kind"`
	Method  string        `json:"method,omitempty"`  // "": any
	Path    string        `json:"path,omitempty"`    // pattern as of path.Match, with "/api"; "": any
	User    string        `json:"user,omitempty"`    // of the call; "": any
	Cluster int           `json:"cluster,omitempty"` // 1 or 2; 0: any
	SVM     string        `json:"svm,omitempty"`     // whose management LIF the call comes in by; "": any, and the cluster's
	Kth     int           `json:"kth,omitempty"`     // the k-th match, from 1; 0: from the first
	Count   int           `json:"count,omitempty"`   // how often; 0: once with Kth, else always
	Delay   time.Duration `json:"delay,omitempty"`
	Status  int           `json:"status,omitempty"`
	Code    int           `json:"code,omitempty"`
	Message string        `json:"message,omitempty"`
}

// armed is a fault with what it has seen.
type armed struct {
	Fault
	seen, struck int
}

// Inject arms a fault. It gives a function that says how often it has struck.
func (s *Simulator) Inject(f Fault) (struck func() int, err error) {
	if _, err := path.Match(f.Path, "/"); err != nil {
		return nil, fmt.Errorf("inject a fault: pattern %q: %w", f.Path, err)
	}
	if !f.Kind.known() {
		return nil, fmt.Errorf("inject a fault: unknown kind %q", f.Kind)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &armed{Fault: f}
	s.faults = append(s.faults, a)
	return func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return a.struck
	}, nil
}

// ClearFaults disarms all faults. Calls that hang go on hanging.
func (s *Simulator) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (k FaultKind) known() bool {
	switch k {
	case TooMany, Overloaded, OutOfQuorum, Refuse, ResetBefore, ResetAfter, Slow, Hang, HangAfter, JobFails, JobFailsDone,
		JobLost, JobLostUndone, JobSlow, SVMStuck, NeedsApproval, WrongAnswer, EmptyAnswer, TruncatedReply:
		return true
	}
	return false
}

// faultFor finds the fault that strikes a call, and counts it.
func (s *Simulator) faultFor(e *entry, at string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var hit *Fault
	for _, a := range s.faults {
		if a.fits(e, at) && a.strikes() && hit == nil {
			f := a.Fault
			hit = &f
		}
	}
	return hit
}

func (a *armed) fits(e *entry, at string) bool {
	if a.Method != "" && a.Method != e.request.Method || a.User != "" && a.User != e.request.User {
		return false
	}
	if a.Cluster != 0 && a.Cluster != e.request.Cluster || a.SVM != "" && a.SVM != e.request.SVM {
		return false
	}
	ok, err := path.Match(a.Path, at)
	return a.Path == "" || err == nil && ok
}

func (a *armed) strikes() bool {
	a.seen++
	if a.seen < a.Kth {
		return false
	}
	limit := a.Count
	if limit == 0 && a.Kth > 0 {
		limit = 1
	}
	if limit > 0 && a.struck >= limit {
		return false
	}
	a.struck++
	return true
}

// swallows says whether the answer is lost after the call was done.
func (f *Fault) swallows() bool { return f != nil && (f.Kind == ResetAfter || f.Kind == HangAfter) }

// before lets a fault strike ahead of the call. false: the call is not looked
// at, and the answer, if there is one, is all that comes of it.
func (s *Simulator) before(ctx context.Context, f *Fault) (*answer, bool) {
	if f == nil {
		return nil, true
	}
	switch f.Kind {
	case TooMany:
		return s.busy(http.StatusTooManyRequests, f), false
	case Overloaded:
		return s.busy(http.StatusServiceUnavailable, f), false
	case OutOfQuorum:
		return s.refused(refuse(393271, "", "A node is out of quorum. Node %q.", s.world.Sites[0].Nodes[0].Name)), false
	case Refuse:
		return s.refused(&refusal{status: f.Status, code: f.Code, message: f.message()}), false
	case ResetBefore:
		return nil, false
	case Slow:
		s.opts.wait(ctx, f.Delay)
	case Hang:
		s.hang(ctx)
		return nil, false
	case WrongAnswer:
		h := http.Header{"Content-Type": {"text/html"}}
		return &answer{status: http.StatusBadGateway, header: h, raw: []byte("<html><body>502 Bad Gateway</body></html>\n")}, false
	case EmptyAnswer:
		return &answer{status: http.StatusInternalServerError}, false
	}
	return nil, true
}

func (s *Simulator) busy(status int, f *Fault) *answer {
	after := int(f.Delay / time.Second)
	if after == 0 {
		after = 1
	}
	return &answer{
		status: status, header: http.Header{"Retry-After": {strconv.Itoa(after)}},
		body: errorBody(262160, "", "Too many requests are in progress. Retry after a short delay."),
	}
}

func (s *Simulator) hang(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-s.closed:
	}
}

func (f *Fault) message() string {
	if f.Message != "" {
		return f.Message
	}
	return "This failure was asked for."
}

// mark hands the faults of jobs to the job that a call starts.
func (f *Fault) mark(j *job) {
	if f == nil {
		return
	}
	code := f.Code
	if code == 0 {
		code = 262145
	}
	switch f.Kind {
	case JobFails:
		j.Fail, j.FailMessage, j.NoEffect = code, f.message(), true
	case JobFailsDone:
		j.Fail, j.FailMessage = code, f.message()
	case JobLost:
		j.Lost = true
	case JobLostUndone:
		j.Lost, j.NoEffect = true, true
	case JobSlow:
		j.Ends = j.Ends.Add(f.Delay)
	case SVMStuck:
		j.Fail, j.FailMessage, j.Stick = code, f.message(), true
	}
}
