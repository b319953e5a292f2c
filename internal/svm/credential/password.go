package credential

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/seedproof/seedproof/internal/ontap"
)

// Generator makes a password.
type Generator func() (ontap.Secret, error)

// PasswordLength is far above what an array asks for by default (8), and below
// what any takes (facts 6.4).
const PasswordLength = 24

const (
	alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	// ofEachKind is how many digits, small and capital letters there are at
	// least: rules of that kind are common, and off by default.
	ofEachKind = 2
	// attempts bounds a search that succeeds at once but for an accident.
	attempts = 100
)

// NewPassword makes a random password of letters and digits, of about 142 bits.
func NewPassword() (ontap.Secret, error) {
	for range attempts {
		password, err := randomText(PasswordLength)
		if err != nil {
			return ontap.Secret{}, fmt.Errorf("make a password: %w", err)
		}
		if hasEachKind(password) {
			return ontap.NewSecret(password), nil
		}
	}
	return ontap.Secret{}, errors.New("make a password: no random one was mixed enough")
}

func randomText(length int) (string, error) {
	// The bytes above the last whole multiple of the alphabet are thrown away, so
	// that each character is equally likely.
	const limit = 256 - 256%len(alphabet)
	text := make([]byte, 0, length)
	for len(text) < length {
		buffer := make([]byte, length)
		if _, err := rand.Read(buffer); err != nil {
			return "", err
		}
		for _, b := range buffer {
			if int(b) < limit && len(text) < length {
				text = append(text, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(text), nil
}

func hasEachKind(text string) bool {
	for _, is := range []func(rune) bool{unicode.IsDigit, unicode.IsUpper, unicode.IsLower} {
		n := 0
		for _, r := range text {
			if is(r) {
				n++
			}
		}
		if n < ofEachKind {
			return false
		}
	}
	return true
}

// passwordFor makes a password that does not hold the user's name, which arrays
// refuse.
func (g Generator) passwordFor(user string) (ontap.Secret, error) {
	for range attempts {
		password, err := g()
		if err != nil {
			return ontap.Secret{}, err
		}
		if password.IsEmpty() {
			return ontap.Secret{}, errors.New("make a password: it is empty")
		}
		if !strings.Contains(strings.ToLower(password.Reveal()), strings.ToLower(user)) {
			return password, nil
		}
	}
	return ontap.Secret{}, fmt.Errorf("make a password: each one held the name %s", user)
}
