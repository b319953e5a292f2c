package sim

import (
	"iter"
	"net/http"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/ontap/sim/query"
)

var accountSchema = query.MustSchema(`
owner.uuid text key create
owner.name text key create
name text key create
applications list std set
applications.application text std set enum=amqp,console,http,ontapi,service_processor,ssh
applications.authentication_methods list std set
applications.second_authentication_method text std set
role.name text std set
locked bool std set
comment text std set
scope text std
password text std set writeonly
password_hash_algorithm text std set enum=sha512,sha256,md5
`)

var passwordSchema = query.MustSchema(`
name text key create
owner.uuid text std create
owner.name text std create
password text std create writeonly
password_hash_algorithm text std create enum=sha512,sha256,md5
`)

func accountResources() []*resource {
	return []*resource{
		{
			path: at("/security/accounts"), keys: []string{"owner.uuid", "name"}, schema: accountSchema, batch: true,
			list:   func(c *call) iter.Seq[item] { return items(c.shownAccounts(), c.accountItem) },
			create: createAccount, modify: modifyAccount, remove: deleteAccount,
			absent: map[string]int{"PATCH": 1261218},
		},
		{path: at("/security/authentication/password"), schema: passwordSchema, create: changePassword},
	}
}

// shownAccounts: an SVM's administrator sees nobody but itself.
func (c *call) shownAccounts() []*account {
	if c.who.account.Owner != "" {
		return []*account{c.who.account}
	}
	return c.site.Accounts
}

func (c *call) ownerOf(a *account) (uuid, name, scope string) {
	if v := c.site.svmByID(a.Owner); v != nil {
		return v.UUID, v.Name, "svm"
	}
	return c.site.UUID, c.site.Name, "cluster"
}

func (c *call) accountItem(a *account) item {
	uuid, _, _ := c.ownerOf(a)
	return item{seq: a.Seq, key: itemKey(uuid, a.Name), svm: a.Owner, object: a, record: func() query.Record { return c.accountRecord(a) }}
}

func (c *call) accountRecord(a *account) query.Record {
	uuid, name, scope := c.ownerOf(a)
	applications := []any{}
	for _, app := range a.Applications {
		applications = append(applications, record("application", app.Name, "authentication_methods", list(app.Methods), "second_authentication_method", app.Second))
	}
	r := record("owner.uuid", uuid, "owner.name", name, "name", a.Name, "applications", applications, "role.name", a.Role,
		"comment", a.Comment, "scope", scope, "password_hash_algorithm", a.HashName)
	if a.Hash != nil || a.Locked { // without a password there is nothing to lock
		r["locked"] = a.Locked || c.now.Before(a.LockedUntil) && !c.sim.doubt().LockHidden
	}
	return r
}

func createAccount(c *call, b query.Body) (*done, *refusal) {
	a := &account{Name: b.Text("name"), Comment: b.Text("comment"), HashName: b.TextOr("password_hash_algorithm", "sha512")}
	v, no := c.accountOwner(b)
	if no != nil {
		return nil, no
	}
	if v != nil {
		a.Owner = v.UUID
		if no := c.changeable(v); no != nil {
			return nil, no
		}
	}
	if no := c.accountName(a); no != nil {
		return nil, no
	}
	if no := c.setAccount(a, b, true); no != nil {
		return nil, no
	}
	a.object = c.sim.world.newObject()
	c.site.Accounts = append(c.site.Accounts, a)
	c.sim.changed(c.site, v, c.now)
	it := c.accountItem(a)
	return &done{made: &it}, nil
}

// accountOwner is the SVM that a body names, nil for the cluster.
func (c *call) accountOwner(b query.Body) (*svm, *refusal) {
	uuid, name := b.Text("owner.uuid"), b.Text("owner.name")
	clusters := (uuid == "" || uuid == c.site.UUID) && (name == "" || name == c.site.Name)
	if clusters && c.scope == nil {
		return nil, nil
	}
	return c.resolveSVM(b, "owner", 2621462, 2621462, 2621462)
}

var reservedNames = []string{"admin", "diag", "autosupport", "root", "nobody", "vserver", "daemon", "bin"}

func (c *call) accountName(a *account) *refusal {
	switch {
	case a.Name == "":
		return required("name")
	case len(a.Name) < 3 || len(a.Name) > 64:
		return refuse(7077899, "name", "The username must have 3 to 64 characters.")
	case slices.Contains(reservedNames, a.Name):
		return refuse(5636121, "name", "The username %q is reserved.", a.Name)
	case strings.Contains(a.Name, `\`):
		return refuse(5636206, "name", "A backslash is for users of a domain only.")
	case strings.ContainsAny(a.Name, " \t\n/\"'*:;,?=<>()&$#!`") || strings.HasPrefix(a.Name, "-"):
		return refuse(7077897, "name", "The username has a character that is not allowed.")
	case c.site.account(a.Owner, a.Name) == nil:
		return nil
	}
	code := c.sim.doubt().DuplicateAccountCode
	if code == 0 {
		code = 1
	}
	return refuse(code, "name", "duplicate entry")
}

// setAccount applies what POST and PATCH share.
func (c *call) setAccount(a *account, b query.Body, create bool) *refusal {
	if no := c.setRole(a, b); no != nil {
		return no
	}
	if create && b.FlagOr("locked", false) && b.Text("password") == "" {
		return refuse(1263343, "locked", "The account cannot be locked: it has no password.")
	}
	if b.Has("applications") || create {
		if no := c.setApplications(a, b); no != nil {
			return no
		}
	}
	a.Comment = b.TextOr("comment", a.Comment)
	a.HashName = b.TextOr("password_hash_algorithm", a.HashName)
	if password := b.Text("password"); b.Has("password") {
		if !create && !a.mayUse("http") && !a.mayUse("ssh") && !a.mayUse("ontapi") {
			return refuse(7077911, "password", "The user has no application with the method password.")
		}
		if no := checkPassword(a, password); no != nil {
			return no
		}
		a.setPassword(password)
	}
	return a.setLocked(b)
}

func (a *account) setLocked(b query.Body) *refusal {
	if !b.Has("locked") {
		return nil
	}
	locked := b.FlagOr("locked", false)
	if a.Hash == nil && locked != a.Locked {
		return refuse(1263343, "locked", "The account cannot be locked or unlocked: it has no password.")
	}
	a.Locked = locked
	if !locked {
		a.unlock()
	}
	return nil
}

func (c *call) setRole(a *account, b query.Body) *refusal {
	otherwise := a.Role
	if otherwise == "" {
		otherwise = "admin"
		if a.Owner != "" {
			otherwise = "vsadmin"
		}
	}
	role := b.TextOr("role.name", otherwise)
	if _, ok := c.sim.role(a.Owner, role); !ok {
		if _, other := c.sim.role("", role); other && a.Owner != "" {
			return refuse(7077906, "role.name", "The role %q is not defined for the SVM.", role)
		}
		return refuse(1261215, "role.name", "The role %q does not exist.", role)
	}
	a.Role = role
	return nil
}

// methods are the ways to log in that an application knows.
var methods = map[string][]string{
	"http": {"password", "domain", "nsswitch", "certificate"}, "ontapi": {"password", "domain", "nsswitch", "certificate"},
	"ssh": {"password", "publickey", "domain", "nsswitch"}, "console": {"password"}, "service_processor": {"password"}, "amqp": {"password"},
}

func (c *call) setApplications(a *account, b query.Body) *refusal {
	given, ok := b.List("applications")
	if !ok || len(given) == 0 {
		return required("applications")
	}
	var all []application
	for _, g := range given {
		app := application{Name: g.Text("application"), Methods: g.Texts("authentication_methods"), Second: g.TextOr("second_authentication_method", "none")}
		if len(app.Methods) == 0 {
			app.Methods = []string{"password"}
		}
		switch {
		case app.Name == "":
			return required("applications.application")
		case a.Owner != "" && app.Name == "console":
			return refuse(5636140, "applications.application", "The application console is not supported for a data SVM.")
		case a.Owner != "" && app.Name == "service_processor":
			return refuse(5636141, "applications.application", "The application service_processor is not supported for a data SVM.")
		case slices.ContainsFunc(all, func(o application) bool { return o.Name == app.Name }):
			return refuse(262188, "applications", "The application %q was given twice.", app.Name)
		}
		for _, m := range app.Methods {
			if !slices.Contains(methods[app.Name], m) {
				return refuse(5636176, "applications.authentication_methods", "The method %q is not possible with the application %q.", m, app.Name)
			}
		}
		all = append(all, app)
	}
	if password := b.Text("password"); a.Hash == nil && password == "" && slices.ContainsFunc(all, func(app application) bool { return slices.Contains(app.Methods, "password") }) {
		return refuse(5636096, "password", "A password is needed for the method password.")
	}
	a.Applications = all
	return nil
}

func modifyAccount(c *call, it *item) (*done, *refusal) {
	a, _ := it.object.(*account)
	b, no := c.parse(c.body, false)
	if no != nil {
		return nil, no
	}
	if b.Empty() {
		return nil, refuse(262190, "", "No values to change supplied.")
	}
	v := c.site.svmByID(a.Owner)
	if no := c.changeable(v); no != nil {
		return nil, no
	}
	trial := *a
	trial.History = slices.Clone(a.History)
	if no := c.setAccount(&trial, b, false); no != nil {
		return nil, no
	}
	if a.Owner == "" && trial.Locked && c.lastAdministrator(a) {
		return nil, refuse(5636098, "", "The last unlocked administrator cannot be locked.")
	}
	*a = trial
	c.sim.changed(c.site, v, c.now)
	return nil, nil
}

func (c *call) lastAdministrator(a *account) bool {
	for _, o := range c.site.Accounts {
		if o != a && o.Owner == "" && o.Role == "admin" && !o.Locked {
			return false
		}
	}
	return true
}

func deleteAccount(c *call, it *item) (*done, *refusal) {
	a, _ := it.object.(*account)
	v := c.site.svmByID(a.Owner)
	switch no := c.changeable(v); {
	case no != nil:
		return nil, no
	case a.Owner == "" && a.Name == c.sim.opts.AdminUser:
		return nil, refuse(5636125, "", "A system account cannot be deleted.")
	case a.Owner == "" && c.lastAdministrator(a):
		return nil, refuse(5636098, "", "The last unlocked administrator cannot be deleted.")
	}
	c.site.Accounts = remove(c.site.Accounts, a)
	c.sim.changed(c.site, v, c.now)
	return nil, nil
}

// changePassword is POST /security/authentication/password: anybody's own, and
// everybody's for the cluster's administrators.
func changePassword(c *call, b query.Body) (*done, *refusal) {
	owner := c.who.account.Owner
	if owner == "" {
		v, no := c.accountOwner(b)
		if no != nil {
			return nil, no
		}
		if v != nil {
			owner = v.UUID
		}
	}
	a := c.site.account(owner, b.TextOr("name", c.who.account.Name))
	other := a != c.who.account
	switch {
	case b.Text("password") == "":
		return nil, required("password")
	case other && c.who.account.Role != "admin":
		return nil, forbidden()
	case a == nil:
		return nil, refuse(4, "name", "entry doesn't exist")
	case a.Hash == nil && !a.mayUse("http"):
		return nil, refuse(7077911, "password", "The user has no application with the method password.")
	}
	v := c.site.svmByID(a.Owner)
	if no := c.changeable(v); no != nil {
		return nil, no
	}
	if no := checkPassword(a, b.Text("password")); no != nil {
		return nil, no
	}
	a.setPassword(b.Text("password"))
	a.HashName = b.TextOr("password_hash_algorithm", "sha512")
	c.sim.changed(c.site, v, c.now)
	status := http.StatusOK
	if c.sim.doubt().PasswordStatus201 {
		status = http.StatusCreated
	}
	return &done{status: status, body: query.Record{}}, nil
}

// setAdministrator makes the account that Options name, or sets its password.
func (s *Simulator) setAdministrator(st *site) {
	a := st.account("", s.opts.AdminUser)
	if a == nil {
		a = &account{
			object: s.world.newObject(), Name: s.opts.AdminUser, Role: "admin", HashName: "sha512",
			Applications: []application{
				{Name: "http", Methods: []string{"password"}, Second: "none"},
				{Name: "ssh", Methods: []string{"password"}, Second: "none"},
				{Name: "console", Methods: []string{"password"}, Second: "none"},
			},
		}
		st.Accounts = append(st.Accounts, a)
	}
	if a.Hash == nil || !a.Hash.fits(s.opts.AdminPassword) {
		a.setPassword(s.opts.AdminPassword)
	}
	a.Locked = false
	a.unlock()
}
