package look

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

var (
	errSilent = errors.New("the array is silent")
	testMark  = decide.Mark{Owner: decide.Owner{Garden: "g1", Project: "alpha"}, Attempt: 3, Nonce: "00000000000000a1", Credentials: 2}
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// fine is an SVM on which everything is as wanted.
func fine() (Facts, spec.StorageVM) {
	limit := int64(2 << 40)
	f := Facts{
		Array: "a1", UUID: uuidOurs,
		SVM:      SVM{UUID: uuidOurs, Name: "p1", Comment: "by hand " + testMark.String(), State: decide.Running, MaxVolumes: "100", StorageLimit: &limit},
		Services: map[ontap.Protocol]Part[Service]{ontap.ProtocolNVMe: Known(Service{There: true, Enabled: decide.Yes})},
		Interfaces: Known([]Interface{
			{UUID: "d0", Name: "datalif+0", Address: addr("192.0.2.10"), Netmask: 24, Up: decide.Yes, Login: decide.No},
			{UUID: "d1", Name: "datalif+1", Address: addr("2001:db8::11"), Netmask: 64, Up: decide.Yes, Login: decide.No},
			{UUID: "m", Name: "managementlif", Address: addr("192.0.2.20"), Netmask: 24, Up: decide.Yes, Login: decide.Yes},
			{UUID: "x", Name: "by-hand", Address: addr("192.0.2.99"), Netmask: 24, Up: decide.Yes, Login: decide.No},
		}),
		Routes: Known([]Route{
			{UUID: "r0", Destination: netip.MustParsePrefix("0.0.0.0/0"), Gateway: addr("192.0.2.1"), Metric: 20},
			{UUID: "rx", Destination: netip.MustParsePrefix("203.0.113.0/24"), Gateway: addr("192.0.2.9"), Metric: 20},
		}),
		Accounts: Known([]ontap.Account{}),
	}
	var want spec.StorageVM
	want.Spec = spec.Spec{
		MaxVolumes: "100", StorageLimit: "2Ti", Protocols: []string{"nvme"},
		DataLIFs: []spec.Interface{
			{Name: "datalif+0", Address: addr("192.0.2.10"), Netmask: 24},
			{Name: "datalif+1", Address: addr("2001:db8::11"), Netmask: 64},
		},
		ManagementLIF: spec.Interface{Name: "managementlif", Address: addr("192.0.2.20"), Netmask: 24},
		Routes:        []spec.Route{{Gateway: addr("192.0.2.1")}},
	}
	return f, want
}

func TestWhatIsAsWantedHasNothingToDo(t *testing.T) {
	f, want := fine()
	got := f.Judge(want, nil, testMark, false)
	if got.Limits != decide.AsWanted || got.Mark != decide.AsWanted || got.Reach != decide.Reachable || len(got.Shoots) != 0 {
		t.Errorf("%+v", got)
	}
	if len(got.Services) != 1 || got.Services[0].State != decide.InPlace || got.Services[0].Name != "nvme" || got.Management.State != decide.InPlace {
		t.Errorf("services %+v, management %+v", got.Services, got.Management)
	}
	if len(got.Interfaces) != 2 || got.Interfaces[0].State != decide.InPlace || got.Interfaces[1].State != decide.InPlace || got.Interfaces[1].Address != "2001:db8::11" {
		t.Errorf("interfaces %+v", got.Interfaces)
	}
	if len(got.Routes) != 1 || got.Routes[0].State != decide.InPlace || got.Routes[0].Destination != "0.0.0.0/0 via 192.0.2.1" || got.Routes[0].Gateway != "192.0.2.1" {
		t.Errorf("routes %+v", got.Routes)
	}
}

// Whatever was not read, or of an SVM that was not, is unknown: never missing.
func TestWhatWasNotReadIsUnknown(t *testing.T) {
	silent, want := fine()
	silent.Interfaces, silent.Routes = Unknown[[]Interface](errSilent), Unknown[[]Route](errSilent)
	silent.Services = map[ontap.Protocol]Part[Service]{ontap.ProtocolNVMe: Unknown[Service](errSilent)}
	silent.SVM.StorageLimit, silent.SVM.MaxVolumes = nil, ""
	gone, _ := fine()
	gone.SVM, gone.SVMErr = SVM{}, errSilent
	gone.Interfaces, gone.Routes, gone.Services = Known[[]Interface](nil), Known[[]Route](nil), nil
	notRead := Facts{Array: "a1", UUID: uuidOurs, SVMErr: errSilent}
	made := []seed.Made{{Kind: MadeInterface, Name: "by-hand", Address: "192.0.2.99"}, {Kind: MadeRoute, Name: "203.0.113.0/24 via 192.0.2.9", Address: "192.0.2.9"}}
	for reason, f := range map[string]Facts{"each part failed": silent, "the SVM was not read": gone, "nothing was read": notRead, "nothing was asked": {}} {
		got := f.Judge(want, made, testMark, true)
		things := []decide.Thing{got.Management.State, got.Services[0].State}
		for _, i := range got.Interfaces {
			things = append(things, i.State)
		}
		for _, r := range got.Routes {
			things = append(things, r.State)
		}
		if len(things) != 5 || slices.ContainsFunc(things, func(s decide.Thing) bool { return s != decide.ThingUnknown }) {
			t.Errorf("%s: %v", reason, things)
		}
		if got.Limits != decide.DriftUnknown || got.Reach != decide.ReachUnknown || (f.SVMErr != nil || f.SVM.UUID == "") && got.Mark != decide.DriftUnknown {
			t.Errorf("%s: %+v", reason, got)
		}
		if why := got.Interfaces[0].Why + got.Routes[0].Why + got.Services[0].Why; why == "" {
			t.Errorf("%s: it does not say why", reason)
		}
	}
}

func TestInterfaces(t *testing.T) {
	cases := []struct {
		reason string
		change func(f *Facts, want *spec.Spec)
		want   decide.Thing
		why    string
	}{
		{"the same name, address and mask", func(*Facts, *spec.Spec) {}, decide.InPlace, ""},
		{"another address under its name", func(_ *Facts, w *spec.Spec) { w.DataLIFs[0].Address = addr("192.0.2.11") }, decide.WrongAddress, "192.0.2.10"},
		{"another mask", func(_ *Facts, w *spec.Spec) { w.DataLIFs[0].Netmask = 25 }, decide.WrongAddress, "length of 24"},
		{"its address under another name", func(_ *Facts, w *spec.Spec) { w.DataLIFs[0].Name = "renamed" }, decide.WrongAddress, "datalif+0"},
		{"its address on one that nobody wants", func(_ *Facts, w *spec.Spec) { w.DataLIFs[0].Name, w.DataLIFs[0].Address = "new", addr("192.0.2.99") }, decide.WrongAddress, "by-hand"},
		{"neither its name nor its address", func(_ *Facts, w *spec.Spec) { w.DataLIFs[0].Name, w.DataLIFs[0].Address = "new", addr("192.0.2.12") }, decide.Missing, ""},
		{"the array tells no address", func(f *Facts, _ *spec.Spec) { f.Interfaces.value[0].Address = netip.Addr{} }, decide.ThingUnknown, "does not tell"},
		{"from a subnet, whatever it was given", func(_ *Facts, w *spec.Spec) { w.DataLIFs[0] = spec.Interface{Name: "datalif+0", Subnet: "data"} }, decide.InPlace, "192.0.2.10"},
		{"from a subnet, and not there", func(_ *Facts, w *spec.Spec) { w.DataLIFs[0] = spec.Interface{Name: "new", Subnet: "data"} }, decide.Missing, ""},
		{"the same address, written for IPv6", func(_ *Facts, w *spec.Spec) { w.DataLIFs[0].Address = addr("::ffff:192.0.2.10") }, decide.InPlace, ""},
		{"it is down: it is there all the same", func(f *Facts, _ *spec.Spec) { f.Interfaces.value[0].Up = decide.No }, decide.InPlace, ""},
		{"the SVM has none at all", func(f *Facts, _ *spec.Spec) { f.Interfaces = Known[[]Interface](nil) }, decide.Missing, ""},
	}
	for _, c := range cases {
		f, want := fine()
		c.change(&f, &want.Spec)
		got := f.Judge(want, nil, testMark, false)
		if i := got.Interfaces[0]; i.State != c.want || !strings.Contains(i.Why, c.why) {
			t.Errorf("%s: %s (%s), want %s", c.reason, i.State, i.Why, c.want)
		}
		if len(got.Interfaces) != 2 {
			t.Errorf("%s: nothing was made by us: %+v", c.reason, got.Interfaces)
		}
	}
}

// Removing is for what we made and nobody wants: all that was noted must still
// be so.
func TestInterfacesOfOurs(t *testing.T) {
	cases := []struct {
		reason string
		made   seed.Made
		change func(want *spec.Spec)
		want   bool
	}{
		{"made with that name and address", seed.Made{Kind: MadeInterface, Name: "by-hand", Address: "192.0.2.99"}, nil, true},
		{"made, and known by its UUID", seed.Made{Kind: MadeInterface, Name: "by-hand", Address: "192.0.2.99", UUID: "x"}, nil, true},
		{"from a subnet, and known by its UUID", seed.Made{Kind: MadeInterface, Name: "by-hand", UUID: "x"}, nil, true},
		{"from a subnet, without its UUID it may be another's", seed.Made{Kind: MadeInterface, Name: "by-hand", Address: "invalid IP"}, nil, false},
		{"the name is another's now", seed.Made{Kind: MadeInterface, Name: "by-hand", Address: "192.0.2.99", UUID: "old"}, nil, false},
		{"the address was changed by somebody", seed.Made{Kind: MadeInterface, Name: "by-hand", Address: "192.0.2.98", UUID: "x"}, nil, false},
		{"the name was changed by somebody", seed.Made{Kind: MadeInterface, Name: "old-name", Address: "192.0.2.99", UUID: "x"}, nil, false},
		{"something else of that name", seed.Made{Kind: MadeRoute, Name: "by-hand", Address: "192.0.2.99"}, nil, false},
		{"its address is wanted under another name", seed.Made{Kind: MadeInterface, Name: "by-hand", Address: "192.0.2.99"}, func(w *spec.Spec) {
			w.DataLIFs[0].Name, w.DataLIFs[0].Address = "new", addr("192.0.2.99")
		}, false},
		{"its name is wanted with another address", seed.Made{Kind: MadeInterface, Name: "by-hand", Address: "192.0.2.99"}, func(w *spec.Spec) {
			w.DataLIFs[0].Name = "by-hand"
		}, false},
		{"it is the management interface now", seed.Made{Kind: MadeInterface, Name: "by-hand", Address: "192.0.2.99"}, func(w *spec.Spec) {
			w.ManagementLIF = spec.Interface{Name: "by-hand", Address: addr("192.0.2.99"), Netmask: 24}
		}, false},
	}
	for _, c := range cases {
		f, want := fine()
		if c.change != nil {
			c.change(&want.Spec)
		}
		surplus := slices.ContainsFunc(f.Judge(want, []seed.Made{c.made}, testMark, false).Interfaces, func(i decide.Interface) bool {
			return i.State == decide.Surplus && i.Name == "by-hand" && i.Address == "192.0.2.99"
		})
		if surplus != c.want {
			t.Errorf("%s: surplus %v", c.reason, surplus)
		}
	}
}

func TestRoutes(t *testing.T) {
	ourDefault := seed.Made{Kind: MadeRoute, Name: "0.0.0.0/0 via 192.0.2.1", Address: "192.0.2.1"}
	cases := []struct {
		reason string
		routes []spec.Route
		made   []seed.Made
		want   []decide.Thing
	}{
		{"as it is", []spec.Route{{Gateway: addr("192.0.2.1")}}, nil, []decide.Thing{decide.InPlace}},
		{"with its metric", []spec.Route{{Gateway: addr("192.0.2.1"), Metric: 20}}, nil, []decide.Thing{decide.InPlace}},
		{"with another metric, which cannot be changed", []spec.Route{{Gateway: addr("192.0.2.1"), Metric: 10}}, nil, []decide.Thing{decide.WrongAddress}},
		{"the default of the other family", []spec.Route{{Gateway: addr("2001:db8::1")}}, nil, []decide.Thing{decide.Missing}},
		{"written with host bits", []spec.Route{{Gateway: addr("192.0.2.9"), Destination: netip.MustParsePrefix("203.0.113.7/24")}}, nil, []decide.Thing{decide.InPlace}},
		{"the way there leads by somebody else's gateway", []spec.Route{{Gateway: addr("192.0.2.2")}}, nil, []decide.Thing{decide.WrongAddress}},
		{"by a gateway of ours that was wanted before", []spec.Route{{Gateway: addr("192.0.2.2")}}, []seed.Made{ourDefault}, []decide.Thing{decide.Missing, decide.Surplus}},
		{"by two gateways, both wanted", []spec.Route{{Gateway: addr("192.0.2.1")}, {Gateway: addr("192.0.2.2")}}, nil, []decide.Thing{decide.InPlace, decide.Missing}},
		{"none is wanted, and one is ours", nil, []seed.Made{ourDefault}, []decide.Thing{decide.Surplus}},
		{"none is wanted, and none is ours", nil, nil, nil},
		{"an interface of that name is no route", nil, []seed.Made{{Kind: MadeInterface, Name: ourDefault.Name, Address: ourDefault.Address}}, nil},
		{"made by another UUID", nil, []seed.Made{{Kind: MadeRoute, Name: ourDefault.Name, Address: ourDefault.Address, UUID: "old"}}, nil},
	}
	for _, c := range cases {
		f, want := fine()
		want.Spec.Routes = c.routes
		var got []decide.Thing
		for _, r := range f.Judge(want, c.made, testMark, false).Routes {
			got = append(got, r.State)
			if (r.State == decide.Surplus || r.State == decide.InPlace) && !has(f, r.Destination) {
				t.Errorf("%s: route %s is not found by its name", c.reason, r.Destination)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.reason, got, c.want)
		}
	}
}

func has(f Facts, route string) bool {
	r, found := f.Route(route)
	return found && r.Metric == 20 && f.Routes.known
}

func TestServices(t *testing.T) {
	licences := func(names ...string) Part[[]string] { return Known(names) }
	cases := []struct {
		reason   string
		service  Part[Service]
		licences Part[[]string]
		want     decide.Thing
	}{
		{"there, and on", Known(Service{true, decide.Yes}), Part[[]string]{}, decide.InPlace},
		{"there, and off: it is switched on", Known(Service{true, decide.No}), Part[[]string]{}, decide.Missing},
		{"there, and more is not told", Known(Service{true, decide.NotKnown}), Part[[]string]{}, decide.ThingUnknown},
		{"not read", Unknown[Service](errSilent), licences("nfs"), decide.ThingUnknown},
		{"not asked", Part[Service]{}, licences("nfs"), decide.ThingUnknown},
		{"none, and licensed", Known(Service{}), licences("nfs", "nvme_of"), decide.Missing},
		{"none, and other licences alone", Known(Service{}), licences("nfs", "iscsi"), decide.Unavailable},
		{"none, and no licence is listed at all: the creation will tell", Known(Service{}), licences(), decide.Missing},
		{"none, and the licences were not read", Known(Service{}), Unknown[[]string](errSilent), decide.Missing},
		{"there, whatever the licences say", Known(Service{true, decide.Yes}), licences("nfs"), decide.InPlace},
	}
	for _, c := range cases {
		f, want := fine()
		f.Services[ontap.ProtocolNVMe], f.Licences = c.service, c.licences
		if got := f.Judge(want, nil, testMark, false).Services[0]; got.State != c.want || got.Name != "nvme" {
			t.Errorf("%s: %s (%s), want %s", c.reason, got.State, got.Why, c.want)
		}
	}
}

func TestLimits(t *testing.T) {
	bytes := func(n int64) *int64 { return &n }
	cases := []struct {
		reason         string
		volumes, limit string // wanted
		isVolumes      string
		isLimit        *int64
		want           decide.Drift
	}{
		{"both as wanted", "100", "2Ti", "100", bytes(2 << 40), decide.AsWanted},
		{"none is wanted, whatever is there", "", "", "7", bytes(1), decide.AsWanted},
		{"none is wanted, and the release tells none", "", "", "", nil, decide.AsWanted},
		{"another number", "100", "", "50", nil, decide.Differs},
		{"a number where none is limited", "100", "", "unlimited", nil, decide.Differs},
		{"unlimited in any letters", "unlimited", "", "Unlimited", nil, decide.AsWanted},
		{"unlimited where a number is", "unlimited", "", "100", nil, decide.Differs},
		{"a number that is not told", "100", "", "", nil, decide.DriftUnknown},
		{"a word that nobody knows", "100", "", "many", nil, decide.DriftUnknown},
		{"another limit", "", "2Ti", "", bytes(1 << 40), decide.Differs},
		{"a limit where there is none", "", "2Ti", "", bytes(0), decide.Differs},
		{"a limit that the release does not tell", "", "2Ti", "", nil, decide.DriftUnknown},
		{"one differs, the other is not told: what is known is corrected", "100", "2Ti", "50", nil, decide.Differs},
		{"a wish that is no quantity", "", "much", "", bytes(1), decide.DriftUnknown},
	}
	for _, c := range cases {
		f, want := fine()
		want.Spec.MaxVolumes, want.Spec.StorageLimit = c.volumes, c.limit
		f.SVM.MaxVolumes, f.SVM.StorageLimit = c.isVolumes, c.isLimit
		got, why := f.Limits(want)
		if got != c.want || (why == "") != (c.want == decide.AsWanted) || f.Judge(want, nil, testMark, false).Limits != got {
			t.Errorf("%s: %s (%s), want %s", c.reason, got, why, c.want)
		}
	}
}

func TestMarks(t *testing.T) {
	with := func(change func(m *decide.Mark)) string {
		m := testMark
		change(&m)
		return m.String()
	}
	cases := []struct {
		reason  string
		comment string
		want    decide.Drift
	}{
		{"as wanted", testMark.String(), decide.AsWanted},
		{"behind a comment", "do not touch " + testMark.String(), decide.AsWanted},
		{"none", "do not touch", decide.Differs},
		{"no comment at all", "", decide.Differs},
		{"an earlier attempt", with(func(m *decide.Mark) { m.Attempt = 2 }), decide.Differs},
		{"a later attempt: the record is old", with(func(m *decide.Mark) { m.Attempt = 4 }), decide.DriftUnknown},
		{"the same attempt of somebody else", with(func(m *decide.Mark) { m.Nonce = "00000000000000a2" }), decide.DriftUnknown},
		{"an earlier generation of credentials", with(func(m *decide.Mark) { m.Credentials = 1 }), decide.Differs},
		{"a later one is never lowered", with(func(m *decide.Mark) { m.Credentials = 9 }), decide.AsWanted},
		{"another owner's", with(func(m *decide.Mark) { m.Owner.Project = "beta" }), decide.DriftUnknown},
		{"damaged", strings.Replace(testMark.String(), "a=3", "a=4", 1), decide.DriftUnknown},
		{"twice", testMark.String() + testMark.String(), decide.DriftUnknown},
		{"a shoot's", with(func(m *decide.Mark) { m.Shoot = "prod" }), decide.DriftUnknown},
	}
	for _, c := range cases {
		f, want := fine()
		f.SVM.Comment = c.comment
		if got := f.Judge(want, nil, testMark, false).Mark; got != c.want {
			t.Errorf("%s: %s, want %s", c.reason, got, c.want)
		}
	}
	f, want := fine()
	f.SVM.Comment = ""
	if got := f.Judge(want, nil, decide.Mark{}, false).Mark; got != decide.DriftUnknown {
		t.Errorf("which mark it should bear is not known: %s", got)
	}
}

func TestReach(t *testing.T) {
	lif := func(up, login decide.Answer, address string) Interface {
		i := Interface{UUID: "m", Name: "managementlif", Up: up, Login: login}
		if address != "" {
			i.Address = addr(address)
		}
		return i
	}
	const at = "192.0.2.20"
	cases := []struct {
		reason      string
		interfaces  Part[[]Interface]
		unreachable bool
		want        decide.Reach
	}{
		{"one that is up", Known([]Interface{lif(decide.Yes, decide.Yes, at)}), false, decide.Reachable},
		{"one that is up, and no way to it", Known([]Interface{lif(decide.Yes, decide.Yes, at)}), true, decide.Unreachable},
		{"one that is down", Known([]Interface{lif(decide.No, decide.Yes, at)}), true, decide.NoAddress},
		{"one for data", Known([]Interface{lif(decide.Yes, decide.No, at)}), false, decide.NoAddress},
		{"none", Known([]Interface(nil)), true, decide.NoAddress},
		{"whether it is up is not told", Known([]Interface{lif(decide.NotKnown, decide.Yes, at)}), false, decide.ReachUnknown},
		{"for what it is is not told", Known([]Interface{lif(decide.Yes, decide.NotKnown, at)}), false, decide.ReachUnknown},
		{"its address is not told", Known([]Interface{lif(decide.Yes, decide.Yes, "")}), false, decide.ReachUnknown},
		{"not read", Unknown[[]Interface](errSilent), true, decide.ReachUnknown},
	}
	for _, c := range cases {
		f, want := fine()
		f.Interfaces = c.interfaces
		got := f.Judge(want, nil, testMark, c.unreachable).Reach
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.reason, got, c.want)
		}
		if there := got == decide.Reachable || got == decide.Unreachable; there != (len(f.LoginAddresses()) == 1) {
			t.Errorf("%s: addresses %v", c.reason, f.LoginAddresses())
		}
	}
}
