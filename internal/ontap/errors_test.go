package ontap_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
)

func asError(t *testing.T, err error) *ontap.Error {
	t.Helper()
	var e *ontap.Error
	if !errors.As(err, &e) {
		t.Fatalf("not an error of a call: %v", err)
	}
	return e
}

// Each answer is given to three calls: a read of an SVM, the creation of an
// interface, the deletion of an account.
func TestHowAnAnswerIsTaken(t *testing.T) {
	const html = "@Content-Type: text/html\n<html><h1>Error</h1></html>"
	type class = flow.Class
	cases := []struct {
		reason  string
		status  int
		body    string
		outcome flow.Outcome
		class   class
		absent  bool // the SVM and the account; an interface that was to be made never is
	}{
		{"code 4 with 404 on the thing's own path is an absence", 404, errorText("4", "entry doesn't exist"), flow.Refused, flow.Permanent, true},
		{"a number where the code's string was meant is the same code", 404, `{"error":{"code":4,"message":"no"}}`, flow.Refused, flow.Permanent, true},
		{"a 404 without a code may come from anywhere", 404, `{}`, flow.Unknown, flow.Transient, false},
		{"a 404 page of a proxy is no answer of the array", 404, html, flow.Unknown, flow.Transient, false},
		{"the error object in HTML's clothes is not ONTAP's", 404, "@Content-Type: text/html\n" + errorText("4", "no"), flow.Unknown, flow.Transient, false},
		{"a 404 for a route that is not there is another code", 404, errorText("3", "API not found"), flow.Refused, flow.Permanent, false},
		{"code 4 with another status is refused, and no absence", 400, errorText("4", "entry doesn't exist"), flow.Refused, flow.Permanent, false},
		{"an unknown code is not understood, whatever its status", 404, errorText("987654321", "?"), flow.Unknown, flow.Transient, false},
		{"no permission is a matter for a person", 403, errorText("6", "not authorized for that command"), flow.Refused, flow.NeedsPerson, false},
		{"a 403 without a code is not understood", 403, `{}`, flow.Unknown, flow.Transient, false},
		{"a 401 with its code", 401, errorText("6691623", "User is not authorized."), flow.Refused, flow.NeedsPerson, false},
		{"a 401 with an empty body: what stands in it is not documented", 401, "", flow.Refused, flow.NeedsPerson, false},
		{"a 401 page of the array's own web server", 401, html, flow.Refused, flow.NeedsPerson, false},
		{"the code of a 401 under the status that the list gives", 400, errorText("6691623", "User is not authorized."), flow.Refused, flow.NeedsPerson, false},
		{"a 401 that says something else contradicts itself", 401, errorText("4", "entry doesn't exist"), flow.Unknown, flow.Transient, false},
		{"an SVM name in use, as 409", 409, errorText("13434908", "name in use"), flow.Refused, flow.Permanent, false},
		{"the same as 400: the status does not matter", 400, errorText("13434908", "name in use"), flow.Refused, flow.Permanent, false},
		{"the same as 500, as codes without a mapping are shown", 500, errorText("13434908", "name in use"), flow.Refused, flow.Permanent, false},
		{"an SVM that another call does not find is not an absence of it", 400, errorText("2621462", "SVM does not exist or is not accessible"), flow.Refused, flow.Permanent, false},
		{"no space for the root: a person's matter", 500, errorText("13434914", "no space"), flow.Refused, flow.NeedsPerson, false},
		{"too many SVM jobs pass by themselves", 409, errorText("13434894", "too many jobs"), flow.Refused, flow.Transient, false},
		{"a node out of quorum: what was done is not known", 500, errorText("393271", "node n1 is out of quorum"), flow.Unknown, flow.Transient, false},
		{"an RPC timeout", 500, errorText("65541", "RPC timeout"), flow.Unknown, flow.Transient, false},
		{"the POST may have left an inconsistent state", 500, errorText("1967102", "inconsistent"), flow.Unknown, flow.Transient, false},
		{"a partial success", 500, errorText("53281113", "state not updated"), flow.Unknown, flow.Transient, false},
		{"a gateway's 502", 502, html, flow.Unknown, flow.Transient, false},
		{"a bare 503", 503, "", flow.Unknown, flow.Transient, false},
		{"a 500 without a body", 500, "", flow.Unknown, flow.Transient, false},
		{"an error that is no object", 404, `{"error":"4"}`, flow.Unknown, flow.Transient, false},
		{"an error of the wrong shape", 404, `{"error":{"code":{"a":1}}}`, flow.Unknown, flow.Transient, false},
		{"an error object cut short", 404, `{"error":{"code":"4","mess`, flow.Unknown, flow.Transient, false},
		{"an error object and more after it", 404, errorText("4", "no") + "x", flow.Unknown, flow.Transient, false},
		{"a redirect is not followed", 307, "@Location: https://127.0.0.1:1/api\n", flow.Unknown, flow.Transient, false},
		{"a success that nobody documented", 204, "", flow.Unknown, flow.Transient, false},
		{"success and an error at once", 200, errorText("4", "entry doesn't exist"), flow.Unknown, flow.Transient, false},
		{"a success that was cut short", 200, `{"num_records":1,"rec`, flow.Unknown, flow.Transient, false},
		{"a page of a proxy that says 200", 200, html, flow.Unknown, flow.Transient, false},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			calls := map[string]func(*ontap.Client) error{
				"read SVM": func(cl *ontap.Client) error { _, err := cl.SVM(t.Context(), svmUUID); return err },
				"create interface": func(cl *ontap.Client) error {
					_, err := cl.CreateInterface(t.Context(), ontap.NewInterface{SVMUUID: svmUUID, Name: "lif", Subnet: "s"})
					return err
				},
				"delete account": func(cl *ontap.Client) error { return cl.DeleteAccount(t.Context(), svmUUID, "shoot") },
			}
			for name, call := range calls {
				f := newFake(t, always(c.status, c.body))
				err := call(f.client(t))
				if err == nil {
					t.Fatalf("%s: no error", name)
				}
				e := asError(t, err)
				if e.Call != name || e.Array != "a1" || e.Status != c.status {
					t.Errorf("%s: says it was %s on %s with status %d", name, e.Call, e.Array, e.Status)
				}
				if got := flow.OutcomeOf(err); got != c.outcome || e.Outcome != c.outcome {
					t.Errorf("%s: outcome %s (%s), want %s: %v", name, got, e.Outcome, c.outcome, err)
				}
				if got := flow.ClassOf(err); got != c.class {
					t.Errorf("%s: class %s, want %s", name, got, c.class)
				}
				if got := ontap.IsAbsent(err, e.Kind); got != (c.absent && name != "create interface") {
					t.Errorf("%s: absent %v", name, got)
				}
				if ontap.IsAbsent(err, ontap.KindVolume) || ontap.IsAbsent(err, ontap.KindSVM) && name != "read SVM" {
					t.Errorf("%s: taken for the absence of something else", name)
				}
				if n := len(f.requests()); n != 1 {
					t.Errorf("%s: sent %d times", name, n)
				}
			}
		})
	}
}

func TestAbsencesOfTheirOwnKind(t *testing.T) {
	cases := []struct {
		reason string
		body   string
		call   func(*ontap.Client) error
		kind   ontap.Kind
		want   bool
	}{
		{"an account that a PATCH does not find", errorText("1261218", "user not found"), func(c *ontap.Client) error {
			return c.ChangeAccount(t.Context(), svmUUID, "shoot", ontap.AccountChange{})
		}, ontap.KindAccount, true},
		{"an account whose password cannot be set", errorText("1261218", "user not found"), func(c *ontap.Client) error {
			return c.SetPassword(t.Context(), svmUUID, "shoot", ontap.NewSecret(accountPass))
		}, ontap.KindAccount, true},
		{"that code is no absence of an interface", errorText("1261218", "user not found"), func(c *ontap.Client) error {
			return c.DeleteInterface(t.Context(), svmUUID)
		}, ontap.KindInterface, false},
		{"a service that there is not", errorText("72089651", "no service"), func(c *ontap.Client) error {
			return c.EnableService(t.Context(), ontap.ProtocolNVMe, svmUUID, true)
		}, ontap.KindService, true},
		{"an SVM that another call does not find is no absence of the account", errorText("2621462", "no SVM"), func(c *ontap.Client) error {
			return c.DeleteAccount(t.Context(), svmUUID, "shoot")
		}, ontap.KindAccount, false},
	}
	for _, c := range cases {
		err := c.call(newFake(t, always(400, c.body)).client(t))
		if got := ontap.IsAbsent(err, c.kind); got != c.want {
			t.Errorf("%s: absent %v, want %v: %v", c.reason, got, c.want, err)
		}
	}
	if ontap.IsAbsent(nil, ontap.KindSVM) || ontap.IsAbsent(errors.New("404 code 4"), ontap.KindSVM) {
		t.Error("something else than an error of a call is taken for an absence")
	}
}

func TestWhatAnErrorTells(t *testing.T) {
	f := newFake(t, always(409, `{"error":{"code":"7077925","message":"New password must be different from the old password.","target":"password"}}`))
	err := f.client(t).SetPassword(t.Context(), svmUUID, "shoot", ontap.NewSecret(accountPass))
	if !ontap.IsPasswordRefused(err) || !ontap.HasCode(err, ontap.CodePasswordSame) || ontap.IsDuplicate(err) || ontap.NamesNoSVM(err) {
		t.Errorf("not told apart: %v", err)
	}
	for _, want := range []string{"set password", "array a1", "7077925", "field password", "different from the old"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	for code, is := range map[string]func(error) bool{"13434908": ontap.IsDuplicate, "1966140": ontap.IsDuplicate, "1376963": ontap.IsDuplicate, "1966345": ontap.IsDuplicate, "1": ontap.IsDuplicate, "1967147": ontap.NamesNoSVM, "1260882": ontap.NamesNoSVM} {
		f := newFake(t, always(400, errorText(code, "no")))
		if err := f.client(t).DeleteInterface(t.Context(), svmUUID); !is(err) {
			t.Errorf("code %s: %v", code, err)
		}
	}
}

func TestAnApprovalNeedsAPerson(t *testing.T) {
	for _, body := range []string{`{"_links":{"request":{"href":"/api/security/multi-admin-verify/requests/7"}}}`, errorText("262309", "request (index 7) requires approval"), `{}`} {
		err := newFake(t, always(202, body)).client(t).DeleteSVM(t.Context(), svmUUID)
		e := asError(t, err)
		if !e.NeedsPerson || flow.ClassOf(err) != flow.NeedsPerson || flow.OutcomeOf(err) != flow.Unknown || flow.AdviceOf(err) == "" {
			t.Errorf("needs a person %v, class %s, outcome %s: %v", e.NeedsPerson, flow.ClassOf(err), flow.OutcomeOf(err), err)
		}
		if strings.Contains(body, "index 7") != strings.Contains(err.Error(), "index 7") {
			t.Errorf("which approval is not told: %v", err)
		}
	}
	f := newFake(t, always(202, "accepted"))
	if e := asError(t, f.client(t).DeleteSVM(t.Context(), svmUUID)); e.NeedsPerson || e.Outcome != flow.Unknown {
		t.Errorf("a 202 that is not understood: needs a person %v, outcome %s", e.NeedsPerson, e.Outcome)
	}
}

// The array quotes what it refuses, in every form that a password takes.
func TestNoPasswordInErrorsAndLogs(t *testing.T) {
	forms := func(p string) []string {
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(p)
		return []string{p, quoted, url.QueryEscape(p), url.PathEscape(p), base64.StdEncoding.EncodeToString([]byte("admin:" + p))}
	}
	var echo []string
	for _, p := range []string{adminPass, accountPass} {
		echo = append(echo, forms(p)...)
	}
	said := strings.Join(echo, " | ")
	job := `{"uuid":"` + jobUUID + `","state":"failure","error":{"code":"2","message":"invalid","target":"` + url.QueryEscape(accountPass) + `"},"message":"x"}`
	answers := map[string]func(int, *http.Request) (int, string){
		"a refusal": always(400, errorText("2", said)),
		"a job": func(n int, _ *http.Request) (int, string) {
			if n == 1 {
				return 202, `{"job":{"uuid":"` + jobUUID + `"}}`
			}
			return 200, job
		},
		"a job that cannot be read": func(n int, _ *http.Request) (int, string) {
			if n == 1 {
				return 202, `{"job":{"uuid":"` + jobUUID + `"}}`
			}
			return 400, errorText("2", said)
		},
	}
	for name, answer := range answers {
		var log bytes.Buffer
		f := newFake(t, answer)
		c := f.client(t, func(o *ontap.Options) {
			o.Log, o.Clock = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), newWaiter()
		})
		err := c.CreateAccount(t.Context(), ontap.NewAccount{SVMUUID: svmUUID, Name: "shoot", Password: ontap.NewSecret(accountPass)})
		if err == nil || log.Len() == 0 {
			t.Fatalf("%s: error %v, log %q", name, err, &log)
		}
		if !strings.Contains(f.requests()[0].body, `p4ss:word\\of/the account`) {
			t.Fatalf("%s: the password did not reach the array: %s", name, f.requests()[0].body)
		}
		slog.New(slog.NewJSONHandler(&log, nil)).Error("failed", "error", err, "whole", asError(t, err), "client", c)
		for _, leak := range echo {
			if strings.Contains(err.Error(), leak) || strings.Contains(log.String(), leak) {
				t.Errorf("%s shows %q: %v\n%s", name, leak, err, &log)
			}
		}
	}
}

func TestNoPasswordInATransportsError(t *testing.T) {
	f := newFake(t, always(200, clusterText))
	c := f.client(t, func(o *ontap.Options) {
		o.DialContext = func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("the proxy does not know " + adminPass)
		}
	})
	_, err := c.Cluster(t.Context())
	if err == nil || !strings.Contains(err.Error(), "does not know [redacted]") || strings.Contains(errors.Unwrap(err).Error(), adminPass) {
		t.Errorf("%v", err)
	}
}

func TestAnErrorIsOneBoundedLine(t *testing.T) {
	f := newFake(t, always(400, errorText("2", "a\nb\r\x1b[31m"+strings.Repeat("ü", 1<<16))))
	err := f.client(t).DeleteInterface(t.Context(), svmUUID)
	if s := err.Error(); len(s) > 2000 || strings.ContainsAny(s, "\n\r\x1b") {
		t.Errorf("%d bytes: %.100q", len(s), s)
	}
}

func TestBrokenConnectionsAreUnknown(t *testing.T) {
	cases := []struct {
		reason string
		says   string
		answer http.HandlerFunc
	}{
		{"the connection breaks before the answer", "", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		{"the body is cut", "read the answer", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "1000")
			w.WriteHeader(404)
			_, _ = w.Write([]byte(errorText("4", "no")))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}},
		{"the body is larger than allowed", "more than 2048 bytes", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(404)
			_, _ = w.Write([]byte(`{"error":{"code":"4","message":"` + strings.Repeat("x", 4096) + `"}}`))
		}},
		{"no answer in time", "deadline", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
	}
	for _, c := range cases {
		f := newFake(t, nil)
		f.Config.Handler = c.answer
		cl := f.client(t, func(o *ontap.Options) {
			o.MaxBody = 2048
			if c.says == "deadline" {
				o.RequestTimeout = time.Second
			}
		})
		_, err := cl.SVM(t.Context(), svmUUID)
		if flow.OutcomeOf(err) != flow.Unknown || err == nil || ontap.IsAbsent(err, ontap.KindSVM) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.reason, err)
		}
	}
}

func TestTheCallersEndIsNotAnAnswer(t *testing.T) {
	f := newFake(t, always(404, errorText("4", "no")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := f.client(t).SVM(ctx, svmUUID)
	if flow.OutcomeOf(err) != flow.Unknown || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
