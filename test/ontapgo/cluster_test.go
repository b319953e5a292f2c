package ontapgo

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-openapi/strfmt"
	"github.com/metal-stack/ontap-go/api/client"
	"github.com/metal-stack/ontap-go/api/client/cluster"
	"github.com/metal-stack/ontap-go/api/client/support"
	"github.com/metal-stack/ontap-go/api/models"
	published "github.com/metal-stack/ontap-go/pkg/client"
)

// clusters is one cluster: its version, nodes, licences, faults.
func clusters(t *testing.T) {
	a := startArray(t, "--unlicensed", "s3")
	c := a.cluster(t, 0)
	all := must(c.Cluster.ClusterGet(cluster.NewClusterGetParamsWithContext(t.Context()).WithFields([]string{"**"}), nil))(t).Payload
	same(t, "the name", all.Name, "cluster1")
	same(t, "version.generation", all.Version.Generation, 9)
	same(t, "version.major", all.Version.Major, 16)
	same(t, "version.minor", all.Version.Minor, 1)
	if all.UUID == nil || !strfmt.IsUUID(all.UUID.String()) {
		t.Errorf("the cluster's UUID is %v", all.UUID)
	}
	ignored := with(nil, url.Values{"ignore_unknown_fields": {"true"}})
	platform := cluster.NewClusterGetParamsWithContext(t.Context()).WithFields([]string{"san_optimized", "disaggregated"})
	same(t, "san_optimized", must(c.Cluster.ClusterGet(platform, nil, ignored))(t).Payload.SanOptimized, false)
	t.Run("nodes", func(t *testing.T) { nodes(t, a, c) })
	t.Run("licences", func(t *testing.T) { licences(t, c) })
	t.Run("faults", func(t *testing.T) { faults(t, a, c) })
	t.Run("as published", func(t *testing.T) { asPublished(t, a) })
	t.Run("lists", func(t *testing.T) { readLists(t, c) })
	heartbeat := support.NewEmsApplicationLogsCreateParamsWithContext(t.Context()).WithInfo(&models.EmsApplicationLog{
		ComputerName: new("a"), EventSource: new("b"), EventID: new(int64(1)), EventDescription: new("c"), AppVersion: new("d"),
		Category: new("e"), Severity: new("notice"), AutosupportRequired: new(false),
	})
	must(c.Support.EmsApplicationLogsCreate(heartbeat, nil))(t)
}

func nodes(t *testing.T, a *array, c *client.Ontap) {
	list := cluster.NewNodesGetParamsWithContext(t.Context()).WithName(new("*")).WithFields([]string{"serial_number", "state", "ha"})
	all := must(c.Cluster.NodesGet(list, nil))(t).Payload.NodeResponseInlineRecords
	if len(all) != 2 || all[0].UUID == nil {
		t.Fatalf("%d nodes, expected 2 with a UUID", len(all))
	}
	get := cluster.NewNodeGetParamsWithContext(t.Context()).WithUUID(*all[0].UUID)
	node := must(c.Cluster.NodeGet(get, nil))(t).Payload
	same(t, "the name", node.Name, *all[0].Name)
	same(t, "the serial number", node.SerialNumber, *all[0].SerialNumber)
	same(t, "the state", node.State, models.NodeStateUp)
	a.order(t, "takeover", map[string]any{"node": *node.Name})
	same(t, "the state of a node that is taken over", must(c.Cluster.NodeGet(get, nil))(t).Payload.State, "taken_over")
	a.order(t, "giveback", map[string]any{"node": *node.Name})
	up := cluster.NewNodesGetParamsWithContext(t.Context()).WithState(new("up"))
	same(t, "nodes that are up", must(c.Cluster.NodesGet(up, nil))(t).Payload.NumRecords, 2)
}

func licences(t *testing.T, c *client.Ontap) {
	list := cluster.NewLicensesGetParamsWithContext(t.Context()).WithName(new("*nvme*")).WithFields([]string{"state"})
	same(t, "the NVMe licence", one(t, "licences", must(c.Cluster.LicensesGet(list, nil))(t).Payload.LicensePackageResponseInlineRecords).State, "compliant")
	list = cluster.NewLicensesGetParamsWithContext(t.Context()).WithState(new("unlicensed"))
	same(t, "the package without", one(t, "licences", must(c.Cluster.LicensesGet(list, nil))(t).Payload.LicensePackageResponseInlineRecords).Name, "s3")
	get := cluster.NewLicenseGetParamsWithContext(t.Context()).WithName("nfs")
	same(t, "one licence", must(c.Cluster.LicenseGet(get, nil))(t).Payload.Name, "nfs")
}

// faults are refusals in passing, as the client sees them.
func faults(t *testing.T, a *array, c *client.Ontap) {
	for _, f := range []struct {
		kind   string
		status int
		codes  []string
	}{
		{"too-many", http.StatusTooManyRequests, []string{"262160"}},
		{"overloaded", http.StatusServiceUnavailable, []string{"7", "8", "262160"}},
		{"out-of-quorum", http.StatusInternalServerError, []string{"393271"}},
	} {
		a.order(t, "inject", map[string]any{"kind": f.kind, "method": "GET", "path": "/api/cluster", "kth": 1})
		_, err := c.Cluster.ClusterGet(cluster.NewClusterGetParamsWithContext(t.Context()), nil)
		refused(t, f.kind, err, f.status, f.codes...)
	}
	for _, kind := range []string{"reset-before", "truncated", "html"} {
		a.order(t, "inject", map[string]any{"kind": kind, "method": "GET", "path": "/api/cluster/nodes", "count": 3})
		if nodes, err := c.Cluster.NodesGet(cluster.NewNodesGetParamsWithContext(t.Context()), nil); err == nil {
			t.Errorf("%s: %v, expected an error", kind, nodes)
		}
		a.order(t, "clear-faults", nil)
	}
}

// asPublished asks with the client as it is published, without strictJSON: it
// knows the type of an array's answers, which the generated code alone does not.
func asPublished(t *testing.T, a *array) {
	c, err := published.NewAPIClient(published.Config{AdminUser: "admin", AdminPassword: a.password, Host: a.hosts[0], InsecureTLS: true})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the name", must(c.Cluster.ClusterGet(cluster.NewClusterGetParamsWithContext(t.Context()), nil))(t).Payload.Name, "cluster1")
	_, err = client.NewHTTPClientWithConfig(nil, client.DefaultTransportConfig().WithHost(a.hosts[0])).
		Cluster.ClusterGet(cluster.NewClusterGetParamsWithContext(t.Context()), nil)
	if err == nil || !strings.Contains(err.Error(), `no consumer: "application/hal+json"`) {
		t.Errorf("without a consumer: %v, expected that hal+json has none", err)
	}
}
