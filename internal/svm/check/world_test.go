package check_test

import (
	"net/netip"
	"testing"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// stage is a simulated array, and how it is configured.
type stage struct {
	t     *testing.T
	sim   *sim.Simulator
	array look.Array
	conf  spec.Array
}

// newStage starts an array on which nothing takes time.
func newStage(t *testing.T, o sim.Options) *stage {
	t.Helper()
	o.Times = sim.AtOnce()
	s, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	user, _ := s.Cluster(0).Credentials()
	st := &stage{t: t, sim: s, conf: spec.Array{Name: "a1", URL: s.Cluster(0).URL(), User: user, PasswordFile: "a1.password"}}
	st.array = st.connect(func(*ontap.Options) {})
	return st
}

// connect makes another client of the array.
func (s *stage) connect(change func(*ontap.Options)) look.Array {
	s.t.Helper()
	c := s.sim.Cluster(0)
	user, password := c.Credentials()
	o := ontap.Options{Name: "a1", URL: c.URL(), User: user, Password: ontap.NewSecret(password), Trust: ontap.Trust{CA: c.CA()}, DialContext: s.sim.DialContext}
	change(&o)
	client, err := ontap.New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(client.Close)
	return look.Array{Name: "a1", Client: client}
}

// taken makes an SVM of somebody else that has the address of the first
// interface that is wanted, and gives its UUID.
func (s *stage) taken() string {
	s.t.Helper()
	made, err := s.array.Client.CreateSVM(s.t.Context(), ontap.NewSVM{Name: "other", NVMe: true})
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = s.array.Client.CreateInterface(s.t.Context(), ontap.NewInterface{
		SVMUUID: made.UUID, Name: "theirs", Address: wanted().Spec.DataLIFs[0].Address, Netmask: 24, BroadcastDomain: "Default", ServicePolicy: ontap.PolicyDataNVMeTCP,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return made.UUID
}

// wanted is an SVM that every simulated array can have.
func wanted() spec.StorageVM {
	v := spec.StorageVM{Metadata: spec.Metadata{Name: "team"}, Spec: spec.Spec{Garden: "garden", Project: "team"}}
	v.Spec.DataLIFs = []spec.Interface{
		{Address: netip.MustParseAddr("192.0.2.20"), Netmask: 24, BroadcastDomain: "Default"},
		{Address: netip.MustParseAddr("192.0.2.21"), Netmask: 24, BroadcastDomain: "Default"},
	}
	v.Spec.ManagementLIF = spec.Interface{Address: netip.MustParseAddr("192.0.2.10"), Netmask: 24, BroadcastDomain: "Default"}
	return v.Default()
}
