package ontap_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
)

func TestWhatEachChangeSends(t *testing.T) {
	yes, no, limit, none := true, false, int64(1<<40), int64(0)
	comment := "a mark"
	addr := netip.MustParseAddr
	cases := []struct {
		name string
		call func(*ontap.Client) error
		want string // method, path and query
		body string
	}{
		{"create SVM, with all", func(c *ontap.Client) error {
			_, err := c.CreateSVM(t.Context(), ontap.NewSVM{Name: "p1", Comment: "a mark", IPspace: "Default", Aggregates: []string{"aggr1", "aggr2"},
				SnapshotPolicy: "none", MaxVolumes: "100", StorageLimit: limit, NVMe: true, ISCSI: true, NFS: true})
			return err
		}, "POST /api/svm/svms?return_timeout=5", `{"name":"p1","comment":"a mark","ipspace":{"name":"Default"},"aggregates":[{"name":"aggr1"},{"name":"aggr2"}],` +
			`"snapshot_policy":{"name":"none"},"max_volumes":"100","storage":{"limit":1099511627776},"nvme":{"enabled":true},"iscsi":{"enabled":true},"nfs":{"enabled":true}}`},
		{"create SVM, with a name only", func(c *ontap.Client) error {
			_, err := c.CreateSVM(t.Context(), ontap.NewSVM{Name: "p1"})
			return err
		}, "POST /api/svm/svms?return_timeout=5", `{"name":"p1"}`},
		{"change SVM's comment", func(c *ontap.Client) error {
			return c.ChangeSVM(t.Context(), svmUUID, ontap.SVMChange{Comment: &comment})
		}, "PATCH /api/svm/svms/" + svmUUID + "?return_timeout=5", `{"comment":"a mark"}`},
		{"take an SVM's limit away", func(c *ontap.Client) error {
			return c.ChangeSVM(t.Context(), svmUUID, ontap.SVMChange{StorageLimit: &none})
		}, "PATCH /api/svm/svms/" + svmUUID + "?return_timeout=5", `{"storage":{"limit":0}}`},
		{"delete SVM", func(c *ontap.Client) error { return c.DeleteSVM(t.Context(), svmUUID) },
			"DELETE /api/svm/svms/" + svmUUID + "?return_timeout=5", ""},
		{"create interface by address", func(c *ontap.Client) error {
			_, err := c.CreateInterface(t.Context(), ontap.NewInterface{SVMUUID: svmUUID, Name: "datalif+0", Address: addr("192.0.2.1"), Netmask: 24,
				HomeNode: "n1", BroadcastDomain: "Default", ServicePolicy: ontap.PolicyDataNVMeTCP})
			return err
		}, "POST /api/network/ip/interfaces?return_records=true", `{"name":"datalif+0","svm":{"uuid":"` + svmUUID + `"},"ip":{"address":"192.0.2.1","netmask":"24"},` +
			`"service_policy":{"name":"default-data-nvme-tcp"},"location":{"home_node":{"name":"n1"},"broadcast_domain":{"name":"Default"}}}`},
		{"create interface in a subnet", func(c *ontap.Client) error {
			_, err := c.CreateInterface(t.Context(), ontap.NewInterface{SVMUUID: svmUUID, Name: "m", Subnet: "s1", VIP: true})
			return err
		}, "POST /api/network/ip/interfaces?return_records=true", `{"name":"m","svm":{"uuid":"` + svmUUID + `"},"subnet":{"name":"s1"},"vip":true,"location":{}}`},
		{"disable interface", func(c *ontap.Client) error {
			return c.ChangeInterface(t.Context(), svmUUID, ontap.InterfaceChange{Enabled: &no})
		}, "PATCH /api/network/ip/interfaces/" + svmUUID, `{"enabled":false}`},
		{"send an interface home", func(c *ontap.Client) error {
			return c.ChangeInterface(t.Context(), svmUUID, ontap.InterfaceChange{Revert: true})
		}, "PATCH /api/network/ip/interfaces/" + svmUUID, `{"location":{"is_home":true}}`},
		{"delete interface", func(c *ontap.Client) error { return c.DeleteInterface(t.Context(), svmUUID) },
			"DELETE /api/network/ip/interfaces/" + svmUUID, ""},
		{"create default route", func(c *ontap.Client) error {
			_, err := c.CreateRoute(t.Context(), ontap.NewRoute{SVMUUID: svmUUID, Gateway: addr("192.0.2.254")})
			return err
		}, "POST /api/network/ip/routes?return_records=true", `{"svm":{"uuid":"` + svmUUID + `"},"gateway":"192.0.2.254"}`},
		{"create route", func(c *ontap.Client) error {
			_, err := c.CreateRoute(t.Context(), ontap.NewRoute{SVMUUID: svmUUID, Gateway: addr("2001:db8::1"), Destination: netip.MustParsePrefix("2001:db8:1::/48"), Metric: 30})
			return err
		}, "POST /api/network/ip/routes?return_records=true", `{"svm":{"uuid":"` + svmUUID + `"},"gateway":"2001:db8::1","destination":{"address":"2001:db8:1::","netmask":"48"},"metric":30}`},
		{"delete route", func(c *ontap.Client) error { return c.DeleteRoute(t.Context(), svmUUID) },
			"DELETE /api/network/ip/routes/" + svmUUID, ""},
		{"create account", func(c *ontap.Client) error {
			return c.CreateAccount(t.Context(), ontap.NewAccount{SVMUUID: svmUUID, Name: "shoot", Password: ontap.NewSecret("a\"b"), Comment: "a mark"})
		}, "POST /api/security/accounts", `{"name":"shoot","owner":{"uuid":"` + svmUUID + `"},"applications":[{"application":"http","authentication_methods":["password"]}],` +
			`"role":{"name":"vsadmin"},"password":"a\"b","comment":"a mark"}`},
		{"unlock account; its name cannot lead elsewhere", func(c *ontap.Client) error {
			return c.ChangeAccount(t.Context(), svmUUID, "../x y%", ontap.AccountChange{Locked: &no, Comment: &comment})
		}, "PATCH /api/security/accounts/" + svmUUID + "/..%2Fx%20y%25", `{"comment":"a mark","locked":false}`},
		{"lock account", func(c *ontap.Client) error {
			return c.ChangeAccount(t.Context(), svmUUID, "shoot", ontap.AccountChange{Locked: &yes})
		}, "PATCH /api/security/accounts/" + svmUUID + "/shoot", `{"locked":true}`},
		{"delete account", func(c *ontap.Client) error { return c.DeleteAccount(t.Context(), svmUUID, "shoot") },
			"DELETE /api/security/accounts/" + svmUUID + "/shoot", ""},
		{"set password", func(c *ontap.Client) error {
			return c.SetPassword(t.Context(), svmUUID, "shoot", ontap.NewSecret("x1y2z3"))
		}, "POST /api/security/authentication/password", `{"name":"shoot","owner":{"uuid":"` + svmUUID + `"},"password":"x1y2z3"}`},
		{"create service", func(c *ontap.Client) error { return c.CreateService(t.Context(), ontap.ProtocolNVMe, svmUUID) },
			"POST /api/protocols/nvme/services", `{"svm":{"uuid":"` + svmUUID + `"},"enabled":true}`},
		{"disable service", func(c *ontap.Client) error {
			return c.EnableService(t.Context(), ontap.ProtocolISCSI, svmUUID, false)
		}, "PATCH /api/protocols/san/iscsi/services/" + svmUUID, `{"enabled":false}`},
		{"delete service", func(c *ontap.Client) error { return c.DeleteService(t.Context(), ontap.ProtocolNFS, svmUUID) },
			"DELETE /api/protocols/nfs/services/" + svmUUID, ""},
	}
	for _, c := range cases {
		for _, status := range []int{200, 201} {
			f := newFake(t, always(status, ""))
			err := c.call(f.client(t))
			if post := strings.HasPrefix(c.want, "POST"); (err == nil) != (status == 200 || post) {
				t.Errorf("%s, answered %d: %v", c.name, status, err)
			}
			got := f.requests()[0]
			sent := got.method + " " + got.path
			if got.query != "" {
				sent += "?" + got.query
			}
			if sent != c.want || got.body != c.body {
				t.Errorf("%s: sent %s %s, want %s %s", c.name, sent, got.body, c.want, c.body)
			}
		}
	}
}

// An empty name in a path is the whole collection: DELETE of it deletes all.
func TestWhatIsNeverSent(t *testing.T) {
	cases := map[string]func(*ontap.Client) error{
		"an SVM without a UUID":       func(c *ontap.Client) error { return c.DeleteSVM(t.Context(), "") },
		"an SVM by a wildcard":        func(c *ontap.Client) error { return c.DeleteSVM(t.Context(), "*") },
		"an SVM by its name":          func(c *ontap.Client) error { return c.DeleteSVM(t.Context(), "p1") },
		"an SVM by a query":           func(c *ontap.Client) error { return c.DeleteSVM(t.Context(), svmUUID+"?x=y") },
		"an interface without a UUID": func(c *ontap.Client) error { return c.DeleteInterface(t.Context(), "") },
		"an account without a name":   func(c *ontap.Client) error { return c.DeleteAccount(t.Context(), svmUUID, "") },
		"an account with dots":        func(c *ontap.Client) error { return c.DeleteAccount(t.Context(), svmUUID, "..") },
		"an account of nobody":        func(c *ontap.Client) error { return c.DeleteAccount(t.Context(), "", "shoot") },
		"a job that is none":          func(c *ontap.Client) error { _, err := c.Job(t.Context(), "x"); return err },
		"a name that cannot be quoted": func(c *ontap.Client) error {
			_, err := ontap.All(c.SVMs(t.Context(), ontap.SVMQuery{Names: []string{`a"b`}}))
			return err
		},
		"an empty name": func(c *ontap.Client) error {
			_, err := ontap.All(c.SVMs(t.Context(), ontap.SVMQuery{Names: []string{""}}))
			return err
		},
		"a count of all SVMs' volumes": func(c *ontap.Client) error { _, err := c.DataVolumes(t.Context(), ""); return err },
		"an SVM without a name":        func(c *ontap.Client) error { _, err := c.CreateSVM(t.Context(), ontap.NewSVM{}); return err },
		"an empty password":            func(c *ontap.Client) error { return c.SetPassword(t.Context(), svmUUID, "shoot", ontap.Secret{}) },
		"an interface without an address": func(c *ontap.Client) error {
			_, err := c.CreateInterface(t.Context(), ontap.NewInterface{SVMUUID: svmUUID, Name: "x"})
			return err
		},
		"a route without a gateway": func(c *ontap.Client) error {
			_, err := c.CreateRoute(t.Context(), ontap.NewRoute{SVMUUID: svmUUID})
			return err
		},
	}
	for reason, call := range cases {
		f := newFake(t, always(404, errorText("4", "no")))
		err := call(f.client(t))
		if err == nil || len(f.requests()) != 0 || flow.OutcomeOf(err) != flow.Unknown || flow.ClassOf(err) != flow.Permanent || !strings.Contains(err.Error(), "not sent") {
			t.Errorf("%s: class %s: %v, %v", reason, flow.ClassOf(err), err, f.requests())
		}
	}
}

func TestNamesInFiltersAreLiteral(t *testing.T) {
	cases := map[string]string{
		"p1": "p1", "datalif+0": "datalif+0", "*": `"*"`, "!p1": `"!p1"`, "a|b": `"a|b"`, "1..9": `"1..9"`, ">5": `">5"`, "{x}": `"{x}"`, "a b": `"a b"`, "svm.dns.name": "svm.dns.name",
	}
	for name, want := range cases {
		f := newFake(t, always(200, records()))
		if _, err := ontap.All(f.client(t).SVMs(t.Context(), ontap.SVMQuery{Names: []string{name}})); err != nil {
			t.Fatal(err)
		}
		raw := f.requests()[0].query
		if q, err := url.ParseQuery(raw); err != nil || q.Get("name") != want || strings.ContainsAny(raw, " |{}") {
			t.Errorf("%q is asked for as %q (%s), want %q", name, q.Get("name"), raw, want)
		}
	}
}

func TestWhatIsRead(t *testing.T) {
	t.Run("an SVM", func(t *testing.T) {
		f := newFake(t, always(200, `{"uuid":"`+svmUUID+`","name":"p1","state":"running","subtype":"sync_source","comment":"c","aggregates":[{"name":"a1"}],`+
			`"nvme":{"allowed":true,"enabled":false},"storage":{"limit":10,"used_percentage":95},"number_of_volumes_in_recovery_queue":2,"max_volumes":"unlimited"}`))
		s, err := f.client(t).SVM(t.Context(), svmUUID, ontap.SVMProtocols, ontap.SVMSpace)
		if err != nil || s.State != ontap.SVMRunning || s.Subtype != ontap.SubtypeSyncSource || s.NVMe.Enabled == nil || *s.NVMe.Enabled || !*s.NVMe.Allowed ||
			s.NFS.Enabled != nil || *s.Storage.Limit != 10 || *s.Storage.UsedPercentage != 95 || *s.RecoveryQueue != 2 || s.Aggregates[0].Name != "a1" {
			t.Errorf("%+v, %v", s, err)
		}
		q, _ := url.ParseQuery(f.requests()[0].query)
		if !strings.HasPrefix(q.Get("fields"), "uuid,name,state,subtype,comment,nvme.allowed") || !strings.Contains(q.Get("fields"), "storage.limit") {
			t.Errorf("fields %q", q.Get("fields"))
		}
	})
	t.Run("an interface", func(t *testing.T) {
		f := newFake(t, always(200, `{"uuid":"`+svmUUID+`","name":"lif","ip":{"address":"2001:db8::1","netmask":"64"},"enabled":true,"state":"up","services":["data_core"],`+
			`"location":{"home_node":{"name":"n1"},"is_home":false}}`))
		i, err := f.client(t).Interface(t.Context(), svmUUID)
		if err != nil || i.IP.Address != netip.MustParseAddr("2001:db8::1") || i.IP.Netmask != 64 || !*i.Enabled || !i.IsUp() || *i.Location.IsHome || i.Location.HomeNode.Name != "n1" {
			t.Errorf("%+v, %v", i, err)
		}
	})
	t.Run("an interface without an address", func(t *testing.T) {
		f := newFake(t, always(200, records(`{"uuid":"`+uuidOf(1)+`","name":"odd","ip":{"address":"","netmask":""}}`, `{"uuid":"`+uuidOf(2)+`","name":"lif","ip":{"address":"192.0.2.1","netmask":"24"}}`)))
		got, err := ontap.All(f.client(t).Interfaces(t.Context(), ontap.InterfaceQuery{}))
		if err != nil || len(got) != 2 || got[0].IP.Address.IsValid() || got[0].Enabled != nil {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("a route", func(t *testing.T) {
		f := newFake(t, always(200, records(`{"uuid":"`+uuidOf(1)+`","svm":{"uuid":"`+svmUUID+`"},"gateway":"192.0.2.254","destination":{"address":"0.0.0.0","netmask":"0"},"metric":20}`)))
		r, err := ontap.All(f.client(t).Routes(t.Context(), svmUUID))
		if err != nil || r[0].Prefix() != netip.MustParsePrefix("0.0.0.0/0") || r[0].Metric != 20 {
			t.Errorf("%+v, %v", r, err)
		}
	})
	t.Run("an account without a lock state", func(t *testing.T) {
		f := newFake(t, always(200, `{"owner":{"uuid":"`+svmUUID+`"},"name":"vsadmin","applications":[{"application":"http","authentication_methods":["password"]}]}`))
		a, err := f.client(t).Account(t.Context(), svmUUID, "vsadmin")
		if err != nil || a.Locked != nil || !a.LogsInByPassword() {
			t.Errorf("%+v, %v", a, err)
		}
	})
	t.Run("the cluster", func(t *testing.T) {
		c, err := newFake(t, always(200, clusterText)).client(t).Cluster(t.Context())
		if err != nil || c.Version.String() != "9.16.1" || !c.Version.AtLeast(9, 13, 1) || c.Version.AtLeast(9, 17, 0) || c.Version.AtLeast(10, 0, 0) || !c.Version.AtLeast(9, 16, 1) {
			t.Errorf("%+v, %v", c, err)
		}
	})
	t.Run("a pair of SVMs", func(t *testing.T) {
		f := newFake(t, always(200, records(`{"svm":{"uuid":"`+svmUUID+`","name":"p1"},"partner_svm":{"uuid":"`+otherUUID+`","name":"p1-mc"},"configuration_state":"healthy","failed_reason":{"message":"m"}}`,
			`{"svm":{"uuid":"`+uuidOf(1)+`","name":"p2"},"configuration_state":"pending_setup","failed_reason":"m"}`)))
		p, err := ontap.All(f.client(t).SVMPairs(t.Context()))
		if err != nil || p[0].Partner.UUID != otherUUID || p[0].FailedReason != "m" || p[1].FailedReason != "m" || p[1].Partner.UUID != "" {
			t.Errorf("%+v, %v", p, err)
		}
	})
	t.Run("volumes close to full", func(t *testing.T) {
		v := `{"uuid":"` + svmUUID + `","name":"v","svm":{"uuid":"` + otherUUID + `"},"space":{"percent_used":%}}`
		f := newFake(t, always(200, records(strings.Replace(v, "%", "93", 1))))
		got, err := ontap.All(f.client(t).FullVolumes(t.Context(), 90))
		if err != nil || *got[0].Space.PercentUsed != 93 || got[0].Name != "v" {
			t.Errorf("%+v, %v", got, err)
		}
		f = newFake(t, always(200, records(strings.Replace(v, "%", "3", 1))))
		if _, err := ontap.All(f.client(t).FullVolumes(t.Context(), 90)); err == nil {
			t.Error("a volume that is not full is listed as one")
		}
	})
}

func TestNetmasks(t *testing.T) {
	for text, want := range map[string]int{`"24"`: 24, `24`: 24, `"255.255.255.0"`: 24, `"0.0.0.0"`: 0, `"128"`: 128, `"0"`: 0, `"255.0.255.0"`: -1, `"129"`: -1, `"-1"`: -1, `""`: 0, `"a"`: -1, `null`: 0, `{}`: -1} {
		var m ontap.MaskLen
		err := m.UnmarshalJSON([]byte(text))
		if (err == nil) != (want >= 0) || err == nil && int(m) != want {
			t.Errorf("%s is read as %d, %v", text, m, err)
		}
	}
}

func TestEveryRequestSaysWhoAsks(t *testing.T) {
	var header http.Header
	f := newFake(t, func(_ int, r *http.Request) (int, string) { header = r.Header; return 200, clusterText })
	ctx := flow.WithPassID(t.Context(), "0123abcd")
	if _, err := f.client(t).Cluster(ctx); err != nil {
		t.Fatal(err)
	}
	user, password, ok := (&http.Request{Header: header}).BasicAuth()
	if !ok || user != "admin" || password != adminPass || header.Get("Accept") != "application/hal+json" || header.Get("X-Dot-Client-App") != "seedproof/0123abcd" {
		t.Errorf("user %q, headers %v, %v", user, header.Get("Accept"), header.Get("X-Dot-Client-App"))
	}
}
