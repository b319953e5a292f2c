package controller

import (
	"errors"
	"fmt"
	"testing"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/store"
)

// TestALostRaceIsTriedInTheNextPass: one that escalated at once would wait for
// sixty intervals, with the record or the mirror missing all the while.
func TestALostRaceIsTriedInTheNextPass(t *testing.T) {
	lost := fmt.Errorf("write the record: %w", &store.Refused{Key: "record.json"})
	person := flow.AsNeedsPerson(lost, "seedproof etcd explain")
	for name, test := range map[string]struct {
		err  error
		want flow.Class
	}{
		"another wrote first":            {lost, flow.Transient},
		"what says of itself what it is": {person, flow.NeedsPerson},
		"another refusal":                {flow.AsPermanent(errors.New("no")), flow.Permanent},
		"a refusal of the other side":    {refuse("no"), flow.Permanent},
		"no answer":                      {errors.New("timeout"), flow.Transient},
	} {
		got := ofRace("write", test.err)
		if flow.ClassOf(got) != test.want || !errors.Is(got, test.err) {
			t.Errorf("%s: %s, %v; want %s", name, flow.ClassOf(got), got, test.want)
		}
	}
	if err := ofRace("write", nil); err != nil {
		t.Errorf("nothing failed: %v", err)
	}
}
