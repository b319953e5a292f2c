package kops

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// keeper stands before an S3 server and lets through what a policy allows, as
// AWS would. The actions are those of "Actions, resources, and condition keys
// for Amazon S3" in the Service Authorization Reference. It checks no
// signatures; the server behind it does.
type keeper struct {
	bucket string
	behind http.Handler

	mu     sync.Mutex
	policy policy
	asked  map[string]bool // "ACTION RESOURCE" of all requests
	denied map[string]bool // those that were denied
	odd    []string        // requests of no known action
}

// bucketActions are the questions about a bucket, by the parameter that is
// asked with. GET /BUCKET?list-type=2 is an action of its own.
var bucketActions = map[string]string{
	"versions":          "s3:ListBucketVersions",
	"lifecycle":         "s3:GetLifecycleConfiguration",
	"versioning":        "s3:GetBucketVersioning",
	"object-lock":       "s3:GetBucketObjectLockConfiguration",
	"publicAccessBlock": "s3:GetBucketPublicAccessBlock",
	"policyStatus":      "s3:GetBucketPolicyStatus",
	"policy":            "s3:GetBucketPolicy",
	"acl":               "s3:GetBucketAcl",
	"location":          "s3:GetBucketLocation",
	"tagging":           "s3:GetBucketTagging",
	"encryption":        "s3:GetEncryptionConfiguration",
}

// need is the action that a request needs, and on what; "" if the table has
// none. Whatever writes has none here: it is never allowed.
func need(r *http.Request, bucket string) (action, resource string) {
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	if name != bucket || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return "", ""
	}
	if key == "" {
		resource = "arn:aws:s3:::" + bucket
		if r.Method == http.MethodHead || query.Get("list-type") == "2" {
			return "s3:ListBucket", resource
		}
		for parameter, action := range bucketActions {
			if query.Has(parameter) {
				return action, resource
			}
		}
		return "", ""
	}
	resource = "arn:aws:s3:::" + bucket + "/" + key
	action = "s3:GetObject"
	for _, sub := range []string{"acl", "attributes", "legal-hold", "retention", "torrent", "partNumber", "uploadId"} {
		if query.Has(sub) {
			return "", ""
		}
	}
	if query.Has("versionId") {
		action += "Version"
	}
	if query.Has("tagging") {
		action += "Tagging"
	}
	return action, resource
}

// ServeHTTP implements http.Handler.
func (k *keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	action, resource := need(r, k.bucket)
	k.mu.Lock()
	held := action + " " + resource
	k.asked[held] = true
	allowed := action != "" && k.policy.allows(action, resource)
	mayList := k.policy.allows("s3:ListBucket", "arn:aws:s3:::"+k.bucket)
	if action == "" {
		k.odd = append(k.odd, r.Method+" "+r.URL.String())
	}
	if !allowed {
		k.denied[held] = true
	}
	k.mu.Unlock()
	switch {
	case !allowed:
		fault(w, r, http.StatusForbidden, "AccessDenied")
		return
	case action == "s3:GetBucketPublicAccessBlock": // not offered by the server behind
		fault(w, r, http.StatusNotFound, "NoSuchPublicAccessBlockConfiguration")
		return
	}
	answer := httptest.NewRecorder()
	k.behind.ServeHTTP(answer, r)
	// S3 does not tell whoever may not list that something is not there.
	if answer.Code == http.StatusNotFound && strings.HasPrefix(action, "s3:GetObject") && !mayList {
		fault(w, r, http.StatusForbidden, "AccessDenied")
		return
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = io.Copy(w, answer.Body) // who asked notices
}

func fault(w http.ResponseWriter, r *http.Request, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>x</Message></Error>", code)
	}
}

// forward hands every request on as it came, signature and all.
func forward(t *testing.T, endpoint string) *httputil.ReverseProxy {
	t.Helper()
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = to.Scheme, to.Host, r.In.Host
	}}
}

// under has everybody act under a policy from here on.
func (k *keeper) under(p policy) {
	k.mu.Lock()
	defer k.mu.Unlock()
	raw := bytes.ReplaceAll(mustJSON(p), []byte(":::my-state"), []byte(":::"+k.bucket))
	k.policy, _ = parsePolicy(raw) // it was one before
	k.asked, k.denied, k.odd = map[string]bool{}, map[string]bool{}, nil
}

// uses reports whether a request was made that needs the action, on a resource
// that the pattern of the policy names.
func (k *keeper) uses(action, pattern string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	pattern = strings.Replace(pattern, ":::my-state", ":::"+k.bucket, 1)
	for held := range k.asked {
		have, resource, _ := strings.Cut(held, " ")
		if wild(action, have) && wild(pattern, resource) {
			return true
		}
	}
	return false
}

// refused are the requests that were denied, and those that nobody knows.
func (k *keeper) refused() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := slices.Clone(k.odd)
	for held := range k.denied {
		all = append(all, held)
	}
	slices.Sort(all)
	return all
}
