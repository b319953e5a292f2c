package store

import (
	"errors"
	"strconv"
	"strings"
)

// ContentRange reads the header in which an HTTP store says which part of an
// object it sends, "bytes FIRST-LAST/TOTAL".
func ContentRange(value string) (first, total int64, err error) {
	bad := errors.New("the server did not say which part it sends")
	rest, ok := strings.CutPrefix(value, "bytes ")
	if !ok {
		return 0, 0, bad
	}
	part, size, ok := strings.Cut(rest, "/")
	if !ok {
		return 0, 0, bad
	}
	from, _, ok := strings.Cut(part, "-")
	if !ok {
		return 0, 0, bad
	}
	first, err1 := strconv.ParseInt(from, 10, 64)
	total, err2 := strconv.ParseInt(size, 10, 64)
	if err1 != nil || err2 != nil || first < 0 || total < 0 {
		return 0, 0, bad
	}
	return first, total, nil
}
