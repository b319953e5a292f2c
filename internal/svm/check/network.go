package check

import (
	"context"
	"net/netip"
	"slices"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

func (q *questions) ipspaces(ctx context.Context) {
	name := q.want.Spec.IPspace
	if name == "" {
		return
	}
	all, err := ontap.All(q.array.Client.IPspaces(ctx))
	if q.failed("whether there is IPspace "+name, err) {
		return
	}
	var there []string
	for _, s := range all {
		there = append(there, s.Name)
	}
	q.among("spec.ipspace", name, "IPspace", there)
}

func (q *questions) domains(ctx context.Context) {
	named := func(lif spec.Interface) string { return lif.BroadcastDomain }
	q.inIPspace("broadcastDomain", "broadcast domain", named, func() (there []string, err error) {
		all, err := ontap.All(q.array.Client.BroadcastDomains(ctx))
		for _, d := range all {
			if d.IPspace.Name == q.ipspace() {
				there = append(there, d.Name)
			}
		}
		return there, err
	})
}

func (q *questions) subnets(ctx context.Context) {
	named := func(lif spec.Interface) string { return lif.Subnet }
	q.inIPspace("subnet", "subnet", named, func() (there []string, err error) {
		all, err := ontap.All(q.array.Client.Subnets(ctx))
		for _, s := range all {
			if s.IPspace.Name == q.ipspace() {
				there = append(there, s.Name)
			}
		}
		return there, err
	})
}

// inIPspace holds what interfaces name in one field to what the SVM's IPspace
// has. Where none names anything, nothing is asked.
func (q *questions) inIPspace(field, what string, named func(spec.Interface) string, ask func() ([]string, error)) {
	if !slices.ContainsFunc(q.interfaces(), func(i placed) bool { return named(i.Interface) != "" }) {
		return
	}
	there, err := ask()
	if q.failed("which "+what+"s there are", err) {
		return
	}
	for _, lif := range q.interfaces() {
		if name := named(lif.Interface); name != "" {
			q.among(lif.field+"."+field, name, what+" in IPspace "+q.ipspace(), there)
		}
	}
}

// addresses looks for those that another SVM has already.
func (q *questions) addresses(ctx context.Context) {
	var wanted []netip.Addr
	for _, lif := range q.interfaces() {
		if lif.Address.IsValid() {
			wanted = append(wanted, lif.Address)
		}
	}
	if len(wanted) == 0 {
		return
	}
	all, err := ontap.All(q.array.Client.Interfaces(ctx, ontap.InterfaceQuery{Addresses: wanted}))
	if q.failed("whether its addresses are free", err) {
		return
	}
	for _, there := range all {
		if there.IPspace.Name != "" && there.IPspace.Name != q.ipspace() || slices.Contains(q.ours, there.SVM.UUID) {
			continue
		}
		for _, lif := range q.interfaces() {
			if lif.Address == there.IP.Address.Unmap() {
				q.wrong(lif.field+".address", lif.Address.String(), "interface %s of SVM %s has it on array %s", there.Name, there.SVM.Name, q.array.Name)
			}
		}
	}
}

// peers: a VIP is advertised by BGP, so it needs a session.
func (q *questions) peers(ctx context.Context) {
	vips := slices.DeleteFunc(q.interfaces(), func(i placed) bool { return !i.VIP })
	if len(vips) == 0 {
		return
	}
	all, err := ontap.All(q.array.Client.PeerGroups(ctx))
	if q.failed("whether there is a BGP session", err) {
		return
	}
	if slices.ContainsFunc(all, func(g ontap.PeerGroup) bool { return g.State == "up" && g.IPspace.Name == q.ipspace() }) {
		return
	}
	for _, lif := range vips {
		q.wrong(lif.field+".vip", "true", "array %s has no BGP peer group in IPspace %s that is up", q.array.Name, q.ipspace())
	}
}
