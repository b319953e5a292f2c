package seed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
)

const (
	format  = 1
	dataKey = "document" // of the ConfigMap
)

// body is what a document is about.
type body interface{ validate() error }

// document is what stands in a ConfigMap, whatever its kind.
type document[B body] struct {
	Version   int       `json:"version"`
	Kind      string    `json:"kind"`
	Name      string    `json:"name"`  // of the SVM, or of the array of a pin
	Write     string    `json:"write"` // nonce of this write
	WrittenAt time.Time `json:"writtenAt"`
	Body      B         `json:"body"`
}

// object is which object of the API something was read from: what a write or a
// removal is conditional on.
type object struct {
	read         bool // it was asked for
	at           key
	finding      proof.Finding
	why          string
	err          error // where the finding is Unknown because a call failed
	uid, version string
	stored       *corev1.ConfigMap // to keep what others wrote into it
	secret       *corev1.Secret
}

func (s *Store) document(kind, name string) key {
	return key{configMaps, s.o.Namespace, ObjectName(kind, name)}
}

// readDocument reads one document of the Store's namespace.
func readDocument[B body](ctx context.Context, s *Store, kind, name string) (document[B], object) {
	if name == "" {
		return document[B]{}, object{why: "a " + kind + " of nothing was asked for"}
	}
	k := s.document(kind, name)
	var stored corev1.ConfigMap
	o := s.readObject(ctx, k, &stored)
	if o.finding != proof.Present {
		return document[B]{}, o
	}
	return openDocument[B](kind, name, &stored, o)
}

// openDocument reads what an object holds. With name "" it may be of anybody.
func openDocument[B body](kind, name string, stored *corev1.ConfigMap, o object) (document[B], object) {
	o.stored = stored
	d, finding, why := parseDocument[B](kind, name, stored.Data)
	o.finding, o.why = finding, why
	return d, o
}

// parseDocument judges what a ConfigMap holds, which was wholly read. What a
// newer program wrote, and what is of something else, is Unknown; what is
// damaged is Unusable.
func parseDocument[B body](kind, name string, data map[string]string) (document[B], proof.Finding, string) {
	var d document[B]
	text, there := data[dataKey]
	if !there || strings.TrimSpace(text) == "" {
		return document[B]{}, proof.Unusable, "the object is there and holds no document"
	}
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal([]byte(text), &head); err != nil {
		return document[B]{}, proof.Unusable, "it is damaged: " + tidy(err.Error())
	}
	switch {
	case head.Version > format:
		return document[B]{}, proof.Unknown, fmt.Sprintf("%v: version %d, and this program knows %d", errNewer, head.Version, format)
	case head.Version < 1:
		return document[B]{}, proof.Unusable, "it is damaged: no version"
	}
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return document[B]{}, proof.Unusable, "it is damaged: " + tidy(err.Error())
	}
	switch {
	case d.Kind != kind:
		return document[B]{}, proof.Unknown, fmt.Sprintf("it is a %q, not a %s", tidy(d.Kind), kind)
	case d.Name != name && name != "":
		return document[B]{}, proof.Unknown, fmt.Sprintf("it is the %s of %q, not of %q", kind, tidy(d.Name), name)
	}
	if err := d.validate(); errors.Is(err, errNewer) {
		return document[B]{}, proof.Unknown, tidy(err.Error())
	} else if err != nil {
		return document[B]{}, proof.Unusable, "it is damaged: " + tidy(err.Error())
	}
	if err := strict(text, new(document[B])); err != nil {
		return document[B]{}, proof.Unknown, "it holds what this program does not know: " + tidy(err.Error())
	}
	return d, proof.Present, ""
}

func (d document[B]) validate() error {
	if d.Write == "" || d.Name == "" || d.WrittenAt.IsZero() {
		return errors.New("it does not say of what, or by which write")
	}
	return d.Body.validate()
}

// strict refuses what would be lost if it were written again.
func strict(text string, into any) error {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// writeDocument creates the document where it was Absent, else replaces exactly
// what was read.
func writeDocument[B body](ctx context.Context, s *Store, kind, name string, b B, o object) (document[B], object, error) {
	k := s.document(kind, name)
	verb := "update"
	if o.finding == proof.Absent {
		verb = "create"
	}
	d := document[B]{Version: format, Kind: kind, Name: name, Write: newNonce(), WrittenAt: s.o.Clock.Now().UTC().Truncate(time.Second), Body: b}
	text, err := encodeDocument(d)
	if err != nil {
		return d, o, unsent(verb, k, ReasonInvalid, "it could not be read again: "+err.Error(), flow.Permanent)
	}
	if e := o.mayWrite(verb, k); e != nil {
		return d, o, e
	}
	wanted := configMap(k, kind, o.stored)
	wanted.Data[dataKey] = text
	got := new(corev1.ConfigMap)
	bears := func() bool { return got.Data[dataKey] == text } // its nonce included
	after, e := s.writeObject(ctx, request{verb: verb, key: k, body: wanted}, got, bears)
	if e != nil {
		return d, o, e
	}
	after.stored = got
	return d, after, nil
}

func encodeDocument[B body](d document[B]) (string, error) {
	encoded, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return "", err
	}
	text := string(encoded) + "\n"
	if len(text) > bodyLimit/2 {
		return "", fmt.Errorf("%d bytes are too many", len(text))
	}
	if _, finding, why := parseDocument[B](d.Kind, d.Name, map[string]string{dataKey: text}); finding != proof.Present {
		return "", errors.New(why)
	}
	return text, nil
}

// mayWrite: nothing is written over what is not known.
func (o object) mayWrite(verb string, k key) *Error {
	switch {
	case !o.read:
		return unsent(verb, k, ReasonNotRead, "it was not read before", flow.Permanent)
	case o.at != k:
		return unsent(verb, k, ReasonInvalid, "it was read as "+o.at.String(), flow.Permanent)
	case o.finding == proof.Unknown:
		return unsent(verb, k, ReasonNotRead, "what stands there is not known: "+o.why, flow.Transient)
	}
	return nil
}

// configMap is the object to write: what was read, with our labels.
func configMap(k key, kind string, stored *corev1.ConfigMap) *corev1.ConfigMap {
	c := new(corev1.ConfigMap)
	if stored != nil {
		c = stored.DeepCopy()
	}
	c.TypeMeta = metav1.TypeMeta{Kind: "ConfigMap", APIVersion: "v1"}
	c.Name, c.Namespace = k.name, k.namespace
	c.Labels = maps.Clone(c.Labels)
	if c.Labels == nil {
		c.Labels = map[string]string{}
	}
	c.Labels[LabelManagedBy], c.Labels[LabelKind] = ManagedBy, kind
	if c.Data == nil {
		c.Data = map[string]string{}
	}
	return c
}
