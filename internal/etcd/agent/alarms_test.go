package agent

import (
	"slices"
	"testing"
)

func TestAlarmsInStatusErrors(t *testing.T) {
	for _, c := range []struct {
		reason string
		errors []string
		want   []string
	}{
		{"etcd 3.6 lists an alarm with a blank at its end", []string{"memberID:10276657743932975437 alarm:NOSPACE "}, []string{"NOSPACE"}},
		{"a member without a leader has no alarm by that", []string{"etcdserver: no leader"}, nil},
		{"two members with one alarm are one alarm", []string{"memberID:1 alarm:CORRUPT ", "memberID:2 alarm:CORRUPT "}, []string{"CORRUPT"}},
		{"nothing stands", nil, nil},
	} {
		if got := alarmsIn(c.errors); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v; want %v", c.reason, got, c.want)
		}
	}
}
