package sim

import (
	"strings"
	"testing"
	"time"
)

func pairOf(t *testing.T, change func(*Options)) *array {
	t.Helper()
	return newArray(t, func(o *Options) {
		o.Clusters = 2
		if change != nil {
			change(o)
		}
	})
}

func (a *array) states() (source, twin string) {
	v, _ := a.Dump().Find("p1")
	w, _ := a.Dump().Find("p1-mc")
	return v.State, w.State
}

func TestTwinIsMade(t *testing.T) {
	a := pairOf(t, nil)
	uuid := a.svm("p1")
	a.manage("p1", address, shoot, password)
	r := a.must(200, "GET", "/svm/svms/"+uuid, "")
	if r.text("subtype") != "sync_source" {
		t.Errorf("the subtype of a new SVM: %s", r.raw)
	}
	twin, ok := a.Dump().Find("p1-mc")
	if !ok || twin.UUID == uuid || twin.State != "stopped" || twin.Subtype != "sync_destination" || !twin.NVMe {
		t.Fatalf("the twin: %+v", twin)
	}
	if len(twin.LIFs) != 1 || twin.LIFs[0].Up || twin.LIFs[0].Address != address || len(twin.Accounts) != 2 {
		t.Errorf("what the twin has: %+v", twin)
	}
	pairs := a.mustOn(1, 200, "GET", "/cluster/metrocluster/svms?fields=*", "").records()
	if len(pairs) != 1 {
		t.Fatalf("pairs: %v", pairs)
	}
	other, _ := pairs[0]["partner_svm"].(map[string]any)
	if other["uuid"] != uuid || other["name"] != "p1" || pairs[0]["configuration_state"] != "healthy" {
		t.Errorf("the pair: %v", pairs[0])
	}
}

func TestTwinTakesNoChanges(t *testing.T) {
	a := pairOf(t, nil)
	a.svm("p1")
	a.manage("p1", address, shoot, password)
	twin, _ := a.Dump().Find("p1-mc")
	for _, c := range []struct{ method, path, body, code string }{
		{"PATCH", "/svm/svms/" + twin.UUID, `{"comment":"x"}`, "13434906"},
		{"DELETE", "/svm/svms/" + twin.UUID, "", "13434906"},
		{"PATCH", "/network/ip/interfaces/" + twin.LIFs[0].UUID, `{"enabled":false}`, "2621574"},
		{"DELETE", "/network/ip/interfaces/" + twin.LIFs[0].UUID, "", "2621574"},
		{"POST", "/network/ip/routes", `{"svm":{"name":"p1-mc"},"gateway":"192.0.2.1"}`, "2621574"},
		{"PATCH", "/security/accounts/" + twin.UUID + "/" + shoot, `{"comment":"x"}`, "2621574"},
		{"POST", "/security/authentication/password", `{"name":"shoot","owner":{"name":"p1-mc"},"password":"another123"}`, "2621574"},
	} {
		if r := a.on(1, c.method, c.path, c.body); r.code() != c.code {
			t.Errorf("%s %s: %s, expected code %s", c.method, c.path, r.raw, c.code)
		}
	}
}

// TestSwitchover follows a pair through a switchover and back.
func TestSwitchover(t *testing.T) {
	a := pairOf(t, nil)
	a.svm("p1")
	a.manage("p1", address, shoot, password)
	a.must(201, "POST", "/storage/volumes?return_timeout=5", `{"name":"v1","svm":{"name":"p1"},"aggregates":[{"name":"`+a.AggregateNames(0)[0]+`"}]}`)
	check(t, a.SetUnreachable(0, true))
	check(t, a.Switchover(1))
	if source, twin := a.states(); source != "stopped" || twin != "running" {
		t.Fatalf("after the switchover: source %s, twin %s", source, twin)
	}
	if a.login(password) != 200 {
		t.Error("the twin does not serve the same address")
	}
	if twin, _ := a.Dump().Find("p1-mc"); len(twin.Volumes) != 1 {
		t.Errorf("the twin does not serve the volumes: %+v", twin)
	}
	if r := a.mustOn(1, 200, "GET", "/cluster/metrocluster", ""); r.text("local.mode") != "switchover" || r.text("remote.mode") != "not_reachable" {
		t.Errorf("the MetroCluster: %s", r.raw)
	}
	a.mustOn(1, 200, "POST", "/security/authentication/password", `{"name":"shoot","owner":{"name":"p1-mc"},"password":"another123"}`)
	if a.login("another123") != 200 {
		t.Error("the twin takes no new password while it serves")
	}
	if err := a.Switchback(); err == nil {
		t.Error("a switchback to a site that is not there")
	}
	check(t, a.SetUnreachable(0, false))
	check(t, a.Switchback())
	if source, twin := a.states(); source != "running" || twin != "stopped" {
		t.Fatalf("after the switchback: source %s, twin %s", source, twin)
	}
	v, _ := a.Dump().Find("p1")
	if a.login("another123") != 200 || len(v.Volumes) != 1 {
		t.Errorf("what was changed meanwhile is lost: %+v", v)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestCreateWhileSwitchedOver(t *testing.T) {
	a := pairOf(t, nil)
	check(t, a.Switchover(1))
	if r := a.do("POST", "/svm/svms?return_timeout=5", `{"name":"p1"}`); r.code() != "13434909" {
		t.Errorf("on the site without aggregates: %s", r.raw)
	}
	a.mustOn(1, 201, "POST", "/svm/svms?return_timeout=5", `{"name":"p1"}`)
	if _, there := a.Dump().Find("p1-mc"); there {
		t.Error("a twin was made on the site that is not served")
	}
	if r := a.mustOn(1, 200, "GET", "/cluster/metrocluster/svms?fields=*", ""); r.records()[0]["configuration_state"] != "pending_setup" {
		t.Errorf("the pair: %s", r.raw)
	}
	check(t, a.Switchback())
	if source, twin := a.states(); source != "running" || twin != "stopped" {
		t.Errorf("after the switchback: source %q, twin %q", source, twin)
	}
}

func TestDeletedOnTheSurvivor(t *testing.T) {
	a := pairOf(t, nil)
	a.svm("p1")
	check(t, a.Switchover(1))
	twin, _ := a.Dump().Find("p1-mc")
	a.mustOn(1, 200, "DELETE", "/svm/svms/"+twin.UUID+"?return_timeout=5", "")
	if _, there := a.Dump().Find("p1"); !there {
		t.Error("the source went before the switchback")
	}
	check(t, a.Switchback())
	if _, there := a.Dump().Find("p1"); there {
		t.Error("the deletion was not replayed")
	}
}

func TestPartnerOutOfReach(t *testing.T) {
	a := pairOf(t, nil)
	check(t, a.SetUnreachable(1, true))
	user, admin := a.Cluster(1).Credentials()
	if _, err := a.try(a.http, a.Cluster(1).URL(), user, admin, "GET", "/cluster", ""); err == nil {
		t.Error("a cluster out of reach answers")
	}
	a.svm("p1")
	if _, there := a.Dump().Find("p1-mc"); there {
		t.Error("a twin was made out of reach")
	}
	if r := a.must(200, "GET", "/cluster/metrocluster", ""); r.text("remote.configuration_state") != "not_reachable" {
		t.Errorf("the MetroCluster: %s", r.raw)
	}
	check(t, a.SetUnreachable(1, false))
	if _, there := a.Dump().Find("p1-mc"); !there {
		t.Error("the twin did not come with the partner")
	}
}

// TestReplicationDelay is one of the doubts: a twin may lag.
func TestReplicationDelay(t *testing.T) {
	a := pairOf(t, func(o *Options) { o.Times.Replication = time.Minute })
	a.svm("p1")
	if _, there := a.Dump().Find("p1-mc"); there {
		t.Error("the twin came at once")
	}
	a.clock.forward(time.Minute)
	if _, there := a.Dump().Find("p1-mc"); !there {
		t.Error("the twin did not come")
	}
}

// TestBothHalvesRunning is what nobody wants, and a test must be able to have.
func TestBothHalvesRunning(t *testing.T) {
	a := pairOf(t, nil)
	a.svm("p1")
	check(t, a.SetSVMState("p1-mc", "running"))
	if source, twin := a.states(); source != "running" || twin != "running" {
		t.Errorf("source %s, twin %s", source, twin)
	}
	if err := a.SetSVMState("p1", "nonsense"); err == nil {
		t.Error("a state that is none was taken")
	}
}

func TestSwitchoverOverREST(t *testing.T) {
	a := pairOf(t, nil)
	a.svm("p1")
	a.mustOn(1, 202, "PATCH", "/cluster/metrocluster?action=switchover", "")
	if _, twin := a.states(); twin != "running" {
		t.Errorf("the twin is %s", twin)
	}
	r := a.on(1, "PATCH", "/cluster/metrocluster?action=switchover&return_timeout=5", "")
	if r.code() != "2425734" {
		t.Errorf("a second one: %s", r.raw)
	}
	a.mustOn(1, 200, "PATCH", "/cluster/metrocluster?action=switchback&return_timeout=5", "")
	if source, _ := a.states(); source != "running" {
		t.Errorf("the source is %s", source)
	}
	if r := a.mustOn(1, 200, "GET", "/cluster/metrocluster/operations?fields=*", ""); len(r.records()) != 2 {
		t.Errorf("the history: %s", r.raw)
	}
}

func TestNamesOfTwins(t *testing.T) {
	for name, want := range map[string]string{"p1": "p1-mc", "svm.dns.name": "svm-mc.dns.name"} {
		if got := twinName(name); got != want {
			t.Errorf("twin of %s: %s, expected %s", name, got, want)
		}
	}
	a := pairOf(t, nil)
	a.mustOn(1, 201, "POST", "/svm/svms?return_timeout=5", `{"name":"q-mc","subtype":"default"}`)
	if r := a.do("POST", "/svm/svms", `{"name":"q"}`); r.code() != "13434908" {
		t.Errorf("the name of the twin is taken: %s", r.raw)
	}
	if r := a.do("POST", "/svm/svms", `{"name":"`+strings.Repeat("p", 42)+`"}`); r.code() != "13434911" {
		t.Errorf("42 characters where 41 are allowed: %s", r.raw)
	}
	a.must(201, "POST", "/svm/svms?return_timeout=5", `{"name":"`+strings.Repeat("p", 47)+`","subtype":"default"}`)
}
