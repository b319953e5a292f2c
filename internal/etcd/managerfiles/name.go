package managerfiles

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// MaxSequence is the highest sequence number that a name can carry.
const MaxSequence = 999999

// Name is the name of a backup taken at t: the second in UTC and a sequence
// number within it, so that names sort as times do. seq is taken modulo
// MaxSequence+1, as etcd-manager's counter wraps.
func Name(t time.Time, seq int) string {
	return fmt.Sprintf("%s-%06d", t.UTC().Format(time.RFC3339), seq%(MaxSequence+1))
}

// ParseName is the inverse of Name: it accepts exactly what Name gives. What
// it refuses, etcd-manager may still list, but never cleans up.
func ParseName(name string) (t time.Time, seq int, err error) {
	dash := strings.LastIndexByte(name, '-')
	if dash < 0 {
		return time.Time{}, 0, fmt.Errorf("parse backup name %q: no sequence number", name)
	}
	t, err = time.Parse(time.RFC3339, name[:dash])
	if err != nil {
		return time.Time{}, 0, fmt.Errorf("parse backup name %q: %w", name, err)
	}
	seq, err = strconv.Atoi(name[dash+1:])
	if err != nil {
		return time.Time{}, 0, fmt.Errorf("parse backup name %q: %w", name, err)
	}
	if seq < 0 || Name(t, seq) != name {
		return time.Time{}, 0, fmt.Errorf("parse backup name %q: want a time in UTC and six digits", name)
	}
	return t, seq, nil
}
