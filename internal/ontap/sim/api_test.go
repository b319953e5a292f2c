package sim

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestTridentStarts makes the calls that Trident makes at its start, as the
// SVM's user at the SVM's address, with what it needs to find.
func TestTridentStarts(t *testing.T) {
	a := newArray(t, nil)
	a.must(201, "POST", "/svm/svms?return_timeout=5", `{"name":"p1","nvme":{"enabled":true},"aggregates":[{"name":"`+a.AggregateNames(0)[0]+`"}]}`)
	a.manage("p1", address, shoot, password)
	a.lif("datalif+0", "192.0.2.20", onDefault+`,"service_policy":{"name":"default-data-nvme-tcp"}`)
	uuid := a.uuidOf("p1")
	as := func(status int, method, path, body string) reply {
		t.Helper()
		r, err := a.as(address, shoot, password, method, path, body)
		if err != nil || r.status != status {
			t.Fatalf("%s %s: %v, status %d: %s", method, path, err, r.status, r.raw)
		}
		return r
	}
	r := as(200, "GET", "/cluster?fields=**", "")
	version, _ := r.body["version"].(map[string]any)
	if version["generation"] != 9.0 || version["major"] != 16.0 || version["minor"] != 1.0 {
		t.Errorf("the version: %v", version)
	}
	if _, shown := r.body["san_optimized"]; shown {
		t.Error("san_optimized is shown to an SVM's user unasked")
	}
	r = as(200, "GET", "/cluster?fields=san_optimized,disaggregated&ignore_unknown_fields=true", "")
	if r.body["disaggregated"] != false {
		t.Errorf("asked for by name: %s", r.raw)
	}
	if r = as(200, "GET", "/svm/svms?name=*&fields=", ""); len(r.records()) != 1 || r.records()[0]["uuid"] != uuid {
		t.Errorf("the SVM: %s", r.raw)
	}
	as(403, "GET", "/cluster/nodes?fields=serial_number&name=*", "")
	r = as(200, "GET", "/network/ip/interfaces?services=data_nvme_tcp&svm.uuid="+uuid+"&fields=ip.address,state", "")
	if len(r.records()) != 1 || r.records()[0]["state"] != "up" {
		t.Errorf("the data LIFs: %s", r.raw)
	}
	if list, _ := as(200, "GET", "/svm/svms/"+uuid, "").body["aggregates"].([]any); len(list) != 1 {
		t.Errorf("the aggregates: %v", list)
	}
	as(201, "POST", "/support/ems/application-logs", `{"computer_name":"c","event_source":"trident","event_id":1,"severity":"notice","category":"provisioning","event_description":"x","app_version":"1","autosupport_required":true}`)
}

// TestRolesAndScopes: what an SVM's user may not do, and does not see.
func TestRolesAndScopes(t *testing.T) {
	a := managed(t, func(o *Options) { o.Roles = map[string][]string{"tiny": {"GET /svm/svms"}} })
	other := a.svm("p2")
	a.must(201, "POST", "/security/accounts", `{"name":"small","owner":{"name":"p1"},"password":"another123","role":{"name":"tiny"},"applications":[{"application":"http"}]}`)
	for _, c := range []struct {
		reason, method, path, body string
		status                     int
		code                       string
	}{
		{"an SVM", "POST", "/svm/svms", `{"name":"x"}`, 403, "6"},
		{"an interface", "POST", "/network/ip/interfaces", `{}`, 403, "6"},
		{"a route", "POST", "/network/ip/routes", `{}`, 403, "6"},
		{"the aggregates", "GET", "/storage/aggregates", "", 403, "6"},
		{"the MetroCluster", "GET", "/cluster/metrocluster", "", 403, "6"},
		{"another SVM", "GET", "/svm/svms/" + other, "", 404, "4"},
		{"no such route", "GET", "/storage/luns", "", 404, "3"},
	} {
		r, err := a.as(address, shoot, password, c.method, c.path, c.body)
		if err != nil || r.status != c.status || r.code() != c.code {
			t.Errorf("%s: %v %d %s, expected %d %s", c.reason, err, r.status, r.raw, c.status, c.code)
		}
	}
	if r, err := a.as(address, "small", "another123", "GET", "/cluster", ""); err != nil || r.status != 403 {
		t.Errorf("a role that is too small: %v %s", err, r.raw)
	}
	r, err := a.as(address, shoot, password, "GET", "/security/accounts?fields=*", "")
	if err != nil || len(r.records()) != 1 || r.records()[0]["name"] != shoot {
		t.Errorf("the accounts that it sees: %v %s", err, r.raw)
	}
	user, admin := a.Cluster(0).Credentials()
	if r, err := a.as(address, user, admin, "GET", "/cluster", ""); err != nil || r.status != 401 {
		t.Errorf("the cluster's administrator at the SVM's address: %v %s", err, r.raw)
	}
}

// TestPages walks a collection to its end, over the empty page that ends it.
func TestPages(t *testing.T) {
	a := newArray(t, nil)
	for i := range 6 {
		a.svm(fmt.Sprintf("p%d", i))
	}
	for _, query := range []string{"?max_records=3", "?max_records=3&order_by=name+desc&fields=name", "?max_records=4&name=p*", "?max_records=6&fields=state"} {
		var names []string
		pages, empty := 0, 0
		for path := "/svm/svms" + query; path != ""; pages++ {
			r := a.must(200, "GET", path, "")
			for _, rec := range r.records() {
				names = append(names, fmt.Sprint(rec["name"]))
			}
			if len(r.records()) == 0 {
				empty++
			}
			path = strings.TrimPrefix(r.text("_links.next.href"), "/api")
			if (path != "") != (r.header.Get("Link") != "") {
				t.Errorf("%s: the link and its header differ", query)
			}
		}
		slices.Sort(names)
		if strings.Join(names, " ") != "p0 p1 p2 p3 p4 p5" {
			t.Errorf("%s: %v", query, names)
		}
		if wantEmpty := !strings.Contains(query, "=4"); (empty == 1) != wantEmpty {
			t.Errorf("%s: %d empty pages, %d in all", query, empty, pages)
		}
	}
	if r := a.do("GET", "/svm/svms?start.id=nonsense", ""); r.status != 400 {
		t.Errorf("a start that is none: %s", r.raw)
	}
	if r := a.must(200, "GET", "/svm/svms?return_records=false&name=p1|p2", ""); r.body["num_records"] != 2.0 || r.body["records"] != nil {
		t.Errorf("without records: %s", r.raw)
	}
}

// TestPagesOfWhatCameOutOfOrder: a job that overtakes another hides nothing.
func TestPagesOfWhatCameOutOfOrder(t *testing.T) {
	a := newArray(t, nil)
	if _, err := a.Inject(Fault{Kind: JobSlow, Delay: time.Minute, Method: "POST", Kth: 1}); err != nil {
		t.Fatal(err)
	}
	a.must(202, "POST", "/svm/svms", `{"name":"late"}`)
	a.must(202, "POST", "/svm/svms", `{"name":"early"}`)
	a.must(200, "GET", "/cluster", "")
	a.clock.forward(time.Hour)
	var names []string
	for path := "/svm/svms?max_records=1"; path != ""; {
		r := a.must(200, "GET", path, "")
		for _, rec := range r.records() {
			names = append(names, fmt.Sprint(rec["name"]))
		}
		path = strings.TrimPrefix(r.text("_links.next.href"), "/api")
	}
	if len(names) != 2 {
		t.Errorf("the pages show %v", names)
	}
}

// TestPagesUnderChange: what is deleted between two pages shifts nothing.
func TestPagesUnderChange(t *testing.T) {
	a := newArray(t, nil)
	for i := range 4 {
		a.svm(fmt.Sprintf("p%d", i))
	}
	r := a.must(200, "GET", "/svm/svms?max_records=2", "")
	a.must(202, "DELETE", "/svm/svms?name=p0", "")
	r = a.must(200, "GET", strings.TrimPrefix(r.text("_links.next.href"), "/api"), "")
	if len(r.records()) != 2 || r.records()[0]["name"] != "p2" {
		t.Errorf("the second page: %s", r.raw)
	}
}

func TestReleases(t *testing.T) {
	for _, c := range []struct {
		release, body, field, code string
	}{
		{"9.12.1", `{"name":"p1","storage":{"limit":1000000000}}`, "storage.limit", "262179"},
		{"9.13.1", `{"name":"p1","storage":{"limit":1000000000}}`, "storage.limit", ""},
		{"9.12.1", `{"name":"p1"}`, "number_of_volumes_in_recovery_queue", "262179"},
		{"9.17.1", `{"name":"p1"}`, "number_of_volumes_in_recovery_queue", ""},
	} {
		a := newArray(t, func(o *Options) { o.Version = c.release })
		if strings.Contains(c.body, "storage") {
			if r := a.do("POST", "/svm/svms", c.body); r.code() != c.code {
				t.Errorf("%s, POST %s: %s, expected code %q", c.release, c.body, r.raw, c.code)
			}
		}
		if r := a.do("GET", "/svm/svms?fields="+c.field, ""); r.code() != c.code {
			t.Errorf("%s, fields=%s: %s, expected code %q", c.release, c.field, r.raw, c.code)
		}
	}
	for _, bad := range []string{"9.8.1", "10.1.1", "9.16", "latest"} {
		if _, err := New(Options{Version: bad}); err == nil {
			t.Errorf("release %q was accepted", bad)
		}
	}
}

// TestNoPasswordLeaves: neither log nor request log holds one, not even one that
// somebody put into a URL.
func TestNoPasswordLeaves(t *testing.T) {
	var out safeBuffer
	a := managed(t, func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	a.fail(5)
	a.do("GET", "/security/accounts?password=another123", "")
	a.do("POST", "/security/authentication/password", `{"name":"shoot","owner":{"name":"p1"},"password":"another123"}`)
	_, admin := a.Cluster(0).Credentials()
	said := out.String() + fmt.Sprintf("%+v", a.Requests())
	for _, secret := range []string{password, "another123", "wrong1pass", admin} {
		if strings.Contains(said, secret) {
			t.Errorf("a password was logged: %q", secret)
		}
	}
	if !strings.Contains(said, "password="+mask) {
		t.Error("the URL with a password is not in the log at all")
	}
	a.ForgetRequests()
	if len(a.Requests()) != 0 {
		t.Error("the request log was not forgotten")
	}
}

// TestRequestLog counts what tests count by.
func TestRequestLog(t *testing.T) {
	a := managed(t, nil)
	a.ForgetRequests()
	a.login(password)
	a.fail(1)
	got := a.Requests()
	if len(got) != 2 {
		t.Fatalf("%d requests", len(got))
	}
	if q := got[0]; q.SVM != "p1" || q.User != shoot || !q.Known || q.Status != 200 || q.Method != "GET" || q.Path != "/api/cluster" || q.Sent == 0 {
		t.Errorf("the login: %+v", q)
	}
	if q := got[1]; q.Known || q.Status != 401 {
		t.Errorf("the failed login: %+v", q)
	}
}

// TestManyAtOnce: one POST of several SVMs is a job; the first that is refused
// ends it.
func TestManyAtOnce(t *testing.T) {
	a := newArray(t, nil)
	r := a.must(202, "POST", "/svm/svms", `{"records":[{"name":"p1"},{"name":"p2"},{"name":"p1"},{"name":"p4"}]}`)
	job := a.must(200, "GET", "/cluster/jobs/"+r.text("job.uuid")+"?fields=**", "")
	if job.text("state") != "failure" || job.text("error.code") != "13434908" {
		t.Errorf("the job: %s", job.raw)
	}
	a.must(200, "GET", "/cluster", "")
	if r := a.do("GET", "/svm/svms?job_results_uuid="+r.text("job.uuid"), ""); len(r.records()) != 2 || r.records()[0]["name"] != "p1" {
		t.Errorf("what the job made: %s", r.raw)
	}
	if got := len(a.do("GET", "/svm/svms", "").records()); got != 2 {
		t.Errorf("%d SVMs, expected 2", got)
	}
}

// TestSVMWithChildren: interfaces and routes in the same POST.
func TestSVMWithChildren(t *testing.T) {
	a := newArray(t, nil)
	a.must(201, "POST", "/svm/svms?return_timeout=5", `{"name":"p1","ip_interfaces":[{"name":"mgmt","ip":{"address":"192.0.2.10","netmask":"24"},`+
		`"location":{"broadcast_domain":{"name":"Default"}},"service_policy":"default-management"}],"routes":[{"gateway":"192.0.2.1"}]}`)
	v, _ := a.Dump().Find("p1")
	if len(v.LIFs) != 1 || v.LIFs[0].Policy != "default-management" || len(v.Routes) != 1 {
		t.Errorf("it has %+v", v)
	}
}

func TestMethods(t *testing.T) {
	a := newArray(t, nil)
	for _, c := range []struct {
		method, path string
		status       int
		code         string
	}{
		{"PATCH", "/network/ip/routes/x", 405, "3"},
		{"PUT", "/svm/svms", 405, "3"},
		{"GET", "/nothing/here", 404, "3"},
		{"GET", "/svm/svms/x", 404, "4"},
		{"DELETE", "/svm/svms", 400, "262177"},
		{"DELETE", "/protocols/nvme/services/x", 400, "72089651"},
		{"PATCH", "/security/accounts/x/y", 400, "1261218"},
		{"DELETE", "/security/accounts/x/y", 404, "4"},
	} {
		if r := a.do(c.method, c.path, ""); r.status != c.status || r.code() != c.code {
			t.Errorf("%s %s: %d %s, expected %d %s", c.method, c.path, r.status, r.raw, c.status, c.code)
		}
	}
	if r := a.must(200, "OPTIONS", "/network/ip/routes", ""); r.header.Get("Allow") != "GET, HEAD, POST, DELETE, OPTIONS" {
		t.Errorf("Allow: %q", r.header.Get("Allow"))
	}
	if r := a.must(200, "HEAD", "/cluster", ""); r.raw != "" {
		t.Errorf("HEAD has a body: %s", r.raw)
	}
	if r := a.must(200, "GET", "/cluster", ""); r.header.Get("Content-Type") != "application/hal+json" {
		t.Errorf("Content-Type %q", r.header.Get("Content-Type"))
	}
	if r := a.do("GET", "/cluster", `{}`); r.code() != "262198" {
		t.Errorf("a body on GET: %s", r.raw)
	}
}

func TestTunnel(t *testing.T) {
	a := managed(t, nil)
	a.svm("p2")
	ask := func(header, value string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), "GET", a.Cluster(0).URL()+"/api/svm/svms", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(a.Cluster(0).Credentials())
		req.Header.Set(header, value)
		req.Header.Set("X-Dot-Client-App", "anything")
		resp, err := a.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var b bytes.Buffer
		if _, err := b.ReadFrom(resp.Body); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, b.String()
	}
	if status, body := ask("X-Dot-SVM-Name", "p2"); status != 200 || !strings.Contains(body, `"num_records":1`) {
		t.Errorf("narrowed to p2: %d %s", status, body)
	}
	if status, body := ask("X-Dot-SVM-UUID", "none"); status != 400 || !strings.Contains(body, "1260882") {
		t.Errorf("narrowed to nothing: %d %s", status, body)
	}
}

// TestManyClientsAtOnce: of several creates with one name one succeeds, and
// whoever looks meanwhile sees whole objects.
func TestManyClientsAtOnce(t *testing.T) {
	a := newArray(t, nil)
	user, admin := a.Cluster(0).Credentials()
	var made sync.Map
	var workers sync.WaitGroup
	for w := range 6 {
		workers.Go(func() {
			for i := range 5 {
				name := fmt.Sprintf("p%d", i)
				r, err := a.try(a.http, a.Cluster(0).URL(), user, admin, "POST", "/svm/svms?return_timeout=5", `{"name":"`+name+`"}`)
				if err != nil || r.status != 201 && r.code() != "13434908" && r.code() != "13434894" {
					t.Errorf("worker %d: %v %s", w, err, r.raw)
				}
				if r.status == 201 {
					if _, twice := made.LoadOrStore(name, true); twice {
						t.Errorf("%s was made twice", name)
					}
				}
				a.Dump()
				a.Requests()
			}
		})
	}
	workers.Wait()
	d := a.Dump()
	if got := len(d.Clusters[0].SVMs); got != 5 {
		t.Errorf("%d SVMs, expected 5", got)
	}
}
