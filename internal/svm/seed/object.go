package seed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
)

// readObject reads one object. Absent takes two answers of the API server: that
// this very object is not there, and that its namespace is.
func (s *Store) readObject(ctx context.Context, k key, into metav1.Object) object {
	o := object{read: true, at: k}
	raw, e := s.read(ctx, request{verb: "get", key: k})
	switch {
	case e == nil:
		if err := decode(raw, k, into); err != nil {
			o.why = fmt.Sprintf("%s was answered and not understood: %v", k, err)
			return o
		}
		return seen(k, into)
	case e.absent != isAbsent:
		o.why, o.err = e.Error(), e
		return o
	}
	if e := s.checkNamespace(ctx, k.namespace); e != nil {
		o.why, o.err = fmt.Sprintf("%s was not found, which says nothing: %v", k, e), e
		return o
	}
	o.finding, o.why = proof.Absent, "asked in the right place, and not there"
	return o
}

func seen(k key, it metav1.Object) object {
	return object{read: true, at: k, finding: proof.Present, uid: string(it.GetUID()), version: it.GetResourceVersion()}
}

// checkNamespace says why nothing in the namespace can be called absent: it is
// not there, or about to go, or could not be asked for. Whoever may not read
// namespaces has to do without.
func (s *Store) checkNamespace(ctx context.Context, name string) *Error {
	k := key{namespaces, "", name}
	raw, e := s.read(ctx, request{verb: "get", key: k})
	if e != nil && e.Status == http.StatusForbidden && e.Refused() {
		return nil
	}
	if e != nil {
		return e
	}
	var n corev1.Namespace
	if err := decode(raw, k, &n); err != nil {
		return &Error{Verb: "get", Object: k.String(), cause: err}
	}
	if n.DeletionTimestamp != nil || n.Status.Phase == corev1.NamespaceTerminating {
		return &Error{Verb: "get", Object: k.String(), Message: "it is being deleted", class: flow.NeedsPerson, advice: "kubectl get namespace " + name}
	}
	return nil
}

var kinds = map[string]string{configMaps: "ConfigMap", secrets: "Secret", namespaces: "Namespace", events: "Event"}

// decode reads an object, which must be the very one that was asked for. The
// error never repeats what it holds.
func decode(raw []byte, k key, into metav1.Object) error {
	var head metav1.TypeMeta
	if json.Unmarshal(raw, &head) != nil || head.Kind != kinds[k.resource] || head.APIVersion != "v1" {
		return fmt.Errorf("it is no %s of v1", kinds[k.resource])
	}
	clean(into)
	if json.Unmarshal(raw, into) != nil {
		return fmt.Errorf("it cannot be read as a %s", head.Kind)
	}
	if into.GetName() != k.name || into.GetNamespace() != k.namespace {
		return errors.New("it is another object")
	}
	if into.GetUID() == "" || into.GetResourceVersion() == "" {
		return errors.New("it has no uid, or no resource version")
	}
	return nil
}

// clean empties what is decoded into: maps would be merged.
func clean(it metav1.Object) {
	switch o := it.(type) {
	case *corev1.ConfigMap:
		*o = corev1.ConfigMap{}
	case *corev1.Secret:
		*o = corev1.Secret{}
	case *corev1.Event:
		*o = corev1.Event{}
	}
}

// writeObject sends one write, once. Where its end is not known, or another
// writer may have been there first, the object is read back: if it bears the
// nonce of this write, the write is done.
func (s *Store) writeObject(ctx context.Context, r request, into metav1.Object, bears func() bool) (object, *Error) {
	raw, e := s.sendOnce(ctx, r)
	if e == nil {
		if decode(raw, r.key, into) == nil && bears() {
			return seen(r.key, into), nil
		}
		e = &Error{Verb: r.verb, Object: r.key.String(), Message: "the answer does not show what was written"}
	}
	if e.settled() {
		return object{}, e
	}
	look, cancel := s.detached(ctx)
	defer cancel()
	o := s.readObject(look, r.key, into)
	if o.finding == proof.Present && bears() {
		return o, nil
	}
	return object{}, e.afterLook(o)
}

func (s *Store) sendOnce(ctx context.Context, r request) ([]byte, *Error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	return s.send(ctx, r)
}

// settled: a refusal that says that this very write did nothing. After a
// conflict only a look shows whose write was there first.
func (e *Error) settled() bool {
	return e.Refused() && e.Status != http.StatusConflict && e.absent != isAbsent
}

// afterLook is the error of a write that the look did not find. A conflict is a
// refusal only once the object was read; whatever else was not known stays so,
// since the write may still arrive.
func (e *Error) afterLook(o object) *Error {
	switch {
	case o.finding == proof.Unknown:
		e.Outcome = flow.Unknown
		e.Message = strings.TrimPrefix(e.Message+"; it could not be read back: "+o.why, "; ")
	case e.Refused() && o.finding == proof.Absent:
		e.Message += "; it is gone"
	case e.Refused():
		e.Message += "; somebody else wrote it first"
	}
	return e
}

// removeObject deletes exactly what was read. Done means that it was seen to be
// gone: another object of that name may be there.
func (s *Store) removeObject(ctx context.Context, k key, o object) error {
	if e := o.mayWrite("delete", k); e != nil {
		return e
	}
	if o.finding == proof.Absent {
		return nil
	}
	exactly := metav1.NewUIDPreconditions(o.uid)
	exactly.ResourceVersion = &o.version
	options := metav1.DeleteOptions{TypeMeta: metav1.TypeMeta{Kind: "DeleteOptions", APIVersion: "v1"}, Preconditions: exactly}
	_, e := s.sendOnce(ctx, request{verb: "delete", key: k, body: options})
	if e != nil && e.settled() {
		return e
	}
	return s.seenGone(ctx, k, o, e)
}

// seenGone looks after a delete that ended with e, nil if it was accepted.
func (s *Store) seenGone(ctx context.Context, k key, o object, e *Error) error {
	look, cancel := s.detached(ctx)
	defer cancel()
	there := blank(k.resource)
	now := s.readObject(look, k, there)
	switch {
	case now.finding == proof.Absent, now.finding == proof.Present && now.uid != o.uid:
		return nil
	case e != nil:
		return e.afterLook(now)
	case now.finding == proof.Unknown:
		return &Error{Verb: "delete", Object: k.String(), Message: "accepted, and whether it is gone could not be read: " + now.why}
	}
	return &Error{Verb: "delete", Object: k.String(), Reason: ReasonStays,
		Message: fmt.Sprintf("accepted, and still there: finalizers %q", there.GetFinalizers())}
}

func blank(resource string) metav1.Object {
	if resource == secrets {
		return new(corev1.Secret)
	}
	return new(corev1.ConfigMap)
}
