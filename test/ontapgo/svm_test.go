package ontapgo

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-openapi/strfmt"
	"github.com/metal-stack/ontap-go/api/client"
	"github.com/metal-stack/ontap-go/api/client/cluster"
	"github.com/metal-stack/ontap-go/api/client/s_vm"
	"github.com/metal-stack/ontap-go/api/models"
)

// ended follows a job to its end.
func ended(t *testing.T, c *client.Ontap, answer *models.JobLinkResponse) *models.Job {
	t.Helper()
	if answer == nil || answer.Job == nil || answer.Job.UUID == nil {
		t.Fatalf("an accepted change names no job: %+v", answer)
	}
	uuid := *answer.Job.UUID
	same(t, "the job's link", answer.Job.Links.Self.Href, "/api/cluster/jobs/"+uuid.String())
	var job *models.Job
	await(t, "the end of a job", func() bool {
		p := cluster.NewJobGetParamsWithContext(t.Context()).WithUUID(uuid.String()).WithFields([]string{"**"})
		job = must(c.Cluster.JobGet(p, nil))(t).Payload
		return *job.State == models.JobStateSuccess || *job.State == models.JobStateFailure
	})
	same(t, "the job's UUID", job.UUID, uuid)
	return job
}

func succeeded(t *testing.T, c *client.Ontap, answer *models.JobLinkResponse) *models.Job {
	t.Helper()
	job := ended(t, c, answer)
	same(t, "the job's state", job.State, models.JobStateSuccess)
	same(t, "the job's code", job.Code, 0)
	if job.Error != nil {
		t.Errorf("a job that succeeded has an error: %+v", job.Error)
	}
	return job
}

// createSVM makes an SVM and waits until it runs.
func createSVM(t *testing.T, c *client.Ontap, svm *models.Svm) *models.Svm {
	t.Helper()
	_, accepted, err := c.SVM.SvmCreate(s_vm.NewSvmCreateParamsWithContext(t.Context()).WithInfo(svm), nil)
	if err != nil || accepted == nil {
		t.Fatalf("create %s: got %v %v, expected 202", *svm.Name, accepted, err)
	}
	job := succeeded(t, c, accepted.Payload)
	if job.Description == nil || !strings.HasPrefix(*job.Description, "POST /api/svm/svms") || job.StartTime == nil || job.EndTime == nil {
		t.Errorf("the job has no description, or no times: %+v", job)
	}
	uuid, ok := strings.CutPrefix(accepted.Location, "/api/svm/svms/")
	if !ok || !strfmt.IsUUID(uuid) {
		t.Fatalf("Location is %q", accepted.Location)
	}
	var made *models.Svm
	await(t, "the SVM to run", func() bool {
		made = readSVM(t, c, uuid)
		nvme := svm.Nvme == nil || made.Nvme != nil && made.Nvme.Enabled != nil && *made.Nvme.Enabled
		return *made.State == models.SvmStateRunning && nvme
	})
	same(t, "the SVM's UUID", made.UUID, uuid)
	same(t, "the SVM's name", made.Name, *svm.Name)
	return made
}

func readSVM(t *testing.T, c *client.Ontap, uuid string) *models.Svm {
	t.Helper()
	p := s_vm.NewSvmGetParamsWithContext(t.Context()).WithUUID(uuid).WithFields([]string{"**"})
	return must(c.SVM.SvmGet(p, nil))(t).Payload
}

func listSVMs(t *testing.T, c *client.Ontap, p *s_vm.SvmCollectionGetParams, opts ...s_vm.ClientOption) *models.SvmResponse {
	t.Helper()
	return must(c.SVM.SvmCollectionGet(p.WithContext(t.Context()), nil, opts...))(t).Payload
}

func svmNames(records []*models.Svm) []string {
	var names []string
	for _, r := range records {
		names = append(names, *r.Name)
	}
	return names
}

// svmLife is an SVM from its creation to its end.
func svmLife(t *testing.T) {
	a := startArray(t)
	c := a.cluster(t, 0)
	made := createSVM(t, c, &models.Svm{Name: new("life"), Comment: new("made by a test"), MaxVolumes: new("5")})
	same(t, "the comment", made.Comment, "made by a test")
	same(t, "max_volumes", made.MaxVolumes, "5")
	same(t, "the subtype", made.Subtype, "default")
	same(t, "the IPspace", made.Ipspace.Name, "Default")
	same(t, "the language", made.Language, "c.utf_8")
	same(t, "nvme.allowed", made.Nvme.Allowed, true)
	same(t, "nvme.enabled", made.Nvme.Enabled, false)
	if len(made.SvmInlineAggregates) > 0 {
		t.Errorf("an SVM that was made without aggregates has %d", len(made.SvmInlineAggregates))
	}
	t.Run("refused", func(t *testing.T) { svmRefused(t, c) })
	t.Run("changed", func(t *testing.T) { svmChanged(t, a, c, *made.UUID) })
	t.Run("listed", func(t *testing.T) { svmsListed(t, c) })
	t.Run("scoped by header", func(t *testing.T) { svmScoped(t, c) })
	t.Run("deleted", func(t *testing.T) { svmDeleted(t, a, c, *made.UUID) })
}

func svmRefused(t *testing.T, c *client.Ontap) {
	for _, r := range []struct {
		reason, name string
		status       int
		codes        []string
	}{
		{"a name that is taken", "life", http.StatusConflict, []string{"13434908"}},
		{"the name of an IPspace", "Default", http.StatusConflict, []string{"13434908"}},
		{"a digit first", "1life", http.StatusBadRequest, []string{"2621471", "2621519", "13434884"}},
		{"48 characters", strings.Repeat("x", 48), http.StatusBadRequest, []string{"13434911", "2621643"}},
	} {
		p := s_vm.NewSvmCreateParamsWithContext(t.Context()).WithDefaults().WithInfo(&models.Svm{Name: &r.name})
		_, _, err := c.SVM.SvmCreate(p.WithContext(t.Context()), nil)
		refused(t, r.reason, err, r.status, r.codes...)
	}
	nobody := "00000000-dead-4bad-8bad-000000000000"
	_, err := c.SVM.SvmGet(s_vm.NewSvmGetParamsWithContext(t.Context()).WithUUID(nobody), nil)
	refused(t, "an SVM that is none", err, http.StatusNotFound, "4")
	_, err = c.SVM.SvmCollectionGet(s_vm.NewSvmCollectionGetParamsWithContext(t.Context()).WithFields([]string{"nosuchfield"}), nil)
	refused(t, "a field that is none", err, http.StatusBadRequest, "262179", "262197", "262177")
	ignored := with(nil, url.Values{"ignore_unknown_fields": {"true"}})
	listSVMs(t, c, s_vm.NewSvmCollectionGetParams().WithFields([]string{"nosuchfield"}), ignored)
	_, err = c.Cluster.JobGet(cluster.NewJobGetParamsWithContext(t.Context()).WithUUID(nobody), nil)
	refused(t, "a job that is none", err, http.StatusNotFound, "4")
}

func svmChanged(t *testing.T, a *array, c *client.Ontap, uuid string) {
	p := s_vm.NewSvmModifyParamsWithContext(t.Context()).WithUUID(uuid).WithInfo(&models.Svm{Comment: new("changed")})
	_, accepted, err := c.SVM.SvmModify(p, nil)
	if err != nil || accepted == nil {
		t.Fatalf("change the comment: got %v %v, expected 202", accepted, err)
	}
	job := succeeded(t, c, accepted.Payload)
	same(t, "the comment", readSVM(t, c, uuid).Comment, "changed")
	finished := cluster.NewJobModifyParamsWithContext(t.Context()).WithUUID(job.UUID.String()).WithAction(new("cancel"))
	_, err = c.Cluster.JobModify(finished, nil)
	refused(t, "the end of a job that has ended", err, http.StatusBadRequest, "458762")
	ok, _, err := c.SVM.SvmModify(p.WithInfo(&models.Svm{State: new("stopped")}).WithReturnTimeout(new(int64(25))), nil)
	if err != nil || ok == nil {
		t.Fatalf("stop the SVM: got %v %v, expected 200", ok, err)
	}
	same(t, "the state", readSVM(t, c, uuid).State, models.SvmStateStopped)
	a.order(t, "lock-svm", map[string]any{"name": "life", "on": true})
	_, _, err = c.SVM.SvmModify(p.WithInfo(&models.Svm{Comment: new("x")}), nil)
	refused(t, "a change of a locked SVM", err, http.StatusConflict, "2621576")
	a.order(t, "lock-svm", map[string]any{"name": "life"})
}

// svmsListed filters, sorts, counts and pages.
func svmsListed(t *testing.T, c *client.Ontap) {
	want := []string{"life"}
	for _, name := range []string{"second", "third"} {
		createSVM(t, c, &models.Svm{Name: &name})
		want = append(want, name)
	}
	plain := listSVMs(t, c, s_vm.NewSvmCollectionGetParams())
	if r := plain.SvmResponseInlineRecords; !slices.Equal(svmNames(r), want) || r[0].State != nil || r[0].UUID == nil {
		t.Errorf("without fields: %v, expected name and UUID of %v", svmNames(r), want)
	}
	r := listSVMs(t, c, s_vm.NewSvmCollectionGetParams().WithState(new("stopped")).WithFields([]string{"state", "ipspace.{name,uuid}"}))
	found := one(t, "stopped SVMs", r.SvmResponseInlineRecords)
	same(t, "the name", found.Name, "life")
	same(t, "the state", found.State, models.SvmStateStopped)
	if !strfmt.IsUUID(*found.Ipspace.UUID) {
		t.Errorf("the IPspace's UUID is %q", *found.Ipspace.UUID)
	}
	r = listSVMs(t, c, s_vm.NewSvmCollectionGetParams().WithName(new("none")))
	same(t, "num_records without a match", r.NumRecords, 0)
	r = listSVMs(t, c, s_vm.NewSvmCollectionGetParams().WithReturnRecords(new(false)))
	same(t, "num_records alone", r.NumRecords, 3)
	if len(r.SvmResponseInlineRecords) != 0 {
		t.Error("return_records=false gives records")
	}
	r = listSVMs(t, c, s_vm.NewSvmCollectionGetParams().WithDefaults().WithOrderBy([]string{"name desc"}))
	if got := svmNames(r.SvmResponseInlineRecords); !slices.Equal(got, []string{"third", "second", "life"}) {
		t.Errorf("sorted downwards: %v", got)
	}
	if got := paged(t, c); !slices.Equal(got, want) {
		t.Errorf("page by page: %v, expected %v", got, want)
	}
}

// paged follows the links from page to page, each with one SVM.
func paged(t *testing.T, c *client.Ontap) (names []string) {
	t.Helper()
	r := listSVMs(t, c, s_vm.NewSvmCollectionGetParams().WithMaxRecords(new(int64(1))))
	for range 10 {
		names = append(names, svmNames(r.SvmResponseInlineRecords)...)
		if r.Links == nil || r.Links.Next == nil {
			return names
		}
		next, err := url.Parse(*r.Links.Next.Href)
		if err != nil || next.Path != "/api/svm/svms" {
			t.Fatalf("the next page is at %q: %v", *r.Links.Next.Href, err)
		}
		r = listSVMs(t, c, s_vm.NewSvmCollectionGetParams(), with(nil, next.Query()))
	}
	t.Fatal("the pages have no end")
	return nil
}

func svmScoped(t *testing.T, c *client.Ontap) {
	scoped := with(http.Header{"X-Dot-SVM-Name": {"second"}}, nil)
	r := listSVMs(t, c, s_vm.NewSvmCollectionGetParams(), scoped)
	same(t, "the SVM of the header", one(t, "scoped by header", r.SvmResponseInlineRecords).Name, "second")
}

// svmDeleted deletes an SVM, and sees a job fail.
func svmDeleted(t *testing.T, a *array, c *client.Ontap, uuid string) {
	_, accepted, err := c.SVM.SvmDelete(s_vm.NewSvmDeleteParamsWithContext(t.Context()).WithUUID(uuid), nil)
	if err != nil || accepted == nil {
		t.Fatalf("delete: got %v %v, expected 202", accepted, err)
	}
	succeeded(t, c, accepted.Payload)
	_, err = c.SVM.SvmGet(s_vm.NewSvmGetParamsWithContext(t.Context()).WithUUID(uuid), nil)
	refused(t, "a deleted SVM", err, http.StatusNotFound, "4")
	a.order(t, "doubts", map[string]any{"DuplicateSVMInJob": true})
	_, doomed, err := c.SVM.SvmCreate(s_vm.NewSvmCreateParamsWithContext(t.Context()).WithInfo(&models.Svm{Name: new("third")}), nil)
	if err != nil || doomed == nil {
		t.Fatalf("a taken name: got %v %v, expected 202", doomed, err)
	}
	job := ended(t, c, doomed.Payload)
	same(t, "the state of a job that failed", job.State, models.JobStateFailure)
	same(t, "its code, an integer", job.Code, 13434908)
	if job.Error == nil {
		t.Fatal("a job that failed has no error")
	}
	same(t, "the code of its error, a text", job.Error.Code, "13434908")
}
