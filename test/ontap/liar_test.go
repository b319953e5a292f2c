package ontap

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/ontap/sim"
)

// The suite itself is tested by an array that lies: a proxy before the simulator
// changes one thing, and the suite must notice it, in a process of its own, since
// there it fails.

// lie is one thing that the proxy does wrong.
type lie struct {
	step    string // of the suite: the one that must notice
	section string // that its failure must name
	ask     func(*http.Request)
	tell    func(*http.Request, *told)
}

// told is what the proxy passes on.
type told struct {
	status int
	header http.Header
	body   string
}

// swap replaces in the bodies of answers to a method and path.
func swap(method, path, from, to string) func(*http.Request, *told) {
	form := regexp.MustCompile(from)
	return func(r *http.Request, a *told) {
		if r.Method == method && strings.HasPrefix(r.URL.Path, "/api"+path) {
			a.body = form.ReplaceAllString(a.body, to)
		}
	}
}

// always gives a status and an empty object instead of any other outcome.
func always(method, path string, status int) func(*http.Request, *told) {
	return func(r *http.Request, a *told) {
		if r.Method == method && strings.HasPrefix(r.URL.Path, "/api"+path) {
			a.status, a.body = status, "{}"
		}
	}
}

// turn makes one status another, at interfaces of SVMs.
func turn(from, to int) func(*http.Request, *told) {
	return func(r *http.Request, a *told) {
		if atSVM(r) && a.status == from {
			a.status = to
		}
	}
}

// without takes parameters out of the queries below a path.
func without(path, parameter string) func(*http.Request) {
	form := regexp.MustCompile(parameter + `[^&]*&?`)
	return func(r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api"+path) {
			r.URL.RawQuery = form.ReplaceAllString(r.URL.RawQuery, "")
		}
	}
}

var lies = map[string]lie{
	"another media type":    {step: "1_transport", section: "1", tell: func(_ *http.Request, a *told) { a.header.Set("Content-Type", "application/json") }},
	"OPTIONS without Allow": {step: "1_transport", section: "1", tell: func(_ *http.Request, a *told) { a.header.Del("Allow") }},
	"401 as 403": {step: "1_transport", section: "7", tell: func(_ *http.Request, a *told) {
		if a.status == http.StatusUnauthorized {
			a.status = http.StatusForbidden
		}
	}},
	"more fields than asked for":  {step: "1.1_fields", section: "1.1", tell: swap("GET", "/svm/svms", `"uuid":`, `"state":"running","uuid":`)},
	"ignores fields":              {step: "1.1_fields", section: "1.1", ask: without("/svm/svms", "fields=ipspace")},
	"ignores unknown fields":      {step: "1.6_refused_reads", section: "1.1", ask: without("/svm/svms", "fields=nosuchfield")},
	"ignores negation":            {step: "1.1_filters", section: "1.1", ask: func(r *http.Request) { r.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, "%21", "") }},
	"ignores order":               {step: "1.1_order", section: "1.1", ask: without("/", "order_by=")},
	"ignores return_records":      {step: "1.1_order", section: "1.1", ask: without("/", "return_records=")},
	"counts wrongly":              {step: "1.2_collections", section: "1.2", tell: swap("GET", "/", `"num_records":\d+`, `"num_records":77`)},
	"ends the pages too early":    {step: "1.2_paging", section: "1.2", tell: swap("GET", "/", `"next":`, `"later":`)},
	"ignores max_records":         {step: "1.2_paging", section: "1.2", ask: without("/", "max_records=")},
	"an unknown thing is 200":     {step: "1.6_refused_reads", section: "1.2", tell: func(_ *http.Request, a *told) { a.status = http.StatusOK }},
	"codes as numbers":            {step: "1.6_refused_reads", section: "1.5", tell: swap("GET", "/", `"code":"(\d+)"`, `"code":$1`)},
	"versions as texts":           {step: "3_cluster", section: "3", tell: swap("GET", "/cluster", `"minor":(\d+)`, `"minor":"$1"`)},
	"is_svm_root is cheap":        {step: "9_volumes", section: "9", tell: swap("GET", "/storage/volumes", `"uuid":`, `"is_svm_root":true,"uuid":`)},
	"creations are synchronous":   {step: "1.3_jobs", section: "1.3", tell: always("POST", "/svm/svms", http.StatusCreated)},
	"job codes as texts":          {step: "1.4_job_objects", section: "1.4", tell: swap("GET", "/cluster/jobs", `"code":(\d+)`, `"code":"$1"`)},
	"duplicate SVM as code 1":     {step: "2.3_refused_SVMs", section: "13", tell: swap("POST", "/svm/svms", `13434908`, `1`)},
	"netmasks are dotted":         {step: "5.2_interfaces", section: "5.2", tell: swap("GET", "/network/ip/interfaces", `"netmask":"24"`, `"netmask":"255.255.255.0"`)},
	"duplicate address as code 1": {step: "5.2_refused_interfaces", section: "13", tell: swap("POST", "/network/ip/interfaces", `1376963`, `1`)},
	"accepts two routes":          {step: "5.3_routes", section: "13", tell: always("POST", "/network/ip/routes", http.StatusCreated)},
	"shows passwords":             {step: "6.2_accounts", section: "6.1", tell: swap("GET", "/security/accounts", `"comment":`, `"password":"x","comment":`)},
	"accepts any password":        {step: "6.4_refused_passwords", section: "6.4", tell: always("POST", "/security/authentication/password", http.StatusOK)},
	"old passwords live":          {step: "6.3_passwords", section: "6.3", tell: turn(http.StatusUnauthorized, http.StatusOK)},
	"wrong passwords are welcome": {step: "6.4_lock_after_failures", section: "6.4", tell: turn(http.StatusUnauthorized, http.StatusOK)},
	"an SVM user may do anything": {step: "6.5_what_an_SVM_user_may_do", section: "6.5", tell: turn(http.StatusForbidden, http.StatusOK)},
	"says deleted, and deletes not": {step: "6.2_changing_accounts", section: "13", ask: func(r *http.Request) {
		if r.Method == http.MethodDelete && strings.Contains(r.URL.Path, "/security/accounts/") {
			r.Method = http.MethodGet
		}
	}},
}

// ownPassword is what the suite makes; see suite.password.
var ownPassword = regexp.MustCompile(`Aa1[0-9a-f]{16}`)

const lieVariable = "SEEDPROOF_ONTAP_LIE"

// proxy stands before the cluster and before every interface of its SVMs.
type proxy struct {
	lie
	inner Target
	svms  *http.Client
}

// before puts the proxy of a lie before a target.
func (l lie) before(t *testing.T, target *Target) {
	t.Helper()
	p := &proxy{lie: l, inner: *target, svms: &http.Client{Transport: &http.Transport{
		DialContext: target.DialSVM, DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}, // the suite looks at certificates, the proxy does not
	}}}
	server := httptest.NewTLSServer(p)
	t.Cleanup(server.Close)
	target.URL, target.HTTPClient = server.URL, server.Client()
	target.DialSVM = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked := r.Clone(r.Context())
	if p.ask != nil {
		p.ask(asked)
	}
	a, err := p.forward(asked)
	if err != nil {
		panic(http.ErrAbortHandler) // no answer there, none here
	}
	if p.tell != nil {
		p.tell(r, a)
	}
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.Header().Del("Content-Length")
	w.WriteHeader(a.status)
	fmt.Fprint(w, a.body)
}

// atSVM says whether a request came for an interface of an SVM.
func atSVM(r *http.Request) bool { return !strings.HasPrefix(r.Host, "127.") }

func (p *proxy) forward(r *http.Request) (*told, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	base, client := p.inner.URL, p.inner.HTTPClient
	if atSVM(r) {
		base, client = "https://"+r.Host, p.svms
	}
	out, err := http.NewRequestWithContext(r.Context(), r.Method, base+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	out.Header = r.Header
	resp, err := client.Do(out)
	if err != nil {
		return nil, fmt.Errorf("ask the simulator: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	return &told{status: resp.StatusCode, header: resp.Header, body: string(answer)}, nil
}

// TestUnderALie is run by TestLies in a process of its own.
func TestUnderALie(t *testing.T) {
	name := os.Getenv(lieVariable)
	if name == "" {
		return
	}
	s := start(t, sim.Options{Times: quick()})
	target := targetOf(t, s, 0)
	lies[name].before(t, &target)
	t.Run("suite", func(t *testing.T) { Conform(t, target) })
	nothingLeft(t, s)
}

func TestLies(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		return
	}
	if _, err := run(t, "none", "9_volumes|1.6_refused_reads|5.3_routes|6.3_passwords|6.4_lock_after_failures|6.5_what_an_SVM_user_may_do"); err != nil {
		t.Fatalf("an honest proxy must pass: %v", err)
	}
	for name, l := range lies {
		t.Run(name, func(t *testing.T) {
			out, err := run(t, name, l.step)
			if err == nil {
				t.Fatalf("the suite did not notice")
			}
			if secret := ownPassword.FindString(out); secret != "" {
				t.Errorf("a password is in the output: %.8s...", secret)
			}
			if strings.Contains(out, "left behind") {
				t.Errorf("the suite did not clean up:\n%s", out)
			}
			if !strings.Contains(out, "section "+l.section+":") {
				t.Errorf("no failure names section %s:\n%s", l.section, out)
			}
		})
	}
}

// run runs what is needed of the suite under a lie.
func run(t *testing.T, name, steps string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestUnderALie$/^suite$/^(discover|2.3_SVMs_for_the_suite|5.2_interfaces|"+steps+")$", "-test.v", "-test.timeout", "1m")
	cmd.Env = append(os.Environ(), lieVariable+"="+name)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%w\n%s", err, out)
	}
	return string(out), nil
}
