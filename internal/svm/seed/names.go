package seed

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// Labels and annotations of everything that is written here.
const (
	LabelManagedBy = "app.kubernetes.io/managed-by"
	ManagedBy      = "seedproof"
	LabelKind      = "seedproof.dev/kind"
)

// The kinds of objects, which stand in LabelKind.
const (
	KindRecord      = "record"
	KindClaim       = "claim"
	KindPin         = "pin"
	KindWords       = "words"
	KindCredentials = "credentials"
)

// The resources of the API that are used, all of the core group, v1.
const (
	configMaps = "configmaps"
	secrets    = "secrets"
	events     = "events"
	namespaces = "namespaces"
)

// key is where an object lies. The namespace is "" for a namespace itself, the
// name is "" for all objects of the resource.
type key struct{ resource, namespace, name string }

func (k key) String() string {
	singular := strings.TrimSuffix(k.resource, "s")
	switch {
	case k.namespace == "":
		return singular + " " + k.name
	case k.name == "":
		return k.resource + " of " + k.namespace
	}
	return singular + " " + k.namespace + "/" + k.name
}

// collection is where an object of that resource is created.
func (k key) collection() key { return key{k.resource, k.namespace, ""} }

func (k key) path() string {
	p := "/api/v1"
	if k.namespace != "" {
		p += "/namespaces/" + k.namespace
	}
	p += "/" + k.resource
	if k.name != "" {
		p += "/" + k.name
	}
	return p
}

var (
	labelForm     = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	subdomainForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)
	notInLabel    = regexp.MustCompile(`[^a-z0-9]+`)
)

func isLabel(s string) bool     { return len(s) <= 63 && labelForm.MatchString(s) }
func isSubdomain(s string) bool { return len(s) <= 253 && subdomainForm.MatchString(s) }

// ObjectName is the name of the ConfigMap of that kind for an SVM or an array.
// What cannot stand in a name of Kubernetes is replaced, and 8 digits of its
// hash follow behind a dot, so that it never falls together with a name that
// could stand as it is. The object holds the true name.
func ObjectName(kind, name string) string {
	if isLabel(name) {
		return "svm-" + kind + "-" + name
	}
	plain := strings.Trim(notInLabel.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if len(plain) > 40 {
		plain = strings.TrimRight(plain[:40], "-")
	}
	if plain == "" {
		plain = "x"
	}
	sum := sha256.Sum256([]byte(name))
	return "svm-" + kind + "-" + plain + "." + hex.EncodeToString(sum[:4])
}

// newNonce is 128 random bits, in hex.
func newNonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	return hex.EncodeToString(b[:])
}
