package ontap

import (
	"context"
	"errors"
	"iter"
)

// IPspace is a space in which addresses are unique.
type IPspace struct {
	UUID string `json:"uuid"`
	Name string `json:"name"`
}

// IPspaces lists the array's IPspaces.
func (c *Client) IPspaces(ctx context.Context) iter.Seq2[IPspace, error] {
	r := get("list IPspaces", KindIPspace, at("network/ipspaces"), "uuid", "name")
	return list(ctx, c, r, func(i IPspace) error { return named(i.UUID, i.Name) })
}

// BroadcastDomain is a set of ports that reach each other. Its name is unique
// in its IPspace only, and differs between the sites of a MetroCluster.
type BroadcastDomain struct {
	UUID    string `json:"uuid"`
	Name    string `json:"name"`
	IPspace Ref    `json:"ipspace"`
	Ports   []Port `json:"ports"`
}

// BroadcastDomains lists the array's broadcast domains.
func (c *Client) BroadcastDomains(ctx context.Context) iter.Seq2[BroadcastDomain, error] {
	r := get("list broadcast domains", KindDomain, at("network/ethernet/broadcast-domains"), "uuid", "name", "ipspace", "ports")
	return list(ctx, c, r, func(d BroadcastDomain) error { return named(d.UUID, d.Name) })
}

// Subnet is a pool of addresses of an IPspace.
type Subnet struct {
	UUID    string `json:"uuid"`
	Name    string `json:"name"`
	IPspace Ref    `json:"ipspace"`
}

// Subnets lists the array's subnets.
func (c *Client) Subnets(ctx context.Context) iter.Seq2[Subnet, error] {
	r := get("list subnets", KindSubnet, at("network/ip/subnets"), "uuid", "name", "ipspace")
	return list(ctx, c, r, func(s Subnet) error { return named(s.UUID, s.Name) })
}

// PeerGroup is a set of BGP sessions over which addresses are advertised.
type PeerGroup struct {
	UUID    string `json:"uuid"`
	Name    string `json:"name"`
	IPspace Ref    `json:"ipspace"`
	State   string `json:"state"` // up or down
}

// PeerGroups lists the array's BGP peer groups.
func (c *Client) PeerGroups(ctx context.Context) iter.Seq2[PeerGroup, error] {
	r := get("list BGP peer groups", KindPeerGroup, at("network/ip/bgp/peer-groups"), "uuid", "name", "ipspace", "state")
	return list(ctx, c, r, func(p PeerGroup) error {
		if p.State == "" {
			return errors.New("a peer group without a state")
		}
		return named(p.UUID, p.Name)
	})
}
