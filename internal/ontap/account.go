package ontap

import (
	"context"
	"errors"
	"iter"
	"net/http"
)

// RoleVSAdmin is the role of an SVM's administrator.
const RoleVSAdmin = "vsadmin"

// Application is one way in which an account may log in. REST is "http".
type Application struct {
	Application           string   `json:"application"`
	AuthenticationMethods []string `json:"authentication_methods"`
}

// Account is a user of an SVM or of the cluster; passwords are write only.
type Account struct {
	Owner        Ref           `json:"owner"`
	Name         string        `json:"name"`
	Applications []Application `json:"applications"`
	Role         Ref           `json:"role"`
	Locked       *bool         `json:"locked"` // nil: not told, as where there is no password
	Comment      string        `json:"comment"`
}

// LogsInByPassword reports whether the account may use REST with a password.
func (a Account) LogsInByPassword() bool {
	for _, app := range a.Applications {
		if app.Application == "http" && among(app.AuthenticationMethods, "password") {
			return true
		}
	}
	return false
}

func (a Account) check() error {
	if !isUUID(a.Owner.UUID) || a.Name == "" {
		return errors.New("an account without an owner or a name")
	}
	return nil
}

var accountFields = []string{"owner", "name", "applications", "role", "locked", "comment"}

// Accounts lists the accounts of an SVM, or of all SVMs when svmUUID is "".
func (c *Client) Accounts(ctx context.Context, svmUUID string) iter.Seq2[Account, error] {
	r := get("list accounts", KindAccount, at("security/accounts"), accountFields...)
	if svmUUID == "" {
		r.query.Set("scope", "svm")
	} else {
		r = r.needUUID(svmUUID)
		r.filter("owner.uuid", svmUUID)
	}
	return list(ctx, c, r, func(a Account) error { return within(svmUUID, a.Owner, a.check()) })
}

// Account reads one account of an SVM.
func (c *Client) Account(ctx context.Context, svmUUID, name string) (Account, error) {
	r := getOne("read account", KindAccount, accountPath(svmUUID, name), accountFields...).needUUID(svmUUID)
	return one(ctx, c, r, func(a Account) error {
		return same(name, a.Name, within(svmUUID, a.Owner, a.check()))
	})
}

func accountPath(svmUUID, name string) segments { return at("security/accounts", svmUUID, name) }

// NewAccount is what is asked for at creation: a user that logs in by REST with
// a password.
type NewAccount struct {
	SVMUUID  string
	Name     string
	Role     string // "" is RoleVSAdmin
	Password Secret
	Comment  string
}

type accountBody struct {
	Name         string        `json:"name,omitempty"`
	Owner        Ref           `json:"owner,omitzero"`
	Applications []Application `json:"applications,omitempty"`
	Role         Ref           `json:"role,omitzero"`
	Password     plain         `json:"password,omitzero"`
	Comment      *string       `json:"comment,omitempty"`
	Locked       *bool         `json:"locked,omitempty"`
}

// CreateAccount makes an account.
func (c *Client) CreateAccount(ctx context.Context, n NewAccount) error {
	body := accountBody{
		Name: n.Name, Owner: Ref{UUID: n.SVMUUID}, Role: Ref{Name: RoleVSAdmin}, Password: plain{n.Password},
		Applications: []Application{{"http", []string{"password"}}},
	}
	if n.Role != "" {
		body.Role.Name = n.Role
	}
	if n.Comment != "" {
		body.Comment = &n.Comment
	}
	r := request{
		name: "create account", kind: KindAccount, method: http.MethodPost, path: at("security/accounts"),
		body: body, secrets: []Secret{n.Password},
	}
	if n.Name == "" || n.Password.IsEmpty() {
		r.invalid = errors.New("an account needs a name and a password")
	}
	_, err := c.settle(ctx, r.needUUID(n.SVMUUID))
	return err
}

// AccountChange is what may change in an account; nil leaves it as it is.
type AccountChange struct {
	Comment *string
	Locked  *bool
}

// ChangeAccount changes an account, its password not.
func (c *Client) ChangeAccount(ctx context.Context, svmUUID, name string, ch AccountChange) error {
	r := request{
		name: "change account", kind: KindAccount, method: http.MethodPatch, path: accountPath(svmUUID, name), own: true,
		body: accountBody{Comment: ch.Comment, Locked: ch.Locked}, repeat: true,
	}
	_, err := c.settle(ctx, r.needUUID(svmUUID))
	return err
}

// DeleteAccount deletes an account.
func (c *Client) DeleteAccount(ctx context.Context, svmUUID, name string) error {
	r := request{name: "delete account", kind: KindAccount, method: http.MethodDelete, path: accountPath(svmUUID, name), own: true}
	_, err := c.settle(ctx, r.needUUID(svmUUID))
	return err
}

// SetPassword gives an account another password. The old one is dead at once.
// It is not to be repeated: IsPasswordRefused with CodePasswordSame proves that
// the account has this password already.
func (c *Client) SetPassword(ctx context.Context, svmUUID, name string, password Secret) error {
	body := accountBody{Name: name, Owner: Ref{UUID: svmUUID}, Password: plain{password}}
	r := request{
		name: "set password", kind: KindAccount, method: http.MethodPost, path: at("security/authentication/password"),
		body: body, secrets: []Secret{password},
	}
	if name == "" || password.IsEmpty() {
		r.invalid = errors.New("setting a password needs an account's name and a password")
	}
	_, err := c.settle(ctx, r.needUUID(svmUUID))
	return err
}
