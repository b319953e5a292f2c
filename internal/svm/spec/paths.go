package spec

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
)

// Who opens a network path.
const (
	FromHere   = "here"       // where this program runs
	FromShoots = "the shoots" // their nodes, and Trident in them
)

// Path is a network path that must be open.
type Path struct {
	From string `json:"from"` // FromHere or FromShoots
	// Host is a name or an address; "" where the array takes the address out of
	// a subnet.
	Host    string `json:"host,omitempty"`
	Port    int    `json:"port"` // TCP
	Purpose string `json:"purpose"`
	// Needed says that our own checks use it; the others are for whoever keeps
	// the firewalls.
	Needed bool `json:"needed"`
}

func (p Path) String() string {
	host := p.Host
	if host == "" {
		host = "(an address of the subnet)"
	}
	return fmt.Sprintf("from %s to %s, TCP: %s", p.From, net.JoinHostPort(host, strconv.Itoa(p.Port)), p.Purpose)
}

// dataPorts are what clients of each protocol connect to.
var dataPorts = map[string][]struct {
	port    int
	purpose string
}{
	NVMe:  {{4420, "NVMe/TCP"}, {8009, "NVMe/TCP discovery"}},
	ISCSI: {{3260, "iSCSI"}},
	NFS:   {{2049, "NFS"}},
}

// Paths are the network paths that the checks need, of the arrays that may have
// the SVM, and those that its users need. It tries none of them.
func (s StorageVM) Paths(arrays []Array) []Path {
	s = s.Default()
	among, err := s.Among(arrays)
	if err != nil {
		among = arrays // which of them cannot be said: better too many
	}
	var all []Path
	for _, a := range among {
		all = append(all, a.path())
	}
	management := s.Spec.ManagementLIF
	all = append(all,
		Path{From: FromHere, Host: management.host(), Port: 443, Purpose: "logins are checked on " + management.Name, Needed: true},
		Path{From: FromShoots, Host: management.host(), Port: 443, Purpose: "Trident to " + management.Name},
	)
	for _, lif := range s.Spec.DataLIFs {
		for _, word := range s.Spec.Protocols {
			for _, p := range dataPorts[word] {
				all = append(all, Path{From: FromShoots, Host: lif.host(), Port: p.port, Purpose: p.purpose + " to " + lif.Name})
			}
		}
	}
	return all
}

func (a Array) path() Path {
	p := Path{From: FromHere, Port: 443, Purpose: "management of array " + a.Name, Needed: true}
	u, err := url.Parse(a.URL)
	if err != nil {
		return p // ParseArrays refuses it
	}
	p.Host = u.Hostname()
	if port, err := strconv.Atoi(u.Port()); err == nil {
		p.Port = port
	}
	return p
}

func (i Interface) host() string {
	if !i.Address.IsValid() {
		return ""
	}
	return i.Address.String()
}
