// Package fleet makes many SVMs at rest in little time, for benchmarks and for
// tests that need hundreds: on each array one is made by the flow itself, and
// what that left on the array and in the seed is copied under other names,
// addresses and UUIDs. It is code for tests alone.
package fleet

import (
	"fmt"
	"net/netip"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
	"github.com/seedproof/seedproof/internal/testenv"
)

const (
	garden = "garden"
	shoot  = "prod"
	// models are numbered from here on; no fleet has as many SVMs.
	models = 60_000
)

// Options say how large a fleet is.
type Options struct {
	SVMs   int
	Arrays int // default 1; the SVMs are on them in turn, and may be on any
	Kube   *testenv.KubeServer
	Clock  flow.Clock // of the arrays and of all that is made here; default the machine's
}

// Fleet is a number of SVMs at rest, each of one shoot.
type Fleet struct {
	Kube      *testenv.KubeServer
	Namespace string
	Sims      []*sim.Simulator
	Wishes    []svm.Wish

	t     testing.TB
	clock flow.Clock
}

// New makes a fleet. Its arrays end with the test.
func New(t testing.TB, o Options) *Fleet {
	t.Helper()
	if o.Clock == nil {
		o.Clock = flow.RealClock{}
	}
	f := &Fleet{t: t, Kube: o.Kube, Namespace: o.Kube.Namespace(t), clock: o.Clock}
	arrays := max(o.Arrays, 1)
	for a := range arrays {
		var numbers []int
		for n := a; n < o.SVMs; n += arrays {
			numbers = append(numbers, n)
		}
		f.Sims = append(f.Sims, f.array(a, numbers))
	}
	for n := range o.SVMs {
		f.Wishes = append(f.Wishes, f.Wish(n))
	}
	return f
}

// Name is that of the n-th SVM, counted from 0.
func Name(n int) string { return fmt.Sprintf("svm%05d", n) }

// address is one of the three of the n-th SVM; all are in one network.
func address(kind byte, n int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, kind, byte(n >> 8), byte(n)})
}

// Wish is what is wanted of the n-th SVM.
func (f *Fleet) Wish(n int) svm.Wish {
	lif := func(kind byte) spec.Interface {
		return spec.Interface{Address: address(kind, n), Netmask: 8, BroadcastDomain: "Default"}
	}
	v := spec.StorageVM{
		APIVersion: spec.APIVersion, Kind: spec.Kind, Metadata: spec.Metadata{Name: Name(n)},
		Spec: spec.Spec{
			Garden: garden, Project: Name(n), SVMName: Name(n),
			DataLIFs: []spec.Interface{lif(1), lif(2)}, ManagementLIF: lif(3),
			Routes:      []spec.Route{{Gateway: netip.MustParseAddr("10.0.0.1")}},
			Credentials: []spec.Credentials{{Shoot: shoot, SecretName: secretName(n), SecretNamespace: f.Namespace}},
		},
	}.Default()
	if err := v.Validate(); err != nil {
		f.t.Fatal(err)
	}
	return svm.Wish{StorageVM: v}
}

func secretName(n int) string { return Name(n) + "-" + shoot + "-credentials" }

// Secret names the Secret of the n-th SVM.
func (f *Fleet) Secret(n int) seed.SecretRef {
	return seed.SecretRef{Namespace: f.Namespace, Name: secretName(n)}
}

// Store is the seed.
func (f *Fleet) Store(o seed.Options) *seed.Store {
	f.t.Helper()
	o.Config = &rest.Config{Host: f.Kube.URL, BearerToken: f.Kube.AdminToken, TLSClientConfig: rest.TLSClientConfig{CAData: f.Kube.CAPEM}}
	o.Namespace, o.Clock = f.Namespace, f.clock
	s, err := seed.New(o)
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

// Client is a client of one array.
func (f *Fleet) Client(s *sim.Simulator, in *fault.Injector) look.Array {
	f.t.Helper()
	c := s.Cluster(0)
	user, password := c.Credentials()
	client, err := ontap.New(ontap.Options{
		Name: c.Name(), URL: c.URL(), User: user, Password: ontap.NewSecret(password), Trust: ontap.Trust{CA: c.CA()},
		DialContext: s.DialContext, ReturnTimeout: -1, Clock: f.clock, Faults: in,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(client.Close)
	return look.Array{Name: c.Name(), Client: client}
}

// Controller is one instance of the program, with no memory, that knows all
// arrays. What o leaves out is the fleet's.
func (f *Fleet) Controller(o svm.Options) *svm.Reconciler {
	f.t.Helper()
	if o.Seed == nil {
		o.Seed = f.Store(seed.Options{})
	}
	if o.Arrays == nil {
		for _, s := range f.Sims {
			o.Arrays = append(o.Arrays, f.Client(s, nil))
		}
	}
	o.Clock = f.clock
	r, err := svm.New(o)
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// ForgetRequests empties the logs of all arrays.
func (f *Fleet) ForgetRequests() {
	for _, s := range f.Sims {
		s.ForgetRequests()
	}
}
