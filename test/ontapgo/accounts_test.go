package ontapgo

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-openapi/strfmt"
	"github.com/metal-stack/ontap-go/api/client"
	"github.com/metal-stack/ontap-go/api/client/cluster"
	"github.com/metal-stack/ontap-go/api/client/s_vm"
	"github.com/metal-stack/ontap-go/api/client/security"
	"github.com/metal-stack/ontap-go/api/models"
)

const trident = "trident-user"

// accounts is an account of an SVM: made, changed, logged in with, deleted.
func accounts(t *testing.T) {
	a := startArray(t)
	c := a.cluster(t, 0)
	svm := createSVM(t, c, &models.Svm{Name: new("acc")})
	createSVM(t, c, &models.Svm{Name: new("foreign")})
	password := newPassword(t)
	info := &models.Account{
		Name: new(trident), Owner: &models.AccountInlineOwner{UUID: svm.UUID}, Role: &models.AccountInlineRole{Name: new("vsadmin")},
		Comment: new("made by a test"), Password: new(strfmt.Password(password)),
		AccountInlineApplications: []*models.AccountApplication{{Application: new("http"), AuthenticationMethods: []*string{new("password")}}},
	}
	create := security.NewAccountCreateParamsWithContext(t.Context()).WithInfo(info)
	created := must(c.Security.AccountCreate(create, nil))(t)
	if want := "/api/security/accounts/" + *svm.UUID + "/" + trident; created.Location != want {
		t.Errorf("Location is %q, expected %q", created.Location, want)
	}
	_, err := c.Security.AccountCreate(create, nil)
	refused(t, "an account that is there", err, http.StatusConflict, "1")
	accountRead(t, c, *svm.UUID)
	password = passwordChanged(t, a, c, *svm.UUID)
	t.Run("logins", func(t *testing.T) { logins(t, a, c, svm, password) })
	one := security.NewAccountDeleteParamsWithContext(t.Context()).WithOwnerUUID(*svm.UUID).WithName(trident)
	must(c.Security.AccountDelete(one, nil))(t)
	_, err = c.Security.AccountGet(security.NewAccountGetParamsWithContext(t.Context()).WithOwnerUUID(*svm.UUID).WithName(trident), nil)
	refused(t, "a deleted account", err, http.StatusNotFound, "4")
}

func accountRead(t *testing.T, c *client.Ontap, owner string) {
	t.Helper()
	get := security.NewAccountGetParamsWithContext(t.Context()).WithOwnerUUID(owner).WithName(trident)
	account := must(c.Security.AccountGet(get, nil))(t).Payload
	same(t, "the account's name", account.Name, trident)
	same(t, "its owner", account.Owner.UUID, owner)
	same(t, "its role", account.Role.Name, "vsadmin")
	same(t, "its comment", account.Comment, "made by a test")
	same(t, "its scope", account.Scope, "svm")
	same(t, "locked", account.Locked, false)
	application := one(t, "applications", account.AccountInlineApplications)
	same(t, "the application", application.Application, "http")
	same(t, "its method", one(t, "methods", application.AuthenticationMethods), "password")
	if account.Password != nil {
		t.Error("a password is shown")
	}
	modify := security.NewAccountModifyParamsWithContext(t.Context()).WithOwnerUUID(owner).WithName(trident)
	must(c.Security.AccountModify(modify.WithInfo(&models.Account{Locked: new(true)}), nil))(t)
	list := security.NewAccountCollectionGetParamsWithContext(t.Context()).WithOwnerUUID(&owner).WithLocked(new(true)).WithName(new(trident))
	one(t, "locked accounts", must(c.Security.AccountCollectionGet(list, nil))(t).Payload.AccountResponseInlineRecords)
	must(c.Security.AccountModify(modify.WithInfo(&models.Account{Locked: new(false)}), nil))(t)
}

// passwordChanged sets the password twice. An array answers 200, which the
// specification does not list: the client takes it for an error that says
// success. With 201 it is none.
func passwordChanged(t *testing.T, a *array, c *client.Ontap, owner string) string {
	t.Helper()
	set := func(password string) error {
		info := &models.AccountPassword{Name: new(trident), Owner: &models.AccountPasswordInlineOwner{UUID: &owner}, Password: new(strfmt.Password(password))}
		_, err := c.Security.AccountPasswordCreate(security.NewAccountPasswordCreateParamsWithContext(t.Context()).WithInfo(info), nil)
		return err
	}
	first, second := newPassword(t), newPassword(t)
	if err := set(first); err == nil || !strings.Contains(err.Error(), "unexpected success response") || !strings.Contains(err.Error(), "(status 200)") {
		t.Errorf("a password that is set with 200: %v, expected the client's error for a success that it does not know", err)
	}
	a.order(t, "doubts", map[string]any{"PasswordStatus201": true})
	if err := set(second); err != nil {
		t.Errorf("a password that is set with 201: %v", err)
	}
	refused(t, "the same password", set(second), http.StatusBadRequest, "7077925")
	refused(t, "one of the last six", set(first), http.StatusBadRequest, "7077924")
	refused(t, "a short one", set("Aa1"), http.StatusBadRequest, "7077919", "7077899", "262185", "2")
	return second
}

// certificateOf reads an SVM's certificate over the cluster's connection.
func certificateOf(t *testing.T, c *client.Ontap, svm *models.Svm) string {
	t.Helper()
	web := must(c.SVM.WebSvmGet(s_vm.NewWebSvmGetParamsWithContext(t.Context()).WithSvmUUID(*svm.UUID), nil))(t).Payload
	get := security.NewSecurityCertificateGetParamsWithContext(t.Context()).WithUUID(*web.Certificate.UUID).WithFields([]string{"**"})
	found := must(c.Security.SecurityCertificateGet(get, nil))(t).Payload
	same(t, "the certificate's SVM", found.Svm.UUID, *svm.UUID)
	if found.PublicCertificate == nil {
		t.Fatal("the certificate is not shown")
	}
	return *found.PublicCertificate
}

// logins is what an SVM's user sees and may do at its management interface.
func logins(t *testing.T, a *array, c *client.Ontap, svm *models.Svm, password string) {
	address := a.address()
	createInterface(t, c, interfaceAt(svm, "management", address, "default-management"))
	certificate := certificateOf(t, c, svm)
	version := func(c *client.Ontap) (*cluster.ClusterGetOK, error) {
		return c.Cluster.ClusterGet(cluster.NewClusterGetParamsWithContext(t.Context()).WithFields([]string{"version"}), nil)
	}
	user := a.atSVM(t, address, trident, password, certificate)
	same(t, "the version that the user sees", must(version(user))(t).Payload.Version.Major, 16)
	r := listSVMs(t, user, s_vm.NewSvmCollectionGetParams().WithFields([]string{"state", "nvme", "aggregates"}))
	same(t, "the one SVM that the user sees", one(t, "SVMs", r.SvmResponseInlineRecords).UUID, *svm.UUID)
	_, _, err := user.SVM.SvmCreate(s_vm.NewSvmCreateParamsWithContext(t.Context()).WithInfo(&models.Svm{Name: new("forbidden")}), nil)
	refused(t, "a creation by the SVM's user", err, http.StatusForbidden, "6")
	_, err = version(a.atSVM(t, address, trident, newPassword(t), certificate))
	refused(t, "a wrong password", err, http.StatusUnauthorized, "6691623")
	_, err = version(connect(t, a.hosts[0], trident, password, a.roots, ""))
	refused(t, "the SVM's user at the cluster", err, http.StatusUnauthorized, "6691623")
	own := security.NewAccountPasswordCreateParamsWithContext(t.Context()).
		WithInfo(&models.AccountPassword{Name: new(trident), Password: new(strfmt.Password(newPassword(t)))})
	must(user.Security.AccountPasswordCreate(own, nil))(t)
	_, err = version(user)
	refused(t, "the old password", err, http.StatusUnauthorized, "6691623")
}
