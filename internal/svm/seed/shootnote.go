package seed

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/proof"
)

// ShootNote is what a record says of one shoot, so that what was made for it is
// known when the object no longer says it. Records of before notes were kept have
// none, which says nothing of what there is.
type ShootNote struct {
	Shoot string
	// Secrets are where its pair lies, and lay before.
	Secrets []SecretRef
	// Accounts are those that were asked for, noted before they were.
	Accounts []string
	// Generation is the highest of a password that was given out for it.
	Generation uint64
	// LeavingSince is when something of it was first taken away, because nobody
	// asks for it any more; zero while it is wanted.
	LeavingSince time.Time
}

// shootNoteBody is how a ShootNote is written down.
type shootNoteBody struct {
	Shoot        string          `json:"shoot"`
	Secrets      []secretRefBody `json:"secrets,omitempty"`
	Accounts     []string        `json:"accounts,omitempty"`
	Generation   uint64          `json:"generation,omitempty"`
	LeavingSince time.Time       `json:"leavingSince,omitzero"`
}

type secretRefBody struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

func (b shootNoteBody) validate() error {
	if b.Shoot == "" || slices.Contains(b.Accounts, "") {
		return errors.New("a note of a shoot lacks a name")
	}
	for _, ref := range b.Secrets {
		if ref.Namespace == "" || ref.Name == "" {
			return errors.New("a note of shoot " + b.Shoot + " names half a Secret")
		}
	}
	return nil
}

func bodiesOfShoots(notes []ShootNote) []shootNoteBody {
	var all []shootNoteBody
	for _, n := range notes {
		b := shootNoteBody{Shoot: n.Shoot, Accounts: n.Accounts, Generation: n.Generation, LeavingSince: n.LeavingSince.UTC()}
		for _, ref := range n.Secrets {
			b.Secrets = append(b.Secrets, secretRefBody(ref))
		}
		all = append(all, b)
	}
	return all
}

func shootNotesOf(bodies []shootNoteBody) []ShootNote {
	var all []ShootNote
	for _, b := range bodies {
		n := ShootNote{Shoot: b.Shoot, Accounts: b.Accounts, Generation: b.Generation, LeavingSince: b.LeavingSince}
		for _, ref := range b.Secrets {
			n.Secrets = append(n.Secrets, SecretRef(ref))
		}
		all = append(all, n)
	}
	return all
}

// NoteOf is what the record says of a shoot; false where it says nothing.
func (r Record) NoteOf(shoot string) (ShootNote, bool) {
	for _, n := range r.ShootNotes {
		if n.Shoot == shoot {
			return n, true
		}
	}
	return ShootNote{Shoot: shoot}, false
}

// WithNote is the record with this note of the shoot, in the place of any other.
func (r Record) WithNote(n ShootNote) Record {
	r.ShootNotes = append(r.withoutNote(n.Shoot), n)
	slices.SortFunc(r.ShootNotes, func(a, b ShootNote) int { return strings.Compare(a.Shoot, b.Shoot) })
	return r
}

// WithoutShoot is the record that knows nothing of the shoot any more.
func (r Record) WithoutShoot(shoot string) Record {
	r.Shoots = slices.DeleteFunc(slices.Clone(r.Shoots), func(s string) bool { return s == shoot })
	r.ShootNotes = r.withoutNote(shoot)
	return r
}

func (r Record) withoutNote(shoot string) []ShootNote {
	return slices.DeleteFunc(slices.Clone(r.ShootNotes), func(n ShootNote) bool { return n.Shoot == shoot })
}

// Plus is the note with that Secret, these accounts and that generation besides,
// of a shoot that is wanted.
func (n ShootNote) Plus(ref SecretRef, generation uint64, accounts ...string) ShootNote {
	if !slices.Contains(n.Secrets, ref) {
		n.Secrets = append(slices.Clone(n.Secrets), ref)
	}
	for _, a := range accounts {
		if !slices.Contains(n.Accounts, a) {
			n.Accounts = append(slices.Clone(n.Accounts), a)
		}
	}
	n.Generation, n.LeavingSince = max(n.Generation, generation), time.Time{}
	return n
}

// Says reports whether the two notes say the same.
func (n ShootNote) Says(o ShootNote) bool {
	return n.Shoot == o.Shoot && slices.Equal(n.Secrets, o.Secrets) && slices.Equal(n.Accounts, o.Accounts) &&
		n.Generation == o.Generation && n.LeavingSince.Equal(o.LeavingSince)
}

// LeftSecret reads the Secret of a shoot that left, as Secret does. A namespace
// often goes with its shoot. Where the API server itself says that there is none
// of that name, and the Store's own is there, the Secret is Absent with it: the
// record that names it was read from the same server.
func (s *Store) LeftSecret(ctx context.Context, ref SecretRef) Secret {
	secret := s.Secret(ctx, ref)
	if secret.Finding != proof.Unknown || ref.invalid() != "" {
		return secret
	}
	_, e := s.read(ctx, request{verb: "get", key: key{namespaces, "", ref.Namespace}})
	if e == nil || e.absent != isAbsent || s.checkNamespace(ctx, s.o.Namespace) != nil {
		return secret
	}
	return Secret{Ref: ref, Finding: proof.Absent, Why: "its namespace is not there any more"}
}
