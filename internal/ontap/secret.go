package ontap

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
)

// mask is what a password looks like from outside.
const mask = "[redacted]"

// Secret is a password. However it is printed, logged or marshalled it shows as
// "[redacted]"; only Reveal gives it out. It holds a pointer, so that printing
// it by way of an unexported field, where fmt calls no methods, shows an
// address and not the password. The zero value is an empty password.
type Secret struct{ value *string }

var (
	_ fmt.Formatter  = Secret{}
	_ fmt.GoStringer = Secret{}
	_ json.Marshaler = Secret{}
	_ slog.LogValuer = Secret{}
)

// NewSecret hides a password.
func NewSecret(password string) Secret { return Secret{&password} }

// Reveal is the password itself, for the one place that needs it.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsEmpty reports whether there is no password.
func (s Secret) IsEmpty() bool { return s.Reveal() == "" }

// Equal compares two passwords in constant time.
func (s Secret) Equal(o Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(o.Reveal())) == 1
}

// String hides the password.
func (Secret) String() string { return mask }

// GoString hides the password.
func (Secret) GoString() string { return mask }

// Format hides the password from every verb, %x and %q included.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// MarshalJSON hides the password.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + mask + `"`), nil }

// MarshalText hides the password.
func (Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// LogValue hides the password.
func (Secret) LogValue() slog.Value { return slog.StringValue(mask) }

// plain is a password on its way into a request body, the only place where it
// is marshalled as it is.
type plain struct{ Secret }

func (p plain) MarshalJSON() ([]byte, error) { return json.Marshal(p.Reveal()) }
func (p plain) IsZero() bool                 { return p.IsEmpty() }

// eraser takes passwords out of what the other side says back to us. A server
// may quote what it refuses.
type eraser struct{ replace *strings.Replacer }

// newEraser knows a password in each form in which it crosses the wire; the
// longer forms come first, so that none is left in part.
func newEraser(user string, secrets ...Secret) eraser {
	var forms []string
	for _, s := range secrets {
		p := s.Reveal()
		if p == "" {
			continue
		}
		basic := base64.StdEncoding.EncodeToString([]byte(user + ":" + p))
		for _, form := range []string{basic, jsonText(p, true), jsonText(p, false), url.QueryEscape(p), url.PathEscape(p), p} {
			forms = append(forms, form, mask)
		}
	}
	return eraser{strings.NewReplacer(forms...)}
}

// jsonText is a string as it stands between the quotes of a JSON text.
func jsonText(s string, escapeHTML bool) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(escapeHTML)
	_ = enc.Encode(s) // a string always marshals
	return strings.TrimSuffix(strings.TrimPrefix(b.String(), `"`), "\"\n")
}

func (e eraser) text(s string) string {
	if e.replace == nil {
		return s
	}
	return e.replace.Replace(s)
}
