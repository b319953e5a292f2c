package ontap_test

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
)

// newArray is a simulated array on which nothing takes time.
func newArray(t *testing.T, change ...func(*sim.Options)) *sim.Simulator {
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

// clientOf is a client of one of its clusters.
func clientOf(t *testing.T, s *sim.Simulator, cluster int, change ...func(*ontap.Options)) *ontap.Client {
	t.Helper()
	user, password := s.Cluster(cluster).Credentials()
	o := ontap.Options{
		Name: s.Cluster(cluster).Name(), URL: s.Cluster(cluster).URL(), User: user, Password: ontap.NewSecret(password),
		Trust: ontap.Trust{CA: s.Cluster(cluster).CA()}, DialContext: s.DialContext, ReturnTimeout: -1, Clock: newWaiter(),
	}
	for _, c := range change {
		c(&o)
	}
	c, err := ontap.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func all[T any](t *testing.T, what string, got []T, err error) []T {
	t.Helper()
	must(t, what, err)
	return got
}

const managementIP = "192.0.2.10"

// newSVM makes an SVM with a management interface, whole.
func newSVM(t *testing.T, c *ontap.Client, name string) string {
	t.Helper()
	made, err := c.CreateSVM(t.Context(), ontap.NewSVM{Name: name, Comment: "a mark"})
	must(t, "create "+name, err)
	return made.UUID
}

func manage(t *testing.T, c *ontap.Client, uuid, address string) {
	t.Helper()
	nodes, err := ontap.All(c.Nodes(t.Context()))
	must(t, "list nodes", err)
	_, err = c.CreateInterface(t.Context(), ontap.NewInterface{SVMUUID: uuid, Name: "managementlif", Address: netip.MustParseAddr(address), Netmask: 24,
		HomeNode: nodes[0].Name, BroadcastDomain: "Default", ServicePolicy: ontap.PolicyManagement})
	must(t, "create the management interface", err)
}

// Every read is understood, by an array that has no partner and by one that has.
func TestTheSimulatorIsUnderstood(t *testing.T) {
	for clusters := 1; clusters <= 2; clusters++ {
		s := newArray(t, func(o *sim.Options) {
			o.Clusters = clusters
			o.PeerGroups = []sim.PeerGroup{{Name: "bgp", Peer: "203.0.113.1"}}
		})
		c, ctx := clientOf(t, s, 0, func(o *ontap.Options) { o.PageSize = 2 }), t.Context()
		uuid := newSVM(t, c, "p1")
		manage(t, c, uuid, managementIP)
		for _, name := range []string{"p2", "p3", "p4"} {
			newSVM(t, c, name)
		}

		cluster, err := c.Cluster(ctx)
		must(t, "cluster", err)
		if cluster.UUID != s.Cluster(0).UUID() || cluster.Version.String() != "9.16.1" {
			t.Errorf("cluster %+v", cluster)
		}
		svm, err := c.SVM(ctx, uuid, ontap.SVMPlace, ontap.SVMProtocols, ontap.SVMMaxVolumes, ontap.SVMSpace, ontap.SVMRecoveryQueue, ontap.SVMSnapMirror)
		must(t, "SVM", err)
		if svm.State != ontap.SVMRunning || svm.Comment != "a mark" || svm.IPspace.Name != "Default" || svm.NVMe.Allowed == nil || svm.RecoveryQueue == nil || svm.SnapMirror.Protected == nil || svm.MaxVolumes == "" {
			t.Errorf("SVM %+v", svm)
		}
		counts := map[string]int{}
		nodes, err := ontap.All(c.Nodes(ctx))
		counts["nodes"] = len(all(t, "nodes", nodes, err))
		licences, err := ontap.All(c.Licences(ctx))
		counts["licences"] = min(1, len(all(t, "licences", licences, err)))
		aggregates, err := ontap.All(c.Aggregates(ctx))
		counts["aggregates"] = len(all(t, "aggregates", aggregates, err))
		svms, err := ontap.All(c.SVMs(ctx, ontap.SVMQuery{Names: []string{"p1", "p2", "p3", "p4", "p5"}}))
		counts["SVMs"] = len(all(t, "SVMs", svms, err))
		lifs, err := ontap.All(c.Interfaces(ctx, ontap.InterfaceQuery{SVMUUID: uuid, Service: ontap.ServiceManagementHTTPS}))
		counts["interfaces"] = len(all(t, "interfaces", lifs, err))
		spaces, err := ontap.All(c.IPspaces(ctx))
		counts["IPspaces"] = min(1, len(all(t, "IPspaces", spaces, err)))
		domains, err := ontap.All(c.BroadcastDomains(ctx))
		counts["domains"] = min(1, len(all(t, "broadcast domains", domains, err)))
		subnets, err := ontap.All(c.Subnets(ctx))
		counts["subnets"] = len(all(t, "subnets", subnets, err))
		groups, err := ontap.All(c.PeerGroups(ctx))
		counts["peer groups"] = len(all(t, "peer groups", groups, err))
		accounts, err := ontap.All(c.Accounts(ctx, uuid))
		counts["accounts"] = len(all(t, "accounts", accounts, err))
		certificates, err := ontap.All(c.Certificates(ctx, uuid))
		counts["certificates"] = len(all(t, "certificates", certificates, err))
		roots, err := ontap.All(c.RootVolumes(ctx, uuid))
		counts["root volumes"] = len(all(t, "root volumes", roots, err))
		want := map[string]int{"nodes": 2, "licences": 1, "aggregates": 4, "SVMs": 4, "interfaces": 1, "IPspaces": 1, "domains": 1, "subnets": 1, "peer groups": 1, "accounts": 1, "certificates": 1, "root volumes": 1}
		if !reflect.DeepEqual(counts, want) {
			t.Errorf("%d clusters: found %v, want %v", clusters, counts, want)
		}
		data, err := c.DataVolumes(ctx, uuid)
		must(t, "count data volumes", err)
		snapshots, err := c.Snapshots(ctx, roots[0].UUID)
		must(t, "count snapshots", err)
		full, err := ontap.All(c.FullVolumes(ctx, 90))
		must(t, "full volumes", err)
		relations, err := c.Relationships(ctx, uuid)
		must(t, "relationships", err)
		jobs, err := ontap.All(c.UnfinishedJobs(ctx))
		must(t, "jobs", err)
		if data+snapshots+len(full)+len(relations)+len(jobs) != 0 {
			t.Errorf("a new SVM has %d data volumes, %d snapshots, %d full volumes, %d relationships, %d jobs", data, snapshots, len(full), len(relations), len(jobs))
		}
		metro, err := c.MetroCluster(ctx)
		must(t, "metrocluster", err)
		pairs, err := ontap.All(c.SVMPairs(ctx))
		must(t, "pairs", err)
		if clusters == 1 && (metro.Local.Mode == ontap.ModeNormal || len(pairs) != 0) || clusters == 2 && (metro.Local.Mode != ontap.ModeNormal || len(pairs) != 4 || !isTwin(pairs, uuid)) {
			t.Errorf("%d clusters: %+v, %+v", clusters, metro, pairs)
		}
	}
}

func TestWhatElseIsOnAnSVM(t *testing.T) {
	s := newArray(t)
	c, ctx := clientOf(t, s, 0), t.Context()
	uuid := newSVM(t, c, "p1")
	newSVM(t, c, "p2")
	must(t, "create service", c.CreateService(ctx, ontap.ProtocolNVMe, uuid))
	services, err := ontap.All(c.Services(ctx, ontap.ProtocolNVMe))
	must(t, "list services", err)
	if len(services) != 1 || services[0].SVM.UUID != uuid || services[0].Enabled == nil || !*services[0].Enabled {
		t.Errorf("services %+v", services)
	}
	must(t, "relate", s.Relate("p1", "elsewhere:p1"))
	relations, err := c.Relationships(ctx, uuid)
	must(t, "relationships", err)
	if len(relations) != 1 || relations[0].Source.SVM.UUID != uuid {
		t.Errorf("relationships %+v", relations)
	}
	made, err := c.CreateRoute(ctx, ontap.NewRoute{SVMUUID: uuid, Gateway: gateway})
	must(t, "create route", err)
	route, err := c.Route(ctx, made.UUID)
	must(t, "read route", err)
	if route.Gateway != gateway || !route.Prefix().IsValid() || route.Prefix().Bits() != 0 || route.Metric != 20 {
		t.Errorf("route %+v", route)
	}
	limit, comment := int64(1<<40), "a mark of another attempt"
	must(t, "change", c.ChangeSVM(ctx, uuid, ontap.SVMChange{StorageLimit: &limit, Comment: &comment}))
	svm, err := c.SVM(ctx, uuid, ontap.SVMSpace, ontap.SVMSnapMirror)
	must(t, "read SVM", err)
	if svm.Comment != comment || svm.Storage.Limit == nil || *svm.Storage.Limit != limit || !*svm.SnapMirror.Protected {
		t.Errorf("SVM %+v", svm)
	}
}

// A change that the array holds until it is done is no job for us.
func TestAnAnswerThatIsHeld(t *testing.T) {
	s := newArray(t)
	c := clientOf(t, s, 0, func(o *ontap.Options) { o.ReturnTimeout = 0 })
	made, err := c.CreateSVM(t.Context(), ontap.NewSVM{Name: "p1"})
	must(t, "create", err)
	if n := len(s.Requests()); made.Job != "" || made.UUID == "" || n != 1 {
		t.Errorf("made %+v by %d requests", made, n)
	}
	must(t, "delete", c.DeleteSVM(t.Context(), made.UUID))
	if _, err := c.SVM(t.Context(), made.UUID); !ontap.IsAbsent(err, ontap.KindSVM) {
		t.Errorf("it is still there: %v", err)
	}
}

func isTwin(pairs []ontap.SVMPair, uuid string) bool {
	for _, p := range pairs {
		if p.SVM.UUID == uuid && p.Partner.UUID != "" && p.Partner.UUID != uuid {
			return true
		}
	}
	return false
}

// A login by the certificates that the cluster shows, through everything that
// can become of the pair.
func TestLoginAtTheSimulator(t *testing.T) {
	s := newArray(t)
	c, ctx := clientOf(t, s, 0), t.Context()
	uuid := newSVM(t, c, "p1")
	manage(t, c, uuid, managementIP)
	must(t, "create account", c.CreateAccount(ctx, ontap.NewAccount{SVMUUID: uuid, Name: "shoot", Password: ontap.NewSecret("first1first"), Comment: "m"}))
	certificates, err := ontap.All(c.Certificates(ctx, uuid))
	must(t, "certificates", err)
	check := func(password, svm string) ontap.LoginFinding {
		got, _ := c.Login(ctx, ontap.LoginCheck{Address: netip.MustParseAddr(managementIP), Trust: ontap.Trust{Pins: []ontap.Fingerprint{certificates[0].Pin}},
			User: "shoot", Password: ontap.NewSecret(password), SVMUUIDs: []string{svm}})
		return got.Finding
	}
	expect := func(reason string, got, want ontap.LoginFinding) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %s, want %s", reason, got, want)
		}
	}
	expect("the pair that was set", check("first1first", uuid), ontap.LoginAccepted)
	expect("the pair of another SVM", check("first1first", otherUUID), ontap.LoginElsewhere)
	expect("a wrong password", check("wrong1wrong", uuid), ontap.LoginRejected)
	must(t, "set password", c.SetPassword(ctx, uuid, "shoot", ontap.NewSecret("second2second")))
	expect("the old password", check("first1first", uuid), ontap.LoginRejected)
	expect("the new password", check("second2second", uuid), ontap.LoginAccepted)
	if err := c.SetPassword(ctx, uuid, "shoot", ontap.NewSecret("second2second")); !ontap.HasCode(err, ontap.CodePasswordSame) || !ontap.IsPasswordRefused(err) {
		t.Errorf("the same password again: %v", err)
	}
	for range sim.MaxFailedLogins {
		check("wrong1wrong", uuid)
	}
	expect("the right password of a locked account", check("second2second", uuid), ontap.LoginRejected)
	account, err := c.Account(ctx, uuid, "shoot")
	must(t, "read account", err)
	if account.Locked == nil || !*account.Locked {
		t.Errorf("locked %v", account.Locked)
	}
	no := false
	must(t, "unlock", c.ChangeAccount(ctx, uuid, "shoot", ontap.AccountChange{Locked: &no}))
	expect("once unlocked", check("second2second", uuid), ontap.LoginAccepted)
	lifs, err := ontap.All(c.Interfaces(ctx, ontap.InterfaceQuery{SVMUUID: uuid}))
	must(t, "interfaces", err)
	must(t, "disable", c.ChangeInterface(ctx, lifs[0].UUID, ontap.InterfaceChange{Enabled: &no}))
	expect("an interface that is down", check("second2second", uuid), ontap.LoginUnknown)
	if _, err := c.Cluster(ctx); err != nil {
		t.Errorf("the cluster's own user suffers: %v", err)
	}
}

func TestAnUnauthorizedUserInEveryForm(t *testing.T) {
	for _, form := range []sim.UnauthorizedForm{sim.UnauthorizedJSON, sim.UnauthorizedEmpty, sim.UnauthorizedHTML} {
		for _, silent := range []bool{false, true} {
			s := newArray(t, func(o *sim.Options) { o.Doubts = sim.Doubts{Unauthorized: form, NoChallenge: silent} })
			c := clientOf(t, s, 0)
			uuid := newSVM(t, c, "p1")
			manage(t, c, uuid, managementIP)
			certificates, err := ontap.All(c.Certificates(t.Context(), uuid))
			must(t, "certificates", err)
			got, err := c.Login(t.Context(), ontap.LoginCheck{Address: netip.MustParseAddr(managementIP), Trust: ontap.Trust{Pins: []ontap.Fingerprint{certificates[0].Pin}},
				User: "shoot", Password: ontap.NewSecret("wrong1wrong"), SVMUUIDs: []string{uuid}})
			if got.Finding != ontap.LoginRejected {
				t.Errorf("form %q: %s, %v", form, got.Finding, err)
			}
		}
	}
}

func TestAWrongAdministratorIsTriedOnce(t *testing.T) {
	s := newArray(t)
	c := clientOf(t, s, 0, func(o *ontap.Options) { o.Password = ontap.NewSecret("wrong1wrong") })
	for range 10 {
		if _, err := c.Cluster(t.Context()); flow.ClassOf(err) != flow.NeedsPerson {
			t.Errorf("%v", err)
		}
	}
	if n := len(s.Requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
	if _, err := clientOf(t, s, 0).Cluster(t.Context()); err != nil {
		t.Errorf("locked out: %v", err)
	}
}

func TestAnOlderReleaseRefusesWhatItDoesNotKnow(t *testing.T) {
	c := clientOf(t, newArray(t, func(o *sim.Options) { o.Version = "9.12.1" }), 0)
	uuid := newSVM(t, c, "p1")
	_, err := c.SVM(t.Context(), uuid, ontap.SVMSpace)
	if !ontap.IsUnknownField(err) || ontap.IsAbsent(err, ontap.KindSVM) {
		t.Errorf("%v", err)
	}
}

// After a switchover the twin answers at the same address, with a certificate
// of its own: the set of pins has both.
func TestALoginFollowsASwitchover(t *testing.T) {
	s := newArray(t, func(o *sim.Options) { o.Clusters = 2 })
	here, there, ctx := clientOf(t, s, 0), clientOf(t, s, 1), t.Context()
	uuid := newSVM(t, here, "p1")
	manage(t, here, uuid, managementIP)
	must(t, "create account", here.CreateAccount(ctx, ontap.NewAccount{SVMUUID: uuid, Name: "shoot", Password: ontap.NewSecret("first1first")}))
	pairs, err := ontap.All(here.SVMPairs(ctx))
	must(t, "pairs", err)
	twin := pairs[0].Partner.UUID
	var pins []ontap.Fingerprint
	for c, svm := range map[*ontap.Client]string{here: uuid, there: twin} {
		certificates, err := ontap.All(c.Certificates(ctx, svm))
		must(t, "certificates", err)
		pins = append(pins, certificates[0].Pin)
	}
	must(t, "switch over", s.Switchover(1))
	check := ontap.LoginCheck{Address: netip.MustParseAddr(managementIP), Trust: ontap.Trust{Pins: pins}, User: "shoot", Password: ontap.NewSecret("first1first"), SVMUUIDs: []string{uuid, twin}}
	got, err := there.Login(ctx, check)
	if got.Finding != ontap.LoginAccepted || got.SVM.UUID != twin {
		t.Errorf("%s by %+v: %v", got.Finding, got.SVM, err)
	}
}
