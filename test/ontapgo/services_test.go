package ontapgo

import (
	"net/http"
	"testing"

	"github.com/metal-stack/ontap-go/api/client"
	"github.com/metal-stack/ontap-go/api/client/n_a_s"
	"github.com/metal-stack/ontap-go/api/client/n_v_me"
	"github.com/metal-stack/ontap-go/api/client/s_a_n"
	"github.com/metal-stack/ontap-go/api/models"
)

// services is the service of each protocol, made after its SVM and taken again.
func services(t *testing.T) {
	a := startArray(t)
	c := a.cluster(t, 0)
	svm := createSVM(t, c, &models.Svm{Name: new("services")})
	t.Run("NVMe", func(t *testing.T) { nvme(t, a, c, *svm.UUID) })
	t.Run("iSCSI", func(t *testing.T) { iscsi(t, c, *svm.UUID) })
	t.Run("NFS", func(t *testing.T) { nfs(t, c, *svm.UUID) })
}

func nvme(t *testing.T, a *array, c *client.Ontap, uuid string) {
	create := n_v_me.NewNvmeServiceCreateParamsWithContext(t.Context()).WithInfo(&models.NvmeService{Svm: &models.NvmeServiceInlineSvm{UUID: &uuid}})
	a.order(t, "license", map[string]any{"name": "nvme_of"})
	_, err := c.NvMe.NvmeServiceCreate(create, nil)
	refused(t, "a service without a licence", err, http.StatusBadRequest, "1115127")
	a.order(t, "license", map[string]any{"name": "nvme_of", "on": true})
	must(c.NvMe.NvmeServiceCreate(create, nil))(t)
	_, err = c.NvMe.NvmeServiceCreate(create, nil)
	refused(t, "a service that is there", err, http.StatusConflict, "72089650")
	get := n_v_me.NewNvmeServiceGetParamsWithContext(t.Context()).WithSvmUUID(uuid)
	made := must(c.NvMe.NvmeServiceGet(get, nil))(t).Payload
	same(t, "enabled", made.Enabled, true)
	same(t, "the SVM", made.Svm.Name, "services")
	same(t, "nvme.enabled of the SVM", readSVM(t, c, uuid).Nvme.Enabled, true)
	list := n_v_me.NewNvmeServiceCollectionGetParamsWithContext(t.Context()).WithSvmUUID(&uuid).WithEnabled(new(true))
	one(t, "services", must(c.NvMe.NvmeServiceCollectionGet(list, nil))(t).Payload.NvmeServiceResponseInlineRecords)
	remove := n_v_me.NewNvmeServiceDeleteParamsWithContext(t.Context()).WithSvmUUID(uuid)
	_, err = c.NvMe.NvmeServiceDelete(remove, nil)
	refused(t, "the deletion of a service that is enabled", err, http.StatusBadRequest, "72090028")
	modify := n_v_me.NewNvmeServiceModifyParamsWithContext(t.Context()).WithSvmUUID(uuid).WithInfo(&models.NvmeService{Enabled: new(false)})
	must(c.NvMe.NvmeServiceModify(modify, nil))(t)
	same(t, "enabled", must(c.NvMe.NvmeServiceGet(get, nil))(t).Payload.Enabled, false)
	must(c.NvMe.NvmeServiceDelete(remove, nil))(t)
	_, err = c.NvMe.NvmeServiceGet(get, nil)
	refused(t, "a deleted service", err, http.StatusNotFound, "4")
}

func iscsi(t *testing.T, c *client.Ontap, uuid string) {
	create := s_a_n.NewIscsiServiceCreateParamsWithContext(t.Context()).WithInfo(&models.IscsiService{Svm: &models.IscsiServiceInlineSvm{UUID: &uuid}})
	must(c.San.IscsiServiceCreate(create, nil))(t)
	get := s_a_n.NewIscsiServiceGetParamsWithContext(t.Context()).WithSvmUUID(uuid)
	same(t, "enabled", must(c.San.IscsiServiceGet(get, nil))(t).Payload.Enabled, true)
	modify := s_a_n.NewIscsiServiceModifyParamsWithContext(t.Context()).WithSvmUUID(uuid).WithInfo(&models.IscsiService{Enabled: new(false)})
	must(c.San.IscsiServiceModify(modify, nil))(t)
	same(t, "enabled", must(c.San.IscsiServiceGet(get, nil))(t).Payload.Enabled, false)
	must(c.San.IscsiServiceDelete(s_a_n.NewIscsiServiceDeleteParamsWithContext(t.Context()).WithSvmUUID(uuid), nil))(t)
	_, err := c.San.IscsiServiceGet(get, nil)
	refused(t, "a deleted service", err, http.StatusNotFound, "4")
}

func nfs(t *testing.T, c *client.Ontap, uuid string) {
	create := n_a_s.NewNfsCreateParamsWithContext(t.Context()).WithInfo(&models.NfsService{Svm: &models.NfsServiceInlineSvm{UUID: &uuid}})
	must(c.Nas.NfsCreate(create, nil))(t)
	get := n_a_s.NewNfsGetParamsWithContext(t.Context()).WithSvmUUID(uuid)
	same(t, "enabled", must(c.Nas.NfsGet(get, nil))(t).Payload.Enabled, true)
	modify := n_a_s.NewNfsModifyParamsWithContext(t.Context()).WithSvmUUID(uuid).WithInfo(&models.NfsService{Enabled: new(false)})
	must(c.Nas.NfsModify(modify, nil))(t)
	same(t, "enabled", must(c.Nas.NfsGet(get, nil))(t).Payload.Enabled, false)
	must(c.Nas.NfsDelete(n_a_s.NewNfsDeleteParamsWithContext(t.Context()).WithSvmUUID(uuid), nil))(t)
	_, err := c.Nas.NfsGet(get, nil)
	refused(t, "a deleted service", err, http.StatusNotFound, "4")
}
