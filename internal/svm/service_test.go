package svm_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/look"
)

// meanwhile does something once, right after the first call of that name.
type meanwhile struct {
	ontap.Observer
	after string
	do    func()
	once  sync.Once
}

func (o *meanwhile) Called(c ontap.Call) {
	o.Observer.Called(c)
	if c.Name == o.after {
		o.once.Do(o.do)
	}
}

// Somebody else makes the service between the look and the request, which is
// refused: it is looked at, and goes on as one that is there, in one reconcile.
func TestAServiceThatCameMeanwhile(t *testing.T) {
	for _, c := range []struct {
		reason string
		off    bool
	}{{"switched on", false}, {"switched off", true}} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			want := w.wish()
			w.toRest(w.controller(nil), want)
			other, uuid := w.array(0, nil).Client, w.uuid()
			lifs, err := ontap.All(other.Interfaces(t.Context(), ontap.InterfaceQuery{SVMUUID: uuid}))
			must(t, err)
			for _, lif := range lifs {
				if strings.HasPrefix(lif.Name, "datalif") {
					must(t, other.DeleteInterface(t.Context(), lif.UUID))
				}
			}
			must(t, other.EnableService(t.Context(), ontap.ProtocolNVMe, uuid, false))
			must(t, other.DeleteService(t.Context(), ontap.ProtocolNVMe, uuid))
			made := false
			between := &meanwhile{Observer: w.metrics.ArrayCalls(), after: "list licences", do: func() {
				made = true
				must(t, other.CreateService(t.Context(), ontap.ProtocolNVMe, uuid))
				if c.off {
					must(t, other.EnableService(t.Context(), ontap.ProtocolNVMe, uuid, false))
				}
			}}
			r := w.controller(nil, func(o *svm.Options) {
				cluster := w.sim.Cluster(0)
				user, password := cluster.Credentials()
				client, err := ontap.New(ontap.Options{
					Name: cluster.Name(), URL: cluster.URL(), User: user, Password: ontap.NewSecret(password), Trust: ontap.Trust{CA: cluster.CA()},
					DialContext: w.sim.DialContext, RequestTimeout: 3 * time.Second, ReturnTimeout: -1, Clock: w.clock, Log: w.logger(), Observer: between,
				})
				must(t, err)
				t.Cleanup(client.Close)
				o.Arrays = []look.Array{{Name: cluster.Name(), Client: client}}
			})
			r.Reconcile(t.Context(), want)
			if !made {
				t.Fatal("the service was not made in between")
			}
			w.holds(want)
			if lines := strings.Join(w.heard.Lines(), "\n"); strings.Contains(lines, "failed service/nvme") {
				t.Errorf("it counts as a failure:\n%s", lines)
			}
			w.toRest(r, want)
			w.staysAtRest(r, want)
		})
	}
}
