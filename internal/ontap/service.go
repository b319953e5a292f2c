package ontap

import (
	"context"
	"errors"
	"iter"
	"net/http"
)

// Protocol is one of an SVM's services.
type Protocol string

// The protocols whose services we make.
const (
	ProtocolNVMe  Protocol = "protocols/nvme/services"
	ProtocolISCSI Protocol = "protocols/san/iscsi/services"
	ProtocolNFS   Protocol = "protocols/nfs/services"
)

// Service is a protocol's service on an SVM.
type Service struct {
	SVM     Ref   `json:"svm"`
	Enabled *bool `json:"enabled"` // nil: not told
}

func (s Service) check() error {
	if !isUUID(s.SVM.UUID) {
		return errors.New("a service without an SVM")
	}
	return nil
}

// Services lists the services of a protocol over all SVMs.
func (c *Client) Services(ctx context.Context, p Protocol) iter.Seq2[Service, error] {
	return list(ctx, c, get("list services", KindService, at(string(p)), "svm", "enabled"), Service.check)
}

// Service reads a protocol's service on an SVM. IsAbsent(err, KindService):
// there is none.
func (c *Client) Service(ctx context.Context, p Protocol, svmUUID string) (Service, error) {
	r := getOne("read service", KindService, at(string(p), svmUUID), "svm", "enabled").needUUID(svmUUID)
	return one(ctx, c, r, func(s Service) error { return same(svmUUID, s.SVM.UUID, s.check()) })
}

type serviceBody struct {
	SVM     Ref  `json:"svm,omitzero"`
	Enabled bool `json:"enabled"`
}

// CreateService makes a protocol's service on an SVM, enabled.
func (c *Client) CreateService(ctx context.Context, p Protocol, svmUUID string) error {
	body := serviceBody{SVM: Ref{UUID: svmUUID}, Enabled: true}
	r := request{name: "create service", kind: KindService, method: http.MethodPost, path: at(string(p)), body: body}
	_, err := c.settle(ctx, r.needUUID(svmUUID))
	return err
}

// EnableService switches a protocol's service on or off.
func (c *Client) EnableService(ctx context.Context, p Protocol, svmUUID string, on bool) error {
	r := request{
		name: "enable service", kind: KindService, method: http.MethodPatch, path: at(string(p), svmUUID), own: true,
		body: serviceBody{Enabled: on}, repeat: true,
	}
	_, err := c.settle(ctx, r.needUUID(svmUUID))
	return err
}

// DeleteService deletes a protocol's service; it must be disabled first.
func (c *Client) DeleteService(ctx context.Context, p Protocol, svmUUID string) error {
	r := request{name: "delete service", kind: KindService, method: http.MethodDelete, path: at(string(p), svmUUID), own: true}
	_, err := c.settle(ctx, r.needUUID(svmUUID))
	return err
}
