package seed

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

const notesLimit = 64 << 10

// notes are what the annotation says of the pairs. No password is in it.
type notes struct {
	Version     int                  `json:"version"`
	Write       string               `json:"write"` // nonce of this write
	Active      *pairNotes           `json:"active,omitempty"`
	Pending     *pairNotes           `json:"pending,omitempty"`
	Previous    string               `json:"previous,omitempty"`
	ActivatedAt time.Time            `json:"activatedAt,omitzero"`
	Rations     map[string]rationDoc `json:"rations,omitempty"`
}

type pairNotes struct {
	SVM          string    `json:"svm,omitempty"`
	Generation   uint64    `json:"generation,omitempty"`
	Set          string    `json:"set,omitempty"`
	VerifiedAt   time.Time `json:"verifiedAt,omitzero"`
	FirstRefused time.Time `json:"firstRefused,omitzero"`
	LastRefused  time.Time `json:"lastRefused,omitzero"`
	Unlocked     time.Time `json:"unlocked,omitzero"`
}

type rationDoc struct {
	Tries   int       `json:"tries"`
	LastTry time.Time `json:"lastTry,omitzero"`
}

// setWords are the states of a request to set a password, as they are written.
var setWords = map[decide.SetState]string{
	decide.SetUnknown: "", decide.NotSent: "not-sent", decide.Sent: "sent", decide.Confirmed: "confirmed", decide.RefusedByPolicy: "refused-by-policy",
}

func setOf(word string) (decide.SetState, bool) {
	for state, w := range setWords {
		if w == word {
			return state, true
		}
	}
	return decide.SetUnknown, false
}

// parseNotes judges an annotation, as parseDocument does a document.
func parseNotes(text string) (notes, proof.Finding, string) {
	if len(text) > notesLimit {
		return notes{}, proof.Unusable, fmt.Sprintf("what was noted of its pairs is damaged: %d bytes", len(text))
	}
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal([]byte(text), &head); err != nil || head.Version < 1 {
		return notes{}, proof.Unusable, "what was noted of its pairs is damaged"
	}
	if head.Version > format {
		return notes{}, proof.Unknown, fmt.Sprintf("%v: version %d, and this program knows %d", errNewer, head.Version, format)
	}
	var n notes
	if json.Unmarshal([]byte(text), &n) != nil {
		return notes{}, proof.Unusable, "what was noted of its pairs is damaged"
	}
	if strict(text, new(notes)) != nil {
		return notes{}, proof.Unknown, "what was noted of its pairs holds what this program does not know"
	}
	switch err := n.validate(); {
	case errors.Is(err, errNewer):
		return notes{}, proof.Unknown, tidy(err.Error())
	case err != nil:
		return notes{}, proof.Unusable, "what was noted of its pairs is damaged: " + tidy(err.Error())
	}
	return n, proof.Present, ""
}

func (n notes) validate() error {
	if n.Write == "" {
		return errors.New("it does not say by which write")
	}
	for _, p := range []*pairNotes{n.Active, n.Pending} {
		if p == nil {
			continue
		}
		if _, known := setOf(p.Set); !known {
			return fmt.Errorf("set %q: %w", tidy(p.Set), errNewer)
		}
	}
	for account, r := range n.Rations {
		if account == "" || r.Tries < 0 {
			return errors.New("a count of logins is out of range")
		}
	}
	return nil
}

// notesOf is what is noted of a Secret.
func notesOf(s Secret, nonce string) notes {
	n := notes{Version: format, Write: nonce, Active: s.Active.notes(), Pending: s.Pending.notes(), Previous: s.Previous, ActivatedAt: s.ActivatedAt.UTC()}
	for account, r := range s.Rations {
		if n.Rations == nil {
			n.Rations = map[string]rationDoc{}
		}
		n.Rations[account] = rationDoc{r.Tries, r.LastTry.UTC()}
	}
	return n
}

func (p Pair) notes() *pairNotes {
	if p.State() == decide.NoPair {
		return nil
	}
	return &pairNotes{SVM: p.SVM, Generation: p.Generation, Set: setWords[p.Set], VerifiedAt: p.Login.VerifiedAt.UTC(),
		FirstRefused: p.Login.FirstRefused.UTC(), LastRefused: p.Login.LastRefused.UTC(), Unlocked: p.Login.Unlocked.UTC()}
}

// fill puts into s what the notes say: of a pair only where the seal shows that
// they were noted of that very pair.
func (n notes) fill(s *Secret, sealed string) {
	s.Previous, s.ActivatedAt = n.Previous, n.ActivatedAt
	for account, r := range n.Rations {
		if s.Rations == nil {
			s.Rations = map[string]decide.Ration{}
		}
		s.Rations[account] = decide.Ration{Tries: r.Tries, LastTry: r.LastTry}
	}
	active, pending, _ := strings.Cut(sealed, ".")
	n.Active.fill(&s.Active, s.Active.seal("active", n.Write) == active)
	n.Pending.fill(&s.Pending, s.Pending.seal("pending", n.Write) == pending)
}

func (n *pairNotes) fill(p *Pair, ofThis bool) {
	if n == nil || !ofThis {
		return
	}
	p.SVM, p.Generation = n.SVM, n.Generation
	p.Set, _ = setOf(n.Set)
	p.Login = decide.Login{VerifiedAt: n.VerifiedAt, FirstRefused: n.FirstRefused, LastRefused: n.LastRefused, Unlocked: n.Unlocked}
}

// seal binds a pair to one write.
func (p Pair) seal(role, nonce string) string {
	if p.State() == decide.NoPair {
		return ""
	}
	h := sha256.New()
	for _, part := range []string{role, nonce, p.User, p.Password.Reveal()} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func sealOf(s Secret, nonce string) string {
	return s.Active.seal("active", nonce) + "." + s.Pending.seal("pending", nonce)
}

// inUse reads AnnotationInUse; what is no number says nothing.
func inUse(text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
