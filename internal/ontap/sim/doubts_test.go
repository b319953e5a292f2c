package sim

import (
	"crypto/tls"
	"crypto/x509"
	"reflect"
	"strings"
	"testing"
	"time"
)

// doubtCase looks at one thing; its outcome must differ with the doubt.
type doubtCase struct {
	switched string // field of Doubts
	change   func(*Doubts)
	look     func(a *array) string
	usual    string
	other    string
}

func codeOf(r reply) string {
	if r.code() != "" {
		return r.code()
	}
	if r.status >= 300 {
		return "status " + itoa(r.status)
	}
	return "ok"
}

func (a *array) jobEnd(r reply) string {
	if r.code() != "" {
		return r.code()
	}
	j := a.do("GET", "/cluster/jobs/"+r.text("job.uuid")+"?fields=**", "")
	if j.text("error.code") != "" {
		return "job " + j.text("error.code")
	}
	return j.text("state")
}

func (a *array) uuidOf(name string) string {
	v, _ := a.Dump().Find(name)
	return v.UUID
}

func (a *array) volume(name string) {
	a.must(201, "POST", "/storage/volumes?return_timeout=5", `{"name":"`+name+`","svm":{"name":"p1"},"aggregates":[{"name":"`+a.AggregateNames(0)[0]+`"}]}`)
}

const lifBody = `"svm":{"name":"p1"},"ip":{"address":"192.0.2.77","netmask":"24"},"location":{"broadcast_domain":{"name":"Default"}}`

func doubtCases() []doubtCase {
	status := func(r reply) string { return itoa(r.status) }
	return []doubtCase{
		{"DuplicatesAs400", func(d *Doubts) { d.DuplicatesAs400 = true },
			func(a *array) string { return status(a.do("POST", "/svm/svms", `{"name":"p1"}`)) }, "409", "400"},
		{"DuplicateSVMInJob", func(d *Doubts) { d.DuplicateSVMInJob = true },
			func(a *array) string { return a.jobEnd(a.do("POST", "/svm/svms", `{"name":"p1"}`)) }, "13434908", "job 13434908"},
		{"DuplicateAccountCode", func(d *Doubts) { d.DuplicateAccountCode = 5636143 },
			func(a *array) string {
				return a.do("POST", "/security/accounts", `{"name":"shoot","owner":{"name":"p1"},"password":"another123","applications":[{"application":"http"}]}`).code()
			}, "1", "5636143"},
		{"Unauthorized", func(d *Doubts) { d.Unauthorized = UnauthorizedEmpty },
			func(a *array) string { return "[" + a.refusedLogin().raw + "]" }, `[{"error":{"code":"6691623","message":"User is not authorized."}}` + "\n]", "[]"},
		{"NoChallenge", func(d *Doubts) { d.NoChallenge = true },
			func(a *array) string { return a.refusedLogin().header.Get("WWW-Authenticate") }, `Basic realm="Authentication required"`, ""},
		{"FailuresKept", func(d *Doubts) { d.FailuresKept = true },
			func(a *array) string { a.fail(4); a.login(password); a.fail(1); return itoa(a.login(password)) }, "200", "401"},
		{"LockHidden", func(d *Doubts) { d.LockHidden = true },
			func(a *array) string {
				a.fail(5)
				if a.do("GET", a.accountPath(), "").body["locked"] == true {
					return "locked"
				}
				return "hidden"
			}, "locked", "hidden"},
		{"SVMAccountsOnCluster", func(d *Doubts) { d.SVMAccountsOnCluster = true },
			func(a *array) string {
				r, err := a.try(a.http, a.Cluster(0).URL(), shoot, password, "GET", "/svm/svms", "")
				if err != nil {
					return err.Error()
				}
				return itoa(r.status) + " " + itoa(len(r.records()))
			}, "401 0", "200 1"},
		{"PasswordStatus201", func(d *Doubts) { d.PasswordStatus201 = true },
			func(a *array) string {
				return status(a.do("POST", "/security/authentication/password", `{"name":"shoot","owner":{"name":"p1"},"password":"another123"}`))
			}, "200", "201"},
		{"RootVolumeBlocksDelete", func(d *Doubts) { d.RootVolumeBlocksDelete = true }, deleteP1, "success", "job 8"},
		{"LIFsBlockDelete", func(d *Doubts) { d.LIFsBlockDelete = true }, deleteP1, "success", "job 8"},
		{"AccountsBlockDelete", func(d *Doubts) { d.AccountsBlockDelete = true }, deleteP1, "success", "job 8"},
		{"RecoveryQueueBlocksDelete", func(d *Doubts) { d.RecoveryQueueBlocksDelete = true },
			func(a *array) string {
				a.volume("v1")
				a.must(202, "DELETE", "/storage/volumes?name=v1", "")
				return deleteP1(a)
			}, "success", "job 8"},
		{"VolumesRefusedAtOnce", func(d *Doubts) { d.VolumesRefusedAtOnce = true },
			func(a *array) string { a.volume("v1"); return deleteP1(a) }, "job 8", "8"},
		{"DeleteRefusedCode", func(d *Doubts) { d.DeleteRefusedCode = 13434907 },
			func(a *array) string { a.volume("v1"); return deleteP1(a) }, "job 8", "job 13434907"},
		{"LIFMustBeDown", func(d *Doubts) { d.LIFMustBeDown = true },
			func(a *array) string { return codeOf(a.do("DELETE", "/network/ip/interfaces?name=mgmt", "")) }, "ok", "1376965"},
		{"PlusRefused", func(d *Doubts) { d.PlusRefused = true },
			func(a *array) string {
				return codeOf(a.do("POST", "/network/ip/interfaces", `{"name":"datalif+0",`+lifBody+`}`))
			}, "ok", "262247"},
		{"StrictNames", func(d *Doubts) { d.StrictNames = true },
			func(a *array) string {
				return codeOf(a.do("POST", "/network/ip/interfaces", `{"name":"data~lif",`+lifBody+`}`))
			}, "ok", "262247"},
		{"NVMePatchable", func(d *Doubts) { d.NVMePatchable = true },
			func(a *array) string {
				return codeOf(a.do("PATCH", "/svm/svms/"+a.uuidOf("p1"), `{"nvme":{"enabled":false}}`))
			}, "262203", "ok"},
		{"NoVsadmin", func(d *Doubts) { d.NoVsadmin = true },
			func(a *array) string { return itoa(len(a.do("GET", "/security/accounts?name=vsadmin", "").records())) }, "1", "0"},
		{"RootAggregatesListed", func(d *Doubts) { d.RootAggregatesListed = true },
			func(a *array) string { return itoa(len(a.do("GET", "/storage/aggregates", "").records())) }, "4", "6"},
		{"FilteredFieldsShown", func(d *Doubts) { d.FilteredFieldsShown = true },
			func(a *array) string {
				s, _ := a.do("GET", "/svm/svms?state=running", "").records()[0]["state"].(string)
				return s
			}, "", "running"},
		{"CertificateNamesIP", func(d *Doubts) { d.CertificateNamesIP = true },
			func(a *array) string { return itoa(len(a.presented(address).IPAddresses)) }, "0", "1"},
		{"DeadAddressTimesOut", func(d *Doubts) { d.DeadAddressTimesOut = true },
			func(a *array) string {
				ctx, cancel := contextWithTimeout(20 * time.Millisecond)
				defer cancel()
				_, err := a.DialContext(ctx, "tcp", "192.0.2.99:443")
				if err != nil && strings.Contains(err.Error(), "refused") {
					return "refused"
				}
				return "silence"
			}, "refused", "silence"},
	}
}

func deleteP1(a *array) string { return a.jobEnd(a.do("DELETE", "/svm/svms/"+a.uuidOf("p1"), "")) }

func (a *array) refusedLogin() reply {
	r, err := a.as(address, shoot, "wrong1pass", "GET", "/cluster", "")
	if err != nil || r.status != 401 {
		a.t.Fatalf("a wrong password: %v, status %d", err, r.status)
	}
	return r
}

// presented is the certificate that an address shows.
func (a *array) presented(address string) *x509.Certificate {
	a.t.Helper()
	conn, err := a.DialContext(a.t.Context(), "tcp", address+":443")
	if err != nil {
		a.t.Fatal(err)
	}
	defer conn.Close()
	c := tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the certificate is what is looked at
	if err := c.HandshakeContext(a.t.Context()); err != nil {
		a.t.Fatal(err)
	}
	return c.ConnectionState().PeerCertificates[0]
}

// TestEachDoubtMakesADifference: with the switch off it is as the facts think,
// with the switch on it is otherwise.
func TestEachDoubtMakesADifference(t *testing.T) {
	for _, c := range doubtCases() {
		t.Run(c.switched, func(t *testing.T) {
			if got := c.look(managed(t, nil)); got != c.usual {
				t.Errorf("by default: %q, expected %q", got, c.usual)
			}
			if got := c.look(managed(t, func(o *Options) { c.change(&o.Doubts) })); got != c.other {
				t.Errorf("switched: %q, expected %q", got, c.other)
			}
		})
	}
}

// TestDoubtsOfTheBirth need a clock that walks.
func TestDoubtsOfTheBirth(t *testing.T) {
	look := func(a *array, after time.Duration) string {
		a.must(202, "POST", "/svm/svms", `{"name":"p1","nvme":{"enabled":true}}`)
		a.clock.forward(after)
		r := a.do("GET", "/svm/svms?name=p1&fields=state,nvme.enabled", "")
		if len(r.records()) == 0 {
			return "absent"
		}
		v := r.records()[0]
		if nvme, _ := v["nvme"].(map[string]any); nvme["enabled"] == true {
			return v["state"].(string) + " with NVMe"
		}
		return v["state"].(string)
	}
	for _, c := range []struct {
		switched string
		change   func(*Doubts)
		after    time.Duration
		usual    string
		other    string
	}{
		{"NVMeAfterRunning", func(d *Doubts) { d.NVMeAfterRunning = true }, 15 * time.Second, "running with NVMe", "running"},
		{"NVMeFirst", func(d *Doubts) { d.NVMeFirst = true }, 3 * time.Second, "initializing", "initializing with NVMe"},
		{"ListedWhileCreated", func(d *Doubts) { d.ListedWhileCreated = true }, time.Second, "absent", "initializing"},
	} {
		usual := newArray(t, func(o *Options) { o.Times = slow() })
		if got := look(usual, c.after); got != c.usual {
			t.Errorf("%s, by default: %q, expected %q", c.switched, got, c.usual)
		}
		other := newArray(t, func(o *Options) { o.Times = slow(); c.change(&o.Doubts) })
		if got := look(other, c.after); got != c.other {
			t.Errorf("%s, switched: %q, expected %q", c.switched, got, c.other)
		}
	}
	for _, named := range []bool{true, false} {
		a := newArray(t, func(o *Options) { o.Times = slow(); o.Doubts.JobsWithoutSVM = !named })
		a.must(202, "POST", "/svm/svms", `{"name":"p1"}`)
		if got := len(a.do("GET", "/cluster/jobs?svm.name=p1", "").records()); (got == 1) != named {
			t.Errorf("JobsWithoutSVM %v: %d jobs bear the name", !named, got)
		}
	}
}

func TestDoubtsOfTheTwin(t *testing.T) {
	for _, other := range []bool{false, true} {
		a := pairOf(t, func(o *Options) { o.Doubts = Doubts{TwinSharesCertificate: other, TwinLockSeparate: other} })
		a.svm("p1")
		a.manage("p1", address, shoot, password)
		mine := a.presented(address)
		a.fail(5)
		check(t, a.Switchover(1))
		if same := a.presented(address).Equal(mine); same != other {
			t.Errorf("TwinSharesCertificate %v: the certificate is the same: %v", other, same)
		}
		if open := a.login(password) == 200; open != other {
			t.Errorf("TwinLockSeparate %v: the twin takes the login: %v", other, open)
		}
	}
}

// TestNoDoubtIsForgotten: a switch that no case above turns fails here.
func TestNoDoubtIsForgotten(t *testing.T) {
	covered := map[string]bool{
		"NVMeAfterRunning": true, "NVMeFirst": true, "ListedWhileCreated": true, "JobsWithoutSVM": true, // TestDoubtsOfTheBirth
		"TwinSharesCertificate": true, "TwinLockSeparate": true, // TestDoubtsOfTheTwin
	}
	for _, c := range doubtCases() {
		covered[c.switched] = true
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Doubts]()) {
		if !covered[f.Name] {
			t.Errorf("no test turns the doubt %s", f.Name)
		}
		if d, ok := EachDoubt()[f.Name]; !ok || d == (Doubts{}) {
			t.Errorf("EachDoubt does not turn %s", f.Name)
		}
	}
}
