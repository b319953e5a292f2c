package store

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxKey is the longest key in bytes, the limit of S3.
const maxKey = 1024

// ErrBadKey: the key is not one a store takes. Nothing was asked or changed.
var ErrBadKey = errors.New("bad key")

// CheckKey says whether key may name an object: relative, slash separated, no
// empty, "." or ".." elements, valid UTF-8 without control characters, at most
// 1024 bytes. Every driver asks it first.
func CheckKey(key string) error {
	if key == "" {
		return fmt.Errorf("%w: it is empty", ErrBadKey)
	}
	if len(key) > maxKey {
		return fmt.Errorf("%w: %d bytes, more than %d", ErrBadKey, len(key), maxKey)
	}
	if !utf8.ValidString(key) || strings.ContainsFunc(key, unicode.IsControl) {
		return fmt.Errorf("%w %q: not plain UTF-8 text", ErrBadKey, key)
	}
	for element := range strings.SplitSeq(key, "/") {
		if element == "" || element == "." || element == ".." {
			return fmt.Errorf("%w %q: element %q is not allowed", ErrBadKey, key, element)
		}
	}
	return nil
}

// Clip gives the part of an object of size bytes that r names. An r with
// negative numbers is an error.
func (r Range) Clip(size int64) (offset, length int64, err error) {
	if r.Offset < 0 || r.Length < 0 {
		return 0, 0, fmt.Errorf("range from %d, %d bytes: negative", r.Offset, r.Length)
	}
	offset = min(r.Offset, size)
	length = size - offset
	if r.Length > 0 {
		length = min(length, r.Length)
	}
	return offset, length, nil
}
