package ontap_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/ontap"
)

// check is a login at the fake, which stands for an SVM's management interface.
func (f *fake) check() ontap.LoginCheck {
	at := netip.MustParseAddrPort(f.Listener.Addr().String())
	return ontap.LoginCheck{
		Address: at.Addr(), Port: at.Port(), Trust: ontap.Trust{Pins: []ontap.Fingerprint{f.pin()}},
		User: "shoot", Password: ontap.NewSecret(accountPass), SVMUUIDs: []string{svmUUID, otherUUID},
	}
}

func TestWhatALoginFinds(t *testing.T) {
	const html = "@Content-Type: text/html\n<h1>401 Unauthorized</h1>"
	cases := []struct {
		reason string
		status int
		body   string
		want   ontap.LoginFinding
	}{
		{"its SVM answers", 200, records(svmText(svmUUID, "p1")), ontap.LoginAccepted},
		{"its SVM's twin answers", 200, records(svmText(otherUUID, "p1-mc")), ontap.LoginAccepted},
		{"another SVM answers", 200, records(svmText(uuidOf(1), "p2")), ontap.LoginElsewhere},
		{"a user who sees two SVMs is not an SVM's", 200, records(svmText(svmUUID, "p1"), svmText(otherUUID, "p2")), ontap.LoginElsewhere},
		{"a user who may see more behind it", 200, pageText("/api/svm/svms?start=1", svmText(svmUUID, "p1")), ontap.LoginElsewhere},
		{"a user who sees none: that shows nothing of the pair", 200, records(), ontap.LoginUnknown},
		{"none on the first page, and there is another", 200, pageText("/api/svm/svms?start=1"), ontap.LoginUnknown},
		{"the pair is refused", 401, errorText("6691623", "User is not authorized."), ontap.LoginRejected},
		{"the pair is refused without a word", 401, "", ontap.LoginRejected},
		{"the pair is refused with a page", 401, html, ontap.LoginRejected},
		{"the pair is refused as a 400", 400, errorText("6691623", "User is not authorized."), ontap.LoginRejected},
		{"the pair is good, its role is small", 403, errorText("6", "not authorized for that command"), ontap.LoginNarrow},
		{"a 403 that is not understood", 403, "", ontap.LoginUnknown},
		{"an answer that is none", 200, `{}`, ontap.LoginUnknown},
		{"an SVM without a UUID", 200, records(`{"name":"p1","state":"running"}`), ontap.LoginUnknown},
		{"a 404 is no refusal", 404, errorText("4", "no"), ontap.LoginUnknown},
		{"too busy, and asked to come again", 429, "@Retry-After: 1\n" + errorText("262160", "too many"), ontap.LoginUnknown},
		{"an overload", 503, "@Retry-After: 1\n", ontap.LoginUnknown},
		{"a failure", 500, errorText("393271", "out of quorum"), ontap.LoginUnknown},
		{"a redirect", 302, "@Location: /elsewhere\n", ontap.LoginUnknown},
	}
	for _, c := range cases {
		f := newFake(t, always(c.status, c.body))
		got, err := f.client(t, func(o *ontap.Options) { o.Clock = newWaiter() }).Login(t.Context(), f.check())
		if got.Finding != c.want {
			t.Errorf("%s: %s, want %s: %v", c.reason, got.Finding, c.want, err)
		}
		if (err == nil) != (c.want == ontap.LoginAccepted || c.want == ontap.LoginElsewhere || c.want == ontap.LoginNarrow) {
			t.Errorf("%s: %v", c.reason, err)
		}
		if err != nil && (strings.Contains(err.Error(), accountPass) || strings.Contains(err.Error(), adminPass)) {
			t.Errorf("%s: %v", c.reason, err)
		}
		if n := len(f.requests()); n != 1 {
			t.Errorf("%s: the pair was tried %d times", c.reason, n)
		}
	}
}

func TestALoginIsTriedOnceWhateverHappens(t *testing.T) {
	f := newFake(t, nil)
	n := 0
	f.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { n++; panic(http.ErrAbortHandler) })
	c := f.client(t)
	for i := range 3 {
		got, err := c.Login(t.Context(), f.check())
		if got.Finding != ontap.LoginUnknown || err == nil || n != i+1 {
			t.Errorf("%s after %d tries: %v", got.Finding, n, err)
		}
	}
}

func TestALoginGoesAsTheUserAndNobodyElse(t *testing.T) {
	var users []string
	f := newFake(t, func(_ int, r *http.Request) (int, string) {
		user, password, _ := r.BasicAuth()
		users = append(users, user+" "+password)
		return 401, ""
	})
	c := f.client(t)
	if got, _ := c.Login(t.Context(), f.check()); got.Finding != ontap.LoginRejected || len(users) != 1 || users[0] != "shoot "+accountPass {
		t.Errorf("%s by %q", got.Finding, users)
	}
	// A refused login says nothing of the cluster's own user.
	if _, err := c.Cluster(t.Context()); err == nil || len(users) != 2 || !strings.HasPrefix(users[1], "admin ") {
		t.Errorf("then %q: %v", users, err)
	}
}

func TestNoPasswordGoesToAStranger(t *testing.T) {
	f := newFake(t, always(401, ""))
	f.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	check := f.check()
	check.Trust.Pins = []ontap.Fingerprint{{1}}
	got, err := f.client(t).Login(t.Context(), check)
	if got.Finding != ontap.LoginUnknown || err == nil || len(f.requests()) != 0 {
		t.Errorf("%s, %v, %v", got.Finding, err, f.requests())
	}
	var log bytes.Buffer
	check.Trust = ontap.Trust{Skip: ontap.SkipWord}
	c := f.client(t, func(o *ontap.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	if _, err := c.Login(t.Context(), check); err == nil || !strings.Contains(log.String(), "level=WARN") {
		t.Errorf("no warning: %v, %s", err, &log)
	}
}

func TestALoginThatCannotBeTried(t *testing.T) {
	f := newFake(t, always(200, records(svmText(svmUUID, "p1"))))
	for reason, spoil := range map[string]func(*ontap.LoginCheck){
		"no address":     func(l *ontap.LoginCheck) { l.Address = netip.Addr{} },
		"no user":        func(l *ontap.LoginCheck) { l.User = "" },
		"no password":    func(l *ontap.LoginCheck) { l.Password = ontap.Secret{} },
		"no SVM":         func(l *ontap.LoginCheck) { l.SVMUUIDs = nil },
		"nobody trusted": func(l *ontap.LoginCheck) { l.Trust = ontap.Trust{} },
	} {
		check := f.check()
		spoil(&check)
		got, err := f.client(t).Login(t.Context(), check)
		if got.Finding != ontap.LoginUnknown || err == nil || len(f.requests()) != 0 {
			t.Errorf("%s: %s, %v", reason, got.Finding, err)
		}
	}
}

func TestAnInjectedRefusalIsNoRejection(t *testing.T) {
	f := newFake(t, always(200, records(svmText(svmUUID, "p1"))))
	for _, mode := range []fault.Mode{fault.Refused, fault.FailedBefore, fault.LostReply} {
		c := f.client(t, func(o *ontap.Options) { o.Faults = fault.NewInjector(1, mode) })
		if got, err := c.Login(t.Context(), f.check()); got.Finding != ontap.LoginUnknown || err == nil {
			t.Errorf("%s: %s, %v", mode, got.Finding, err)
		}
	}
}
