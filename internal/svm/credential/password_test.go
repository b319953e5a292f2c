package credential_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/credential"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

func TestNewPassword(t *testing.T) {
	t.Parallel()
	const rounds = 2000
	seen, characters := map[string]bool{}, map[rune]int{}
	for range rounds {
		p, err := credential.NewPassword()
		must(t, "make a password", err)
		text := p.Reveal()
		kinds := map[string]int{}
		for _, r := range text {
			characters[r]++
			switch {
			case unicode.IsDigit(r):
				kinds["digit"]++
			case unicode.IsUpper(r):
				kinds["upper"]++
			case unicode.IsLower(r):
				kinds["lower"]++
			default:
				t.Fatalf("a character that is neither letter nor digit: %q", r)
			}
		}
		if len(text) != credential.PasswordLength || seen[text] || kinds["digit"] < 2 || kinds["upper"] < 2 || kinds["lower"] < 2 {
			t.Fatalf("%d characters, seen before: %t, %v", len(text), seen[text], kinds)
		}
		seen[text] = true
	}
	// Each of the 62 comes 774 times on average, with a deviation of 28.
	if len(characters) != 62 {
		t.Errorf("%d different characters", len(characters))
	}
	for r, n := range characters {
		if n < 500 || n > 1200 {
			t.Errorf("%q came %d times", r, n)
		}
	}
}

// A password that the array would refuse for holding the user's name is not
// even written aside.
func TestAPasswordForAUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMemory(t), noDoubts)
	made := func(passwords ...string) credential.Generator {
		return func() (ontap.Secret, error) {
			p := passwords[0]
			if len(passwords) > 1 {
				passwords = passwords[1:]
			}
			return w.book.hide(p), nil
		}
	}
	broken := errors.New("no entropy")
	cases := []struct {
		reason string
		make   credential.Generator
		want   string
		fails  string
	}{
		{"the second does", made("xxPRODxx11", "another9word"), "another9word", ""},
		{"none does", made("xxprodxx11"), "", "held the name prod"},
		{"an empty one", made(""), "", "empty"},
		{"the generator fails", func() (ontap.Secret, error) { return ontap.Secret{}, broken }, "", "no entropy"},
	}
	for _, c := range cases {
		l := w.newLife(t)
		i := l.instanceOf(t)
		i.carrier.NewPassword = c.make
		secret, err := i.carrier.Do(t.Context(), l.job(i, l.secret(t)), decide.CredentialStep{Action: decide.MakePending, User: first, Generation: 1})
		if (err == nil) != (c.fails == "") || err != nil && (!strings.Contains(err.Error(), c.fails) || l.secret(t).Pending.User != "") {
			t.Errorf("%s: %v", c.reason, err)
		}
		if err == nil && secret.Pending.Password.Reveal() != c.want {
			t.Errorf("%s: another password", c.reason)
		}
	}
}
