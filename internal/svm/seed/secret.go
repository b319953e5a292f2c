package seed

import (
	"context"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// The keys in the data of a Secret of credentials. Others read the first two.
const (
	KeyUsername        = "username"
	KeyPassword        = "password"
	KeyPendingUsername = "pending-username"
	KeyPendingPassword = "pending-password"
	// keySeal binds what the annotation says to the pairs it was said of. It is
	// made of passwords, so that it lies among them.
	keySeal = "seedproof-seal"
)

// Annotations of a Secret of credentials.
const (
	// AnnotationCredentials holds everything but the passwords.
	AnnotationCredentials = "seedproof.dev/credentials"
	// AnnotationInUse is the generation with which a backend became bound. Whoever
	// uses the pair writes it.
	AnnotationInUse = "seedproof.dev/in-use"
)

// SecretRef names a Secret.
type SecretRef struct{ Namespace, Name string }

func (r SecretRef) String() string { return r.Namespace + "/" + r.Name }

func (r SecretRef) key() key { return key{secrets, r.Namespace, r.Name} }

// Pair is a user with its password, and what is known of them.
type Pair struct {
	User       string
	Password   ontap.Secret
	SVM        string // UUID for which it was made; "" where it does not say
	Generation uint64 // 0 where it does not say
	Set        decide.SetState
	Login      decide.Login

	stands bool // one of its keys stands in the Secret
}

// State says what there is of the pair: NoPair where both keys are missing.
func (p Pair) State() decide.PairState {
	switch {
	case p.User != "" && !p.Password.IsEmpty():
		return decide.Complete
	case p.User != "" || !p.Password.IsEmpty() || p.stands:
		return decide.Incomplete
	}
	return decide.NoPair
}

// same reports whether it is the same user with the same password.
func (p Pair) same(o Pair) bool {
	return p.State() == o.State() && p.User == o.User && p.Password.Equal(o.Password)
}

// Secret is a Secret of credentials: the pair that others read, the one that
// nobody reads yet, and what is known of both.
//
// What is known is bound to the pair it was noted of. Where somebody else wrote
// a pair, it is given with Generation 0, no SVM, Set SetUnknown and no Login.
type Secret struct {
	Ref     SecretRef
	Finding proof.Finding
	Why     string
	Active  Pair
	Pending Pair
	// Previous is the user of the pair before the active one; "" where there is
	// none.
	Previous    string
	ActivatedAt time.Time
	// InUseGeneration is the generation that a backend is bound with; 0 where it
	// is not known.
	InUseGeneration uint64
	Rations         map[string]decide.Ration // by account
	// Damaged: what was noted beside the pairs is lost, the counts of logins
	// included: somebody may have tried to log in a moment ago. The caller notes
	// for each account a ration that is used up, with the present as its last
	// try, and writes that: then the array's lock time goes by before the next.
	Damaged bool
	Labels  map[string]string // all that it bears; those added are written

	object object
}

// Secret reads a Secret of credentials. It is never an error: see Record. One
// that somebody else made is Present, with its pair.
func (s *Store) Secret(ctx context.Context, ref SecretRef) Secret {
	if why := ref.invalid(); why != "" {
		return Secret{Ref: ref, Why: why}
	}
	var stored corev1.Secret
	o := s.readObject(ctx, ref.key(), &stored)
	if o.finding != proof.Present {
		return Secret{Ref: ref, Finding: o.finding, Why: o.why, object: o}
	}
	return secretOf(&stored, o)
}

func (r SecretRef) invalid() string {
	if !isLabel(r.Namespace) || !isSubdomain(r.Name) {
		return fmt.Sprintf("%q is not the name of a Secret", tidy(r.String()))
	}
	return ""
}

// secretOf reads what a Secret holds.
func secretOf(stored *corev1.Secret, o object) Secret {
	o.secret = stored
	s := Secret{
		Ref: SecretRef{stored.Namespace, stored.Name}, Finding: proof.Present, object: o, Labels: maps.Clone(stored.Labels),
		Active:          pairOf(stored.Data, KeyUsername, KeyPassword),
		Pending:         pairOf(stored.Data, KeyPendingUsername, KeyPendingPassword),
		InUseGeneration: inUse(stored.Annotations[AnnotationInUse]),
	}
	text, noted := stored.Annotations[AnnotationCredentials]
	if !noted {
		if _, sealed := stored.Data[keySeal]; sealed || s.Labels[LabelKind] == KindCredentials {
			s.Damaged, s.Why = true, "what was noted of its pairs is gone"
		}
		return s
	}
	n, finding, why := parseNotes(text)
	switch finding {
	case proof.Present:
		n.fill(&s, string(stored.Data[keySeal]))
	case proof.Unusable:
		s.Damaged, s.Why = true, why
	default:
		s.Finding, s.Why = proof.Unknown, why
		s.object.finding, s.object.why = proof.Unknown, why
		s.Active, s.Pending = Pair{}, Pair{}
	}
	return s
}

func pairOf(data map[string][]byte, user, password string) Pair {
	u, hasUser := data[user]
	p, hasPassword := data[password]
	if !hasUser && !hasPassword {
		return Pair{}
	}
	return Pair{User: string(u), Password: ontap.NewSecret(string(p)), stands: true}
}
