package gate

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/kops/gate/tfplan"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/store"
)

// plannedStage has a cluster of which kops has made the plan: keysets are there, and
// nothing was applied.
func plannedStage(t *testing.T) *stage {
	t.Helper()
	c := kopstest.New(prod, 3)
	c.Applied = true
	s := newStage(t, c)
	kopstest.DeleteAll(t, s.store, prod+"/backups/")
	for _, applied := range []string{"/kops-version.txt", "/cluster-completed.spec", "/manifests/", "/igconfig/"} {
		kopstest.DeleteAll(t, s.store, prod+applied)
	}
	return s
}

// planRequest judges a plan that writes the specs of main and events.
func (s *stage) planRequest(changes ...tfplan.Change) PlanRequest {
	s.t.Helper()
	if len(changes) == 0 {
		changes = []tfplan.Change{writes(spec, ""), writes(strings.Replace(spec, "/main/", "/events/", 1), "")}
	}
	report, err := CheckPlan(s.t.Context(), changes, PlanOptions{Look: s.gate().Look})
	if err != nil {
		s.t.Fatal(err)
	}
	return PlanRequest{Report: report, Path: "plan.json", Content: []byte("the plan"), SkipVerify: s.skipVerify}
}

// approvePlan has a person approve a plan, and gives the file.
func (s *stage) approvePlan(r PlanRequest) string {
	s.t.Helper()
	s.who = &person{answers: []string{prod}}
	defer func() { s.who = nil }()
	path := filepath.Join(s.home, "approval.json")
	if err := s.gate().ApprovePlan(s.t.Context(), r, "Ada", path); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// TestPlanIsAllowedOnce: the first apply of a new cluster, with a word.
func TestPlanIsAllowedOnce(t *testing.T) {
	s := plannedStage(t)
	r := s.planRequest()
	if r.Report.ExitCode != 3 || !strings.Contains(r.Report.Changes[0].Sentence, "plan-check --approve") {
		t.Fatalf("%+v", r.Report)
	}
	path := s.approvePlan(r)
	if !strings.Contains(s.out.String(), "seedproof kops plan-check --approval "+path+" plan.json") {
		t.Error(&s.out)
	}
	by, err := s.gate().AllowPlan(t.Context(), s.planRequest(), path)
	if err != nil || by != "Ada" || !strings.Contains(s.out.String(), "on this machine and in the state store") {
		t.Fatalf("%q, %v\n%s", by, err, &s.out)
	}
	if by, err := s.gate().AllowPlan(t.Context(), s.planRequest(), path); codeOf(err) != 3 || !errors.Is(err, ErrUsed) || by != "" {
		t.Errorf("used again: %q, %v", by, err)
	}
}

// TestPlanApprovalIsVoid: for anything else than what it was given for.
func TestPlanApprovalIsVoid(t *testing.T) {
	for _, c := range []struct {
		reason string
		change func(t *testing.T, s *stage, r *PlanRequest)
		says   string
	}{
		{"another plan", func(_ *testing.T, _ *stage, r *PlanRequest) { r.Content = []byte("the plan, and more") }, "it is for another Terraform plan, sha256:"},
		{"a backup has come", func(t *testing.T, s *stage, r *PlanRequest) {
			kopstest.Put(t, s.store, prod+"/backups/etcd/main/2026-11-01T02:50:00Z-000001/_etcd_backup.meta", "{}")
			r.Report = s.planRequest().Report
		}, "what was found has changed"},
		{"it cannot be looked at any more", func(_ *testing.T, s *stage, r *PlanRequest) {
			s.store = denied{s.store, marker}
			r.Report = s.planRequest().Report
		}, "what was found has changed"},
		{"one change less", func(_ *testing.T, s *stage, r *PlanRequest) {
			r.Report = s.planRequest(writes(spec, "")).Report
		}, "what was found has changed"},
		{"no backup is opened now", func(_ *testing.T, _ *stage, r *PlanRequest) { r.SkipVerify = true }, "given without --skip-verify"},
		{"it expired", func(_ *testing.T, s *stage, _ *PlanRequest) { s.now = now.Add(approvalLife + time.Minute) }, "it expired"},
		{"it is for an update", func(t *testing.T, s *stage, _ *PlanRequest) {
			content, err := os.ReadFile(s.approve(updateYes))
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(s.home, "approval.json"), string(content))
		}, "it is for `kops update"},
		{"not there", func(t *testing.T, s *stage, _ *PlanRequest) {
			if err := os.Remove(filepath.Join(s.home, "approval.json")); err != nil {
				t.Fatal(err)
			}
		}, "is not there"},
	} {
		s := plannedStage(t)
		r := s.planRequest()
		path := s.approvePlan(r)
		c.change(t, s, &r)
		by, err := s.gate().AllowPlan(t.Context(), r, path)
		if codeOf(err) != 3 || by != "" || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %q, %v", c.reason, by, err)
		}
		if _, statErr := os.Stat(filepath.Join(s.home, "used")); statErr == nil {
			t.Errorf("%s: it was used up", c.reason)
		}
	}
}

// TestPlanNothingToApprove: no word is taken where none is needed, and where
// nobody can know what it would be for.
func TestPlanNothingToApprove(t *testing.T) {
	other := "test.example.com"
	for _, c := range []struct {
		reason  string
		stage   func(t *testing.T) *stage
		changes []tfplan.Change
		answers []string
		code    int
		says    string
	}{
		{"it is safe", func(t *testing.T) *stage { return newStage(t, healthy()) }, nil, nil, 0, "is safe to apply"},
		{"the plan does not say what it changes", plannedStage, []tfplan.Change{{Address: "x"}}, nil, 4, "nothing to approve"},
		{"two clusters", func(t *testing.T) *stage {
			s := incident(t)
			c := kopstest.Healthy(other, 3, now)
			c.Write(t, s.store)
			return s
		}, []tfplan.Change{writes(spec, ""), writes(strings.Replace(spec, prod, other, 1), "")}, nil, 4, "two clusters, prod.example.com and test.example.com"},
		{"it was not meant", plannedStage, nil, []string{"y"}, 3, "nothing was approved"},
	} {
		s := c.stage(t)
		s.who = &person{answers: c.answers}
		path := filepath.Join(s.home, "approval.json")
		err := s.gate().ApprovePlan(t.Context(), s.planRequest(c.changes...), "Ada", path)
		said := s.out.String()
		if err != nil {
			said += err.Error()
		}
		if codeOf(err) != c.code || !strings.Contains(said, c.says) {
			t.Errorf("%s: %v\n%s", c.reason, err, said)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: an approval was written", c.reason)
		}
	}
	s := plannedStage(t)
	if err := s.gate().ApprovePlan(t.Context(), s.planRequest(), "Ada", filepath.Join(s.home, "x")); codeOf(err) != 3 || !strings.Contains(err.Error(), "no terminal") {
		t.Errorf("nobody is there: %v", err)
	}
	s = newStage(t, healthy())
	if by, err := s.gate().AllowPlan(t.Context(), s.planRequest(), "none.json"); err != nil || by != "" || !strings.Contains(s.out.String(), "not needed") {
		t.Errorf("an approval that is not needed: %q, %v", by, err)
	}
}

// TestPlanNoteFails: where it cannot be noted that the word was used, it does
// not hold.
func TestPlanNoteFails(t *testing.T) {
	s := plannedStage(t)
	path := s.approvePlan(s.planRequest())
	g := s.gate()
	g.Used.Dir = path // a file
	if by, err := g.AllowPlan(t.Context(), s.planRequest(), path); err == nil || by != "" || !strings.Contains(err.Error(), "do not apply") {
		t.Errorf("%q, %v", by, err)
	}
	s.store = renamed{readOnly{s.store, store.ErrDenied}, "s3://state"}
	if by, err := s.gate().AllowPlan(t.Context(), s.planRequest(), path); err != nil || by != "Ada" || !strings.Contains(s.out.String(), "on this machine only") {
		t.Errorf("a state store that may only be read: %q, %v\n%s", by, err, &s.out)
	}
}
