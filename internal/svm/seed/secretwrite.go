package seed

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// WriteSecret creates the Secret where it was Absent, else replaces exactly
// what was read, in one update: keys, labels and annotations of others stay as
// they are, and so does its type. The pair that others read is never taken
// away, and no pair is written half.
func (s *Store) WriteSecret(ctx context.Context, c Secret) (Secret, error) {
	verb := "update"
	if c.object.finding == proof.Absent {
		verb = "create"
	}
	fail := func(err error) (Secret, error) { return Secret{}, fmt.Errorf("write the Secret: %w", err) }
	if e := c.mayWrite(verb); e != nil {
		return fail(e)
	}
	nonce := newNonce()
	wanted, err := c.render(nonce)
	if err != nil {
		return fail(unsent(verb, c.Ref.key(), ReasonInvalid, err.Error(), flow.Permanent))
	}
	after, err := s.putSecret(ctx, verb, wanted, c, nonce)
	if err != nil {
		return fail(err)
	}
	return after, nil
}

// putSecret sends the Secret. It is done when what stands there bears the nonce
// and the very pairs.
func (s *Store) putSecret(ctx context.Context, verb string, wanted *corev1.Secret, c Secret, nonce string) (Secret, error) {
	got := new(corev1.Secret)
	bears := func() bool {
		n, finding, _ := parseNotes(got.Annotations[AnnotationCredentials])
		there := secretOf(got, object{})
		return finding == proof.Present && n.Write == nonce && there.Active.same(c.Active) && there.Pending.same(c.Pending)
	}
	o, e := s.writeObject(ctx, request{verb: verb, key: c.Ref.key(), body: wanted, hidden: c.hidden()}, got, bears)
	if e != nil {
		return Secret{}, e
	}
	return secretOf(got, o), nil
}

func (c Secret) mayWrite(verb string) *Error {
	k := c.Ref.key()
	if why := c.Ref.invalid(); why != "" {
		return unsent(verb, k, ReasonInvalid, why, flow.Permanent)
	}
	if e := c.object.mayWrite(verb, k); e != nil {
		return e
	}
	stored := c.object.secret
	if stored == nil {
		stored = new(corev1.Secret)
	}
	if stored.Immutable != nil && *stored.Immutable {
		return unsent(verb, k, ReasonImmutable, "it is immutable: nothing can be written into it", flow.NeedsPerson)
	}
	before := pairOf(stored.Data, KeyUsername, KeyPassword)
	if c.Active.State() != decide.Complete && !c.Active.same(before) {
		return unsent(verb, k, ReasonInvalid, "the pair that others read would be taken away, or be half of one", flow.Permanent)
	}
	before = pairOf(stored.Data, KeyPendingUsername, KeyPendingPassword)
	if c.Pending.State() == decide.Incomplete && !c.Pending.same(before) {
		return unsent(verb, k, ReasonInvalid, "the pending pair would be half of one", flow.Permanent)
	}
	return nil
}

// hidden are the passwords that no answer may repeat, and what others keep in
// the Secret.
func (c Secret) hidden() []string {
	all := []string{c.Active.Password.Reveal(), c.Pending.Password.Reveal()}
	if c.object.secret == nil {
		return all
	}
	for k, v := range c.object.secret.Data {
		const tooShort = 6 // to be anything but a common word
		if isPassword := k == KeyPassword || k == KeyPendingPassword; isPassword || !ourKeys[k] && len(v) >= tooShort {
			all = append(all, string(v))
		}
	}
	return all
}

// render is the Secret to write.
func (c Secret) render(nonce string) (*corev1.Secret, error) {
	text, err := json.Marshal(notesOf(c, nonce))
	if err != nil {
		return nil, fmt.Errorf("what is noted of its pairs cannot be written: %w", err)
	}
	if _, finding, why := parseNotes(string(text)); finding != proof.Present {
		return nil, fmt.Errorf("it could not be read again: %s", why)
	}
	w := &corev1.Secret{Type: corev1.SecretTypeOpaque}
	if c.object.secret != nil {
		w = c.object.secret.DeepCopy()
	}
	w.TypeMeta = metav1.TypeMeta{Kind: "Secret", APIVersion: "v1"}
	w.Name, w.Namespace = c.Ref.Name, c.Ref.Namespace
	w.Labels, w.Annotations = merged(w.Labels, c.Labels), merged(w.Annotations, nil)
	w.Labels[LabelKind] = KindCredentials
	if w.Labels[LabelManagedBy] == "" && c.object.secret == nil {
		w.Labels[LabelManagedBy] = ManagedBy
	}
	w.Annotations[AnnotationCredentials] = string(text)
	if c.InUseGeneration != inUse(w.Annotations[AnnotationInUse]) {
		w.Annotations[AnnotationInUse] = strconv.FormatUint(c.InUseGeneration, 10)
	}
	if w.Data == nil {
		w.Data = map[string][]byte{}
	}
	c.Active.put(w.Data, KeyUsername, KeyPassword)
	c.Pending.put(w.Data, KeyPendingUsername, KeyPendingPassword)
	w.Data[keySeal] = []byte(sealOf(c, nonce))
	return w, nil
}

// put writes a whole pair, or takes one away. Half a pair, which only another
// can have written, stays as it is.
func (p Pair) put(data map[string][]byte, user, password string) {
	switch p.State() {
	case decide.Complete:
		data[user], data[password] = []byte(p.User), []byte(p.Password.Reveal())
	case decide.NoPair:
		delete(data, user)
		delete(data, password)
	}
}

func merged(stored, ours map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, stored)
	maps.Copy(all, ours)
	return all
}

// RemoveSecret deletes exactly what was read. Where others made the Secret, or
// keep keys of their own in it, it stays, and only what we wrote is taken out.
func (s *Store) RemoveSecret(ctx context.Context, c Secret) error {
	if e := c.object.mayWrite("delete", c.Ref.key()); e != nil {
		return fmt.Errorf("remove the Secret: %w", e)
	}
	var err error
	if c.object.secret != nil && !c.wholly() {
		err = s.takeOut(ctx, c)
	} else {
		err = s.removeObject(ctx, c.Ref.key(), c.object)
	}
	if err != nil {
		return fmt.Errorf("remove the Secret: %w", err)
	}
	return nil
}

var ourKeys = map[string]bool{KeyUsername: true, KeyPassword: true, KeyPendingUsername: true, KeyPendingPassword: true, keySeal: true}

// wholly reports whether the Secret was made by us, and holds nothing of others.
func (c Secret) wholly() bool {
	for k := range c.object.secret.Data {
		if !ourKeys[k] {
			return false
		}
	}
	return c.object.secret.Labels[LabelManagedBy] == ManagedBy
}

// takeOut leaves a Secret to the others that use it. An active pair that we did
// not write is theirs.
func (s *Store) takeOut(ctx context.Context, c Secret) error {
	w := c.object.secret.DeepCopy()
	w.TypeMeta = metav1.TypeMeta{Kind: "Secret", APIVersion: "v1"}
	if c.sealedActive() {
		delete(w.Data, KeyUsername)
		delete(w.Data, KeyPassword)
	}
	for _, k := range []string{KeyPendingUsername, KeyPendingPassword, keySeal} {
		delete(w.Data, k)
	}
	delete(w.Labels, LabelKind)
	if w.Labels[LabelManagedBy] == ManagedBy {
		delete(w.Labels, LabelManagedBy)
	}
	delete(w.Annotations, AnnotationCredentials)
	delete(w.Annotations, AnnotationInUse)
	got := new(corev1.Secret)
	bears := func() bool {
		_, noted := got.Annotations[AnnotationCredentials]
		_, sealed := got.Data[keySeal]
		return !noted && !sealed && pairOf(got.Data, KeyPendingUsername, KeyPendingPassword).State() == decide.NoPair
	}
	_, e := s.writeObject(ctx, request{verb: "update", key: c.Ref.key(), body: w, hidden: c.hidden()}, got, bears)
	if e != nil {
		return e
	}
	return nil
}

// sealedActive reports whether the active pair is the very one that we wrote.
func (c Secret) sealedActive() bool {
	return c.Active.Generation != 0 || c.Active.SVM != ""
}
