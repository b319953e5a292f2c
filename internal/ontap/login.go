package ontap

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strconv"

	"github.com/seedproof/seedproof/internal/flow"
)

// LoginFinding is what a login check found. The zero value is not known.
type LoginFinding uint8

const (
	// LoginUnknown is everything that is not an answer to the login.
	LoginUnknown LoginFinding = iota
	// LoginAccepted means that the pair opens the SVM that was meant.
	LoginAccepted
	// LoginElsewhere means that the pair opens something, and not that SVM.
	LoginElsewhere
	// LoginNarrow means that the pair is good, and its role forbids to look.
	LoginNarrow
	// LoginRejected is a 401: user, password, application or a lock, which the
	// array does not tell apart.
	LoginRejected
)

func (f LoginFinding) String() string {
	names := [...]string{"unknown", "accepted", "elsewhere", "narrow", "rejected"}
	if int(f) < len(names) {
		return names[f]
	}
	return "finding(" + strconv.Itoa(int(f)) + ")"
}

// LoginCheck is one login to try.
type LoginCheck struct {
	Address  netip.Addr // of a management interface that the array lists for the SVM
	Port     uint16     // 0: 443
	Trust    Trust      // pins: the SVM's own certificates, its twin's too
	User     string
	Password Secret
	SVMUUIDs []string // of the SVM that is meant, its twin's too
}

// LoginResult is what the check found, and the SVM that answered.
type LoginResult struct {
	Finding LoginFinding
	SVM     Ref
}

// Login tries a user and password at an SVM's management interface by exactly
// one GET, which nothing repeats: a login that fails counts against a lock, so
// that whoever calls has to ration it. The error says why a finding is
// LoginUnknown, and what a rejection said; it is nil for the others.
func (c *Client) Login(ctx context.Context, l LoginCheck) (LoginResult, error) {
	r := get("check login", KindSVM, at("svm/svms"), "uuid", "name", "state")
	r.secrets = []Secret{l.Password}
	if !l.Address.IsValid() || l.User == "" || l.Password.IsEmpty() || len(l.SVMUUIDs) == 0 {
		return LoginResult{}, c.unsent(r, errors.New("a login needs an address, a user, a password and the UUID of its SVM"))
	}
	w, err := newWire(wireConfig{trust: l.Trust, dial: c.o.DialContext, user: l.User, password: l.Password, faults: c.o.Faults, parallel: 1, once: true})
	if err != nil {
		return LoginResult{}, c.unsent(r, err)
	}
	defer w.idle()
	if l.Trust.skips() {
		c.o.Log.WarnContext(ctx, "the SVM's certificate is not verified: whoever answers is given the password", "array", c.o.Name, "address", l.Address)
	}
	port := l.Port
	if port == 0 {
		port = 443
	}
	base := &url.URL{Scheme: "https", Host: netip.AddrPortFrom(l.Address, port).String()}
	release, err := c.parallel.take(ctx)
	if err != nil {
		return LoginResult{}, c.unsent(r, err)
	}
	defer release()
	got, err := c.send(ctx, w, base, r, l.Password, l.User)
	return c.loginResult(r, l.SVMUUIDs, got, err)
}

func (c *Client) loginResult(r request, wanted []string, got reply, err error) (LoginResult, error) {
	switch {
	case errors.Is(err, ErrCredentials):
		return LoginResult{Finding: LoginRejected}, err
	case HasCode(err, CodeForbidden) && flow.OutcomeOf(err) == flow.Refused:
		return LoginResult{Finding: LoginNarrow}, nil
	case err != nil:
		return LoginResult{}, err
	}
	page, err := readPage(got.body, true)
	if err != nil {
		return LoginResult{}, c.misread(r, err)
	}
	switch {
	case len(*page.Records) == 0:
		// Whoever logged in got in, and sees nothing: an SVM that is being started,
		// or a role. That shows neither a good pair nor a bad one.
		return LoginResult{}, c.misread(r, errors.New("the login was answered, and no SVM was shown"))
	case len(*page.Records) > 1 || page.Links.Next != nil:
		return LoginResult{Finding: LoginElsewhere}, nil
	}
	var svm SVM
	if err := decode((*page.Records)[0], &svm, SVM.check); err != nil {
		return LoginResult{}, c.misread(r, err)
	}
	result := LoginResult{Finding: LoginElsewhere, SVM: Ref{UUID: svm.UUID, Name: svm.Name}}
	if slices.Contains(wanted, svm.UUID) {
		result.Finding = LoginAccepted
	}
	return result, nil
}
