package ontap

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"
)

const jobLimit = 10 * time.Minute // of a creation on a busy array

// outcome is what a request came to in the end, its job included.
type outcome struct {
	answer answer
	done   bool
	code   string
	inJob  bool
	job    object
}

// endedJob is remembered until its record must be gone.
type endedJob struct {
	uuid string
	seen time.Time
}

func (o outcome) brief() string {
	where := fmt.Sprintf("status %d", o.answer.status)
	if o.inJob {
		where = "a job in state " + text(o.job, "state")
	}
	if o.done {
		return where
	}
	return where + ", code " + o.code
}

func (o outcome) show(s *suite) string {
	if o.inJob {
		return s.mask(fmt.Sprintf("a job: %v", o.job))
	}
	return s.showAnswer(o.answer)
}

// settle sends a request and follows its job, if there is one.
func (s *suite) settle(t *testing.T, r request) outcome {
	t.Helper()
	o, err := s.trySettle(t.Context(), r)
	if err != nil {
		t.Fatalf("request:  %s\nexpected: an answer, and an end of its job\ngot:      %s", s.show(r), s.mask(err.Error()))
	}
	return o
}

func (s *suite) trySettle(ctx context.Context, r request) (outcome, error) {
	a, err := s.try(ctx, r)
	if err != nil {
		return outcome{}, err
	}
	if a.status != http.StatusAccepted {
		return outcome{answer: a, done: a.good(), code: a.code()}, nil
	}
	job, err := s.follow(ctx, a.job())
	if err != nil {
		return outcome{}, err
	}
	o := outcome{answer: a, inJob: true, job: job, done: text(job, "state") == "success"}
	if !o.done {
		o.code = jobCode(job)
	}
	return o, nil
}

// job gives the UUID of the job in an answer.
func (a answer) job() string {
	if uuid := text(a.body, "job.uuid"); uuid != "" {
		return uuid
	}
	if jobs := list(a.body, "jobs"); len(jobs) > 0 {
		return text(jobs[0], "uuid")
	}
	return ""
}

// follow reads a job until it has ended.
func (s *suite) follow(ctx context.Context, uuid string) (object, error) {
	if uuid == "" {
		return nil, fmt.Errorf("follow job: 202 without the UUID of a job (section 1.3)")
	}
	var last answer
	var err error
	ended := await(ctx, jobLimit, func() bool {
		last, err = s.try(ctx, get("/cluster/jobs/"+uuid))
		return err != nil || last.status != http.StatusOK || !unfinished(text(last.body, "state"))
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("read job %s: %w", uuid, err)
	case last.status != http.StatusOK:
		return nil, fmt.Errorf("read job %s: %s", uuid, s.showAnswer(last))
	case !ended:
		return nil, fmt.Errorf("job %s is still %s after %s", uuid, text(last.body, "state"), jobLimit)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lastJob == nil {
		s.lastJob = &endedJob{uuid: uuid, seen: time.Now()}
	}
	return last.body, nil
}

func unfinished(state string) bool { return oneOf(state, "queued", "running", "paused") }

// jobCode reads the code of a failed job: either of two places may be filled.
func jobCode(job object) string {
	if code := text(job, "error.code"); code != "" {
		return code
	}
	if n, ok := integer(job, "code"); ok {
		return fmt.Sprint(n)
	}
	return ""
}

// succeed is settle for what must end well.
func (s *suite) succeed(t *testing.T, section, reason string, r request) outcome {
	t.Helper()
	s.cases++
	o := s.settle(t, r)
	if !o.done {
		s.complain(t, section, reason, r, "success, in the end", o.show(s))
		t.FailNow()
	}
	return o
}
