package decide

import (
	"bytes"
	"crypto/sha256"
)

// Target is the array on which an SVM of this name is made: the one that the
// configuration names for it, else a choice that depends on nothing but the
// name and the set of arrays, so that all seeds contend for one array. Taking
// away an array moves only those that it would have had. It is "" where there
// is no array, or where the named one is not among them.
func Target(name string, arrays []string, named string) string {
	best := ""
	var highest []byte
	for _, a := range arrays {
		if a == named {
			return a
		}
		// The lengths cannot be confused: neither name may hold a zero byte.
		weight := sha256.Sum256([]byte(name + "\x00" + a))
		switch order := bytes.Compare(weight[:], highest); {
		case best == "", order > 0, order == 0 && a < best:
			best, highest = a, weight[:]
		}
	}
	if named != "" {
		return ""
	}
	return best
}
