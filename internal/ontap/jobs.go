package ontap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
)

// JobState is how far a job is. States that are not listed here are not
// understood, and a job in one of them is taken as not ended.
type JobState string

// The states of a job. "error" stands in the prose of the API only.
const (
	JobQueued  JobState = "queued"
	JobRunning JobState = "running"
	JobPaused  JobState = "paused"
	JobSuccess JobState = "success"
	JobFailure JobState = "failure"
	jobError   JobState = "error"
)

// Ended reports whether the job is over.
func (s JobState) Ended() bool { return s == JobSuccess || s == JobFailure || s == jobError }

// Job is a task of an array. The array forgets it 300 s after its end.
type Job struct {
	UUID        string   `json:"uuid"`
	Description string   `json:"description"` // method and path, as "POST /api/svm/svms/<uuid>"
	State       JobState `json:"state"`
	Message     string   `json:"message"`
	Code        Code     `json:"code"` // of the failure, else 0
	SVM         Ref      `json:"svm"`  // may be missing while the SVM is not there
	Error       struct {
		Code    Code   `json:"code"`
		Message string `json:"message"`
		Target  string `json:"target"`
	} `json:"error"`
}

func (j Job) check() error {
	if !isUUID(j.UUID) || j.State == "" {
		return errors.New("a job without a UUID or a state")
	}
	return nil
}

var jobFields = []string{"uuid", "description", "state", "message", "code", "error", "svm.name", "svm.uuid"}

// Job reads one job. One that has vanished is IsAbsent: then the thing that it
// was about has to be looked at.
func (c *Client) Job(ctx context.Context, uuid string) (Job, error) {
	return c.job(ctx, uuid, nil)
}

// job reads a job that may quote what is secret.
func (c *Client) job(ctx context.Context, uuid string, secrets []Secret) (Job, error) {
	r := getOne("read job", KindJob, at("cluster/jobs", uuid), jobFields...).needUUID(uuid)
	r.secrets = secrets
	return one(ctx, c, r, func(j Job) error { return same(uuid, j.UUID, j.check()) })
}

// UnfinishedJobs lists the jobs that have not ended, of the whole array.
// Whether one that creates an SVM bears its name is not certain: look at the
// description too.
func (c *Client) UnfinishedJobs(ctx context.Context) iter.Seq2[Job, error] {
	r := get("list unfinished jobs", KindJob, at("cluster/jobs"), jobFields...)
	r.filter("state", string(JobQueued), string(JobRunning), string(JobPaused))
	return list(ctx, c, r, Job.check)
}

// follow asks for a job until it has ended. When it vanishes, or cannot be
// asked for in time, the outcome is Unknown, and the error names the job.
func (c *Client) follow(ctx context.Context, r request, uuid string) error {
	unknown := func(cause error) error {
		return &Error{Array: c.o.Name, Call: r.name, Kind: r.kind, own: r.own, Job: uuid, class: flow.ClassOf(cause), cause: cause}
	}
	until := c.o.Clock.Now().Add(c.o.FollowFor)
	for asked := 0; ; asked++ {
		job, err := c.job(ctx, uuid, r.secrets)
		switch {
		case err == nil && job.State == JobSuccess:
			return nil
		case err == nil && job.State.Ended():
			return c.failed(r, job)
		case IsAbsent(err, KindJob):
			return unknown(errors.New("the job has vanished, and did not say how it ended"))
		case errors.Is(err, ErrCredentials):
			return unknown(fmt.Errorf("follow the job: %w", err))
		}
		if !c.o.Clock.Now().Before(until) {
			return unknown(followed(job, err, c.o.FollowFor))
		}
		if ctxErr := c.o.Clock.Sleep(ctx, jobPause(asked)); ctxErr != nil {
			return unknown(fmt.Errorf("follow the job: %w", ctxErr))
		}
	}
}

func followed(job Job, err error, d time.Duration) error {
	if err != nil {
		return fmt.Errorf("the job could not be followed to its end in %s: %w", d, err)
	}
	return fmt.Errorf("the job has not ended in %s: it is %s", d, tidy(string(job.State)))
}

// jobPause grows from one second to two.
func jobPause(asked int) time.Duration {
	grown := float64(time.Second) * math.Pow(1.414, float64(min(asked, 10)))
	return min(time.Duration(grown).Round(time.Millisecond), 2*time.Second)
}

// failed is the error of a job that ended badly. Code and error may each be the
// only one filled. A code that can come after something was begun leaves the
// outcome Unknown: an SVM may be stuck half made.
func (c *Client) failed(r request, job Job) *Error {
	erase := newEraser(c.o.User, append(r.secrets, c.o.Password)...)
	e := &Error{Array: c.o.Name, Call: r.name, Kind: r.kind, own: r.own, Job: job.UUID, Code: tidy(string(job.Error.Code))}
	e.Message, e.Target = tidy(erase.text(job.Error.Message)), tidy(erase.text(job.Error.Target))
	if e.Code == "" || e.Code == "0" {
		e.Code = tidy(string(job.Code))
	}
	if e.Message == "" {
		e.Message = tidy(erase.text(job.Message))
	}
	if m, known := refusals[e.Code]; known {
		e.class = m.class
		if !m.late {
			e.Outcome = flow.Refused
		}
	}
	return e
}

// jobOf is the UUID of the job in the body of a 202, "" if there is none.
func jobOf(body []byte) string {
	var b struct {
		Job struct {
			UUID string `json:"uuid"`
		} `json:"job"`
	}
	if json.Unmarshal(body, &b) != nil || !isUUID(b.Job.UUID) {
		return ""
	}
	return b.Job.UUID
}
