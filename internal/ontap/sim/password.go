package sim

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
	"unicode"
)

// hashed is a password that cannot be read back.
type hashed struct{ Salt, Sum []byte }

// rounds are few: every request checks a password, and what is guarded is a
// simulator.
const rounds = 200

func hashPassword(password string) hashed {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails, see its documentation
	return hashed{Salt: salt, Sum: derive(password, salt)}
}

func derive(password string, salt []byte) []byte {
	sum, err := pbkdf2.Key(sha256.New, password, salt, rounds, 32)
	if err != nil {
		return nil // only where FIPS mode forbids the salt; nothing then fits
	}
	return sum
}

func (h hashed) fits(password string) bool {
	return len(h.Sum) > 0 && subtle.ConstantTimeCompare(h.Sum, derive(password, h.Salt)) == 1
}

// newPassword makes one that every default rule accepts.
func newPassword() string {
	var b [18]byte
	_, _ = rand.Read(b[:]) // never fails, see its documentation
	return "s1" + base64.RawURLEncoding.EncodeToString(b[:])
}

// The rules of `security login role config`, at their defaults.
const (
	minPassword     = 8
	maxPassword     = 128
	passwordHistory = 6
)

// checkPassword says what the rules have against a new password.
func checkPassword(a *account, password string) *refusal {
	switch {
	case len(password) < minPassword:
		return refuse(7077919, "password", "The minimum length for new password does not meet the policy.")
	case len(password) > maxPassword:
		return refuse(7077940, "password", "The password exceeds the maximum supported length.")
	case strings.Contains(password, a.Name):
		return refuse(7077918, "password", "The password cannot contain the username.")
	case !strings.ContainsFunc(password, unicode.IsLetter) || !strings.ContainsFunc(password, unicode.IsDigit):
		return refuse(7077920, "password", "New password must have both letters and numbers.")
	case a.Hash != nil && a.Hash.fits(password):
		return refuse(7077925, "password", "New password must be different than the old password.")
	}
	for _, old := range a.History {
		if old.fits(password) {
			return refuse(7077924, "password", "New password must be different than last %d passwords.", passwordHistory)
		}
	}
	return nil
}

// setPassword replaces the password at once. A lock after failed logins stays.
func (a *account) setPassword(password string) {
	if a.Hash != nil {
		a.History = append(a.History, *a.Hash)
		if extra := len(a.History) - (passwordHistory - 1); extra > 0 {
			a.History = a.History[extra:]
		}
	}
	h := hashPassword(password)
	a.Hash = &h
}
