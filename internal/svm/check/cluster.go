package check

import (
	"context"
	"fmt"
	"slices"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

func (q *questions) nodes(ctx context.Context) {
	all, err := ontap.All(q.array.Client.Nodes(ctx))
	if q.failed("which nodes there are", err) {
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
	for _, lif := range q.interfaces() {
		if lif.HomeNode == "" {
			continue
		}
		q.among(lif.field+".homeNode", lif.HomeNode, "node", there)
		if state := down[lif.HomeNode]; state != "" {
			q.wrong(lif.field+".homeNode", lif.HomeNode, "the node is %s; an interface is made only on one that is up", state)
		}
	}
}

func (q *questions) aggregates(ctx context.Context) {
	if len(q.want.Spec.Aggregates) == 0 {
		return
	}
	all, err := ontap.All(q.array.Client.Aggregates(ctx))
	if q.failed("which aggregates there are", err) {
		return
	}
	var there []string
	for _, a := range all {
		there = append(there, a.Name)
	}
	for i, name := range q.want.Spec.Aggregates {
		q.among(fmt.Sprintf("spec.aggregates[%d]", i), name, "aggregate", there)
	}
}

// licenceNeeded are the packages that protocols need.
var licenceNeeded = map[string]string{spec.NVMe: "nvme_of", spec.ISCSI: "iscsi", spec.NFS: "nfs"}

func (q *questions) licences(ctx context.Context) {
	all, err := ontap.All(q.array.Client.Licences(ctx))
	if q.failed("which licences there are", err) || len(all) == 0 { // an array that lists none does not tell
		return
	}
	for i, protocol := range q.want.Spec.Protocols {
		licensed := slices.ContainsFunc(all, func(l ontap.Licence) bool {
			return l.Name == licenceNeeded[protocol] && l.State != "unlicensed"
		})
		if !licensed {
			q.wrong(fmt.Sprintf("spec.protocols[%d]", i), protocol, "array %s has no licence %s for it", q.array.Name, licenceNeeded[protocol])
		}
	}
}

// longestPaired is the longest name of an SVM that its twin's name leaves room
// for (facts 4).
const longestPaired = 41

func (q *questions) metroCluster(ctx context.Context) {
	name := q.want.Spec.SVMName
	if len(name) <= longestPaired {
		return
	}
	mc, err := q.array.Client.MetroCluster(ctx)
	if q.failed("whether the array is in a MetroCluster", err) {
		return
	}
	if mode := mc.Local.Mode; mode != "" && mode != ontap.ModeNotConfigured {
		q.wrong("spec.svmName", name, "array %s is in a MetroCluster, which takes %d characters; it has %d", q.array.Name, longestPaired, len(name))
	}
}
