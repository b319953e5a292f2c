package ontap

import (
	"slices"
	"strings"
	"testing"
)

// sample gives an SVM to read: ours, else any.
func (s *suite) sample(t *testing.T) (svmRef, bool) {
	t.Helper()
	if s.main.uuid != "" {
		return s.main, true
	}
	r := s.ok(t, "2.1", "SVMs are listed", get("/svm/svms?max_records=1")).records()
	if len(r) == 0 {
		s.noteSection(t, "2.1", "has no SVM: what needs one was not looked at")
		return svmRef{}, false
	}
	return svmRef{name: text(r[0], "name"), uuid: text(r[0], "uuid")}, true
}

// fields is the choice of fields of section 1.1.
func (s *suite) fields(t *testing.T) {
	s.defaultFields(t)
	svm, there := s.sample(t)
	if !there {
		return
	}
	for _, c := range []struct {
		reason     string
		fields     string // as sent
		has, lacks []string
	}{
		{"a field by name comes with the identity", "state", []string{"uuid", "name", "state"}, []string{"subtype", "ipspace", "comment"}},
		{"several fields", "state,subtype", []string{"state", "subtype"}, []string{"ipspace"}},
		{"a dotted field", "ipspace.name", []string{"ipspace.name"}, []string{"ipspace.uuid", "state"}},
		{"fields in braces", "ipspace.{name,uuid},state", []string{"ipspace.name", "ipspace.uuid", "state"}, []string{"subtype"}},
		{"an object by name is whole", "ipspace", []string{"ipspace.name", "ipspace.uuid"}, []string{"state"}},
		{"an asterisk: the standard set", "*", []string{"uuid", "name", "state", "subtype", "ipspace.name", "nvme"}, []string{"snapmirror"}},
		{"two asterisks: the expensive ones too", "**", []string{"state", "subtype", "snapmirror"}, nil},
		{"an expensive field by name", "snapmirror", []string{"snapmirror"}, []string{"state"}},
		{"a field taken away", "*,!state", []string{"name", "subtype"}, []string{"state"}},
		{"an empty list: the default", "", []string{"uuid", "name"}, []string{"state", "subtype"}},
		{"an unknown name that may be ignored", "state,nosuchfield&ignore_unknown_fields=true", []string{"state"}, []string{"nosuchfield"}},
	} {
		t.Run(c.reason, func(t *testing.T) {
			a := s.ok(t, "1.1", c.reason, get("/svm/svms?uuid="+svm.uuid+"&fields="+c.fields))
			s.check(t, "1.1", "one record", a, len(a.records()) == 1)
			for _, path := range c.has {
				s.check(t, "1.1", "has "+path, a, has(a.only(), path))
			}
			for _, path := range c.lacks {
				s.check(t, "1.1", "lacks "+path, a, !has(a.only(), path))
			}
		})
	}
	t.Run("an instance has the standard set", func(t *testing.T) {
		whole := s.ok(t, "2.1", "instance without fields", get("/svm/svms/"+svm.uuid))
		star := s.ok(t, "1.1", "collection with the standard set", get("/svm/svms?uuid="+svm.uuid+"&fields=*"))
		s.check(t, "1.1", "the instance has the keys "+strings.Join(keys(star.only()), " "), whole, slices.Equal(keys(whole.body), keys(star.only())))
	})
	t.Run("an instance with fields", func(t *testing.T) {
		a := s.ok(t, "2.1", "instance with fields", get("/svm/svms/"+svm.uuid+"?fields=state"))
		s.check(t, "2.1", "has state, lacks subtype", a, has(a.body, "state") && !has(a.body, "subtype"))
	})
	s.hyphen(t)
}

// defaultFields holds collections to their identifying keys.
func (s *suite) defaultFields(t *testing.T) {
	for _, c := range []struct {
		path string
		want []string
	}{
		{"/svm/svms", []string{"name", "uuid"}},
		{"/storage/aggregates", []string{"name", "uuid"}},
		{"/cluster/nodes", []string{"name", "uuid"}},
		{"/network/ip/interfaces", []string{"name", "uuid"}},
		{"/network/ipspaces", []string{"name", "uuid"}},
		{"/security/accounts", []string{"name", "owner"}},
	} {
		t.Run("default of "+c.path, func(t *testing.T) {
			a := s.ok(t, "1.1", "a collection without fields", get(c.path))
			for _, r := range a.records() {
				s.check(t, "1.1", "records hold only "+strings.Join(c.want, " "), a, slices.Equal(keys(r), c.want))
			}
		})
	}
	t.Run("default of broadcast domains", func(t *testing.T) {
		for _, r := range s.ok(t, "1.1", "a collection without fields", get("/network/ethernet/broadcast-domains")).records() {
			if !has(r, "uuid") || has(r, "mtu") || has(r, "ports") {
				t.Errorf("section 1.1: only identifying keys without fields: %v", r)
			}
		}
	})
}

// hyphen asks for the number of volumes as the specification wrongly spells it.
func (s *suite) hyphen(t *testing.T) {
	t.Run("volume_count", func(t *testing.T) {
		a := s.ok(t, "1", "the name on the wire", get("/storage/aggregates?fields=volume_count"))
		for _, r := range a.records() {
			_, whole := integer(r, "volume_count")
			s.check(t, "1", "volume_count is an integer", a, whole)
		}
		hyphen := s.send(t, get("/storage/aggregates?fields=volume-count"))
		s.noteSection(t, "1", "answers fields=volume-count with %d", hyphen.status)
		if !hyphen.good() {
			s.errorShape(t, hyphen)
			return
		}
		for _, r := range hyphen.records() {
			s.check(t, "1", "the name on the wire is volume_count", hyphen, has(r, "volume_count"))
		}
	})
}
