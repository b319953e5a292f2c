package sim

import (
	"fmt"
	"net"
	"testing"
)

func (a *array) lif(name, address, more string) reply {
	a.t.Helper()
	return a.do("POST", "/network/ip/interfaces", fmt.Sprintf(`{"name":%q,"svm":{"name":"p1"},"ip":{"address":%q,"netmask":"24"},%s}`, name, address, more))
}

const onDefault = `"location":{"broadcast_domain":{"name":"Default"}}`

// TestLIFRefusals: each rule with its code, and nothing is left behind.
func TestLIFRefusals(t *testing.T) {
	a := newArray(t, nil)
	a.svm("p1")
	a.svm("p2")
	a.lif("a", "192.0.2.20", onDefault)
	before := len(a.do("GET", "/network/ip/interfaces", "").records())
	nodes := a.NodeNames(0)
	for _, c := range []struct{ reason, body, code string }{
		{"a name twice", `{"name":"a","svm":{"name":"p1"},"ip":{"address":"192.0.2.21","netmask":"24"},` + onDefault + `}`, "1966140"},
		{"an address twice, also of another SVM", `{"name":"b","svm":{"name":"p2"},"ip":{"address":"192.0.2.20","netmask":"24"},` + onDefault + `}`, "1376963"},
		{"no SVM of that name", `{"name":"b","svm":{"name":"p9"},"ip":{"address":"192.0.2.21","netmask":"24"},` + onDefault + `}`, "1967146"},
		{"neither SVM nor IPspace", `{"name":"b","ip":{"address":"192.0.2.21","netmask":"24"},` + onDefault + `}`, "1967128"},
		{"no place", `{"name":"b","svm":{"name":"p1"},"ip":{"address":"192.0.2.21","netmask":"24"}}`, "1967111"},
		{"an unknown domain", `{"name":"b","svm":{"name":"p1"},"ip":{"address":"192.0.2.21","netmask":"24"},"location":{"broadcast_domain":{"name":"nowhere"}}}`, "1967136"},
		{"a mask that is none", `{"name":"b","svm":{"name":"p1"},"ip":{"address":"192.0.2.21","netmask":"255.0.255.0"},` + onDefault + `}`, "1966269"},
		{"the network address", `{"name":"b","svm":{"name":"p1"},"ip":{"address":"192.0.2.0","netmask":"24"},` + onDefault + `}`, "53281073"},
		{"an address of a named subnet", `{"name":"b","svm":{"name":"p1"},"ip":{"address":"198.51.100.20","netmask":"24"},` + onDefault + `}`, "1967387"},
		{"an address and a subnet", `{"name":"b","svm":{"name":"p1"},"ip":{"address":"192.0.2.21"},"subnet":{"name":"data"}}`, "1967398"},
		{"an unknown subnet", `{"name":"b","svm":{"name":"p1"},"subnet":{"name":"nowhere"}}`, "1967401"},
		{"a VIP with a wide mask", `{"name":"b","vip":true,"svm":{"name":"p1"},"ip":{"address":"192.0.2.21","netmask":"24"},` + onDefault + `}`, "1967385"},
		{"a VIP without a BGP session", `{"name":"b","vip":true,"svm":{"name":"p1"},"ip":{"address":"192.0.2.21","netmask":"32"},` + onDefault + `}`, "1967384"},
		{"an unknown policy", `{"name":"b","svm":{"name":"p1"},"service_policy":{"name":"x"},"ip":{"address":"192.0.2.21","netmask":"24"},` + onDefault + `}`, "53281065"},
		{"a port of the cluster network", `{"name":"b","svm":{"name":"p1"},"ip":{"address":"192.0.2.21","netmask":"24"},"location":{"home_port":{"name":"e0a","node":{"name":"` + nodes[0] + `"}}}}`, "1966373"},
		{"a port that is not there", `{"name":"b","svm":{"name":"p1"},"ip":{"address":"192.0.2.21","netmask":"24"},"location":{"home_port":{"name":"e9","node":{"name":"` + nodes[0] + `"}}}}`, "1967131"},
		{"a field that is none", `{"name":"b","speed":"fast","svm":{"name":"p1"},"ip":{"address":"192.0.2.21","netmask":"24"},` + onDefault + `}`, "262179"},
	} {
		if r := a.do("POST", "/network/ip/interfaces", c.body); r.code() != c.code {
			t.Errorf("%s: %s, expected code %s", c.reason, r.raw, c.code)
		}
	}
	if after := len(a.do("GET", "/network/ip/interfaces", "").records()); after != before {
		t.Errorf("%d interfaces, expected %d: something that was refused was made", after, before)
	}
}

func TestMaskIsNormalised(t *testing.T) {
	a := newArray(t, nil)
	a.svm("p1")
	a.must(201, "POST", "/network/ip/interfaces", `{"name":"a","svm":{"name":"p1"},"ip":{"address":"192.0.2.20","netmask":"255.255.255.128"},`+onDefault+`}`)
	r := a.do("GET", "/network/ip/interfaces?fields=ip", "").records()[0]
	if ip, _ := r["ip"].(map[string]any); ip["netmask"] != "25" {
		t.Errorf("the mask is %v, expected 25", ip["netmask"])
	}
}

// TestSubnetsHandOutAddresses, and bring their route along.
func TestSubnetsHandOutAddresses(t *testing.T) {
	a := newArray(t, func(o *Options) {
		o.Subnets = []Subnet{{Name: "tiny", Prefix: "203.0.113.0/24", Gateway: "203.0.113.1", First: "203.0.113.10", Last: "203.0.113.11"}}
	})
	a.svm("p1")
	for i := range 2 {
		a.must(201, "POST", "/network/ip/interfaces", fmt.Sprintf(`{"name":"l%d","svm":{"name":"p1"},"subnet":{"name":"tiny"}}`, i))
	}
	if r := a.do("POST", "/network/ip/interfaces", `{"name":"l3","svm":{"name":"p1"},"subnet":{"name":"tiny"}}`); r.code() != "1377666" {
		t.Errorf("a subnet without a free address: %s", r.raw)
	}
	v, _ := a.Dump().Find("p1")
	if len(v.LIFs) != 2 || v.LIFs[1].Address != "203.0.113.11" || len(v.Routes) != 1 || v.Routes[0] != "0.0.0.0/0 via 203.0.113.1" {
		t.Errorf("it has %+v", v)
	}
}

func TestVIPsNeedALiveSession(t *testing.T) {
	a := newArray(t, func(o *Options) { o.PeerGroups = []PeerGroup{{Name: "bgp", Peer: "192.0.2.1", Down: true}} })
	a.svm("p1")
	vip := `{"name":"v","vip":true,"svm":{"name":"p1"},"ip":{"address":"192.0.2.30","netmask":"32"},"location":{"home_node":{"name":"` + a.NodeNames(0)[1] + `"}}}`
	if r := a.do("POST", "/network/ip/interfaces", vip); r.code() != "1967384" {
		t.Errorf("with the session down: %s", r.raw)
	}
	check(t, a.SetPeersUp(0, true))
	a.must(201, "POST", "/network/ip/interfaces", vip)
}

// TestTakeover: management moves to the partner, NVMe goes down; both come back.
func TestTakeover(t *testing.T) {
	a := newArray(t, nil)
	a.svm("p1")
	nodes := a.NodeNames(0)
	home := `"location":{"home_node":{"name":"` + nodes[0] + `"}}`
	a.lif("nvme", "192.0.2.20", home+`,"service_policy":{"name":"default-data-nvme-tcp"}`)
	a.lif("mgmt", "192.0.2.21", home+`,"service_policy":{"name":"default-management"}`)
	look := func() (nvme, mgmt LIFDump) {
		v, _ := a.Dump().Find("p1")
		if len(v.LIFs) != 2 {
			t.Fatalf("interfaces: %+v", v.LIFs)
		}
		return v.LIFs[0], v.LIFs[1]
	}
	check(t, a.Takeover(0, nodes[0]))
	if nvme, mgmt := look(); nvme.Up || !mgmt.Up || mgmt.IsHome || mgmt.Node != nodes[1] {
		t.Errorf("after the takeover: %+v %+v", nvme, mgmt)
	}
	if r := a.lif("late", "192.0.2.22", home); r.code() != "1967154" {
		t.Errorf("a home on a node that is down: %s", r.raw)
	}
	if r := a.do("GET", "/cluster/nodes?fields=state&state=!up", ""); len(r.records()) != 1 || r.records()[0]["state"] != "taken_over" {
		t.Errorf("the nodes: %s", r.raw)
	}
	if err := a.Takeover(0, nodes[1]); err == nil {
		t.Error("a node without a living partner was taken over")
	}
	check(t, a.Giveback(0, nodes[0]))
	if nvme, mgmt := look(); !nvme.Up || !mgmt.IsHome || mgmt.Node != nodes[0] {
		t.Errorf("after the giveback: %+v %+v", nvme, mgmt)
	}
	check(t, a.Takeover(0, nodes[1]))
	if r := a.lif("late", "192.0.2.23", onDefault); r.status != 201 {
		t.Errorf("a home in the domain: %s", r.raw)
	}
	if v, _ := a.Dump().Find("p1"); v.LIFs[2].Node != nodes[0] {
		t.Errorf("the home is on the node that is down, which has fewer: %+v", v.LIFs[2])
	}
}

func TestActiveNVMeLIFStaysAtHome(t *testing.T) {
	a := newArray(t, nil)
	a.svm("p1")
	a.lif("nvme", "192.0.2.20", onDefault+`,"service_policy":{"name":"default-data-nvme-tcp"}`)
	v, _ := a.Dump().Find("p1")
	path, other := "/network/ip/interfaces/"+v.LIFs[0].UUID, `{"location":{"home_node":{"name":"`+a.NodeNames(0)[1]+`"}}}`
	if r := a.do("PATCH", path, other); r.code() != "1966238" {
		t.Errorf("while it is enabled: %s", r.raw)
	}
	a.must(200, "PATCH", path, `{"enabled":false}`)
	a.must(200, "PATCH", path, other)
	a.must(200, "PATCH", path, `{"enabled":true}`)
	if v, _ := a.Dump().Find("p1"); v.LIFs[0].Node != a.NodeNames(0)[1] || !v.LIFs[0].Up {
		t.Errorf("it is %+v", v.LIFs[0])
	}
}

// TestNVMeComesFirst: a LIF for NVMe needs the service.
func TestNVMeComesFirst(t *testing.T) {
	a := newArray(t, nil)
	a.must(201, "POST", "/svm/svms?return_timeout=5", `{"name":"p1"}`)
	if r := a.lif("nvme", "192.0.2.20", onDefault+`,"service_policy":{"name":"default-data-nvme-tcp"}`); r.code() != "53281087" {
		t.Errorf("without the service: %s", r.raw)
	}
	check(t, a.SetLicensed(0, "nvme_of", false))
	if r := a.do("POST", "/protocols/nvme/services", `{"svm":{"name":"p1"}}`); r.code() != "1115127" {
		t.Errorf("without a licence: %s", r.raw)
	}
	if r := a.do("GET", "/cluster/licensing/licenses?name=nvme_of", ""); len(r.records()) != 0 {
		t.Errorf("a package without a licence is listed unasked: %s", r.raw)
	}
	if r := a.do("GET", "/cluster/licensing/licenses?state=unlicensed", ""); len(r.records()) != 1 {
		t.Errorf("it is not listed when asked for: %s", r.raw)
	}
	check(t, a.SetLicensed(0, "nvme_of", true))
	a.must(201, "POST", "/protocols/nvme/services", `{"svm":{"name":"p1"}}`)
	a.lif("nvme", "192.0.2.20", onDefault+`,"service_policy":{"name":"default-data-nvme-tcp"}`)
	uuid := a.uuidOf("p1")
	for _, c := range []struct{ method, body, code string }{
		{"POST", `{"svm":{"name":"p1"}}`, "72089650"},
		{"DELETE", "", "72090028"},
	} {
		path := "/protocols/nvme/services"
		if c.method == "DELETE" {
			path += "/" + uuid
		}
		if r := a.do(c.method, path, c.body); r.code() != c.code {
			t.Errorf("%s: %s, expected %s", c.method, r.raw, c.code)
		}
	}
	a.must(200, "PATCH", "/protocols/nvme/services/"+uuid, `{"enabled":false}`)
	if r := a.do("DELETE", "/protocols/nvme/services/"+uuid, ""); r.code() != "72089654" {
		t.Errorf("with an interface: %s", r.raw)
	}
}

// TestLoopbackLIFIsBound: an address in 127.0.0.0/8 is listened on for real.
func TestLoopbackLIFIsBound(t *testing.T) {
	a := newArray(t, nil)
	a.svm("p1")
	a.manage("p1", "127.9.8.7", shoot, password)
	a.mu.Lock()
	ln := a.bound["127.9.8.7"]
	a.mu.Unlock()
	if ln == nil {
		t.Fatal("nobody listens")
	}
	client := clientOf(t, a.Simulator)
	tr, _ := client.Transport.(interface{ CloseIdleConnections() })
	defer tr.CloseIdleConnections()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	a.must(200, "DELETE", "/network/ip/interfaces?name=mgmt", "")
	if conn, err := net.Dial("tcp", ln.Addr().String()); err == nil {
		_ = conn.Close()
		t.Error("it is listened on after the interface has gone")
	}
}

// TestReachability: what answers at an SVM's address follows its state.
func TestReachability(t *testing.T) {
	a := managed(t, nil)
	v, _ := a.Dump().Find("p1")
	dials := func() bool {
		c, err := a.DialContext(t.Context(), "tcp", address+":443")
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}
	lif := "/network/ip/interfaces/" + v.LIFs[0].UUID
	for _, c := range []struct {
		reason       string
		method, path string
		body         string
		up           bool
	}{
		{"as it is", "GET", "/cluster", "", true},
		{"the interface disabled", "PATCH", lif, `{"enabled":false}`, false},
		{"and enabled", "PATCH", lif, `{"enabled":true}`, true},
		{"the SVM stopped", "PATCH", "/svm/svms/" + v.UUID, `{"state":"stopped"}`, false},
		{"and started", "PATCH", "/svm/svms/" + v.UUID, `{"state":"running"}`, true},
		{"no management service", "PATCH", lif, `{"service_policy":{"name":"default-data-files"}}`, false},
	} {
		if r := a.do(c.method, c.path, c.body); r.status >= 300 {
			t.Fatalf("%s: %s", c.reason, r.raw)
		}
		if got := dials(); got != c.up {
			t.Errorf("%s: reached %v, expected %v", c.reason, got, c.up)
		}
	}
}
