package svm_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// deletePath is where the deletion of an SVM is sent to.
const deletePath = "/api/svm/svms/*"

// record is that of the world's one SVM.
func (w *world) record() seed.Record {
	w.t.Helper()
	return w.store(nil).Record(w.t.Context(), "p1")
}

// noLonger is the same wish, of somebody who does not ask for the SVM any more.
func noLonger(want svm.Wish) svm.Wish {
	want.Gone, want.Spec.DeletionPolicy = true, decide.Delete
	return want
}

// byHand makes a call at the array that the program does not know.
func (w *world) byHand(method, path, body string) {
	w.t.Helper()
	c := w.sim.Cluster(0)
	req, err := http.NewRequestWithContext(w.t.Context(), method, c.URL()+"/api"+path, bytes.NewBufferString(body))
	must(w.t, err)
	req.SetBasicAuth(c.Credentials())
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DialContext: w.sim.DialContext, DisableKeepAlives: true}
	answer, err := transport.RoundTrip(req)
	must(w.t, err)
	said, _ := io.ReadAll(answer.Body)
	must(w.t, answer.Body.Close())
	if answer.StatusCode >= 300 {
		w.t.Fatalf("%s %s: %d: %s", method, path, answer.StatusCode, said)
	}
}

func (w *world) volume(name string) {
	w.byHand(http.MethodPost, "/storage/volumes?return_timeout=10",
		fmt.Sprintf(`{"name":%q,"svm":{"name":"p1"},"aggregates":[{"name":%q}],"size":1073741824}`, name, w.sim.AggregateNames(0)[0]))
}

// The record was closed for a deletion, and the SVM is wanted again: as long as
// it stands it stays, and what was taken off it is made again.
func TestAnSVMThatIsWantedAgainStays(t *testing.T) {
	for _, c := range []struct {
		reason string
		doubts sim.Doubts
		// fault is met by the deletion; without one the record is closed and no more.
		fault *sim.Fault
	}{
		{"the record is closed", sim.Doubts{}, nil},
		{"the deletion was refused", sim.Doubts{}, &sim.Fault{Kind: sim.Refuse, Status: http.StatusConflict, Code: 13434915}},
		{"the deletion was refused, and all of ours was taken off it", sim.Doubts{LIFsBlockDelete: true, AccountsBlockDelete: true}, &sim.Fault{Kind: sim.Refuse, Status: http.StatusBadRequest, Code: 2}},
		{"the deletion was sent, and never came", sim.Doubts{}, &sim.Fault{Kind: sim.ResetBefore}},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(o *sim.Options) { o.Doubts = c.doubts })
			want := w.wish()
			w.toRest(w.controller(nil), want)
			uuid := w.uuid()
			if c.fault == nil {
				record := w.record()
				record.Closed = "d"
				_, err := w.store(nil).WriteRecord(t.Context(), record)
				must(t, err)
			} else {
				c.fault.Method, c.fault.Path = http.MethodDelete, deletePath
				w.inject(*c.fault)
				w.controller(nil).Reconcile(t.Context(), noLonger(want))
				w.sim.ClearFaults()
			}
			if record := w.record(); record.Closed == "" {
				t.Fatalf("the record is not closed: %+v", record)
			}
			r := w.controller(nil)
			w.toRest(r, want)
			w.holds(want)
			if record := w.record(); w.uuid() != uuid || record.Closed != "" || !record.DeletionAsked.IsZero() || len(record.Cleared) > 0 {
				t.Errorf("SVM %s, before it was %s; %+v", w.uuid(), uuid, record.Record)
			}
			w.staysAtRest(r, want)
			w.noSecrets()
			w.toRest(r, noLonger(want)) // and it may go all the same
			w.nothingLeft()
		})
	}
}

// The deletion is under way, and nobody was told so: it is waited for, and then
// the SVM is made as one that never was. There are never two.
func TestAnSVMThatIsWantedAgainWhileItGoes(t *testing.T) {
	w := newWorld(t, func(o *sim.Options) { o.Times.JobQueued = 4 * time.Minute })
	want := w.wish()
	w.toRest(w.controller(nil), want)
	uuid := w.uuid()
	w.inject(sim.Fault{Kind: sim.ResetAfter, Method: http.MethodDelete, Path: deletePath})
	w.controller(nil).Reconcile(t.Context(), noLonger(want))
	w.sim.ClearFaults()
	if w.record().DeletionAsked.IsZero() {
		t.Fatal("that the deletion was sent is not noted")
	}
	w.sim.ForgetRequests()
	r := w.controller(nil)
	for range 5 {
		res := r.Reconcile(t.Context(), want)
		if w.record().Closed == "" || len(w.writes()) > 0 {
			t.Fatalf("it was given up although it may go, or something was written: %s\n%q", inWords(res), w.writes())
		}
		w.clock.advance(30 * time.Second)
	}
	if _, found := w.sim.Dump().Find(uuid); !found {
		t.Fatal("it was gone before anybody could want it again")
	}
	w.clock.advance(time.Hour)
	w.toRest(r, want)
	w.holds(want)
	if w.uuid() == uuid {
		t.Error("it is the one that was deleted")
	}
	w.staysAtRest(r, want)
}

// The deletion is struck at every call that writes, and then the SVM is wanted
// again: one SVM comes of it, whole, whichever it is.
func TestKthDeleteAndWantedAgain(t *testing.T) {
	f := kthFlows()[3]
	if f.name != "delete" {
		t.Fatalf("it is %s", f.name)
	}
	modes := []fault.Mode{fault.LostReply, fault.CrashedBefore, fault.CrashedAfter}
	if raceDetector {
		modes = modes[:1]
	}
	var struck atomic.Int64
	t.Run("cells", func(t *testing.T) {
		for _, d := range []sim.Doubts{{}, {LIFsBlockDelete: true, AccountsBlockDelete: true}} {
			doubted := func(o *sim.Options) { o.Doubts = d }
			whole := newWorld(t, doubted)
			counts := fault.NewInjector(0, fault.None)
			want := f.before(whole)
			whole.toRest(whole.controller(counts), want)
			for k, c := range counts.Calls() {
				if c.Op == http.MethodGet {
					continue
				}
				for _, mode := range modes {
					t.Run(fmt.Sprintf("%03d-%s-%v", k+1, mode, d.LIFsBlockDelete), func(t *testing.T) {
						t.Parallel()
						w := newWorld(t, doubted)
						want := f.before(w)
						in := fault.NewInjector(k+1, mode)
						w.untilStruck(w.controller(in), in, mode, want)
						if in.Struck() != nil {
							struck.Add(1)
						}
						want.Gone = false
						w.toRest(w.controller(nil), want)
						w.holds(want)
						w.staysAtRest(w.controller(nil), want)
						w.noSecrets()
					})
				}
			}
		}
	})
	t.Logf("NOTE: %d cells struck", struck.Load())
	if struck.Load() == 0 {
		t.Error("nothing was struck")
	}
}

// A deletion that was held up half-way gives back what it took, for as long as
// somebody has to look: there are data now. It says what it took, and why it does
// not go on.
func TestADeletionThatIsHeldUpGivesBackWhatItTook(t *testing.T) {
	w := newWorld(t, func(o *sim.Options) { o.Doubts = sim.Doubts{LIFsBlockDelete: true, AccountsBlockDelete: true} })
	want := w.wish()
	w.toRest(w.controller(nil), want)
	uuid, secret := w.uuid(), w.secret().Active
	// What is of ours goes, so that the array deletes the SVM. Then there is a volume.
	w.inject(sim.Fault{Kind: sim.Refuse, Method: http.MethodDelete, Path: deletePath, Kth: 1, Status: http.StatusBadRequest, Code: 2})
	w.controller(nil).Reconcile(t.Context(), noLonger(want))
	if v, _ := w.sim.Dump().Find(uuid); len(v.LIFs) > 0 || w.sim.Check(uuid, secret.User, secret.Password.Reveal()) {
		t.Fatalf("nothing was taken: %+v", v)
	}
	if cleared := w.record().Cleared; !slices.Contains(cleared, "interface datalif+0 (192.0.2.20)") || !slices.Contains(cleared, "account "+secret.User) || len(cleared) != 4 {
		t.Fatalf("what was taken is not noted: %q", cleared)
	}
	w.volume("v1")
	w.sim.ClearFaults()
	w.clock.advance(time.Hour)
	r := w.controller(nil)
	for range 20 {
		res := r.Reconcile(t.Context(), noLonger(want))
		w.honest(res)
		if !res.Acted {
			w.clock.advance(max(res.Again.Sub(w.clock.Now()), time.Minute))
		}
	}
	w.holds(want) // with a new pair, where the old account is gone
	if record := w.record(); w.uuid() != uuid || record.Closed != "" || len(record.Cleared) != 4 {
		t.Errorf("SVM %s, before it was %s; %+v", w.uuid(), uuid, record.Record)
	}
	open := r.Escalations()
	if len(open) != 1 || open[0].Step != "deletion" || !strings.Contains(open[0].Why, "it has data volumes") || !strings.Contains(open[0].Why, "interface datalif+0 (192.0.2.20)") {
		t.Errorf("a person is told %+v", open)
	}
	w.hears(svm.ReasonEscalated, "it has data volumes")
	for r.Reconcile(t.Context(), noLonger(want)).Acted { // a login may be due
		w.clock.advance(time.Second)
	}
	before := w.objects()
	w.sim.ForgetRequests()
	for range 3 {
		if res := r.Reconcile(t.Context(), noLonger(want)); res.Acted {
			t.Errorf("it does not rest while it waits: %s", inWords(res))
		}
	}
	if w.objects() != before || len(w.writes()) > 0 {
		t.Errorf("it writes while it waits: %q", w.writes())
	}
	w.toRest(r, want) // wanted again: as any other
	if cleared := w.record().Cleared; len(cleared) > 0 {
		t.Errorf("it is whole, and remembers %q", cleared)
	}
	w.staysAtRest(r, want)
}

// A note of what never came goes by itself, once nothing may come of it any more.
func TestANoteOfWhatNeverCameGoes(t *testing.T) {
	w := newWorld(t)
	want := w.wish()
	r := w.controller(nil)
	w.toRest(r, want)
	record := w.record()
	record.Made = append(record.Made, seed.Made{Kind: "interface", Name: "datalif+7", Address: "192.0.2.77", Asked: w.clock.Now()},
		seed.Made{Kind: "route", Name: "203.0.113.0/24 via 192.0.2.9", Address: "192.0.2.9", Asked: w.clock.Now()})
	_, err := w.store(nil).WriteRecord(t.Context(), record)
	must(t, err)
	before := len(record.Made)
	w.staysAtRest(r, want)
	w.clock.advance(11 * time.Minute)
	w.sim.ForgetRequests()
	w.toRest(r, want)
	if made := w.record().Made; len(made) != before-2 || len(w.writes()) > 0 {
		t.Errorf("noted are %v, written was %q", made, w.writes())
	}
	w.staysAtRest(r, want)
}

// Interfaces without a name are known by their address: taking the first one out
// takes that one out, and turning them round does nothing.
func TestInterfacesWithoutNames(t *testing.T) {
	w := newWorld(t)
	of := func(addresses ...string) svm.Wish {
		return w.wish(func(v *spec.StorageVM) {
			v.Spec.DataLIFs = nil
			for _, a := range addresses {
				v.Spec.DataLIFs = append(v.Spec.DataLIFs, spec.Interface{Address: netip.MustParseAddr(a), Netmask: 24, BroadcastDomain: "Default"})
			}
			*v = v.Default()
		})
	}
	names := func() map[string]string {
		all := map[string]string{}
		v, _ := w.sim.Dump().Find("p1")
		for _, l := range v.LIFs {
			if l.Name != "managementlif" {
				all[l.Address] = l.Name + " " + l.UUID
			}
		}
		return all
	}
	r := w.controller(nil)
	w.toRest(r, of("192.0.2.20", "192.0.2.21", "192.0.2.22"))
	first := names()
	for _, c := range []struct {
		reason string
		want   svm.Wish
		writes int
	}{
		{"turned round", of("192.0.2.22", "192.0.2.20", "192.0.2.21"), 0},
		{"the first is taken out", of("192.0.2.21", "192.0.2.22"), 2},
		{"one is put before them", of("192.0.2.19", "192.0.2.21", "192.0.2.22"), 1},
	} {
		w.sim.ForgetRequests()
		w.toRest(r, c.want)
		w.holds(c.want)
		if written := w.writes(); len(written) != c.writes {
			t.Errorf("%s: %q", c.reason, written)
		}
		for address, is := range names() {
			if was, known := first[address]; known && was != is {
				t.Errorf("%s: %s was %s and is %s", c.reason, address, was, is)
			}
		}
		w.staysAtRest(w.controller(nil), c.want)
	}
	if len(r.Escalations()) > 0 {
		t.Errorf("a person was needed: %v", r.Escalations())
	}
	w.change(http.MethodDelete, "configmaps", seed.ObjectName(seed.KindRecord, "p1"), nil)
	w.sim.ForgetRequests()
	w.toRest(w.controller(nil), of("192.0.2.22", "192.0.2.21", "192.0.2.19"))
	if written := w.writes(); len(written) > 0 || w.record().Finding != proof.Present {
		t.Errorf("without the notes it wrote %q", written)
	}
}
