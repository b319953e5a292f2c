package ontapgo

import (
	"testing"

	"github.com/metal-stack/ontap-go/api/client"
	"github.com/metal-stack/ontap-go/api/client/cluster"
	"github.com/metal-stack/ontap-go/api/client/n_a_s"
	"github.com/metal-stack/ontap-go/api/client/n_v_me"
	"github.com/metal-stack/ontap-go/api/client/networking"
	"github.com/metal-stack/ontap-go/api/client/s_a_n"
	"github.com/metal-stack/ontap-go/api/client/s_vm"
	"github.com/metal-stack/ontap-go/api/client/security"
	"github.com/metal-stack/ontap-go/api/client/snap_mirror"
	"github.com/metal-stack/ontap-go/api/client/storage"
)

// list is one collection, read with the fields given; it counts the records.
type list struct {
	name string
	read func(t *testing.T, c *client.Ontap, fields []string) (records int, said *int64)
}

// lists are all collections that the simulator has.
var lists = []list{
	{"SVMs", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.SVM.SvmCollectionGet(s_vm.NewSvmCollectionGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.SvmResponseInlineRecords), p.NumRecords
	}},
	{"nodes", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.Cluster.NodesGet(cluster.NewNodesGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.NodeResponseInlineRecords), p.NumRecords
	}},
	{"jobs", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.Cluster.JobCollectionGet(cluster.NewJobCollectionGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.JobResponseInlineRecords), p.NumRecords
	}},
	{"licences", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.Cluster.LicensesGet(cluster.NewLicensesGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.LicensePackageResponseInlineRecords), p.NumRecords
	}},
	{"pairs of SVMs", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.Cluster.MetroclusterSvmCollectionGet(cluster.NewMetroclusterSvmCollectionGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.MetroclusterSvmResponseInlineRecords), p.NumRecords
	}},
	{"nodes of a MetroCluster", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.Cluster.MetroclusterNodeCollectionGet(cluster.NewMetroclusterNodeCollectionGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.MetroclusterNodeResponseInlineRecords), p.NumRecords
	}},
	{"operations of a MetroCluster", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.Cluster.MetroclusterOperationCollectionGet(cluster.NewMetroclusterOperationCollectionGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.MetroclusterOperationResponseInlineRecords), p.NumRecords
	}},
	{"aggregates", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.Storage.AggregateCollectionGet(storage.NewAggregateCollectionGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.AggregateResponseInlineRecords), p.NumRecords
	}},
	{"volumes", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.Storage.VolumeCollectionGet(storage.NewVolumeCollectionGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.VolumeResponseInlineRecords), p.NumRecords
	}},
	{"IPspaces", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.Networking.IpspacesGet(networking.NewIpspacesGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.IpspaceResponseInlineRecords), p.NumRecords
	}},
	{"broadcast domains", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.Networking.NetworkEthernetBroadcastDomainsGet(networking.NewNetworkEthernetBroadcastDomainsGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.BroadcastDomainResponseInlineRecords), p.NumRecords
	}},
	{"ports", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.Networking.NetworkEthernetPortsGet(networking.NewNetworkEthernetPortsGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.PortResponseInlineRecords), p.NumRecords
	}},
	{"subnets", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.Networking.IPSubnetCollectionGet(networking.NewIPSubnetCollectionGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.IPSubnetResponseInlineRecords), p.NumRecords
	}},
	{"service policies", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.Networking.NetworkIPServicePoliciesGet(networking.NewNetworkIPServicePoliciesGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.IPServicePolicyResponseInlineRecords), p.NumRecords
	}},
	{"BGP peer groups", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.Networking.NetworkIPBgpPeerGroupsGet(networking.NewNetworkIPBgpPeerGroupsGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.BgpPeerGroupResponseInlineRecords), p.NumRecords
	}},
	{"interfaces", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.Networking.NetworkIPInterfacesGet(networking.NewNetworkIPInterfacesGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.IPInterfaceResponseInlineRecords), p.NumRecords
	}},
	{"routes", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.Networking.NetworkIPRoutesGet(networking.NewNetworkIPRoutesGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.NetworkRouteResponseInlineRecords), p.NumRecords
	}},
	{"accounts", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.Security.AccountCollectionGet(security.NewAccountCollectionGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.AccountResponseInlineRecords), p.NumRecords
	}},
	{"certificates", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.Security.SecurityCertificateCollectionGet(security.NewSecurityCertificateCollectionGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.SecurityCertificateResponseInlineRecords), p.NumRecords
	}},
	{"NVMe services", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.NvMe.NvmeServiceCollectionGet(n_v_me.NewNvmeServiceCollectionGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.NvmeServiceResponseInlineRecords), p.NumRecords
	}},
	{"NVMe subsystems", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.NvMe.NvmeSubsystemCollectionGet(n_v_me.NewNvmeSubsystemCollectionGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.NvmeSubsystemResponseInlineRecords), p.NumRecords
	}},
	{"NVMe namespaces", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.NvMe.NvmeNamespaceCollectionGet(n_v_me.NewNvmeNamespaceCollectionGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.NvmeNamespaceResponseInlineRecords), p.NumRecords
	}},
	{"iSCSI services", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.San.IscsiServiceCollectionGet(s_a_n.NewIscsiServiceCollectionGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.IscsiServiceResponseInlineRecords), p.NumRecords
	}},
	{"NFS services", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.Nas.NfsCollectionGet(n_a_s.NewNfsCollectionGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.NfsServiceResponseInlineRecords), p.NumRecords
	}},
	{"SnapMirror relationships", func(t *testing.T, c *client.Ontap, fields []string) (int, *int64) {
		p := must(c.SnapMirror.SnapmirrorRelationshipsGet(snap_mirror.NewSnapmirrorRelationshipsGetParamsWithContext(t.Context()).WithFields(fields), nil))(t).Payload
		return len(p.SnapmirrorRelationshipResponseInlineRecords), p.NumRecords
	}},
}

// readLists reads every list three times: with the default fields, with the
// standard ones and with all. That each answer fits the specification is
// strictJSON's to see; here the count is held to the records.
func readLists(t *testing.T, c *client.Ontap) {
	for _, l := range lists {
		t.Run(l.name, func(t *testing.T) {
			counts := map[int]bool{}
			for _, fields := range [][]string{nil, {"*"}, {"**"}} {
				records, said := l.read(t, c, fields)
				same(t, "num_records", said, int64(records))
				counts[records] = true
			}
			if len(counts) != 1 {
				t.Errorf("the number of records depends on the fields: %v", counts)
			}
		})
	}
}
