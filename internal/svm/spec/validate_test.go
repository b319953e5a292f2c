package spec

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/svm/decide"
)

// right is an object that is right: what a case changes is all that is wrong.
func right() StorageVM {
	return StorageVM{
		APIVersion: APIVersion, Kind: Kind, Metadata: Metadata{Name: "a"},
		Spec: Spec{
			Garden: "prod", Project: "a-b",
			DataLIFs: []Interface{
				{Address: netip.MustParseAddr("10.0.0.11"), Netmask: 24, HomeNode: "n1"},
				{Address: netip.MustParseAddr("10.0.0.12"), Netmask: 24, BroadcastDomain: "Default-1"},
			},
			ManagementLIF: Interface{Address: netip.MustParseAddr("10.0.0.10"), Netmask: 24, HomeNode: "n1", BroadcastDomain: "Default"},
			Credentials: []Credentials{
				{Shoot: "shoot--a-b--web", SecretName: "web.a", SecretNamespace: "kube-system"},
				{Shoot: "data", SecretName: "data", SecretNamespace: "kube-system"},
			},
		},
	}
}

func TestRight(t *testing.T) {
	for reason, change := range map[string]func(*Spec){
		"as it is":                       func(*Spec) {},
		"the longest name":               func(s *Spec) { s.SVMName = "_" + strings.Repeat("x", 46) },
		"a name with a period":           func(s *Spec) { s.SVMName = "svm.dns-mc.name" },
		"an address at the end of a /31": func(s *Spec) { s.DataLIFs[0].Address, s.DataLIFs[0].Netmask = netip.MustParseAddr("10.1.0.1"), 31 },
		"the first of a /31":             func(s *Spec) { s.DataLIFs[0].Address, s.DataLIFs[0].Netmask = netip.MustParseAddr("10.1.0.0"), 31 },
		"a /32 that is not virtual":      func(s *Spec) { s.DataLIFs[0].Netmask = 32 },
		"a virtual address":              func(s *Spec) { s.DataLIFs[0].Netmask, s.DataLIFs[0].VIP = 32, true },
		"a virtual IPv6 address": func(s *Spec) {
			s.DataLIFs[0] = Interface{Address: netip.MustParseAddr("2001:db8::1"), Netmask: 128, VIP: true, HomeNode: "n1"}
		},
		"the last of an IPv6 network, which has no broadcasts": func(s *Spec) {
			s.DataLIFs[0] = Interface{Address: netip.MustParseAddr("2001:db8::ffff:ffff:ffff:ffff"), Netmask: 64, HomeNode: "n1"}
		},
		"a subnet has a place of its own": func(s *Spec) { s.ManagementLIF = Interface{Subnet: "management"} },
		"a subnet, with a home node":      func(s *Spec) { s.ManagementLIF = Interface{Subnet: "management", HomeNode: "n1"} },
		"the family of a subnet is not known": func(s *Spec) {
			s.ManagementLIF = Interface{Subnet: "m"}
			s.Routes = []Route{{Gateway: netip.MustParseAddr("2001:db8::1")}}
		},
		"two routes by one gateway":                                  func(s *Spec) { s.Routes = []Route{route("10.0.0.1", "10.1.0.0/16"), route("10.0.0.1", "10.2.0.0/16")} },
		"one destination by two gateways":                            func(s *Spec) { s.Routes = []Route{route("10.0.0.1", ""), route("10.0.0.2", "")} },
		"no shoot, said":                                             func(s *Spec) { s.Credentials = []Credentials{} },
		"one Secret name in two namespaces":                          func(s *Spec) { s.Credentials[1].SecretName, s.Credentials[1].SecretNamespace = "web.a", "other" },
		"a shoot named like another's second account, in Kubernetes": func(s *Spec) { s.Credentials[1].Shoot = "web-2" },
		"rotation every hour":                                        func(s *Spec) { s.Credentials[0].Rotation.Every = Duration(time.Hour) },
		"limits":                                                     func(s *Spec) { s.MaxVolumes, s.StorageLimit = "unlimited", "1.5Ti" },
		"NFS beside NVMe, with a policy for each interface": func(s *Spec) {
			s.Protocols = []string{NVMe, NFS}
			s.DataLIFs[0].ServicePolicy, s.DataLIFs[1].ServicePolicy = "default-data-nvme-tcp", "default-data-files"
		},
		"an array among those named": func(s *Spec) { s.Arrays, s.Array = []string{"m1", "m2"}, "m2" },
		"deletion":                   func(s *Spec) { s.DeletionPolicy = decide.Delete },
	} {
		s := right()
		change(&s.Spec)
		if err := s.Validate(); err != nil {
			t.Errorf("%s: %v", reason, err)
		}
	}
}

func route(gateway, destination string) Route {
	r := Route{Gateway: netip.MustParseAddr(gateway)}
	if destination != "" {
		r.Destination = netip.MustParsePrefix(destination)
	}
	return r
}

func addr(at *netip.Addr, text string) { *at = netip.MustParseAddr(text) }

// Each mistake is named alone, by field and value, with what is expected.
func TestWrong(t *testing.T) {
	for _, c := range []struct {
		reason string
		change func(*StorageVM)
		want   string
	}{
		{"another version", func(s *StorageVM) { s.APIVersion = "v2" }, `apiVersion "v2": want "seedproof.dev/v1alpha1"`},
		{"another kind", func(s *StorageVM) { s.Kind = "Pod" }, `kind "Pod": want "StorageVM"`},
		{"no name", func(s *StorageVM) { s.Metadata.Name = "" }, `metadata.name "": ` + kubeNameWords},
		{"a name of 254", func(s *StorageVM) { s.Metadata.Name = strings.Repeat("a", 254) }, `metadata.name "` + strings.Repeat("a", 100) + `": ` + kubeNameWords},
		{"no owner: nothing could be marked", func(s *StorageVM) { s.Spec.Garden = "" }, `spec.garden "": ` + markWords},
		{"an owner that would break the mark", func(s *StorageVM) { s.Spec.Garden = "a/b" }, `spec.garden "a/b": ` + markWords},
		{"no project: said once", func(s *StorageVM) { s.Spec.Project = "" }, `spec.project "": ` + markWords},
		{"a project of 41", func(s *StorageVM) { s.Spec.Project, s.Spec.SVMName = strings.Repeat("x", 41), "x" }, `spec.project "` + strings.Repeat("x", 41) + `": ` + markWords},
		{"a name of 48", func(s *StorageVM) { s.Spec.SVMName = strings.Repeat("x", 48) }, `spec.svmName "` + strings.Repeat("x", 48) + `": it has 48 characters; at most 47 are allowed, 41 on a MetroCluster`},
		{"a name that begins with a digit", func(s *StorageVM) { s.Spec.SVMName = "1a" }, `spec.svmName "1a": want A-Z a-z 0-9 . _ -, the first a letter or underscore`},
		{"a name that would be a query", func(s *StorageVM) { s.Spec.SVMName = "p*" }, `spec.svmName "p*": want A-Z a-z 0-9 . _ -, the first a letter or underscore`},
		{"a name with a letter that is not of ASCII", func(s *StorageVM) { s.Spec.SVMName = "pä" }, `spec.svmName "pä": want A-Z a-z 0-9 . _ -, the first a letter or underscore`},
		{"the reserved name", func(s *StorageVM) { s.Spec.SVMName = "All" }, `spec.svmName "All": the name is reserved by the array; choose another`},
		{"the name of an IPspace", func(s *StorageVM) { s.Spec.SVMName = "Cluster" }, `spec.svmName "Cluster": the name is reserved by the array; choose another`},
		{"the name of a twin", func(s *StorageVM) { s.Spec.SVMName = "pab-mc" }, `spec.svmName "pab-mc": so a MetroCluster names the twin of another SVM; choose a name without -mc at the end`},
		{"the name of a twin, with a period", func(s *StorageVM) { s.Spec.SVMName = "pab-mc.x" }, `spec.svmName "pab-mc.x": so a MetroCluster names the twin of another SVM; choose a name without -mc at the end`},
		{"an array twice", func(s *StorageVM) { s.Spec.Arrays = []string{"m1", "m1"} }, `spec.arrays[1] "m1": it is there twice`},
		{"an array that is none of those named", func(s *StorageVM) { s.Spec.Arrays, s.Spec.Array = []string{"m1", "m2"}, "m3" }, `spec.array "m3": it is none of spec.arrays (m1, m2)`},
		{"no name of an array", func(s *StorageVM) { s.Spec.Array = "m 1" }, `spec.array "m 1": ` + arrayWords},
		{"no name of an aggregate", func(s *StorageVM) { s.Spec.Aggregates = []string{""} }, `spec.aggregates[0] "": ` + objectWords},
		{"an IPspace that would be a query", func(s *StorageVM) { s.Spec.IPspace = "a|b" }, `spec.ipspace "a|b": ` + objectWords},
		{"the array's own IPspace", func(s *StorageVM) { s.Spec.IPspace = "Cluster" }, `spec.ipspace "Cluster": it is the array's own; want that of data, as Default`},
		{"a snapshot policy of blanks", func(s *StorageVM) { s.Spec.SnapshotPolicy = "  " }, `spec.snapshotPolicy "  ": ` + objectWords},
		{"no number of volumes", func(s *StorageVM) { s.Spec.MaxVolumes = "0" }, `spec.maxVolumes "0": want a number from 1 to 999999999, or "unlimited"`},
		{"no quantity", func(s *StorageVM) { s.Spec.StorageLimit = "2TB" }, `spec.storageLimit "2TB": want bytes as 2Ti, 500G or 1099511627776, above 0`},
		{"a limit of nothing", func(s *StorageVM) { s.Spec.StorageLimit = "0" }, `spec.storageLimit "0": want bytes as 2Ti, 500G or 1099511627776, above 0`},
		{"a protocol that is none of ours", func(s *StorageVM) { s.Spec.Protocols = []string{"cifs"}; policies(s) }, `spec.protocols[0] "cifs": want nvme, iscsi or nfs`},
		{"a protocol twice", func(s *StorageVM) { s.Spec.Protocols = []string{NFS, NFS}; policies(s) }, `spec.protocols[1] "nfs": it is there twice`},
		{"NVMe with iSCSI", func(s *StorageVM) { s.Spec.Protocols = []string{NVMe, ISCSI}; policies(s) }, `spec.protocols: nvme and iscsi are not to be had on one SVM (the array refuses iSCSI interfaces on an SVM for NVMe); want one of them`},
		{"which of two protocols cannot be guessed", func(s *StorageVM) {
			s.Spec.Protocols = []string{ISCSI, NFS}
			policies(s)
			s.Spec.DataLIFs[1].ServicePolicy = ""
		}, `spec.dataLIFs[1].servicePolicy: missing; which of several protocols the interface is for must be said, as default-data-files`},
		{"another policy of deletion", func(s *StorageVM) { s.Spec.DeletionPolicy = "delete" }, `spec.deletionPolicy "delete": want Retain or Delete`},
	} {
		t.Run(c.reason, func(t *testing.T) { isWrong(t, c.change, c.want) })
	}
}

func policies(s *StorageVM) {
	for i := range s.Spec.DataLIFs {
		s.Spec.DataLIFs[i].ServicePolicy = "custom"
	}
}

func isWrong(t *testing.T, change func(*StorageVM), want string) {
	t.Helper()
	s := right()
	change(&s)
	switch err := s.Validate(); {
	case err == nil:
		t.Error("taken")
	case err.Error() != want:
		t.Errorf("it says\n%s\nwanted\n%s", err, want)
	}
}

func TestWrongNetwork(t *testing.T) {
	first := func(s *StorageVM) *Interface { return &s.Spec.DataLIFs[0] }
	address := func(text string) func(*StorageVM) { return func(s *StorageVM) { addr(&first(s).Address, text) } }
	routes := func(list ...Route) func(*StorageVM) { return func(s *StorageVM) { s.Spec.Routes = list } }
	for _, c := range []struct {
		reason string
		change func(*StorageVM)
		want   string
	}{
		{"no data interface", func(s *StorageVM) { s.Spec.DataLIFs = nil }, `spec.dataLIFs: missing; want at least one`},
		{"the network address (53281073)", address("10.0.0.0"), `spec.dataLIFs[0].address "10.0.0.0": it is the network address of 10.0.0.0/24; give an address of a host`},
		{"the broadcast address", address("10.0.0.255"), `spec.dataLIFs[0].address "10.0.0.255": it is the broadcast address of 10.0.0.0/24; give an address of a host`},
		{"the broadcast address of a network that does not end at a byte", func(s *StorageVM) { addr(&first(s).Address, "10.0.0.31"); first(s).Netmask = 27 }, `spec.dataLIFs[0].address "10.0.0.31": it is the broadcast address of 10.0.0.0/27; give an address of a host`},
		{"the network address in IPv6", func(s *StorageVM) { addr(&first(s).Address, "2001:db8::"); first(s).Netmask = 64 }, `spec.dataLIFs[0].address "2001:db8::": it is the network address of 2001:db8::/64; give an address of a host`},
		{"no address", func(s *StorageVM) { first(s).Address = netip.Addr{} }, `spec.dataLIFs[0].address: missing; want an IP address as "10.0.0.5", or a subnet of the array`},
		{"unspecified", address("0.0.0.0"), `spec.dataLIFs[0].address "0.0.0.0": it is the unspecified address; give an address of a host`},
		{"loopback", address("127.0.0.1"), `spec.dataLIFs[0].address "127.0.0.1": it is a loopback address; give an address of a host`},
		{"multicast", address("ff02::1"), `spec.dataLIFs[0].address "ff02::1": it is a multicast address; give an address of a host`},
		{"link-local", address("169.254.1.1"), `spec.dataLIFs[0].address "169.254.1.1": it is a link-local address; give an address of a host`},
		{"reserved", address("255.255.255.255"), `spec.dataLIFs[0].address "255.255.255.255": it is a reserved address; give an address of a host`},
		{"IPv4 within IPv6", address("::ffff:10.0.0.11"), `spec.dataLIFs[0].address "::ffff:10.0.0.11": it is an IPv4 address written as IPv6; give an address of a host`},
		{"a zone", address("2001:db8::1%e0a"), `spec.dataLIFs[0].address "2001:db8::1%e0a": it has a zone; give an address of a host`},
		{"no netmask", func(s *StorageVM) { first(s).Netmask = 0 }, `spec.dataLIFs[0].netmask: missing; want its length in bits, 1 to 32 for IPv4`},
		{"a netmask of the other family", func(s *StorageVM) { first(s).Netmask = 64 }, `spec.dataLIFs[0].netmask "64": want its length in bits, 1 to 32 for IPv4`},
		{"a whole IPv6 address (1966267)", func(s *StorageVM) { addr(&first(s).Address, "2001:db8::1"); first(s).Netmask = 128 }, `spec.dataLIFs[0].netmask "128": want its length in bits, 1 to 127 for IPv6`},
		{"a negative netmask", func(s *StorageVM) { first(s).Netmask = -1 }, `spec.dataLIFs[0].netmask "-1": want its length in bits, 1 to 32 for IPv4`},
		{"a virtual address with a network (1967385)", func(s *StorageVM) { first(s).VIP = true }, `spec.dataLIFs[0].netmask "24": a virtual IPv4 address needs 32`},
		{"a virtual IPv6 address with a network", func(s *StorageVM) { addr(&first(s).Address, "2001:db8::1"); first(s).Netmask, first(s).VIP = 127, true }, `spec.dataLIFs[0].netmask "127": a virtual IPv6 address needs 128`},
		{"netmask and subnet (1967398)", func(s *StorageVM) { s.Spec.ManagementLIF = Interface{Subnet: "m", Netmask: 24} }, `spec.managementLIF.netmask "24": the subnet "m" gives the netmask; leave one of them out`},
		{"address and subnet", func(s *StorageVM) {
			s.Spec.ManagementLIF = Interface{Subnet: "m", Address: netip.MustParseAddr("10.0.0.10")}
		}, `spec.managementLIF.address "10.0.0.10": the subnet "m" gives the address; leave one of them out`},
		{"one of several, of a subnet and without a name", func(s *StorageVM) { s.Spec.DataLIFs[1] = Interface{Subnet: "data", HomeNode: "n1"} },
			`spec.dataLIFs[1].name: missing; one of several interfaces is known by its address or its name, and the subnet "data" tells no address. One that is on the array already keeps the name that it has there`},
		{"a virtual address of a subnet", func(s *StorageVM) { s.Spec.ManagementLIF = Interface{Subnet: "m", VIP: true} }, `spec.managementLIF.vip: a virtual address is a single one; give address and netmask in place of the subnet`},
		{"no place (1967111)", func(s *StorageVM) { first(s).HomeNode = "" }, `spec.dataLIFs[0]: it has no place; give homeNode, broadcastDomain or both, or a subnet`},
		{"a node that would be a query", func(s *StorageVM) { first(s).HomeNode = "*" }, `spec.dataLIFs[0].homeNode "*": ` + objectWords},
		{"a blank in a broadcast domain", func(s *StorageVM) { first(s).BroadcastDomain = "a b" }, `spec.dataLIFs[0].broadcastDomain "a b": ` + objectWords},
		{"a blank in a policy", func(s *StorageVM) { first(s).ServicePolicy = "a b" }, `spec.dataLIFs[0].servicePolicy "a b": ` + objectWords},
		{"a name that would be a query", func(s *StorageVM) { first(s).Name = "d*" }, `spec.dataLIFs[0].name "d*": want 1 to 254 of A-Z a-z 0-9 . _ + -, the first a letter, digit or underscore`},
		{"a name twice, one by default", func(s *StorageVM) { first(s).Name = "datalif+1" }, `spec.dataLIFs[1].name "datalif+1": spec.dataLIFs[0] has that name`},
		{"the management interface's name", func(s *StorageVM) { first(s).Name = "managementlif" }, `spec.managementLIF.name "managementlif": spec.dataLIFs[0] has that name`},
		{"an address twice", address("10.0.0.10"), `spec.managementLIF.address "10.0.0.10": spec.dataLIFs[0] has that address`},
		{"a gateway that is an interface (1966505)", routes(route("10.0.0.12", "")), `spec.routes[0].gateway "10.0.0.12": it is the address of spec.dataLIFs[1]; give that of a router`},
		{"no gateway", routes(Route{}), `spec.routes[0].gateway: missing; want an IP address as "10.0.0.1"`},
		{"a gateway that is no router", routes(route("224.0.0.1", "")), `spec.routes[0].gateway "224.0.0.1": it is a multicast address; give an address of a router`},
		{"a gateway of another family than all interfaces", routes(route("2001:db8::1", "")), `spec.routes[0].gateway "2001:db8::1": no interface has an address of its family`},
		{"a destination of another family (1966265)", routes(route("10.0.0.1", "2001:db8::/32")), `spec.routes[0].destination "2001:db8::/32": it is of another family than the gateway 10.0.0.1`},
		{"a destination within a network (53282375)", routes(route("10.0.0.1", "10.1.0.5/16")), `spec.routes[0].destination "10.1.0.5/16": it is an address within a network; want the network, 10.1.0.0/16`},
		{"the default route twice (1966345)", routes(route("10.0.0.1", ""), route("10.0.0.1", "0.0.0.0/0")), `spec.routes[1] "10.0.0.1": it is the same route to 0.0.0.0/0 as spec.routes[0]`},
		{"a negative metric", routes(Route{Gateway: netip.MustParseAddr("10.0.0.1"), Metric: -1}), `spec.routes[0].metric "-1": want a number above 0, or nothing for the array's default`},
	} {
		t.Run(c.reason, func(t *testing.T) { isWrong(t, c.change, c.want) })
	}
}

func TestWrongCredentials(t *testing.T) {
	second := func(change func(*Credentials)) func(*StorageVM) {
		return func(s *StorageVM) { change(&s.Spec.Credentials[1]) }
	}
	shoot := func(name string) func(*StorageVM) { return second(func(c *Credentials) { c.Shoot = name }) }
	const namespaceWords = `want a namespace of Kubernetes: at most 63 of a-z 0-9 -, beginning and ending with a letter or digit`
	for _, c := range []struct {
		reason string
		change func(*StorageVM)
		want   string
	}{
		{"left out is not none: accounts would go", func(s *StorageVM) { s.Spec.Credentials = nil }, `spec.credentials: missing; want a list, [] where no shoot uses the SVM`},
		{"no shoot", shoot(""), `spec.credentials[1].shoot "": ` + shootWords},
		{"a shoot of 31", shoot(strings.Repeat("x", 31)), `spec.credentials[1].shoot "` + strings.Repeat("x", 31) + `": ` + shootWords},
		{"a shoot that would break the mark", shoot("a b"), `spec.credentials[1].shoot "a b": ` + shootWords},
		{"a shoot twice", shoot("shoot--a-b--web"), `spec.credentials[1].shoot "shoot--a-b--web": it is there twice`},
		{"two shoots of one account", shoot("web"), "spec.credentials[1].shoot \"web\": spec.credentials[0].shoot has that account; each shoot needs its own\nspec.credentials[1].shoot \"web_2\": spec.credentials[0].shoot has that account; each shoot needs its own"},
		{"a shoot whose first account is another's second", shoot("web_2"), `spec.credentials[1].shoot "web_2": spec.credentials[0].shoot has that account; each shoot needs its own`},
		{"an account of two characters (6.4)", shoot("shoot--a-b--db"), `spec.credentials[1].shoot "shoot--a-b--db": its account would be "db"; the array wants 3 to 40 characters`},
		{"a reserved account (5636121)", shoot("Admin"), `spec.credentials[1].shoot "Admin": its account would be "Admin", which is reserved by the array; want another name`},
		{"the SVM's own account", shoot("vsadmin"), `spec.credentials[1].shoot "vsadmin": its account would be "vsadmin", which is reserved by the array; want another name`},
		{"no Secret", second(func(c *Credentials) { c.SecretName = "" }), `spec.credentials[1].secretName "": ` + kubeNameWords},
		{"no name of a Secret", second(func(c *Credentials) { c.SecretName = "A" }), `spec.credentials[1].secretName "A": ` + kubeNameWords},
		{"no namespace", second(func(c *Credentials) { c.SecretNamespace = "" }), `spec.credentials[1].secretNamespace "": ` + namespaceWords},
		{"a namespace with a dot", second(func(c *Credentials) { c.SecretNamespace = "a.b" }), `spec.credentials[1].secretNamespace "a.b": ` + namespaceWords},
		{"two shoots of one Secret", second(func(c *Credentials) { c.SecretName = "web.a" }), `spec.credentials[1].secretName "kube-system/web.a": spec.credentials[0].secretName has that Secret; each shoot needs its own`},
		{"rotation that never rests", second(func(c *Credentials) { c.Rotation.Every = Duration(59 * time.Minute) }), `spec.credentials[1].rotation.every "59m": want 1h or more, or nothing for rotation only when it is asked for`},
		{"negative rotation", second(func(c *Credentials) { c.Rotation.Every = -1 }), `spec.credentials[1].rotation.every "-1ns": want 1h or more, or nothing for rotation only when it is asked for`},
		{"a negative grace", second(func(c *Credentials) { c.Rotation.Grace = Duration(-time.Hour) }), `spec.credentials[1].rotation.grace "-1h": want a duration above 0`},
	} {
		t.Run(c.reason, func(t *testing.T) { isWrong(t, c.change, c.want) })
	}
}

// All that is wrong is told at once, and an object of nothing breaks nothing.
func TestAllAtOnce(t *testing.T) {
	err := StorageVM{}.Validate()
	if err == nil || strings.Count(err.Error(), "\n") != 8 {
		t.Errorf("it says\n%v", err)
	}
}

func TestWarnings(t *testing.T) {
	for _, c := range []struct {
		reason string
		change func(*Spec)
		want   string
	}{
		{"nothing to say", func(*Spec) {}, ""},
		{"41 characters fit everywhere", func(s *Spec) { s.SVMName = strings.Repeat("x", 41) }, ""},
		{"42 do not", func(s *Spec) { s.SVMName = strings.Repeat("x", 42) }, `spec.svmName "` + strings.Repeat("x", 42) + `": it has 42 characters; a MetroCluster allows 41`},
		{"NVMe was alone before 9.8", func(s *Spec) { s.Protocols = []string{NVMe, NFS} }, "spec.protocols: releases before 9.8 have no other protocol beside nvme"},
		{"nobody uses it", func(s *Spec) { s.Credentials = []Credentials{} }, "spec.credentials: no shoot has credentials of this SVM"},
		{"the other account is still kept", func(s *Spec) { s.Credentials[0].Rotation.Every = Duration(12 * time.Hour) }, `spec.credentials[0].rotation.grace "24h": the old account is kept as long as until the next rotation, every 12h, which waits for it`},
		{"a gateway out of reach", func(s *Spec) { s.Routes = []Route{route("10.9.0.1", "")} }, `spec.routes[0].gateway "10.9.0.1": it is in the network of no interface`},
		{"a gateway in reach", func(s *Spec) { s.Routes = []Route{route("10.0.0.1", "")} }, ""},
	} {
		s := right()
		c.change(&s.Spec)
		if got := strings.Join(s.Warnings(), "\n"); got != c.want {
			t.Errorf("%s: it says %s", c.reason, got)
		}
	}
}
