package ontapgo

import (
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/metal-stack/ontap-go/api/client"
)

// calls are the calls of the conformance suite, and those further ones that the
// simulator knows, with the method of the generated client that makes each.
var calls = map[string]string{
	"GET /cluster":                               "Cluster.ClusterGet",
	"GET /cluster/jobs":                          "Cluster.JobCollectionGet",
	"GET /cluster/jobs/{}":                       "Cluster.JobGet",
	"PATCH /cluster/jobs/{}":                     "Cluster.JobModify",
	"GET /cluster/licensing/licenses":            "Cluster.LicensesGet",
	"GET /cluster/licensing/licenses/{}":         "Cluster.LicenseGet",
	"GET /cluster/metrocluster":                  "Cluster.MetroclusterGet",
	"PATCH /cluster/metrocluster":                "Cluster.MetroclusterModify",
	"GET /cluster/metrocluster/nodes":            "Cluster.MetroclusterNodeCollectionGet",
	"GET /cluster/metrocluster/operations":       "Cluster.MetroclusterOperationCollectionGet",
	"GET /cluster/metrocluster/svms":             "Cluster.MetroclusterSvmCollectionGet",
	"GET /cluster/nodes":                         "Cluster.NodesGet",
	"GET /cluster/nodes/{}":                      "Cluster.NodeGet",
	"GET /network/ethernet/broadcast-domains":    "Networking.NetworkEthernetBroadcastDomainsGet",
	"GET /network/ethernet/broadcast-domains/{}": "Networking.NetworkEthernetBroadcastDomainGet",
	"GET /network/ethernet/ports":                "Networking.NetworkEthernetPortsGet",
	"GET /network/ip/bgp/peer-groups":            "Networking.NetworkIPBgpPeerGroupsGet",
	"GET /network/ip/interfaces":                 "Networking.NetworkIPInterfacesGet",
	"POST /network/ip/interfaces":                "Networking.NetworkIPInterfacesCreate",
	"GET /network/ip/interfaces/{}":              "Networking.NetworkIPInterfaceGet",
	"PATCH /network/ip/interfaces/{}":            "Networking.NetworkIPInterfaceModify",
	"DELETE /network/ip/interfaces/{}":           "Networking.NetworkIPInterfaceDelete",
	"GET /network/ip/routes":                     "Networking.NetworkIPRoutesGet",
	"POST /network/ip/routes":                    "Networking.NetworkIPRoutesCreate",
	"GET /network/ip/routes/{}":                  "Networking.NetworkIPRouteGet",
	"DELETE /network/ip/routes/{}":               "Networking.NetworkIPRouteDelete",
	"GET /network/ip/service-policies":           "Networking.NetworkIPServicePoliciesGet",
	"GET /network/ip/subnets":                    "Networking.IPSubnetCollectionGet",
	"GET /network/ipspaces":                      "Networking.IpspacesGet",
	"GET /protocols/nfs/services":                "Nas.NfsCollectionGet",
	"POST /protocols/nfs/services":               "Nas.NfsCreate",
	"GET /protocols/nfs/services/{}":             "Nas.NfsGet",
	"PATCH /protocols/nfs/services/{}":           "Nas.NfsModify",
	"DELETE /protocols/nfs/services/{}":          "Nas.NfsDelete",
	"GET /protocols/nvme/services":               "NvMe.NvmeServiceCollectionGet",
	"POST /protocols/nvme/services":              "NvMe.NvmeServiceCreate",
	"GET /protocols/nvme/services/{}":            "NvMe.NvmeServiceGet",
	"PATCH /protocols/nvme/services/{}":          "NvMe.NvmeServiceModify",
	"DELETE /protocols/nvme/services/{}":         "NvMe.NvmeServiceDelete",
	"GET /protocols/nvme/subsystems":             "NvMe.NvmeSubsystemCollectionGet",
	"GET /protocols/san/iscsi/services":          "San.IscsiServiceCollectionGet",
	"POST /protocols/san/iscsi/services":         "San.IscsiServiceCreate",
	"GET /protocols/san/iscsi/services/{}":       "San.IscsiServiceGet",
	"PATCH /protocols/san/iscsi/services/{}":     "San.IscsiServiceModify",
	"DELETE /protocols/san/iscsi/services/{}":    "San.IscsiServiceDelete",
	"GET /security/accounts":                     "Security.AccountCollectionGet",
	"POST /security/accounts":                    "Security.AccountCreate",
	"GET /security/accounts/{}/{}":               "Security.AccountGet",
	"PATCH /security/accounts/{}/{}":             "Security.AccountModify",
	"DELETE /security/accounts/{}/{}":            "Security.AccountDelete",
	"POST /security/authentication/password":     "Security.AccountPasswordCreate",
	"GET /security/certificates":                 "Security.SecurityCertificateCollectionGet",
	"GET /security/certificates/{}":              "Security.SecurityCertificateGet",
	"GET /snapmirror/relationships":              "SnapMirror.SnapmirrorRelationshipsGet",
	"GET /storage/aggregates":                    "Storage.AggregateCollectionGet",
	"GET /storage/aggregates/{}":                 "Storage.AggregateGet",
	"GET /storage/namespaces":                    "NvMe.NvmeNamespaceCollectionGet",
	"GET /storage/volumes":                       "Storage.VolumeCollectionGet",
	"POST /storage/volumes":                      "Storage.VolumeCreate",
	"GET /storage/volumes/{}":                    "Storage.VolumeGet",
	"PATCH /storage/volumes/{}":                  "Storage.VolumeModify",
	"DELETE /storage/volumes/{}":                 "Storage.VolumeDelete",
	"GET /storage/volumes/{}/snapshots":          "Storage.SnapshotCollectionGet",
	"POST /storage/volumes/{}/snapshots":         "Storage.SnapshotCreate",
	"GET /svm/svms":                              "SVM.SvmCollectionGet",
	"POST /svm/svms":                             "SVM.SvmCreate",
	"GET /svm/svms/{}":                           "SVM.SvmGet",
	"PATCH /svm/svms/{}":                         "SVM.SvmModify",
	"DELETE /svm/svms/{}":                        "SVM.SvmDelete",
	"GET /svm/svms/{}/web":                       "SVM.WebSvmGet",
	"POST /support/ems/application-logs":         "Support.EmsApplicationLogsCreate",
}

// notOffered are calls of the conformance suite for which the generated client
// has no method, and why.
var notOffered = map[string]string{
	"HEAD /cluster":               "the specification lists no HEAD",
	"OPTIONS /cluster":            "the specification lists no OPTIONS",
	"PUT /svm/svms":               "the suite asks for what must be refused: 405",
	"GET /no/such/thing":          "the suite asks for what must be refused: 404",
	"PATCH /network/ip/routes/{}": "the suite asks for what must be refused: a route cannot be changed",
	"PATCH /svm/svms":             "a change by query: the generator leaves it out",
	"DELETE /storage/volumes":     "a deletion by query: the generator leaves it out",
}

var pathParameter = regexp.MustCompile(`\{[^}]*\}`)

// withoutNames makes "/svm/svms/{uuid}" of the specification "/svm/svms/{}".
func withoutNames(pattern string) string {
	return path.Clean(pathParameter.ReplaceAllString(pattern, "{}"))
}

// TestTable holds the table to the sources: each call of the conformance suite
// and each path of the simulator stands in it, and each method is there.
func TestTable(t *testing.T) {
	suite := suiteCalls(t, root(t))
	if len(suite) < 40 {
		t.Fatalf("%d calls were found in the source of the conformance suite; it makes more than 40: %v", len(suite), suite)
	}
	for _, call := range suite {
		if calls[call] == "" && notOffered[call] == "" {
			t.Errorf("the conformance suite makes the call %s, which is not in the table", call)
		}
	}
	for call, why := range notOffered {
		if !slices.Contains(suite, call) {
			t.Errorf("%s (%s) is a call that the conformance suite does not make", call, why)
		}
		if calls[call] != "" {
			t.Errorf("%s is in both tables", call)
		}
	}
	for _, p := range simulatorPaths(t, root(t)) {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(calls)), func(call string) bool { return strings.HasSuffix(call, " "+p) }) {
			t.Errorf("the simulator has the path %s, which is not in the table", p)
		}
	}
	groups := reflect.ValueOf(new(client.Ontap)).Elem()
	for call, method := range calls {
		group, name, _ := strings.Cut(method, ".")
		field := groups.FieldByName(group)
		if !field.IsValid() {
			t.Errorf("%s: the client has no group %s", call, group)
		} else if _, ok := field.Type().MethodByName(name); !ok {
			t.Errorf("%s: the client has no method %s", call, method)
		}
	}
}

// allMade holds the table to what was asked: each call, by its method, and no
// other.
func allMade(t *testing.T) {
	asked.mu.Lock()
	defer asked.mu.Unlock()
	for call, method := range calls {
		_, name, _ := strings.Cut(method, ".")
		id, made := asked.calls[call]
		switch {
		case !made:
			t.Errorf("the call %s is in the table and was not made", call)
		case !strings.EqualFold(strings.ReplaceAll(id, "_", ""), name):
			t.Errorf("the call %s was made by the operation %s, not by %s", call, id, method)
		}
	}
	for call, id := range asked.calls {
		if calls[call] == "" {
			t.Errorf("the call %s (%s) was made and is not in the table", call, id)
		}
	}
	t.Logf("%d kinds of calls, %d calls", len(asked.calls), asked.count)
}
