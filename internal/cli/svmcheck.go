package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// notOurs says in plain words that an array does not take our password, or is
// not who it should be. It is nil for all other errors.
func notOurs(a spec.Array, err error) error {
	var pin *ontap.PinError
	var verify *tls.CertificateVerificationError
	switch {
	case errors.Is(err, ontap.ErrCredentials):
		return fmt.Errorf("array %s does not accept user %q with the password in %s; it was tried once, and is not tried again, since an array locks an account after five failures",
			a.Name, a.User, a.PasswordFile)
	case errors.As(err, &pin):
		return foreignCertificate(a, "is none of its fingerprints", pin.Presented)
	case errors.As(err, &verify) && len(verify.UnverifiedCertificates) > 0:
		return foreignCertificate(a, fmt.Sprintf("is not vouched for by its caFile (%v)", verify.Err), ontap.FingerprintOf(verify.UnverifiedCertificates[0]))
	}
	return nil
}

func foreignCertificate(a spec.Array, why string, presented ontap.Fingerprint) error {
	return fmt.Errorf("array %s (%s) presents a certificate that %s; no password was sent to it\n"+
		"  presented: %s\n"+
		"  If that is the array's own, which its console tells (security certificate show -instance -type server),\n"+
		"  put into its entry in the file of the arrays, in place of caFile or insecure:\n"+
		"    fingerprints: [\"%s\"]", a.Name, a.URL, why, presented, presented)
}

// svmCheck asks an array whether it can have what is wanted. It only reads.
type svmCheck struct {
	array    look.Array
	want     spec.StorageVM
	uuids    []string // of the SVM, where it is there already
	problems []string
	unknown  []string
}

// run asks everything that can be known before anything is made.
func (c *svmCheck) run(ctx context.Context) {
	c.ipspaces(ctx)
	c.domains(ctx)
	c.subnets(ctx)
	c.nodes(ctx)
	c.aggregates(ctx)
	c.licences(ctx)
	c.addresses(ctx)
	c.metroCluster(ctx)
	c.peers(ctx)
}

func (c *svmCheck) wrong(field, value, format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf("%s %q: %s", field, value, fmt.Sprintf(format, args...)))
}

// failed notes what could not be asked, and reports whether it was so.
func (c *svmCheck) failed(what string, err error) bool {
	if err != nil {
		c.unknown = append(c.unknown, fmt.Sprintf("%s could not be asked: %v", what, err))
	}
	return err != nil
}

// placed is an interface with its field, as errors name it.
type placed struct {
	spec.Interface
	field string
}

func (c *svmCheck) interfaces() []placed {
	var all []placed
	for i, lif := range c.want.Spec.DataLIFs {
		all = append(all, placed{lif, fmt.Sprintf("spec.dataLIFs[%d]", i)})
	}
	return append(all, placed{c.want.Spec.ManagementLIF, "spec.managementLIF"})
}

func (c *svmCheck) ipspace() string {
	if c.want.Spec.IPspace != "" {
		return c.want.Spec.IPspace
	}
	return "Default"
}

func (c *svmCheck) ipspaces(ctx context.Context) {
	name := c.want.Spec.IPspace
	if name == "" {
		return
	}
	all, err := ontap.All(c.array.Client.IPspaces(ctx))
	if c.failed("whether there is IPspace "+name, err) {
		return
	}
	var there []string
	for _, s := range all {
		there = append(there, s.Name)
	}
	c.among("spec.ipspace", name, "IPspace", there)
}

// among notes a name that the array does not have.
func (c *svmCheck) among(field, name, what string, there []string) {
	if slices.Contains(there, name) {
		return
	}
	slices.Sort(there)
	c.wrong(field, name, "array %s has no such %s; it has %s", c.array.Name, what, orElse(strings.Join(slices.Compact(there), ", "), "none"))
}

func (c *svmCheck) domains(ctx context.Context) {
	if !slices.ContainsFunc(c.interfaces(), func(i placed) bool { return i.BroadcastDomain != "" }) {
		return
	}
	all, err := ontap.All(c.array.Client.BroadcastDomains(ctx))
	if c.failed("which broadcast domains there are", err) {
		return
	}
	var there []string
	for _, d := range all {
		if d.IPspace.Name == c.ipspace() {
			there = append(there, d.Name)
		}
	}
	for _, lif := range c.interfaces() {
		if lif.BroadcastDomain != "" {
			c.among(lif.field+".broadcastDomain", lif.BroadcastDomain, "broadcast domain in IPspace "+c.ipspace(), there)
		}
	}
}

func (c *svmCheck) subnets(ctx context.Context) {
	if !slices.ContainsFunc(c.interfaces(), func(i placed) bool { return i.Subnet != "" }) {
		return
	}
	all, err := ontap.All(c.array.Client.Subnets(ctx))
	if c.failed("which subnets there are", err) {
		return
	}
	var there []string
	for _, s := range all {
		if s.IPspace.Name == c.ipspace() {
			there = append(there, s.Name)
		}
	}
	for _, lif := range c.interfaces() {
		if lif.Subnet != "" {
			c.among(lif.field+".subnet", lif.Subnet, "subnet in IPspace "+c.ipspace(), there)
		}
	}
}

func (c *svmCheck) nodes(ctx context.Context) {
	all, err := ontap.All(c.array.Client.Nodes(ctx))
	if c.failed("which nodes there are", err) {
		return
	}
	var there []string
	down := map[string]string{}
	for _, n := range all {
		there = append(there, n.Name)
		if n.State != ontap.NodeUp {
			down[n.Name] = n.State
		}
	}
	for _, lif := range c.interfaces() {
		if lif.HomeNode == "" {
			continue
		}
		c.among(lif.field+".homeNode", lif.HomeNode, "node", there)
		if state := down[lif.HomeNode]; state != "" {
			c.wrong(lif.field+".homeNode", lif.HomeNode, "the node is %s; an interface is made only on one that is up", oneLine(state))
		}
	}
}

func (c *svmCheck) aggregates(ctx context.Context) {
	if len(c.want.Spec.Aggregates) == 0 {
		return
	}
	all, err := ontap.All(c.array.Client.Aggregates(ctx))
	if c.failed("which aggregates there are", err) {
		return
	}
	var there []string
	for _, a := range all {
		there = append(there, a.Name)
	}
	for i, name := range c.want.Spec.Aggregates {
		c.among(fmt.Sprintf("spec.aggregates[%d]", i), name, "aggregate", there)
	}
}

// licenceNeeded are the packages that protocols need.
var licenceNeeded = map[string]string{spec.NVMe: "nvme_of", spec.ISCSI: "iscsi", spec.NFS: "nfs"}

func (c *svmCheck) licences(ctx context.Context) {
	all, err := ontap.All(c.array.Client.Licences(ctx))
	if c.failed("which licences there are", err) || len(all) == 0 { // an array that lists none does not tell
		return
	}
	for i, protocol := range c.want.Spec.Protocols {
		licensed := slices.ContainsFunc(all, func(l ontap.Licence) bool {
			return l.Name == licenceNeeded[protocol] && l.State != "unlicensed"
		})
		if !licensed {
			c.wrong(fmt.Sprintf("spec.protocols[%d]", i), protocol, "array %s has no licence %s for it", c.array.Name, licenceNeeded[protocol])
		}
	}
}

// addresses looks for those that another SVM has already.
func (c *svmCheck) addresses(ctx context.Context) {
	var wanted []netip.Addr
	for _, lif := range c.interfaces() {
		if lif.Address.IsValid() {
			wanted = append(wanted, lif.Address)
		}
	}
	if len(wanted) == 0 {
		return
	}
	all, err := ontap.All(c.array.Client.Interfaces(ctx, ontap.InterfaceQuery{Addresses: wanted}))
	if c.failed("whether its addresses are free", err) {
		return
	}
	for _, there := range all {
		if there.IPspace.Name != "" && there.IPspace.Name != c.ipspace() || slices.Contains(c.uuids, there.SVM.UUID) {
			continue
		}
		for _, lif := range c.interfaces() {
			if lif.Address == there.IP.Address.Unmap() {
				c.wrong(lif.field+".address", lif.Address.String(), "interface %s of SVM %s has it on array %s", oneLine(there.Name), oneLine(there.SVM.Name), c.array.Name)
			}
		}
	}
}

// longestPaired is the longest name of an SVM that its twin's name leaves room
// for (facts 4).
const longestPaired = 41

func (c *svmCheck) metroCluster(ctx context.Context) {
	name := c.want.Spec.SVMName
	if len(name) <= longestPaired {
		return
	}
	mc, err := c.array.Client.MetroCluster(ctx)
	if c.failed("whether the array is in a MetroCluster", err) {
		return
	}
	if mode := mc.Local.Mode; mode != "" && mode != ontap.ModeNotConfigured {
		c.wrong("spec.svmName", name, "array %s is in a MetroCluster, which takes %d characters; it has %d", c.array.Name, longestPaired, len(name))
	}
}

func (c *svmCheck) peers(ctx context.Context) {
	vips := slices.DeleteFunc(c.interfaces(), func(i placed) bool { return !i.VIP })
	if len(vips) == 0 {
		return
	}
	all, err := ontap.All(c.array.Client.PeerGroups(ctx))
	if c.failed("whether there is a BGP session", err) {
		return
	}
	up := slices.ContainsFunc(all, func(g ontap.PeerGroup) bool { return g.State == "up" && g.IPspace.Name == c.ipspace() })
	for _, lif := range vips {
		if !up {
			c.wrong(lif.field+".vip", "true", "array %s has no BGP peer group in IPspace %s that is up", c.array.Name, c.ipspace())
		}
	}
}

// check asks the array on which the SVM is, or would be made.
func (w *svmWorld) check(ctx context.Context, want spec.StorageVM, d decide.Decision) svmCheck {
	name := d.Array
	if name == "" {
		var names []string
		among, _ := want.Among(w.config) // it was checked when the files were read
		for _, a := range among {
			names = append(names, a.Name)
		}
		name = decide.Target(want.Spec.SVMName, names, want.Spec.Array)
	}
	i := slices.IndexFunc(w.arrays, func(a look.Array) bool { return a.Name == name })
	if i < 0 {
		return svmCheck{unknown: []string{"no array is known on which it would be made"}}
	}
	c := svmCheck{array: w.arrays[i], want: want, uuids: d.UUIDs}
	for _, t := range d.Verdict.Missing {
		if t.Name == decide.ArrayWitness(name) {
			c.unknown = []string{"what array " + name + " has could not be asked: it is silent"}
			return c
		}
	}
	c.run(ctx)
	c.unknown = summed(c.unknown)
	return c
}

// summed keeps one silent array from filling the page.
func summed(unknown []string) []string {
	const shown = 3
	if len(unknown) <= shown {
		return unknown
	}
	return append(slices.Clone(unknown[:shown]), fmt.Sprintf("and %d questions more", len(unknown)-shown))
}
