package record

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Spec is the desired state of a cluster. It is the record's;
// `seedproof etcd configure` changes it.
type Spec struct {
	MemberCount    int      `json:"memberCount"`    // 1, 3 or 5
	EtcdVersion    string   `json:"etcdVersion"`    // "3.6.16"
	BackupInterval Duration `json:"backupInterval"` // from one plain backup to the next
	QuotaBytes     int64    `json:"quotaBytes"`     // etcd's --quota-backend-bytes
}

// Duration is a time.Duration that is written as "15m" in JSON.
type Duration time.Duration

// MarshalText writes the duration as time.Duration prints it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration takes.
func (d *Duration) UnmarshalText(b []byte) error {
	parsed, err := time.ParseDuration(string(b))
	*d = Duration(parsed)
	return err
}

// DefaultSpec is what a cluster gets that was asked for with its size alone.
func DefaultSpec(members int) Spec {
	return Spec{MemberCount: members, EtcdVersion: "3.6.16", BackupInterval: Duration(15 * time.Minute), QuotaBytes: 2 << 30}
}

const (
	minBackupInterval = time.Second
	maxQuota          = 64 << 30
)

var (
	versionForm = regexp.MustCompile(`^3\.6\.(0|[1-9][0-9]{0,2})$`)
	laterForm   = regexp.MustCompile(`^(3\.([7-9]|[1-9][0-9])|[4-9]\.[0-9]{1,2})\.[0-9]{1,3}$`)
)

// laterVersion reports whether v is an etcd that this program does not know yet.
func laterVersion(v string) bool { return laterForm.MatchString(v) }

// FieldError is a spec that asks for what cannot be.
type FieldError struct {
	Field, Value, Expected string
}

func (e *FieldError) Error() string {
	return fmt.Sprintf("spec field %s is %q; expected %s", e.Field, e.Value, e.Expected)
}

// Validate names the first field that cannot be, as a *FieldError.
func (s Spec) Validate() error {
	switch {
	case s.MemberCount != 1 && s.MemberCount != 3 && s.MemberCount != 5:
		return &FieldError{"memberCount", strconv.Itoa(s.MemberCount), "1, 3 or 5"}
	case !versionForm.MatchString(s.EtcdVersion):
		return &FieldError{"etcdVersion", s.EtcdVersion, "a version 3.6.x"}
	case time.Duration(s.BackupInterval) < minBackupInterval:
		return &FieldError{"backupInterval", time.Duration(s.BackupInterval).String(), "at least " + minBackupInterval.String()}
	case s.QuotaBytes < 16<<20 || s.QuotaBytes > maxQuota:
		return &FieldError{"quotaBytes", strconv.FormatInt(s.QuotaBytes, 10), "16 MiB to 64 GiB, in bytes"}
	}
	return nil
}

// With is the spec with the named fields set, as the command line takes them,
// and what has changed, in words. It is valid, or there is an error.
func (s Spec) With(fields map[string]string) (Spec, []string, error) {
	changed := s
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if err := changed.set(name, fields[name]); err != nil {
			return s, nil, err
		}
	}
	if err := changed.Validate(); err != nil {
		return s, nil, err
	}
	return changed, s.changes(changed), nil
}

func (s *Spec) set(name, value string) error {
	bad := func(expected string) error { return &FieldError{name, value, expected} }
	switch name {
	case "memberCount":
		n, err := strconv.Atoi(value)
		if err != nil {
			return bad("1, 3 or 5")
		}
		s.MemberCount = n
	case "etcdVersion":
		s.EtcdVersion = strings.TrimPrefix(value, "v")
	case "backupInterval":
		d, err := time.ParseDuration(value)
		if err != nil {
			return bad("a duration such as 15m")
		}
		s.BackupInterval = Duration(d)
	case "quotaBytes":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return bad("a number of bytes")
		}
		s.QuotaBytes = n
	default:
		return bad("one of memberCount, etcdVersion, backupInterval, quotaBytes as the field")
	}
	return nil
}

func (s Spec) changes(o Spec) []string {
	var changes []string
	add := func(field string, before, after any) {
		if before != after {
			changes = append(changes, fmt.Sprintf("%s: %v -> %v", field, before, after))
		}
	}
	add("memberCount", s.MemberCount, o.MemberCount)
	add("etcdVersion", s.EtcdVersion, o.EtcdVersion)
	add("backupInterval", time.Duration(s.BackupInterval), time.Duration(o.BackupInterval))
	add("quotaBytes", s.QuotaBytes, o.QuotaBytes)
	slices.Sort(changes)
	return changes
}

// ParseSpec reads a spec's JSON and validates it.
func ParseSpec(b []byte) (Spec, error) {
	var s Spec
	if err := json.Unmarshal(b, &s); err != nil {
		return Spec{}, fmt.Errorf("parse the spec: %w", err)
	}
	return s, s.Validate()
}

// JSON is the spec's JSON form.
func (s Spec) JSON() []byte {
	b, _ := json.Marshal(s) // a struct of strings and numbers always encodes
	return b
}
