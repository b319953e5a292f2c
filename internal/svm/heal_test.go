package svm_test

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
	"github.com/seedproof/seedproof/internal/testenv"
)

// secret is the Secret of the world's one shoot.
func (w *world) secret() seed.Secret {
	w.t.Helper()
	return w.store(nil).Secret(w.t.Context(), w.secretRef())
}

func (w *world) secretRef() seed.SecretRef {
	return seed.SecretRef{Namespace: w.namespace, Name: "p1-prod-credentials"}
}

// patch changes an object of the namespace as kubectl patch would.
func (w *world) change(method, kind, name string, body any) {
	w.t.Helper()
	path := "/api/v1/namespaces/" + w.namespace + "/" + kind
	if name != "" {
		path += "/" + name
	}
	if status, answer := w.kube.Do(w.t, testenv.KubeAdmin, method, path, body); status >= 300 {
		w.t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
}

// editSecret changes the data of the Secret as kubectl edit would.
func (w *world) editSecret(change func(data map[string]any)) {
	w.t.Helper()
	w.editData(w.secretRef().Name, change)
}

func (w *world) editData(name string, change func(data map[string]any)) {
	w.t.Helper()
	path := "/api/v1/namespaces/" + w.namespace + "/secrets/" + name
	_, body := w.kube.Do(w.t, testenv.KubeAdmin, http.MethodGet, path, nil)
	var object map[string]any
	must(w.t, json.Unmarshal(body, &object))
	change(object["data"].(map[string]any))
	w.change(http.MethodPut, "secrets", name, object)
}

// setPair writes a pair into the Secret with nothing else changed, as somebody
// else might.
func (w *world) setPair(change func(*seed.Secret)) {
	w.t.Helper()
	s := w.secret()
	change(&s)
	if _, err := w.store(nil).WriteSecret(w.t.Context(), s); err != nil {
		w.t.Fatal(err)
	}
}

// uuid is that of the one SVM.
func (w *world) uuid() string {
	w.t.Helper()
	v, found := w.sim.Dump().Find("p1")
	if !found {
		w.t.Fatal("there is no SVM")
	}
	return v.UUID
}

// Whatever becomes of the Secret or of the account: the next reconciles bring
// both together again, and nothing else is touched.
func TestHeal(t *testing.T) {
	for _, c := range []struct {
		reason string
		damage func(*world)
		// once: it heals in one reconcile. Where a wrong password may be a lock,
		// it takes the time of a lock.
		once bool
	}{
		{"the Secret was deleted: the seed story", func(w *world) { w.change(http.MethodDelete, "secrets", w.secretRef().Name, nil) }, true},
		{"the password is empty", func(w *world) { w.editSecret(func(data map[string]any) { data["password"] = "" }) }, true},
		{"the user is missing", func(w *world) { w.editSecret(func(data map[string]any) { delete(data, "username") }) }, true},
		{"the pair is of another SVM", func(w *world) {
			w.setPair(func(s *seed.Secret) { s.Active.SVM = "99999999-0000-0000-0000-000000000000" })
		}, true},
		{"the password is wrong", func(w *world) {
			w.setPair(func(s *seed.Secret) {
				s.Active.Password, s.Active.Login = ontap.NewSecret("wrong5wrong5wrong"), decide.Login{}
			})
		}, false},
		{"the account was deleted", func(w *world) {
			must(w.t, w.array(0, nil).Client.DeleteAccount(w.t.Context(), w.uuid(), "prod"))
		}, true},
		{"the account was locked", func(w *world) {
			yes := true
			must(w.t, w.array(0, nil).Client.ChangeAccount(w.t.Context(), w.uuid(), "prod", ontap.AccountChange{Locked: &yes}))
		}, false},
		{"the record was deleted", func(w *world) { w.change(http.MethodDelete, "configmaps", "svm-record-p1", nil) }, true},
		{"the record and the claim were deleted", func(w *world) {
			w.change(http.MethodDelete, "configmaps", "svm-record-p1", nil)
			w.change(http.MethodDelete, "configmaps", "svm-claim-p1", nil)
		}, true},
		{"everything in the seed was deleted", func(w *world) {
			w.change(http.MethodDelete, "configmaps", "", nil)
			w.change(http.MethodDelete, "secrets", "", nil)
		}, true},
		{"an interface was deleted", func(w *world) {
			client := w.array(0, nil).Client
			lifs, err := ontap.All(client.Interfaces(w.t.Context(), ontap.InterfaceQuery{SVMUUID: w.uuid(), Names: []string{"datalif+1"}}))
			must(w.t, err)
			must(w.t, client.DeleteInterface(w.t.Context(), lifs[0].UUID))
		}, true},
		{"the route was deleted", func(w *world) {
			client := w.array(0, nil).Client
			routes, err := ontap.All(client.Routes(w.t.Context(), w.uuid()))
			must(w.t, err)
			must(w.t, client.DeleteRoute(w.t.Context(), routes[0].UUID))
		}, true},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			want := w.wish()
			w.toRest(w.controller(nil), want)
			uuid := w.uuid()
			w.clock.advance(30 * time.Minute) // since the last login
			c.damage(w)
			r := w.controller(nil)
			if c.once {
				r.Reconcile(t.Context(), want)
				w.holds(want)
			}
			w.toRest(r, want)
			w.holds(want)
			w.staysAtRest(r, want)
			if w.uuid() != uuid {
				t.Error("it is another SVM now")
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A changed wish is an ordinary run: more, fewer and other things.
func TestChangedWish(t *testing.T) {
	w := newWorld(t)
	r, want := w.controller(nil), w.wish()
	w.toRest(r, want)
	want = w.wish(func(v *spec.StorageVM) {
		v.Spec.DataLIFs = v.Spec.DataLIFs[:1]
		v.Spec.Routes = nil
		v.Spec.StorageLimit = "3Ti"
	})
	w.toRest(r, want)
	w.holds(want)
	if v, _ := w.sim.Dump().Find("p1"); v.StorageLimit != 3<<40 {
		t.Errorf("the limit is %d", v.StorageLimit)
	}
	w.staysAtRest(r, want)
	want = w.wish()
	w.toRest(r, want)
	w.holds(want)
	w.staysAtRest(r, want)
}

// A rotation takes the other account, and the old one goes only when the new
// pair is in use and the grace time has passed.
func TestRotate(t *testing.T) {
	w := newWorld(t)
	r, want := w.controller(nil), w.wish()
	w.toRest(r, want)
	old := w.secret().Active
	var err error
	want.Rotate, err = r.ActivePairs(t.Context(), want)
	must(t, err)
	for range 5 {
		r.Reconcile(t.Context(), want)
	}
	fresh := w.secret()
	if fresh.Active.User == old.User || fresh.Active.Generation <= old.Generation || fresh.Previous != old.User {
		t.Fatalf("not rotated: %s after %s", fresh.Active.User, old.User)
	}
	for _, p := range []seed.Pair{old, fresh.Active} {
		if !w.sim.Check("p1", p.User, p.Password.Reveal()) {
			t.Errorf("the pair of %s does not open the SVM while both are needed", p.User)
		}
	}
	w.clock.advance(1000 * time.Hour)
	r.Reconcile(t.Context(), want)
	if !w.sim.Check("p1", old.User, old.Password.Reveal()) {
		t.Error("the old account went before the new pair was in use")
	}
	w.setPair(func(s *seed.Secret) { s.InUseGeneration = s.Active.Generation })
	w.toRest(r, want)
	w.holds(want)
	w.staysAtRest(r, want)
}

// Deleted by policy Delete alone: the record is closed first and removed last,
// and nothing is left.
func TestDelete(t *testing.T) {
	w := newWorld(t)
	r, want := w.controller(nil), w.wish()
	w.toRest(r, want)
	want.Gone = true
	w.toRest(r, want)
	w.holds(svm.Wish{StorageVM: want.StorageVM})
	want.Spec.DeletionPolicy = decide.Delete
	w.toRest(r, want)
	if v, found := w.sim.Dump().Find("p1"); found {
		t.Errorf("SVM %s is left", v.UUID)
	}
	for _, object := range []string{"configmaps/svm-record-p1", "configmaps/svm-claim-p1", "secrets/" + w.secretRef().Name} {
		if status, _ := w.kube.Do(t, testenv.KubeAdmin, http.MethodGet, "/api/v1/namespaces/"+w.namespace+"/"+object, nil); status != http.StatusNotFound {
			t.Errorf("%s is left: %d", object, status)
		}
	}
	w.staysAtRest(r, want)
}

// An owner has one SVM: a second object of the same project would take the
// first one's SVM for its own, and is refused.
func TestOneSVMForAnOwner(t *testing.T) {
	w := newWorld(t)
	w.toRest(w.controller(nil), w.wish())
	second := w.wish(func(v *spec.StorageVM) {
		v.Metadata.Name, v.Spec.SVMName = "q1", "q1"
		v.Spec.Credentials[0].SecretName = "q1-prod-credentials"
	})
	r := w.controller(nil)
	for range 3 {
		r.Reconcile(t.Context(), second)
	}
	if open := r.Escalations(); len(open) == 0 || !strings.Contains(open[0].Why, "has SVM p1 already") {
		t.Errorf("not refused: %v", open)
	}
	if record := w.store(nil).Record(t.Context(), "q1"); record.Finding != proof.Absent || len(w.svms()) != 1 {
		t.Errorf("a record %s, SVMs %v", record.Finding, w.svms())
	}
}

// An interface whose address a subnet gives is known again for ours by its UUID.
func TestAnInterfaceOfASubnet(t *testing.T) {
	w := newWorld(t)
	r := w.controller(nil)
	bySubnet := func(v *spec.StorageVM) { // whose interfaces bring its default route with them
		v.Spec.Routes[0].Gateway = netip.MustParseAddr("198.51.100.1")
		v.Spec.DataLIFs[1] = spec.Interface{Name: "datalif+1", Subnet: "data", ServicePolicy: v.Spec.DataLIFs[1].ServicePolicy}
	}
	want := w.wish(bySubnet)
	w.toRest(r, want)
	w.holds(want)
	want = w.wish(bySubnet, func(v *spec.StorageVM) { v.Spec.DataLIFs = v.Spec.DataLIFs[:1] })
	w.toRest(r, want)
	w.holds(want)
	w.staysAtRest(r, want)
}
