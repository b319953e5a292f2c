package svm_test

import (
	"context"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// The cast of a cell: the SVM is of attempt 2, on array a; b is the other one.
const (
	stateNonce1 = "1111111111111111"
	stateNonce2 = "2222222222222222"
	stateNonce3 = "3333333333333333"
	goneUUID    = "99999999-9999-4999-8999-999999999999"
	oldUUID     = "88888888-8888-4888-8888-888888888888"

	wrongData       = "192.0.2.91"
	wrongManagement = "192.0.2.92"
	foreignText     = "kept by the storage team"

	wrongPassword   = "other7other7other7"
	pendingPassword = "pending7pending7pend"
	foreignPassword = "foreign7foreign7for"
)

// sent: the pending password was sent, and no answer came. In every other such
// cell it took.
func (c stateCell) sent() bool { return c.secret() == "pending" && c[dimLIFs]%2 == 1 }
func (c stateCell) took() bool { return c.sent() && c[dimManagement]%2 == 0 }

var stateStranger = decide.Owner{Garden: "other", Project: "p1"}

// stateWorld is one cell, set up: a world with two arrays and, where one is
// re-pointed, a third that answers in its place.
type stateWorld struct {
	*world
	cell stateCell
	want svm.Wish
	sims []*sim.Simulator
	// third answers under the name of a; nothing of it may change.
	third   *sim.Simulator
	own     sim.SVMDump // the SVM on a; only its UUID where there is none
	twin    string      // UUID of its other half
	opening string      // the password of the account
	before  []sim.Dump
}

func newStateWorld(t *testing.T, c stateCell) *stateWorld {
	t.Helper()
	w := &stateWorld{cell: c, opening: "opens7opens7opens7", own: sim.SVMDump{UUID: goneUUID}}
	w.world = newWorld(t, func(o *sim.Options) {
		o.Names = []string{"a", "b"}
		if c.pair() {
			o.Clusters = 2
		}
	})
	if c.took() {
		w.opening = pendingPassword
	}
	w.passwords = []string{w.opening, wrongPassword, pendingPassword, foreignPassword}
	w.sims = []*sim.Simulator{w.sim}
	if !c.pair() {
		w.sims = append(w.sims, w.another("b"))
	}
	w.want = w.wish()
	w.setUpArrays()
	w.setUpSeed()
	w.turn()
	for _, s := range w.everySim() {
		w.before = append(w.before, s.Dump())
		s.ForgetRequests()
	}
	return w
}

func (w *stateWorld) another(name string) *sim.Simulator {
	w.t.Helper()
	s, err := sim.New(sim.Options{Times: sim.AtOnce(), Clock: w.clock, Names: []string{name}})
	must(w.t, err)
	w.t.Cleanup(s.Close)
	return s
}

func (w *stateWorld) everySim() []*sim.Simulator {
	if w.third == nil {
		return w.sims
	}
	return append(append([]*sim.Simulator{}, w.sims...), w.third)
}

// cluster is where array a or b really is.
func (w *stateWorld) cluster(name string) (*sim.Simulator, int) {
	for _, s := range w.sims {
		for i := range s.Clusters() {
			if s.Cluster(i).Name() == name {
				return s, i
			}
		}
	}
	w.t.Fatalf("there is no array %s", name)
	return nil, 0
}

func (w *stateWorld) client(name string, s *sim.Simulator, cluster int, door ontap.DialContext) look.Array {
	w.t.Helper()
	c := s.Cluster(cluster)
	user, password := c.Credentials()
	client, err := ontap.New(ontap.Options{
		Name: name, URL: c.URL(), User: user, Password: ontap.NewSecret(password), Trust: ontap.Trust{CA: c.CA()},
		DialContext: door, ReturnTimeout: -1, Clock: w.clock, Log: w.logger(),
	})
	must(w.t, err)
	w.t.Cleanup(client.Close)
	return look.Array{Name: name, Client: client}
}

// administrator is a client of the array as it really is, for setting things up.
func (w *stateWorld) administrator(name string) look.Array {
	s, i := w.cluster(name)
	return w.client(name, s, i, s.DialContext)
}

// setUpArrays makes the SVM with what stands on it, another's SVM beside it, and
// brings it into its state.
func (w *stateWorld) setUpArrays() {
	c := w.cell
	a := w.administrator("a")
	w.makeSVM(a, "p2", decide.Mark{Owner: stateStranger, Attempt: 1, Nonce: stateNonce3}.String())
	if c.svm() == "absent" {
		return
	}
	mark := decide.Mark{Owner: w.want.Owner(), Attempt: 2, Nonce: stateNonce2, Credentials: 1}
	comment := mark.String()
	switch c.svm() {
	case "foreign mark":
		comment = decide.Mark{Owner: stateStranger, Attempt: 1, Nonce: stateNonce3}.String()
	case "unmarked":
		comment = foreignText
	case "two of them":
		w.makeSVM(w.administrator("b"), "p1", decide.Mark{Owner: w.want.Owner(), Attempt: 1, Nonce: stateNonce1}.String())
	}
	uuid := w.makeSVM(a, "p1", comment)
	w.setUpInterfaces(a, uuid)
	w.setUpAccounts(a, uuid)
	w.own, _ = w.sim.Dump().Find("p1")
	w.twin = w.own.Partner
	switch c.svm() {
	case "initializing", "stopped", "deleting":
		must(w.t, w.sim.SetSVMState(uuid, c.svm()))
	case "twin running":
		must(w.t, w.sim.Switchover(1))
	case "both running":
		must(w.t, w.sim.Switchover(1))
		must(w.t, w.sim.SetSVMState(uuid, "running"))
	}
}

func (w *stateWorld) makeSVM(a look.Array, name, comment string) string {
	w.t.Helper()
	made, err := a.Client.CreateSVM(w.t.Context(), ontap.NewSVM{Name: name, Comment: comment, NVMe: true})
	must(w.t, err)
	return made.UUID
}

func (w *stateWorld) setUpInterfaces(a look.Array, uuid string) {
	c, sp := w.cell, w.want.Spec
	data := map[string]int{"none": 0, "some": 1, "all": 2, "wrong address": 2}[c.lifs()]
	for i, lif := range sp.DataLIFs[:data] {
		if i == 1 && c.lifs() == "wrong address" {
			lif.Address = netip.MustParseAddr(wrongData)
		}
		w.makeLIF(a, uuid, lif, i)
	}
	if management := sp.ManagementLIF; c.management() != "absent" {
		if c.management() == "wrong" {
			management.Address = netip.MustParseAddr(wrongManagement)
		}
		w.makeLIF(a, uuid, management, 0)
	}
	if c.stands() {
		other := sp.DataLIFs[0]
		other.Name, other.Address = "of-another", netip.MustParseAddr("192.0.2.93")
		w.makeLIF(a, uuid, other, 0)
	}
	if c.pair() || c.lifs() == "all" {
		_, err := a.Client.CreateRoute(w.t.Context(), ontap.NewRoute{SVMUUID: uuid, Gateway: sp.Routes[0].Gateway})
		must(w.t, err)
	}
}

func (w *stateWorld) makeLIF(a look.Array, uuid string, lif spec.Interface, n int) {
	w.t.Helper()
	node, domain, err := look.Place(w.t.Context(), a, lif, n)
	must(w.t, err)
	_, err = a.Client.CreateInterface(w.t.Context(), ontap.NewInterface{
		SVMUUID: uuid, Name: lif.Name, Address: lif.Address, Netmask: lif.Netmask, HomeNode: node, BroadcastDomain: domain, ServicePolicy: lif.ServicePolicy,
	})
	must(w.t, err)
}

func (w *stateWorld) setUpAccounts(a look.Array, uuid string) {
	if !w.cell.stands() {
		return
	}
	ours := decide.Mark{Owner: w.want.Owner(), Shoot: "prod", Attempt: 2, Nonce: stateNonce2, Credentials: 1}
	theirs := decide.Mark{Owner: stateStranger, Shoot: "prod", Attempt: 1, Nonce: stateNonce3, Credentials: 1}
	w.makeAccount(a, uuid, "stranger", theirs.String(), foreignPassword)
	switch w.cell.account() {
	case "ours", "locked":
		w.makeAccount(a, uuid, "prod", ours.String(), w.opening)
	case "other owner's":
		w.makeAccount(a, uuid, "prod", theirs.String(), foreignPassword)
	case "unmarked":
		w.makeAccount(a, uuid, "prod", foreignText, w.opening)
	}
	if w.cell.account() == "locked" {
		yes := true
		must(w.t, a.Client.ChangeAccount(w.t.Context(), uuid, "prod", ontap.AccountChange{Locked: &yes}))
	}
}

func (w *stateWorld) makeAccount(a look.Array, uuid, name, comment, password string) {
	w.t.Helper()
	must(w.t, a.Client.CreateAccount(w.t.Context(), ontap.NewAccount{SVMUUID: uuid, Name: name, Password: ontap.NewSecret(password), Comment: comment}))
}

// setUpSeed writes what stands in the Kubernetes API. Arrays that all answer are
// not pinned yet; where one does not, it is remembered from before.
func (w *stateWorld) setUpSeed() {
	store := w.store(nil)
	for _, name := range []string{"a", "b"} {
		if w.cell.arrays() != "all answer" {
			s, i := w.cluster(name)
			must(w.t, store.WritePin(w.t.Context(), name, s.Cluster(i).UUID()))
		}
	}
	w.setUpRecord(store)
	w.setUpSecret(store)
}

func (w *stateWorld) setUpRecord(store *seed.Store) {
	uuids := []string{w.own.UUID}
	if w.twin != "" {
		uuids = append(uuids, w.twin)
	}
	s, i := w.cluster("a")
	r := store.Record(w.t.Context(), "p1")
	r.Record = decide.Record{Finding: r.Finding, Lineage: w.want.Owner().String(), Generation: 2, Nonce: stateNonce2, UUIDs: uuids,
		Array: "a", Cluster: s.Cluster(i).UUID(), Credentials: 1}
	r.Shoots = []string{"prod"}
	switch w.cell.record() {
	case "absent":
		return
	case "older":
		r.Generation, r.Nonce, r.UUIDs = 1, stateNonce1, []string{oldUUID}
	case "twin's UUID":
		r.UUIDs = []string{w.twin}
	case "other UUID":
		r.Nonce, r.UUIDs = stateNonce3, []string{"77777777-7777-4777-8777-777777777777"}
	}
	_, err := store.WriteRecord(w.t.Context(), r)
	must(w.t, err)
}

func (w *stateWorld) setUpSecret(store *seed.Store) {
	now := w.clock.Now()
	s := store.Secret(w.t.Context(), w.secretRef())
	active := seed.Pair{User: "prod", Password: ontap.NewSecret(w.opening), SVM: w.own.UUID, Generation: 1, Set: decide.Confirmed,
		Login: decide.Login{VerifiedAt: now.Add(-time.Minute)}}
	switch w.cell.secret() {
	case "absent":
		return
	case "pending":
		active = seed.Pair{}
		s.Pending = seed.Pair{User: "prod", Password: ontap.NewSecret(pendingPassword), SVM: w.own.UUID, Generation: 2, Set: decide.NotSent}
		if w.cell.sent() {
			s.Pending.Set = decide.Sent
		}
	case "wrong password":
		active.Password, active.Login.VerifiedAt = ontap.NewSecret(wrongPassword), now.Add(-2*time.Hour)
		if w.cell[dimLIFs]%2 == 1 { // somebody has tried it just now, as often as is allowed
			s.Rations = map[string]decide.Ration{"prod": {Tries: 3, LastTry: now.Add(-10 * time.Minute)}}
		}
	case "other SVM":
		active.Password, active.SVM = ontap.NewSecret(wrongPassword), "66666666-6666-4666-8666-666666666666"
	}
	s.Active, s.ActivatedAt = active, now.Add(-24*time.Hour)
	_, err := store.WriteSecret(w.t.Context(), s)
	must(w.t, err)
	if w.cell.secret() == "empty password" {
		w.editSecret(func(data map[string]any) { data["password"] = "" })
	}
}

// turn silences an array, or has it lead to another cluster: one with an SVM of
// our name, and even with our mark.
func (w *stateWorld) turn() {
	silence := func(name string) {
		s, i := w.cluster(name)
		must(w.t, s.SetUnreachable(i, true))
	}
	switch w.cell.arrays() {
	case "the other silent":
		silence("b")
	case "its own silent":
		silence("a")
	case "re-pointed":
		silence("a")
		w.third = w.another("a")
		a := w.client("a", w.third, 0, w.third.DialContext)
		uuid := w.makeSVM(a, "p1", decide.Mark{Owner: w.want.Owner(), Attempt: 2, Nonce: stateNonce2, Credentials: 1}.String())
		w.makeAccount(a, uuid, "prod", foreignText, w.opening)
	}
}

// arrays are as they are configured.
func (w *stateWorld) arrays() []look.Array {
	var all []look.Array
	for _, name := range []string{"a", "b"} {
		s, i := w.cluster(name)
		if name == "a" && w.third != nil {
			s, i = w.third, 0
		}
		all = append(all, w.client(name, s, i, w.door(s)))
	}
	return all
}

// door is the network from here to an array and its SVMs.
func (w *stateWorld) door(s *sim.Simulator) ontap.DialContext {
	if w.cell.management() != "unreachable" {
		return s.DialContext
	}
	wall := w.want.Spec.ManagementLIF.Address.String()
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if host, _, err := net.SplitHostPort(addr); err == nil && host == wall {
			return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}
		}
		return s.DialContext(ctx, network, addr)
	}
}

func (w *stateWorld) reconciler() *svm.Reconciler {
	uuid := ""
	if w.cell.trace() == "with our UUID" {
		uuid = w.own.UUID
	}
	trace := decide.Trace{Name: stateTrace, Finding: proof.Present, UUID: uuid}
	switch w.cell.trace() {
	case "none":
		trace.Finding = proof.Absent
	case "silent":
		trace.Finding, trace.Why = proof.Unknown, "the shoot does not answer"
	}
	return w.controller(nil, func(o *svm.Options) {
		o.Arrays = w.arrays()
		o.Traces = func(context.Context, string) []decide.Trace { return []decide.Trace{trace} }
	})
}
