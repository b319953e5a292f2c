package sim

import (
	"fmt"
	"log"
	"log/slog"
	"net"
	"slices"
	"strings"
)

// worldVersion is the format of the state file.
const worldVersion = 1

func (s *Simulator) build() (*world, error) {
	w := &world{Version: worldVersion}
	for i := range s.opts.Clusters {
		st := &site{Index: i, UUID: newUUID(), Name: s.opts.Names[i]}
		host, _, err := net.SplitHostPort(s.opts.Listen[i])
		if err != nil {
			return nil, fmt.Errorf("listen address %q: %w", s.opts.Listen[i], err)
		}
		if st.Keys, err = newKeyPair(st.Name, "localhost", "127.0.0.1", host); err != nil {
			return nil, err
		}
		s.buildNodes(w, st)
		s.buildNetwork(w, st)
		w.Sites = append(w.Sites, st)
	}
	return w, nil
}

func (s *Simulator) buildNodes(w *world, st *site) {
	for n := range s.opts.Nodes {
		name := fmt.Sprintf("%s-%02d", st.Name, n+1)
		partner := n ^ 1 // nodes 0 and 1 are an HA pair, 2 and 3, ...
		nd := &node{object: w.newObject(), Name: name, State: "up", Serial: fmt.Sprintf("9%d%010d", st.Index, n+1)}
		if partner < s.opts.Nodes {
			nd.Partner = fmt.Sprintf("%s-%02d", st.Name, partner+1)
		}
		st.Nodes = append(st.Nodes, nd)
		st.Aggregates = append(st.Aggregates, &aggregate{
			object: w.newObject(), Name: fmt.Sprintf("aggr0_%s_%02d", st.Name, n+1),
			Node: name, Home: name, State: "online", Size: 200 << 30, Root: true,
		})
		for a := range s.opts.Aggregates {
			st.Aggregates = append(st.Aggregates, &aggregate{
				object: w.newObject(), Name: fmt.Sprintf("aggr%d_%s_%02d", a+1, st.Name, n+1),
				Node: name, Home: name, State: "online", Size: s.opts.AggregateSize,
			})
		}
	}
}

func (s *Simulator) buildNetwork(w *world, st *site) {
	data := s.opts.BroadcastDomains[st.Index]
	for _, name := range []string{"Default", "Cluster"} {
		st.Spaces = append(st.Spaces, &ipspace{object: w.newObject(), Name: name})
	}
	st.Domains = append(st.Domains,
		&domain{object: w.newObject(), Name: data, Space: "Default", MTU: 1500},
		&domain{object: w.newObject(), Name: "Cluster", Space: "Cluster", MTU: 9000})
	for _, n := range st.Nodes {
		for i, name := range []string{"e0a", "e0b", "e0c", "e0d"} {
			p := &port{object: w.newObject(), Name: name, Node: n.Name, Domain: data, Space: "Default"}
			if i < 2 {
				p.Domain, p.Space = "Cluster", "Cluster"
			}
			st.Ports = append(st.Ports, p)
		}
	}
	for _, sn := range s.opts.Subnets {
		if sn.BroadcastDomain == "" {
			sn.BroadcastDomain = data
		}
		st.Subnets = append(st.Subnets, &subnet{object: w.newObject(), Subnet: sn, Space: "Default"})
	}
	for _, pg := range s.opts.PeerGroups {
		if pg.IPspace == "" {
			pg.IPspace = "Default"
		}
		st.Peers = append(st.Peers, &peerGroup{object: w.newObject(), PeerGroup: pg})
	}
	for _, p := range defaultPolicies() {
		p.object = w.newObject()
		st.Policies = append(st.Policies, p)
	}
	for _, name := range []string{"nvme_of", "nfs", "iscsi", "cifs", "fcp", "s3"} {
		st.Licenses = append(st.Licenses, &license{
			object: w.newObject(), Name: name, Licensed: !slices.Contains(s.opts.Unlicensed, name),
		})
	}
}

// defaultPolicies are the service policies that every SVM has.
func defaultPolicies() []*policy {
	clients := []string{"management_dns_client", "management_ad_client", "management_ldap_client", "management_nis_client"}
	management := append([]string{"data_core", "management_https", "management_http", "management_ssh"}, clients...)
	return []*policy{
		{Name: "default-management", SVM: true, Services: management},
		{Name: "default-data-nvme-tcp", SVM: true, Services: []string{"data_core", "data_nvme_tcp"}},
		{Name: "default-data-blocks", SVM: true, Services: []string{"data_core", "data_iscsi", "data_fpolicy_client"}},
		{Name: "default-data-iscsi", SVM: true, Services: []string{"data_core", "data_iscsi"}},
		{Name: "default-data-files", SVM: true, Services: append([]string{"data_core", "data_nfs", "data_cifs", "data_fpolicy_client"}, clients...)},
		{Name: "default-intercluster", Services: []string{"intercluster_core", "management_https"}},
	}
}

// quiet sends what net/http complains about (broken handshakes, mostly) to the
// log at its lowest level.
func quiet(to *slog.Logger) *log.Logger {
	return log.New(lines{to}, "", 0)
}

type lines struct{ to *slog.Logger }

func (l lines) Write(p []byte) (int, error) {
	l.to.Debug("http server", "message", strings.TrimSpace(string(p)))
	return len(p), nil
}
