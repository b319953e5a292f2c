package record

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestValidateNamesTheField(t *testing.T) {
	cases := []struct {
		reason string
		change func(*Spec)
		field  string // "" : it is valid
	}{
		{"the default of one", func(s *Spec) { *s = DefaultSpec(1) }, ""},
		{"the default of five", func(s *Spec) { *s = DefaultSpec(5) }, ""},
		{"the zero value asks for nothing that could be", func(s *Spec) { *s = Spec{} }, "memberCount"},
		{"an even count survives no more than one less", func(s *Spec) { s.MemberCount = 4 }, "memberCount"},
		{"seven", func(s *Spec) { s.MemberCount = 7 }, "memberCount"},
		{"a negative count", func(s *Spec) { s.MemberCount = -1 }, "memberCount"},
		{"an older minor", func(s *Spec) { s.EtcdVersion = "3.5.12" }, "etcdVersion"},
		{"a newer minor", func(s *Spec) { s.EtcdVersion = "3.7.0" }, "etcdVersion"},
		{"no version", func(s *Spec) { s.EtcdVersion = "" }, "etcdVersion"},
		{"a version with something after it", func(s *Spec) { s.EtcdVersion = "3.6.16\n" }, "etcdVersion"},
		{"two spellings of one version", func(s *Spec) { s.EtcdVersion = "3.6.016" }, "etcdVersion"},
		{"no interval", func(s *Spec) { s.BackupInterval = 0 }, "backupInterval"},
		{"below a second", func(s *Spec) { s.BackupInterval = Duration(time.Second - 1) }, "backupInterval"},
		{"a second", func(s *Spec) { s.BackupInterval = Duration(time.Second) }, ""},
		{"a negative interval", func(s *Spec) { s.BackupInterval = -1 }, "backupInterval"},
		{"etcd's default of no quota", func(s *Spec) { s.QuotaBytes = 0 }, "quotaBytes"},
		{"just too small", func(s *Spec) { s.QuotaBytes = 16<<20 - 1 }, "quotaBytes"},
		{"the largest", func(s *Spec) { s.QuotaBytes = 64 << 30 }, ""},
		{"just too large", func(s *Spec) { s.QuotaBytes = 64<<30 + 1 }, "quotaBytes"},
	}
	for _, c := range cases {
		s := DefaultSpec(3)
		c.change(&s)
		err := s.Validate()
		var field *FieldError
		switch {
		case c.field == "" && err != nil:
			t.Errorf("%s: %v", c.reason, err)
		case c.field != "" && !errors.As(err, &field):
			t.Errorf("%s: no field is named: %v", c.reason, err)
		case c.field != "" && (field.Field != c.field || !strings.Contains(err.Error(), c.field) || field.Expected == ""):
			t.Errorf("%s: got %v; want %s", c.reason, err, c.field)
		}
	}
}

func TestWith(t *testing.T) {
	type fields = map[string]string
	cases := []struct {
		reason  string
		fields  fields
		changes []string
		field   string // of the error
	}{
		{"nothing asked, nothing changed", nil, nil, ""},
		{"the same again is no change", fields{"memberCount": "3"}, nil, ""},
		{"all at once, in a fixed order", fields{"quotaBytes": "4294967296", "memberCount": "5", "backupInterval": "30m", "etcdVersion": "v3.6.17"},
			[]string{"backupInterval: 15m0s -> 30m0s", "etcdVersion: 3.6.16 -> 3.6.17", "memberCount: 3 -> 5", "quotaBytes: 2147483648 -> 4294967296"}, ""},
		{"one is bad: nothing changes", fields{"memberCount": "5", "backupInterval": "soon"}, nil, "backupInterval"},
		{"two are bad: always the same one is named", fields{"memberCount": "many", "quotaBytes": "much", "backupInterval": "soon"}, nil, "backupInterval"},
		{"a number that is none", fields{"memberCount": "3.0"}, nil, "memberCount"},
		{"a number that no int holds", fields{"quotaBytes": "99999999999999999999"}, nil, "quotaBytes"},
		{"a count that cannot be", fields{"memberCount": "2"}, nil, "memberCount"},
		{"a field that is none", fields{"members": "3"}, nil, "members"},
		{"a field in another spelling", fields{"MemberCount": "5"}, nil, "MemberCount"},
	}
	for _, c := range cases {
		for range 8 { // maps have no order
			before := DefaultSpec(3)
			got, changes, err := before.With(c.fields)
			var field *FieldError
			if c.field != "" {
				if !errors.As(err, &field) || field.Field != c.field || got != before || changes != nil {
					t.Fatalf("%s: %+v, %v, %v", c.reason, got, changes, err)
				}
				continue
			}
			if err != nil || !slices.Equal(changes, c.changes) || (len(changes) == 0) != (got == before) || got.Validate() != nil {
				t.Fatalf("%s: %+v, %q, %v", c.reason, got, changes, err)
			}
		}
	}
}

func TestDurationsAreReadable(t *testing.T) {
	b := DefaultSpec(3).JSON()
	if !strings.Contains(string(b), `"backupInterval":"15m0s"`) {
		t.Errorf("got %s", b)
	}
	for _, bad := range []string{`{"backupInterval":900}`, `{"backupInterval":"15"}`, `{"backupInterval":"a while"}`} {
		var s Spec
		if err := json.Unmarshal([]byte(bad), &s); err == nil {
			t.Errorf("%s was taken as %+v", bad, s)
		}
	}
}

func FuzzParseSpec(f *testing.F) {
	for _, seed := range []string{string(DefaultSpec(3).JSON()), string(DefaultSpec(1).JSON()), "", "null", "{}", `{"memberCount":3`,
		`{"memberCount":"3"}`, `{"memberCount":3,"etcdVersion":"3.6.16","backupInterval":"-1s","quotaBytes":1e9}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSpec(b)
		if err != nil {
			return
		}
		if err := s.Validate(); err != nil {
			t.Errorf("%q was taken: %v", b, err)
		}
		if again, err := ParseSpec(s.JSON()); err != nil || again != s {
			t.Errorf("%+v, written and read again: %+v, %v", s, again, err)
		}
	})
}
