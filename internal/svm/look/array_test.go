package look_test

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow/flowtest"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
)

// waiter is a clock on which waiting takes no time.
type waiter struct{ *flowtest.FakeClock }

func newWaiter() waiter { return waiter{flowtest.NewFakeClock()} }

func (w waiter) Sleep(ctx context.Context, d time.Duration) error {
	w.Advance(d)
	return ctx.Err()
}

// newSim is a simulated array on which nothing takes time.
func newSim(t testing.TB, change ...func(*sim.Options)) *sim.Simulator {
	t.Helper()
	o := sim.Options{Times: sim.AtOnce()}
	for _, c := range change {
		c(&o)
	}
	s, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func metroCluster(o *sim.Options) { o.Clusters = 2 }

// arrayOf is one of its clusters, as it is configured.
func arrayOf(t testing.TB, s *sim.Simulator, cluster int, change ...func(*ontap.Options)) look.Array {
	t.Helper()
	user, password := s.Cluster(cluster).Credentials()
	o := ontap.Options{
		Name: s.Cluster(cluster).Name(), URL: s.Cluster(cluster).URL(), User: user, Password: ontap.NewSecret(password),
		Trust: ontap.Trust{CA: s.Cluster(cluster).CA()}, DialContext: s.DialContext, Clock: newWaiter(),
	}
	for _, c := range change {
		c(&o)
	}
	c, err := ontap.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return look.Array{Name: o.Name, Client: c}
}

func must(t testing.TB, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

var (
	owner   = decide.Owner{Garden: "g1", Project: "alpha"}
	other   = decide.Owner{Garden: "g1", Project: "beta"}
	mark    = decide.Mark{Owner: owner, Attempt: 1, Nonce: "00000000000000a1"}
	gateway = netip.MustParseAddr("192.0.2.254")
)

// makeSVM makes an SVM with that comment.
func makeSVM(t testing.TB, a look.Array, name, comment string) string {
	t.Helper()
	made, err := a.Client.CreateSVM(t.Context(), ontap.NewSVM{Name: name, Comment: comment, NVMe: true})
	must(t, "create "+name, err)
	return made.UUID
}

// furnish gives an SVM a data and a management interface, a route and an account.
func furnish(t testing.TB, a look.Array, uuid string, host byte) {
	t.Helper()
	node, _, err := look.Place(t.Context(), a, specInterface("datalif+0"), 0)
	must(t, "place", err)
	for name, lif := range map[string]struct {
		address netip.Addr
		policy  string
	}{
		"datalif+0":     {netip.AddrFrom4([4]byte{192, 0, 2, host}), ontap.PolicyDataNVMeTCP},
		"managementlif": {netip.AddrFrom4([4]byte{192, 0, 2, host + 1}), ontap.PolicyManagement},
	} {
		_, err := a.Client.CreateInterface(t.Context(), ontap.NewInterface{
			SVMUUID: uuid, Name: name, Address: lif.address, Netmask: 24, HomeNode: node, BroadcastDomain: "Default", ServicePolicy: lif.policy,
		})
		must(t, "create "+name, err)
	}
	_, err = a.Client.CreateRoute(t.Context(), ontap.NewRoute{SVMUUID: uuid, Gateway: gateway})
	must(t, "create route", err)
	must(t, "create account", a.Client.CreateAccount(t.Context(), ontap.NewAccount{SVMUUID: uuid, Name: "shoot", Password: ontap.NewSecret("first1first")}))
}

// one looks at one array.
func one(t testing.TB, a look.Array, s look.Subject) decide.Array {
	t.Helper()
	return look.Look(t.Context(), []look.Array{a}, s)[0]
}

func subject(name string, uuids ...string) look.Subject {
	return look.Subject{Name: name, Owner: owner, UUIDs: uuids}
}

func names(svms []decide.SVM) []string {
	var all []string
	for _, s := range svms {
		all = append(all, s.Name)
	}
	slices.Sort(all)
	return all
}
