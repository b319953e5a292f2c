package ontapgo

import (
	"net/http"
	"testing"

	"github.com/metal-stack/ontap-go/api/client"
	"github.com/metal-stack/ontap-go/api/client/cluster"
	"github.com/metal-stack/ontap-go/api/client/s_vm"
	"github.com/metal-stack/ontap-go/api/models"
)

// metrocluster is two clusters: the twin of an SVM, a switchover and the way
// back.
func metrocluster(t *testing.T) {
	a := startArray(t, "--clusters", "2")
	here, there := a.cluster(t, 0), a.cluster(t, 1)
	svm := createSVM(t, here, &models.Svm{Name: new("metro.example")})
	same(t, "the subtype", svm.Subtype, "sync_source")
	twin := twinOf(t, there, "metro-mc.example")
	same(t, "the twin's state", twin.State, models.SvmStateStopped)
	same(t, "the twin's subtype", twin.Subtype, "sync_destination")
	pairs := cluster.NewMetroclusterSvmCollectionGetParamsWithContext(t.Context()).WithSvmUUID(svm.UUID).WithFields([]string{"*"})
	pair := one(t, "pairs", must(here.Cluster.MetroclusterSvmCollectionGet(pairs, nil))(t).Payload.MetroclusterSvmResponseInlineRecords)
	same(t, "the pair's SVM", pair.Svm.Name, "metro.example")
	same(t, "its partner's UUID", pair.PartnerSvm.UUID, *twin.UUID)
	same(t, "its partner's name", pair.PartnerSvm.Name, "metro-mc.example")
	same(t, "its state", pair.ConfigurationState, "healthy")
	modify := s_vm.NewSvmModifyParamsWithContext(t.Context()).WithUUID(*twin.UUID).WithInfo(&models.Svm{Comment: new("x")})
	_, _, err := there.SVM.SvmModify(modify, nil)
	refused(t, "a change of the twin", err, http.StatusBadRequest, "2621574", "13434906")
	mode(t, here, "normal", "normal")
	act(t, there, "switchover")
	mode(t, there, "switchover", "waiting_for_switchback")
	same(t, "the twin's state", twinOf(t, there, "metro-mc.example").State, models.SvmStateRunning)
	t.Run("lists while switched over", func(t *testing.T) { readLists(t, there) })
	act(t, there, "switchback")
	mode(t, there, "normal", "normal")
	same(t, "the twin's state", twinOf(t, there, "metro-mc.example").State, models.SvmStateStopped)
	t.Run("lists", func(t *testing.T) { readLists(t, here) })
}

func twinOf(t *testing.T, c *client.Ontap, name string) *models.Svm {
	t.Helper()
	p := s_vm.NewSvmCollectionGetParams().WithName(&name).WithFields([]string{"state", "subtype"})
	return one(t, "the twin", listSVMs(t, c, p).SvmResponseInlineRecords)
}

func mode(t *testing.T, c *client.Ontap, local, remote string) {
	t.Helper()
	get := cluster.NewMetroclusterGetParamsWithContext(t.Context()).WithFields([]string{"**"})
	metro := must(c.Cluster.MetroclusterGet(get, nil))(t).Payload
	same(t, "configuration_type", metro.ConfigurationType, "ip_fabric")
	same(t, "the local mode", metro.Local.Mode, local)
	same(t, "the remote mode", metro.Remote.Mode, remote)
	same(t, "partner_cluster_reachable", metro.Local.PartnerClusterReachable, true)
	nodes := cluster.NewMetroclusterNodeCollectionGetParamsWithContext(t.Context()).WithFields([]string{"*"})
	same(t, "nodes", must(c.Cluster.MetroclusterNodeCollectionGet(nodes, nil))(t).Payload.NumRecords, 2)
}

// act switches, and sees it in the history.
func act(t *testing.T, c *client.Ontap, action string) {
	t.Helper()
	modify := cluster.NewMetroclusterModifyParamsWithContext(t.Context()).WithAction(&action)
	_, accepted, err := c.Cluster.MetroclusterModify(modify, nil)
	if err != nil || accepted == nil {
		t.Fatalf("%s: got %v %v, expected 202", action, accepted, err)
	}
	succeeded(t, c, accepted.Payload)
	history := cluster.NewMetroclusterOperationCollectionGetParamsWithContext(t.Context()).WithFields([]string{"*"})
	for _, o := range must(c.Cluster.MetroclusterOperationCollectionGet(history, nil))(t).Payload.MetroclusterOperationResponseInlineRecords {
		if o.Type != nil && *o.Type == action {
			return
		}
	}
	t.Errorf("the history does not show the %s", action)
}
