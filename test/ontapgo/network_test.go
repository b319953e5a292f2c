package ontapgo

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/metal-stack/ontap-go/api/client"
	"github.com/metal-stack/ontap-go/api/client/networking"
	"github.com/metal-stack/ontap-go/api/models"
)

// interfaceAt is an interface that would be accepted.
func interfaceAt(svm *models.Svm, name, address, policy string) *models.IPInterface {
	return &models.IPInterface{
		Name: &name, Svm: &models.IPInterfaceInlineSvm{UUID: svm.UUID},
		IP: &models.IPInfo{Address: new(models.IPAddress(address)), Netmask: new(models.IPNetmask("255.255.255.0"))},
		Location: &models.IPInterfaceInlineLocation{
			BroadcastDomain: &models.IPInterfaceInlineLocationInlineBroadcastDomain{Name: new("Default")},
		},
		ServicePolicy: &models.IPInterfaceInlineServicePolicy{Name: &policy},
	}
}

// createInterface makes an interface, and gives it as the answer shows it.
func createInterface(t *testing.T, c *client.Ontap, lif *models.IPInterface) *models.IPInterface {
	t.Helper()
	p := networking.NewNetworkIPInterfacesCreateParamsWithContext(t.Context()).WithInfo(lif).WithReturnRecords(new(true))
	created := must(c.Networking.NetworkIPInterfacesCreate(p, nil))(t)
	made := one(t, "return_records=true", created.Payload.IPInterfaceResponseInlineRecords)
	same(t, "num_records", created.Payload.NumRecords, 1)
	if created.Location != "/api/network/ip/interfaces/"+*made.UUID {
		t.Errorf("Location is %q", created.Location)
	}
	return made
}

func readInterface(t *testing.T, c *client.Ontap, uuid string) *models.IPInterface {
	t.Helper()
	p := networking.NewNetworkIPInterfaceGetParamsWithContext(t.Context()).WithUUID(uuid).WithFields([]string{"**"})
	return must(c.Networking.NetworkIPInterfaceGet(p, nil))(t).Payload
}

// network is interfaces and routes, and what they stand on.
func network(t *testing.T) {
	a := startArray(t)
	c := a.cluster(t, 0)
	svm := createSVM(t, c, &models.Svm{Name: new("net")})
	t.Run("interfaces", func(t *testing.T) { interfaces(t, c, svm) })
	t.Run("routes", func(t *testing.T) { routes(t, c, svm) })
	t.Run("what they stand on", func(t *testing.T) { ground(t, c) })
}

func interfaces(t *testing.T, c *client.Ontap, svm *models.Svm) {
	made := createInterface(t, c, interfaceAt(svm, "first", "192.0.2.10", "default-management"))
	lif := readInterface(t, c, *made.UUID)
	same(t, "the name", lif.Name, "first")
	same(t, "the address", lif.IP.Address, "192.0.2.10")
	same(t, "the netmask, a length", lif.IP.Netmask, "24")
	same(t, "the family", lif.IP.Family, "ipv4")
	same(t, "the SVM", lif.Svm.UUID, *svm.UUID)
	same(t, "the policy", lif.ServicePolicy.Name, "default-management")
	same(t, "enabled", lif.Enabled, true)
	same(t, "vip", lif.Vip, false)
	same(t, "is_home", lif.Location.IsHome, true)
	same(t, "the scope", lif.Scope, "svm")
	if lif.Location.BroadcastDomain != nil || !slices.ContainsFunc(lif.IPInterfaceInlineServices, func(s *models.IPService) bool { return *s == "management_https" }) {
		t.Errorf("a domain is shown, or a service is missing: %+v", lif)
	}
	refusedInterface := func(reason string, lif *models.IPInterface, status int, code string) {
		_, err := c.Networking.NetworkIPInterfacesCreate(networking.NewNetworkIPInterfacesCreateParamsWithContext(t.Context()).WithInfo(lif), nil)
		refused(t, reason, err, status, code)
	}
	refusedInterface("an address that is taken", interfaceAt(svm, "second", "192.0.2.10", "default-management"), http.StatusConflict, "1376963")
	refusedInterface("a name that is taken", interfaceAt(svm, "first", "192.0.2.11", "default-management"), http.StatusConflict, "1966140")
	refusedInterface("an address of a subnet", interfaceAt(svm, "third", "198.51.100.20", "default-management"), http.StatusBadRequest, "1967387")
	p := networking.NewNetworkIPInterfaceModifyParamsWithContext(t.Context()).WithUUID(*made.UUID).WithInfo(&models.IPInterface{Enabled: new(false)})
	must(c.Networking.NetworkIPInterfaceModify(p, nil))(t)
	same(t, "the state of a disabled interface", readInterface(t, c, *made.UUID).State, "down")
	list := networking.NewNetworkIPInterfacesGetParamsWithContext(t.Context()).WithSvmUUID(svm.UUID).WithIPAddress(new("192.0.2.10")).
		WithEnabled(new(false)).WithServices(new("management_https")).WithFields([]string{"ip", "state"})
	found := one(t, "filtered interfaces", must(c.Networking.NetworkIPInterfacesGet(list, nil))(t).Payload.IPInterfaceResponseInlineRecords)
	same(t, "the one that is found", found.UUID, *made.UUID)
	must(c.Networking.NetworkIPInterfaceDelete(networking.NewNetworkIPInterfaceDeleteParamsWithContext(t.Context()).WithUUID(*made.UUID), nil))(t)
	_, err := c.Networking.NetworkIPInterfaceGet(networking.NewNetworkIPInterfaceGetParamsWithContext(t.Context()).WithUUID(*made.UUID), nil)
	refused(t, "a deleted interface", err, http.StatusNotFound, "4")
}

func routes(t *testing.T, c *client.Ontap, svm *models.Svm) {
	createInterface(t, c, interfaceAt(svm, "way", "192.0.2.20", "default-management"))
	route := &models.NetworkRoute{Gateway: new("192.0.2.1"), Svm: &models.NetworkRouteInlineSvm{UUID: svm.UUID}}
	p := networking.NewNetworkIPRoutesCreateParamsWithContext(t.Context()).WithInfo(route).WithReturnRecords(new(true))
	created := must(c.Networking.NetworkIPRoutesCreate(p, nil))(t)
	uuid := *one(t, "return_records=true", created.Payload.NetworkRouteResponseInlineRecords).UUID
	get := networking.NewNetworkIPRouteGetParamsWithContext(t.Context()).WithUUID(uuid).WithFields([]string{"**"})
	made := must(c.Networking.NetworkIPRouteGet(get, nil))(t).Payload
	same(t, "the gateway", made.Gateway, "192.0.2.1")
	same(t, "the destination", made.Destination.Address, "0.0.0.0")
	same(t, "its netmask", made.Destination.Netmask, "0")
	same(t, "the metric", made.Metric, 20)
	same(t, "the SVM", made.Svm.Name, "net")
	same(t, "the way", one(t, "interfaces", made.NetworkRouteInlineInterfaces).Name, "way")
	_, err := c.Networking.NetworkIPRoutesCreate(p, nil)
	refused(t, "a route that is there", err, http.StatusConflict, "1966345")
	list := networking.NewNetworkIPRoutesGetParamsWithContext(t.Context()).WithSvmName(new("net")).WithGateway(new("192.0.2.1"))
	one(t, "routes", must(c.Networking.NetworkIPRoutesGet(list, nil))(t).Payload.NetworkRouteResponseInlineRecords)
	must(c.Networking.NetworkIPRouteDelete(networking.NewNetworkIPRouteDeleteParamsWithContext(t.Context()).WithUUID(uuid), nil))(t)
	_, err = c.Networking.NetworkIPRouteGet(get, nil)
	refused(t, "a deleted route", err, http.StatusNotFound, "4")
}

// ground is IPspaces, domains, ports, subnets and policies.
func ground(t *testing.T, c *client.Ontap) {
	space := networking.NewIpspacesGetParamsWithContext(t.Context()).WithName(new("Default"))
	same(t, "the IPspace", one(t, "IPspaces", must(c.Networking.IpspacesGet(space, nil))(t).Payload.IpspaceResponseInlineRecords).Name, "Default")
	list := networking.NewNetworkEthernetBroadcastDomainsGetParamsWithContext(t.Context()).WithIpspaceName(new("Default")).WithFields([]string{"*"})
	domain := one(t, "domains", must(c.Networking.NetworkEthernetBroadcastDomainsGet(list, nil))(t).Payload.BroadcastDomainResponseInlineRecords)
	get := networking.NewNetworkEthernetBroadcastDomainGetParamsWithContext(t.Context()).WithUUID(*domain.UUID)
	domain = must(c.Networking.NetworkEthernetBroadcastDomainGet(get, nil))(t).Payload
	same(t, "the domain", domain.Name, "Default")
	if domain.Mtu == nil || *domain.Mtu < 68 || len(domain.BroadcastDomainInlinePorts) == 0 {
		t.Errorf("a domain without MTU or ports: %+v", domain)
	}
	subnets := networking.NewIPSubnetCollectionGetParamsWithContext(t.Context()).WithFields([]string{"*"})
	subnet := one(t, "subnets", must(c.Networking.IPSubnetCollectionGet(subnets, nil))(t).Payload.IPSubnetResponseInlineRecords)
	same(t, "the subnet's address", subnet.Subnet.Address, "198.51.100.0")
	same(t, "its gateway", subnet.Gateway, "198.51.100.1")
	same(t, "its addresses", subnet.TotalCount, 90)
	policies := networking.NewNetworkIPServicePoliciesGetParamsWithContext(t.Context()).WithScope(new("svm")).WithFields([]string{"*"})
	names := []string{}
	for _, p := range must(c.Networking.NetworkIPServicePoliciesGet(policies, nil))(t).Payload.IPServicePolicyResponseInlineRecords {
		names = append(names, *p.Name)
	}
	if all := strings.Join(names, " "); !strings.Contains(all, "default-management") || !strings.Contains(all, "default-data-nvme-tcp") {
		t.Errorf("policies of SVMs: %s", all)
	}
}
