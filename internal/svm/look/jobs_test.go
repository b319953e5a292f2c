package look

import (
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/ontap"
)

const (
	uuidOurs   = "11111111-2222-3333-4444-555555555555"
	uuidTwin   = "22222222-2222-3333-4444-555555555555"
	uuidListed = "33333333-2222-3333-4444-555555555555"
	uuidNew    = "44444444-2222-3333-4444-555555555555"
	uuidArray  = "55555555-2222-3333-4444-555555555555"
	uuidJob    = "66666666-2222-3333-4444-555555555555"
)

var jobCases = []struct {
	reason      string
	description string
	message     string
	svm         ontap.Ref
	want        whose
}{
	{"a creation that names our SVM", "POST /api/svm/svms/" + uuidNew, "", ontap.Ref{Name: "p1", UUID: uuidNew}, ours},
	{"by the twin's name", "POST /api/svm/svms/" + uuidNew, "", ontap.Ref{Name: "p1-mc"}, ours},
	{"by a recorded UUID in its path", "DELETE /api/svm/svms/" + uuidOurs, "", ontap.Ref{}, ours},
	{"by the UUID of its twin", "PATCH /api/svm/svms/" + uuidTwin, "", ontap.Ref{}, ours},
	{"by the UUID alone", "POST /api/storage/volumes", "", ontap.Ref{UUID: uuidOurs}, ours},
	{"by the name in the path of another thing", "POST /api/storage/volumes?svm.name=p1", "", ontap.Ref{}, ours},
	{"by what it says", "Vserver Create", "Creating SVM p1.", ontap.Ref{}, ours},
	{"a creation that does not say of what", "POST /api/svm/svms", "", ontap.Ref{}, unclear},
	{"with a UUID that nobody knows yet", "POST /api/svm/svms/" + uuidNew, "", ontap.Ref{}, unclear},
	{"in the name of the cluster", "POST /api/svm/svms/" + uuidNew, "", ontap.Ref{Name: "cluster1", UUID: uuidArray}, unclear},
	{"in the name of the cluster, without its UUID", "POST /api/svm/svms", "", ontap.Ref{Name: "cluster1"}, unclear},
	{"in the name of the cluster, by its UUID alone", "POST /api/svm/svms", "", ontap.Ref{UUID: uuidArray}, unclear},
	{"a deletion by a query", "DELETE /api/svm/svms?max_volumes=3", "", ontap.Ref{}, unclear},
	{"nothing is told at all", "", "", ontap.Ref{}, unclear},
	{"a creation of another name", "POST /api/svm/svms/" + uuidNew, "", ontap.Ref{Name: "p2", UUID: uuidNew}, another},
	{"of an SVM that is listed under another name", "POST /api/svm/svms/" + uuidListed, "", ontap.Ref{}, another},
	{"on an SVM that is listed", "POST /api/svm/svms", "", ontap.Ref{UUID: uuidListed}, another},
	{"nothing but another SVM is told", "", "", ontap.Ref{Name: "p2"}, another},
	{"a part of its name is not its name", "POST /api/storage/volumes?svm.name=p10", "", ontap.Ref{}, another},
	{"a thing below an SVM", "PATCH /api/svm/svms/" + uuidNew + "/web", "", ontap.Ref{}, another},
	{"a thing of another kind", "POST /api/storage/volumes", "", ontap.Ref{}, another},
	{"another collection", "POST /api/svm/svms-of-others", "", ontap.Ref{}, another},
}

func jobReading(description, message string, svm ontap.Ref) reading {
	return reading{
		cluster: ontap.Cluster{UUID: uuidArray, Name: "cluster1"},
		svms:    []identity{{SVM: SVM{UUID: uuidListed, Name: "p2"}}, {SVM: SVM{UUID: uuidOurs, Name: "p1"}, twin: uuidTwin}},
		jobs:    []ontap.Job{{UUID: uuidJob, State: ontap.JobQueued, Description: description, Message: message, SVM: svm}},
	}
}

func TestWhoseJobItIs(t *testing.T) {
	for _, c := range jobCases {
		r := jobReading(c.description, c.message, c.svm)
		names, uuids := r.namesOf(Subject{Name: "p1", UUIDs: []string{"", uuidOurs}})
		if got := r.whose(r.jobs[0], names, uuids); got != c.want {
			t.Errorf("%s: %d, want %d", c.reason, got, c.want)
		}
		found := r.jobsOf(Subject{Name: "p1"})
		if (len(found) == 1) != (c.want != another) {
			t.Errorf("%s: given %v", c.reason, found)
		}
		if len(found) == 1 && (!strings.Contains(found[0], uuidJob) || !strings.Contains(found[0], "queued")) {
			t.Errorf("%s: in words: %s", c.reason, found[0])
		}
	}
}

// Whatever an array writes, a job that names our SVM is ours, one of the
// collection of SVMs without any name is never another's, and what is given to
// people is one line of a bounded length.
func FuzzJobs(f *testing.F) {
	for _, c := range jobCases {
		f.Add(c.description, c.message, c.svm.Name)
	}
	f.Add("POST\x00/api/svm/svms/\xff", "\n\n", "svm")
	f.Fuzz(func(t *testing.T, description, message, svm string) {
		r := jobReading(description, message, ontap.Ref{Name: svm})
		for _, line := range r.jobsOf(Subject{Name: "p1"}) {
			if strings.ContainsAny(line, "\n\r\x00") || len(line) > 1000 {
				t.Errorf("in words: %q", line)
			}
		}
		r = jobReading(description+" p1 ", message, ontap.Ref{Name: svm})
		if len(r.jobsOf(Subject{Name: "p1"})) != 1 {
			t.Errorf("%q names p1, and is not given", description)
		}
		r = jobReading("POST /api/svm/svms", "", ontap.Ref{})
		if len(r.jobsOf(Subject{Name: svm})) != 1 {
			t.Errorf("a creation that names nobody is not given for %q", svm)
		}
	})
}
