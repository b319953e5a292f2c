package snapshot

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// TestWhatIsNotVerified: what the file could not say is said.
func TestWhatIsNotVerified(t *testing.T) {
	for _, c := range []struct {
		reason string
		s      Summary
		has    []string
		lacks  []string
	}{
		{"every one", Summary{}, []string{"can be restored", "the keys are the ones you want", "the other members", "when it was taken", "another snapshot in its place"}, nil},
		{"no members", Summary{}, []string{"names neither a cluster id nor members"}, []string{"foundersID"}},
		{"members", Summary{Members: []Member{{ID: 1}}}, []string{"foundersID"}, []string{"names neither"}},
		{"before 3.6", Summary{}, []string{"the version of its format"}, nil},
		{"from 3.6 on", Summary{StorageVersion: "3.6.0"}, nil, []string{"the version of its format"}},
		{"while compacting", Summary{CompactionPending: true}, []string{"the last finished compaction"}, nil},
		{"else", Summary{}, nil, []string{"the last finished compaction"}},
	} {
		said := strings.Join(c.s.notVerified(), "\n")
		said = strings.ReplaceAll(said, "its keys", "the keys")
		for _, text := range c.has {
			if !strings.Contains(said, text) {
				t.Errorf("%s: nothing of %q", c.reason, text)
			}
		}
		for _, text := range c.lacks {
			if strings.Contains(said, text) {
				t.Errorf("%s: says %q", c.reason, text)
			}
		}
	}
}

// TestIDsAreHex: as etcd writes them, since a JSON number would lose digits.
func TestIDsAreHex(t *testing.T) {
	s := Summary{FoundersID: 0xcdf818194e3a8c32, Members: []Member{{ID: 0x8e9e05c52164694d}}}
	text, err := json.Marshal(s)
	must(t, err)
	if !strings.Contains(string(text), `"cdf818194e3a8c32"`) || !strings.Contains(string(text), `"8e9e05c52164694d"`) {
		t.Errorf("%s", text)
	}
	var back Summary
	must(t, json.Unmarshal(text, &back))
	if !reflect.DeepEqual(back, s) {
		t.Errorf("%+v came back as %+v", s, back)
	}
}
