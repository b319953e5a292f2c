package ontap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// MaskLen is the length of a netmask. ONTAP takes it dotted too, and gives it
// as a length, in a string.
type MaskLen int

// UnmarshalJSON takes "24", 24 and "255.255.255.0"; "" is a length of zero, as
// where there is no address.
func (m *MaskLen) UnmarshalJSON(b []byte) error {
	var t Code // a string or a number
	if err := t.UnmarshalJSON(b); err != nil {
		return err
	}
	if t == "" {
		*m = 0
		return nil
	}
	if ip := net.ParseIP(string(t)).To4(); ip != nil && strings.Contains(string(t), ".") {
		ones, bits := net.IPMask(ip).Size()
		if bits == 0 {
			return fmt.Errorf("netmask %q is none", string(t))
		}
		*m = MaskLen(ones)
		return nil
	}
	n, err := strconv.Atoi(string(t))
	if err != nil || n < 0 || n > 128 {
		return fmt.Errorf("netmask %q is none", tidy(string(t)))
	}
	*m = MaskLen(n)
	return nil
}

// MarshalJSON gives the length in a string.
func (m MaskLen) MarshalJSON() ([]byte, error) { return json.Marshal(strconv.Itoa(int(m))) }

// Service policies of the interfaces that we make.
const (
	PolicyManagement  = "default-management"
	PolicyDataNVMeTCP = "default-data-nvme-tcp"
)

// ServiceManagementHTTPS is the service at which an SVM's users log in.
const ServiceManagementHTTPS = "management_https"

// InterfaceIP is the address of an interface, zero if the array told none.
type InterfaceIP struct {
	Address netip.Addr `json:"address"`
	Netmask MaskLen    `json:"netmask"`
}

// Port is a network port of a node.
type Port struct {
	UUID string `json:"uuid,omitempty"`
	Name string `json:"name,omitempty"`
	Node Ref    `json:"node,omitzero"`
}

// Interface is a logical interface (LIF) of an SVM.
type Interface struct {
	UUID          string      `json:"uuid"`
	Name          string      `json:"name"`
	SVM           Ref         `json:"svm"`
	IP            InterfaceIP `json:"ip"`
	Enabled       *bool       `json:"enabled"` // nil: not told
	State         string      `json:"state"`   // operational: up or down
	VIP           bool        `json:"vip"`
	IPspace       Ref         `json:"ipspace"`
	ServicePolicy Ref         `json:"service_policy"`
	Services      []string    `json:"services"`
	Location      struct {
		HomeNode Ref   `json:"home_node"`
		HomePort Port  `json:"home_port"`
		Node     Ref   `json:"node"`
		Port     Port  `json:"port"`
		IsHome   *bool `json:"is_home"`
	} `json:"location"`
}

// IsUp reports whether the interface serves.
func (i Interface) IsUp() bool { return i.State == "up" }

// check does not ask for an address: one odd interface somewhere on the array
// must not hide all others.
func (i Interface) check() error { return named(i.UUID, i.Name) }

var interfaceFields = []string{
	"uuid", "name", "svm", "ip.address", "ip.netmask", "enabled", "state", "vip", "ipspace", "service_policy", "services",
	"location.home_node", "location.home_port", "location.node", "location.port", "location.is_home",
}

// InterfaceQuery selects interfaces. The zero value is all of all SVMs.
type InterfaceQuery struct {
	SVMUUID   string
	Names     []string
	Addresses []netip.Addr
	Service   string // such as ServiceManagementHTTPS
}

// Interfaces lists interfaces of SVMs, not those of the cluster itself.
func (c *Client) Interfaces(ctx context.Context, q InterfaceQuery) iter.Seq2[Interface, error] {
	r := get("list interfaces", KindInterface, at("network/ip/interfaces"), interfaceFields...)
	r.query.Set("scope", "svm")
	if q.SVMUUID != "" {
		r = r.needUUID(q.SVMUUID)
		r.filter("svm.uuid", q.SVMUUID)
	}
	r.filter("name", q.Names...)
	var addresses []string
	for _, a := range q.Addresses {
		addresses = append(addresses, a.String())
	}
	r.filter("ip.address", addresses...)
	if q.Service != "" {
		r.filter("services", q.Service)
	}
	return list(ctx, c, r, func(i Interface) error {
		if !among(q.Names, i.Name) || !among(addresses, i.IP.Address.String()) {
			return errors.New("an interface that was not asked for")
		}
		return within(q.SVMUUID, i.SVM, i.check())
	})
}

// Interface reads one interface.
func (c *Client) Interface(ctx context.Context, uuid string) (Interface, error) {
	r := getOne("read interface", KindInterface, at("network/ip/interfaces", uuid), interfaceFields...).needUUID(uuid)
	return one(ctx, c, r, func(i Interface) error { return same(uuid, i.UUID, i.check()) })
}

// NewInterface is what is asked for at creation: an address with its netmask or
// a subnet, and a home node, a broadcast domain or both.
type NewInterface struct {
	SVMUUID         string
	Name            string
	Address         netip.Addr
	Netmask         int
	Subnet          string // name; instead of address and netmask
	HomeNode        string // name
	BroadcastDomain string // name
	ServicePolicy   string // name; "" is the array's default
	VIP             bool   // advertised by BGP: the netmask is a single address
}

type interfaceBody struct {
	Name          string        `json:"name,omitempty"`
	SVM           Ref           `json:"svm,omitzero"`
	IP            *InterfaceIP  `json:"ip,omitempty"`
	Subnet        Ref           `json:"subnet,omitzero"`
	Enabled       *bool         `json:"enabled,omitempty"`
	VIP           bool          `json:"vip,omitempty"`
	ServicePolicy Ref           `json:"service_policy,omitzero"`
	Location      *locationBody `json:"location,omitempty"`
}

type locationBody struct {
	HomeNode        Ref   `json:"home_node,omitzero"`
	BroadcastDomain Ref   `json:"broadcast_domain,omitzero"`
	IsHome          *bool `json:"is_home,omitempty"`
}

// CreateInterface makes an interface; it is enabled.
func (c *Client) CreateInterface(ctx context.Context, n NewInterface) (Made, error) {
	body := interfaceBody{
		Name: n.Name, SVM: Ref{UUID: n.SVMUUID}, Subnet: Ref{Name: n.Subnet}, VIP: n.VIP, ServicePolicy: Ref{Name: n.ServicePolicy},
		Location: &locationBody{HomeNode: Ref{Name: n.HomeNode}, BroadcastDomain: Ref{Name: n.BroadcastDomain}},
	}
	if n.Address.IsValid() {
		body.IP = &InterfaceIP{n.Address, MaskLen(n.Netmask)}
	}
	r := request{name: "create interface", kind: KindInterface, method: http.MethodPost, path: at("network/ip/interfaces"), body: body}
	if n.Name == "" || n.Address.IsValid() == (n.Subnet != "") {
		r.invalid = errors.New("an interface needs a name and either an address or a subnet")
	}
	return c.create(ctx, r.needUUID(n.SVMUUID))
}

// InterfaceChange is what may change in an interface; zero values leave it as
// it is. ONTAP refuses to move an NVMe interface that is enabled.
type InterfaceChange struct {
	Enabled       *bool
	ServicePolicy string // name
	HomeNode      string // name
	Revert        bool   // go back to the home port
}

// ChangeInterface changes an interface.
func (c *Client) ChangeInterface(ctx context.Context, uuid string, ch InterfaceChange) error {
	body := interfaceBody{Enabled: ch.Enabled, ServicePolicy: Ref{Name: ch.ServicePolicy}}
	if ch.HomeNode != "" || ch.Revert {
		body.Location = &locationBody{HomeNode: Ref{Name: ch.HomeNode}}
	}
	if ch.Revert {
		body.Location.IsHome = &ch.Revert
	}
	r := request{name: "change interface", kind: KindInterface, method: http.MethodPatch, path: at("network/ip/interfaces", uuid), own: true, body: body, repeat: true}
	_, err := c.settle(ctx, r.needUUID(uuid))
	return err
}

// DeleteInterface deletes an interface. Disable it first: some releases demand
// it.
func (c *Client) DeleteInterface(ctx context.Context, uuid string) error {
	r := request{name: "delete interface", kind: KindInterface, method: http.MethodDelete, path: at("network/ip/interfaces", uuid), own: true}
	_, err := c.settle(ctx, r.needUUID(uuid))
	return err
}
