package sim

import (
	"fmt"
	"testing"
	"time"
)

// slow are times that a hand clock can walk through one by one.
func slow() Times {
	return Times{JobQueued: time.Second, Job: 2 * time.Second, Initializing: 3 * time.Second, Starting: 4 * time.Second, NVMe: 12 * time.Second}
}

// TestBirthInSteps walks the clock through the job and the life of a new SVM.
func TestBirthInSteps(t *testing.T) {
	a := newArray(t, func(o *Options) { o.Times = slow() })
	r := a.must(202, "POST", "/svm/svms", `{"name":"p1","nvme":{"enabled":true}}`)
	jobPath, location := "/cluster/jobs/"+r.text("job.uuid"), r.header.Get("Location")[len("/api"):]
	for _, step := range []struct {
		at             time.Duration
		reason         string
		job, svm, nvme string
	}{
		{0, "the job waits, and nothing is there", "queued", "404", ""},
		{time.Second, "the job is at work", "running", "404", ""},
		{2999 * time.Millisecond, "up to its last moment", "running", "404", ""},
		{3 * time.Second, "the job has ended: the SVM is there, and not ready", "success", "initializing", "false"},
		{6 * time.Second, "after initializing", "success", "starting", "false"},
		{10 * time.Second, "after starting", "success", "running", "false"},
		{15 * time.Second, "NVMe comes last", "success", "running", "true"},
		{3*time.Second + 300*time.Second, "the record of the job is gone", "404", "running", "true"},
	} {
		a.clock.mu.Lock()
		a.clock.at = newHandClock().at.Add(step.at)
		a.clock.mu.Unlock()
		job := a.do("GET", jobPath+"?fields=*", "")
		if got := stateOr404(job); got != step.job {
			t.Errorf("after %v (%s): job %s, expected %s", step.at, step.reason, got, step.job)
		}
		v := a.do("GET", location, "")
		if got := stateOr404(v); got != step.svm {
			t.Errorf("after %v (%s): SVM %s, expected %s", step.at, step.reason, got, step.svm)
		}
		if nvme, _ := v.body["nvme"].(map[string]any); step.nvme != "" && fmt.Sprint(nvme["enabled"]) != step.nvme {
			t.Errorf("after %v (%s): NVMe %v, expected %s", step.at, step.reason, nvme["enabled"], step.nvme)
		}
	}
}

func stateOr404(r reply) string {
	if r.status == 404 {
		return "404"
	}
	return r.text("state")
}

func TestDeletionInSteps(t *testing.T) {
	clock := &jumpClock{handClock: newHandClock()}
	a := newArray(t, func(o *Options) { o.Times, o.Clock = slow(), clock })
	uuid := a.svm("p1")
	clock.forward(time.Minute)
	a.manage("p1", "192.0.2.10", "shoot", "secret1pass")
	a.must(202, "DELETE", "/svm/svms/"+uuid, "")
	if r := a.must(200, "GET", "/svm/svms/"+uuid, ""); r.text("state") != "deleting" {
		t.Errorf("state %q while it is deleted", r.text("state"))
	}
	if r := a.do("DELETE", "/svm/svms/"+uuid, ""); r.code() != "13434915" {
		t.Errorf("a second DELETE: %s", r.raw)
	}
	clock.forward(3 * time.Second)
	a.must(404, "GET", "/svm/svms/"+uuid, "")
	for _, path := range []string{"/network/ip/interfaces", "/network/ip/routes", "/security/accounts?scope=svm", "/storage/volumes"} {
		if r := a.must(200, "GET", path, ""); len(r.records()) != 0 {
			t.Errorf("left behind at %s: %s", path, r.raw)
		}
	}
}

// TestVolumesBlockDeletion: the refusal shows in the job, and the SVM lives on.
func TestVolumesBlockDeletion(t *testing.T) {
	a := newArray(t, nil)
	uuid := a.svm("p1")
	aggr := a.AggregateNames(0)[0]
	vol := a.must(201, "POST", "/storage/volumes?return_timeout=5&return_records=true", `{"name":"trident_pvc_1","svm":{"name":"p1"},"aggregates":[{"name":"`+aggr+`"}],"size":"20MB"}`)
	job := a.must(202, "DELETE", "/svm/svms/"+uuid, "")
	r := a.must(200, "GET", "/cluster/jobs/"+job.text("job.uuid")+"?fields=**", "")
	if r.text("state") != "failure" || r.text("error.code") != "8" || r.body["code"] != 8.0 {
		t.Errorf("the job: %s", r.raw)
	}
	if got := a.do("GET", "/svm/svms/"+uuid, "").text("state"); got != "running" {
		t.Errorf("the SVM is %s", got)
	}
	if vol.status != 201 {
		t.Errorf("the volume: %s", vol.raw)
	}
	a.must(202, "DELETE", "/storage/volumes?name=trident_pvc_1", "")
	r = a.must(200, "GET", "/svm/svms/"+uuid, "")
	if r.body["number_of_volumes_in_recovery_queue"] != 1.0 {
		t.Errorf("the recovery queue: %s", r.raw)
	}
	a.clock.forward(12 * time.Hour)
	if r = a.must(200, "GET", "/svm/svms/"+uuid, ""); r.body["number_of_volumes_in_recovery_queue"] != 0.0 {
		t.Errorf("the recovery queue after its time: %s", r.raw)
	}
	a.must(200, "DELETE", "/svm/svms/"+uuid+"?return_timeout=5", "")
}

// TestFiveJobs: the sixth create or delete at once is refused.
func TestFiveJobs(t *testing.T) {
	a := newArray(t, func(o *Options) { o.Times = slow() })
	for i := range 5 {
		a.must(202, "POST", "/svm/svms", fmt.Sprintf(`{"name":"p%d"}`, i))
	}
	if r := a.do("POST", "/svm/svms", `{"name":"p6"}`); r.code() != "13434894" {
		t.Errorf("the sixth: %s", r.raw)
	}
	a.clock.forward(3 * time.Second)
	a.must(202, "POST", "/svm/svms", `{"name":"p6"}`)
}

// TestJobsTakeEffectInTheirOrder, also when nobody looked in between: of two
// creates with one name the one that ends first wins.
func TestJobsTakeEffectInTheirOrder(t *testing.T) {
	a := newArray(t, func(o *Options) { o.Times, o.Doubts.DuplicateSVMInJob = slow(), true })
	if _, err := a.Inject(Fault{Kind: JobSlow, Delay: time.Minute, Method: "POST", Kth: 1}); err != nil {
		t.Fatal(err)
	}
	late := a.must(202, "POST", "/svm/svms", `{"name":"p1"}`).text("job.uuid")
	early := a.must(202, "POST", "/svm/svms", `{"name":"p1"}`).text("job.uuid")
	a.clock.forward(2 * time.Minute)
	for uuid, want := range map[string]string{early: "success", late: "failure"} {
		if r := a.do("GET", "/cluster/jobs/"+uuid+"?fields=*", ""); r.text("state") != want {
			t.Errorf("the job is %s, expected %s: %s", r.text("state"), want, r.raw)
		}
	}
}

// TestNameOfAPendingSVM: a name is taken from the moment of the POST.
func TestNameOfAPendingSVM(t *testing.T) {
	a := newArray(t, func(o *Options) { o.Times = slow() })
	a.must(202, "POST", "/svm/svms", `{"name":"p1"}`)
	for _, name := range []string{"p1", "Default", a.Cluster(0).Name()} {
		if r := a.must(409, "POST", "/svm/svms", `{"name":"`+name+`"}`); r.code() != "13434908" {
			t.Errorf("name %s: %s", name, r.raw)
		}
	}
}

// TestReturnTimeoutWaitsOnTheClock: an answer is held back by the clock that the
// array was given, not by the wall's.
func TestReturnTimeoutWaitsOnTheClock(t *testing.T) {
	clock := &jumpClock{handClock: newHandClock()}
	a := newArray(t, func(o *Options) { o.Times, o.Clock = slow(), clock })
	a.must(201, "POST", "/svm/svms?return_timeout=120", `{"name":"p1"}`)
	if waited := clock.Now().Sub(newHandClock().at); waited != 3*time.Second {
		t.Errorf("it waited %v, expected 3s", waited)
	}
	a.must(202, "POST", "/svm/svms?return_timeout=1", `{"name":"p2"}`)
	if waited := clock.Now().Sub(newHandClock().at); waited != 4*time.Second {
		t.Errorf("it waited up to %v, expected 4s", waited)
	}
}

// jumpClock passes a wait at once.
type jumpClock struct{ *handClock }

func (c *jumpClock) After(d time.Duration) <-chan time.Time {
	c.forward(d)
	done := make(chan time.Time, 1)
	done <- c.Now()
	return done
}
