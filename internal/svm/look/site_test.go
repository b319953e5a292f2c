package look_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// wanted is what furnish makes.
func wanted(host byte) spec.StorageVM {
	var s spec.StorageVM
	s.Spec = spec.Spec{
		SVMName: "p1", Protocols: []string{"nvme"}, StorageLimit: "1Ti", MaxVolumes: "20",
		DataLIFs:      []spec.Interface{{Name: "datalif+0", Address: netip.AddrFrom4([4]byte{192, 0, 2, host}), Netmask: 24}},
		ManagementLIF: spec.Interface{Name: "managementlif", Address: netip.AddrFrom4([4]byte{192, 0, 2, host + 1}), Netmask: 24},
		Routes:        []spec.Route{{Gateway: gateway}},
	}
	return s
}

var nvme = []ontap.Protocol{ontap.ProtocolNVMe}

func TestASiteFromNothingToAllThatIsWanted(t *testing.T) {
	s := newSim(t)
	a := arrayOf(t, s, 0)
	made, err := a.Client.CreateSVM(t.Context(), ontap.NewSVM{Name: "p1"})
	must(t, "create", err)
	uuid, want := made.UUID, wanted(10)
	site := look.Site(t.Context(), a, uuid, nvme).Judge(want, nil, mark, false)
	if site.Limits != decide.Differs || site.Mark != decide.Differs || site.Reach != decide.NoAddress || site.Services[0].State != decide.Missing ||
		site.Interfaces[0].State != decide.Missing || site.Management.State != decide.Missing || site.Routes[0].State != decide.Missing {
		t.Errorf("an SVM without anything: %+v", site)
	}
	must(t, "create service", a.Client.CreateService(t.Context(), ontap.ProtocolNVMe, uuid))
	furnish(t, a, uuid, 10)
	comment, limit := mark.String(), int64(1<<40)
	must(t, "change", a.Client.ChangeSVM(t.Context(), uuid, ontap.SVMChange{Comment: &comment, StorageLimit: &limit, MaxVolumes: "20"}))
	f := look.Site(t.Context(), a, uuid, nvme)
	site = f.Judge(want, nil, mark, false)
	if site.Limits != decide.AsWanted || site.Mark != decide.AsWanted || site.Reach != decide.Reachable || site.Services[0].State != decide.InPlace ||
		site.Interfaces[0].State != decide.InPlace || site.Management.State != decide.InPlace || site.Routes[0].State != decide.InPlace {
		t.Errorf("an SVM with all of it: %+v", site)
	}
	accounts, err := f.Accounts.Get()
	if err != nil || len(accounts) != 2 || f.SVM.Comment != comment || !f.HasService(ontap.ProtocolNVMe) || f.HasService(ontap.ProtocolNFS) {
		t.Errorf("%+v, %v", f, err)
	}
	if lif, found := f.Interface("managementlif"); !found || lif.UUID == "" || !slices.Equal(f.LoginAddresses(), []netip.Addr{lif.Address}) {
		t.Errorf("management at %v: %+v", f.LoginAddresses(), lif)
	}
	must(t, "switch off", a.Client.EnableService(t.Context(), ontap.ProtocolNVMe, uuid, false))
	if got := look.Site(t.Context(), a, uuid, nvme).Judge(want, nil, mark, false).Services[0]; got.State != decide.Missing || !strings.Contains(got.Why, "off") {
		t.Errorf("a service that is off: %+v", got)
	}
}

func TestAServiceWithoutALicence(t *testing.T) {
	s := newSim(t)
	a := arrayOf(t, s, 0)
	made, err := a.Client.CreateSVM(t.Context(), ontap.NewSVM{Name: "p1"})
	must(t, "create", err)
	judge := func() decide.Service {
		return look.Site(t.Context(), a, made.UUID, nvme).Judge(wanted(10), nil, mark, false).Services[0]
	}
	must(t, "take the licence", s.SetLicensed(0, "nvme_of", false))
	if got := judge(); got.State != decide.Unavailable || !strings.Contains(got.Why, "nvme_of") {
		t.Errorf("%+v", got)
	}
	must(t, "inject", inject(s, sim.Fault{Kind: sim.Refuse, Method: "GET", Path: "/api/cluster/licensing/licenses", Status: 403, Code: 6}))
	if got := judge(); got.State != decide.Missing {
		t.Errorf("our role may not list licences: %+v", got)
	}
}

// An SVM that is gone, or a release that does not know a field, is told apart
// from things that are not there.
func TestAnSVMThatIsGone(t *testing.T) {
	s := newSim(t)
	a := arrayOf(t, s, 0)
	uuid := makeSVM(t, a, "p1", "")
	must(t, "delete", a.Client.DeleteSVM(t.Context(), uuid))
	f := look.Site(t.Context(), a, uuid, nvme)
	if !ontap.IsAbsent(f.SVMErr, ontap.KindSVM) {
		t.Errorf("%v", f.SVMErr)
	}
	if _, err := f.Accounts.Get(); err == nil {
		t.Error("its accounts are known")
	}
	site := f.Judge(wanted(10), nil, mark, false)
	if site.Management.State != decide.ThingUnknown || site.Routes[0].State != decide.ThingUnknown || site.Services[0].State != decide.ThingUnknown || site.Reach != decide.ReachUnknown {
		t.Errorf("%+v", site)
	}
}

func TestOlderReleases(t *testing.T) {
	for version, limit := range map[string]decide.Drift{"9.12.1": decide.DriftUnknown, "9.13.1": decide.AsWanted, "9.17.1": decide.AsWanted} {
		s := newSim(t, func(o *sim.Options) { o.Version = version })
		a := arrayOf(t, s, 0)
		uuid := makeSVM(t, a, "p1", "")
		change := ontap.SVMChange{MaxVolumes: "20"}
		if version != "9.12.1" {
			limit := int64(1 << 40)
			change.StorageLimit = &limit
		}
		must(t, "change", a.Client.ChangeSVM(t.Context(), uuid, change))
		want := wanted(10)
		for _, f := range []look.Facts{look.Site(t.Context(), a, uuid, nvme), look.Collect(t.Context(), a).Facts(uuid)} {
			if got, why := f.Limits(want); got != limit {
				t.Errorf("%s: a limit is wanted: %s (%s)", version, got, why)
			}
			unlimited := want
			unlimited.Spec.StorageLimit = ""
			if got, why := f.Limits(unlimited); got != decide.AsWanted {
				t.Errorf("%s: none is wanted: %s (%s)", version, got, why)
			}
			if f.SVMErr != nil || f.SVM.MaxVolumes != "20" {
				t.Errorf("%s: %+v, %v", version, f.SVM, f.SVMErr)
			}
		}
		if got := one(t, a, subject("p1")); !got.Answered || len(got.SVMs) != 1 {
			t.Errorf("%s: %+v", version, got)
		}
	}
}

func TestPlaces(t *testing.T) {
	s := newSim(t, func(o *sim.Options) { o.Nodes = 4 })
	a := arrayOf(t, s, 0)
	nodes := slices.Sorted(slices.Values(s.NodeNames(0)))
	place := func(n int, want spec.Interface) (string, string, error) {
		node, domain, err := look.Place(t.Context(), a, want, n)
		return node, domain, err
	}
	must(t, "take over", s.SetNodeState(0, nodes[1], "taken_over"))
	up := []string{nodes[0], nodes[2], nodes[3]}
	for n := range 7 {
		if node, domain, err := place(n, spec.Interface{Name: "l", BroadcastDomain: "Default-1"}); err != nil || node != up[n%3] || domain != "Default-1" {
			t.Errorf("%d: %s, %s, %v", n, node, domain, err)
		}
	}
	if node, domain, err := place(5, spec.Interface{Name: "l", HomeNode: nodes[3]}); err != nil || node != nodes[3] || domain != "" {
		t.Errorf("a node that is named: %s, %s, %v", node, domain, err)
	}
	for _, named := range []string{nodes[1], "nobody"} {
		if node, _, err := place(0, spec.Interface{Name: "l", HomeNode: named}); err == nil || node != "" || !strings.Contains(err.Error(), named) || !strings.Contains(err.Error(), "taken_over") {
			t.Errorf("node %s: %s, %v", named, node, err)
		}
	}
	for _, n := range nodes {
		must(t, "set state", s.SetNodeState(0, n, "down"))
	}
	if node, _, err := place(0, spec.Interface{Name: "l"}); err == nil || node != "" {
		t.Errorf("no node is up: %s, %v", node, err)
	}
	must(t, "inject", inject(s, sim.Fault{Kind: sim.OutOfQuorum, Method: "GET"}))
	if node, _, err := place(0, spec.Interface{Name: "l"}); err == nil || node != "" {
		t.Errorf("nodes that cannot be listed: %s, %v", node, err)
	}
}
