package spec

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/svm/decide"
)

func TestDefault(t *testing.T) {
	given := right()
	given.Spec.DataLIFs[1].Name = "mine"
	before := right()
	before.Spec.DataLIFs[1].Name = "mine"
	got := given.Default()
	if !reflect.DeepEqual(given, before) {
		t.Error("the object that was given was changed")
	}
	want := before
	want.Spec.SVMName, want.Spec.Protocols, want.Spec.DeletionPolicy = "pab", []string{"nvme"}, decide.Retain
	want.Spec.DataLIFs[0].Name = "datalif+0"
	for i := range want.Spec.DataLIFs {
		want.Spec.DataLIFs[i].ServicePolicy = "default-data-nvme-tcp"
	}
	want.Spec.ManagementLIF.Name, want.Spec.ManagementLIF.ServicePolicy = "managementlif", "default-management"
	for i := range want.Spec.Credentials {
		want.Spec.Credentials[i].Rotation.Grace = Duration(24 * time.Hour)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("it is\n%+v, wanted\n%+v", got, want)
	}
	if again := got.Default(); !reflect.DeepEqual(again, got) {
		t.Errorf("filled in twice it is\n%+v", again)
	}
}

func TestDefaultPolicies(t *testing.T) {
	for _, c := range []struct {
		reason    string
		protocols []string
		want      string
	}{
		{"NVMe by default", nil, "default-data-nvme-tcp"},
		{"iSCSI", []string{ISCSI}, "default-data-iscsi"},
		{"NFS", []string{NFS}, "default-data-files"},
		{"which of two cannot be guessed", []string{NVMe, NFS}, ""},
		{"an unknown one has none", []string{"cifs"}, ""},
	} {
		s := right()
		s.Spec.Protocols = c.protocols
		if got := s.Default().Spec.DataLIFs[0].ServicePolicy; got != c.want {
			t.Errorf("%s: %q", c.reason, got)
		}
	}
}

// A name by the place is told by its form, and one of several subnets gets none.
func TestNamesByPlace(t *testing.T) {
	for name, is := range map[string]bool{
		"datalif+0": true, "datalif+17": true, "datalif+": false, "datalif+01": false, "datalif+-1": false, "datalif++1": false, "datalif0": false,
		"datalif+1x": false, "managementlif": false, "": false, "xdatalif+1": false,
	} {
		if got := (Interface{Name: name}).NamedByPlace(); got != is {
			t.Errorf("%q: %v", name, got)
		}
	}
	s := right()
	s.Spec.DataLIFs = []Interface{{Subnet: "data"}}
	if got := s.Default().Spec.DataLIFs[0].Name; got != "datalif+0" {
		t.Errorf("the only one is %q", got)
	}
	s.Spec.DataLIFs = []Interface{{Subnet: "data"}, right().Spec.DataLIFs[0], {Subnet: "data", Name: "datalif+2"}}
	if got := s.Default().Spec.DataLIFs; got[0].Name != "" || got[1].Name != "datalif+1" || got[2].Name != "datalif+2" {
		t.Errorf("of several they are %q, %q and %q", got[0].Name, got[1].Name, got[2].Name)
	}
}

func TestNothingIsFilledInForNothing(t *testing.T) {
	got := StorageVM{}.Default().Spec
	if got.SVMName != "" || got.Credentials != nil || got.DataLIFs != nil {
		t.Errorf("filled in %+v", got)
	}
}

func TestUsers(t *testing.T) {
	for _, c := range []struct {
		reason, shoot string
		want          [2]string
	}{
		{"the shoot's own name", "shoot--team--web", [2]string{"web", "web_2"}},
		{"a plain name", "web", [2]string{"web", "web_2"}},
		{"dashes before it, as metal-stack's extension has it", "shoot--team---web", [2]string{"sweb", "sweb_2"}},
		{"dashes within it", "shoot--team--web--x", [2]string{"web--x", "web--x_2"}},
		{"cut to 25", "shoot--t--abcdefghijklmnopqrstuvwxyz", [2]string{"abcdefghijklmnopqrstuvwxy", "abcdefghijklmnopqrstuvwxy_2"}},
		{"no second part", "shoot--web", [2]string{"shoot--web", "shoot--web_2"}},
	} {
		if got := Users(c.shoot); got != c.want {
			t.Errorf("%s: %v", c.reason, got)
		}
		if got := (Credentials{Shoot: c.shoot}).Users(); got != c.want {
			t.Errorf("%s, of credentials: %v", c.reason, got)
		}
	}
}

func TestDuration(t *testing.T) {
	for _, c := range []struct {
		text, want string
		is         time.Duration
	}{
		{`"720h"`, `"720h"`, 720 * time.Hour},
		{`"90m"`, `"1h30m"`, 90 * time.Minute},
		{`"30s"`, `"30s"`, 30 * time.Second},
		{`"10m"`, `"10m"`, 10 * time.Minute},
		{`"1h0m1s"`, `"1h0m1s"`, time.Hour + time.Second},
		{`"0"`, `"0s"`, 0},
		{`"20h30s"`, `"20h0m30s"`, 20*time.Hour + 30*time.Second},
	} {
		var d Duration
		if err := json.Unmarshal([]byte(c.text), &d); err != nil || time.Duration(d) != c.is {
			t.Errorf("%s is %v, %v", c.text, d, err)
		}
		if got, err := json.Marshal(d); err != nil || string(got) != c.want {
			t.Errorf("%s is written as %s, %v", c.text, got, err)
		}
	}
	for text, want := range map[string]string{
		`720`:   `read duration 720: a number has no unit; write it as "720h", "90m" or "30s"`,
		`true`:  `read duration true: a number has no unit; write it as "720h", "90m" or "30s"`,
		`"30d"`: `read duration "30d": write it as "720h", "90m" or "30s"`,
		`""`:    `read duration "": write it as "720h", "90m" or "30s"`,
	} {
		var d Duration
		if err := json.Unmarshal([]byte(text), &d); err == nil || err.Error() != want || d != 0 {
			t.Errorf("%s is %v, %v", text, d, err)
		}
	}
}

func TestStorageLimitBytes(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
		is   bool
	}{
		{"2Ti", 2 << 40, true},
		{"500G", 500e9, true},
		{"1099511627776", 1 << 40, true},
		{"1.5Ki", 1536, true},
		{"1k", 1000, true},
		{"9223372036854775807", 1<<63 - 1, true},
		{"9223372036854775808", 0, false}, // one more than 63 bits hold
		{"8192Pi", 0, false},
		{"0.5", 0, false}, // no half bytes
		{"0", 0, false},
		{"-1", 0, false},
		{"2TB", 0, false},
		{"2 Ti", 0, false},
		{"2e12", 0, false},
		{"1/2", 0, false},
		{"", 0, false},
	} {
		got, is := StorageVM{Spec: Spec{StorageLimit: c.text}}.StorageLimitBytes()
		if got != c.want || is != c.is {
			t.Errorf("%q is %d, %v", c.text, got, is)
		}
	}
}

func TestRouteNetwork(t *testing.T) {
	for gateway, want := range map[string]string{"10.0.0.1": "0.0.0.0/0", "2001:db8::1": "::/0"} {
		if got := route(gateway, "").Network(); got.String() != want {
			t.Errorf("the default route of %s is %s", gateway, got)
		}
	}
	if got := route("10.0.0.1", "10.1.0.0/16").Network(); got != netip.MustParsePrefix("10.1.0.0/16") {
		t.Errorf("a network is %s", got)
	}
	if got := (Route{}).Network(); got.IsValid() {
		t.Errorf("no gateway has %s", got)
	}
}
