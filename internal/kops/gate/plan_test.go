package gate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/gate/tfplan"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/kops/statestore"
	"github.com/seedproof/seedproof/internal/store"
)

// writes is a plan that writes the spec of a cluster.
func writes(key, content string) tfplan.Change {
	c := tfplan.Change{Address: "aws_s3_object.etcd-cluster-spec-main", Scheme: "s3", Bucket: "state", Key: key}
	if content != "" {
		c.Content = []byte(content)
	}
	return c
}

func TestCheckPlan(t *testing.T) {
	const asWanted = `{"memberCount": 3, "etcdVersion": "3.6.12"}`
	well := func(t *testing.T) *stage { return newStage(t, healthy()) }
	deletes := writes(spec, "")
	deletes.Deletes = true
	deletesMarker := writes(marker, "")
	deletesMarker.Deletes, deletesMarker.Marker = true, true
	unnamed := tfplan.Change{Address: "aws_s3_object.etcd-cluster-spec-main"}
	for _, c := range []struct {
		reason      string
		stage       func(t *testing.T) *stage
		change      tfplan.Change
		state, name string
		action      decide.Action
		code        int
		says        string
	}{
		{"it writes what is there", well, writes(spec, asWanted), "", "", decide.None, 0, "changes nothing"},
		{"its content is in a file", well, writes(spec, ""), "", "", decide.None, 0, "changes nothing"},
		{"the incident", incident, writes(spec, asWanted), "", "", decide.SeedOverExisting, 3, "STOP"},
		{"the incident, the state store named", incident, writes(spec, asWanted), "s3://state?region=x", "", decide.SeedOverExisting, 3, "STOP"},
		{"the incident, all named", incident, writes(spec, asWanted), "s3://state", prod, decide.SeedOverExisting, 3, "STOP"},
		{"a new cluster", func(t *testing.T) *stage { return newStage(t, kopstest.New(prod, 3)) }, writes(spec, asWanted), "", "", decide.SeedNew, 0, "was never applied"},
		{"a new cluster of which kops has made the plan", func(t *testing.T) *stage {
			c := kopstest.New(prod, 3)
			c.Applied = true
			s := newStage(t, c)
			kopstest.DeleteAll(t, s.store, prod+"/backups/")
			return s
		}, writes(spec, asWanted), "", "", decide.SeedOverExisting, 3, "Unless this is the first apply"},
		{"the config asks for more, and the plan for nothing new", changed, writes(spec, `{"memberCount":3,"etcdVersion":"3.5.31"}`), "", "", decide.None, 0, "changes nothing"},
		{"the plan asks for more than the config", well, writes(spec, `{"memberCount":3,"etcdVersion":"3.7.0"}`), "", "", decide.ChangeSpec, 0, "to 3 members of etcd 3.7.0"},
		{"it changes the spec, and nobody opened a backup", func(t *testing.T) *stage { s := changed(t); s.skipVerify = true; return s }, writes(spec, asWanted), "", "", decide.ChangeSpec, 4, "NO BACKUP WAS OPENED"},
		{"it writes no spec", well, writes(spec, "{"), "", "", decide.Unproven, 4, "not the JSON of a spec"},
		{"it deletes the spec", well, deletes, "", "", decide.None, 3, "DELETES THE SPEC"},
		{"it deletes the marker", well, deletesMarker, "", "", decide.None, 3, "deletes the marker"},
		{"it does not say what it writes", well, unnamed, "", "", decide.Unproven, 4, "does not say which object"},
		{"elsewhere, and not named", well, writes("etcd/prod/main/control/etcd-cluster-spec", asWanted), "", "", decide.Unproven, 4, "--state and --name"},
		{"elsewhere, and not of this cluster", well, writes("etcd/prod/main/control/etcd-cluster-spec", asWanted), "s3://state", prod, decide.Unproven, 4, "none of the etcd clusters"},
		{"another bucket", well, writes(spec, asWanted), "s3://other", "", decide.Unproven, 4, "outside the state store"},
		{"another cluster", well, writes(spec, asWanted), "", "test.example.com", decide.Unproven, 4, "another cluster"},
		{"no such cluster", well, writes("test.example.com/backups/etcd/main/control/etcd-cluster-spec", asWanted), "", "", decide.Unproven, 4, "there is no cluster test.example.com"},
		{"an etcd cluster that the config does not name", well, writes(prod+"/backups/etcd/leases/control/etcd-cluster-spec", asWanted), "", "", decide.Unproven, 4, "none of the etcd clusters"},
		{"the marker cannot be read", func(t *testing.T) *stage { s := well(t); s.store = denied{s.store, marker}; return s }, writes(spec, asWanted), "", "", decide.Unproven, 4, "could not be read"},
		{"the cluster cannot be listed", func(t *testing.T) *stage { s := well(t); s.store = denied{s.store, "list"}; return s }, writes(spec, asWanted), "", "", decide.Unproven, 4, "not all of the cluster"},
	} {
		s := c.stage(t)
		report, err := CheckPlan(t.Context(), []tfplan.Change{c.change}, PlanOptions{State: c.state, Name: c.name, Look: s.gate().Look})
		if err != nil {
			t.Errorf("%s: %v", c.reason, err)
			continue
		}
		got := report.Changes[0]
		if got.Action != c.action || got.ExitCode != c.code || report.ExitCode != c.code || !strings.Contains(got.Sentence, c.says) {
			t.Errorf("%s: %s, %d: %s", c.reason, got.Action, got.ExitCode, got.Sentence)
		}
		var text strings.Builder
		report.Tell(&text)
		if !strings.Contains(text.String(), got.Sentence) || strings.Contains(text.String(), "\t") {
			t.Errorf("%s: it tells\n%s", c.reason, &text)
		}
	}
}

// TestCheckPlanOfMany: each cluster is looked at once, and the worst counts.
func TestCheckPlanOfMany(t *testing.T) {
	s := incident(t)
	events := strings.Replace(spec, "/main/", "/events/", 1)
	changes := []tfplan.Change{writes(events, ""), writes(spec, ""), writes("test.example.com/backups/etcd/main/control/etcd-cluster-spec", "")}
	report, err := CheckPlan(t.Context(), changes, PlanOptions{Look: s.gate().Look})
	if err != nil || report.ExitCode != 3 || s.looks != 2 {
		t.Fatalf("%+v, %v, %d looks", report, err, s.looks)
	}
	codes := fmt.Sprint(report.Changes[0].ExitCode, report.Changes[1].ExitCode, report.Changes[2].ExitCode)
	if codes != "0 3 4" {
		t.Errorf("exit codes %s", codes)
	}
	nothing, err := CheckPlan(t.Context(), nil, PlanOptions{Look: s.gate().Look})
	if err != nil || nothing.ExitCode != 0 {
		t.Errorf("%+v, %v", nothing, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := CheckPlan(ctx, changes, PlanOptions{Look: s.gate().Look}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	failing := func(context.Context, string, string) (kops.Report, error) {
		return kops.Report{}, &statestore.PlaceError{Why: "there is no such bucket", Next: "echo"}
	}
	if report, err := CheckPlan(t.Context(), changes, PlanOptions{Look: failing}); err != nil || report.ExitCode != 4 || len(report.Changes[0].Advice) != 1 {
		t.Errorf("%+v, %v", report, err)
	}
}

// TestCheckPlanEveryCallFails: no fault makes a plan safe that is not.
func TestCheckPlanEveryCallFails(t *testing.T) {
	n := 0
	for _, mode := range []fault.Mode{fault.Refused, fault.FailedBefore, fault.LostReply} {
		for k := 1; ; k++ {
			s := incident(t)
			injector := fault.NewInjector(k, mode)
			s.store = renamed{store.WithFaults(s.store, injector), "s3://state"}
			report, err := CheckPlan(t.Context(), []tfplan.Change{writes(spec, "")}, PlanOptions{Look: s.gate().Look})
			if injector.Struck() == nil {
				break
			}
			n++
			if err != nil || report.ExitCode != decide.Refused && report.ExitCode != decide.UnprovenOutcome {
				t.Errorf("call %d %s: %+v, %v", k, mode, report, err)
			}
		}
	}
	if n < 15 {
		t.Errorf("only %d calls were struck", n)
	}
}
