package lead

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	good := string(held(3).encode())
	cases := []struct {
		reason, content string
		ok, newer       bool
	}{
		{"what encode writes", good, true, false},
		{"empty", "", false, false},
		{"truncated", good[:len(good)/2], false, false},
		{"not JSON", "lease", false, false},
		{"another JSON value", "[]", false, false},
		{"null", "null", false, false},
		{"something after it", good + "{}", false, false},
		{"no format", `{"epoch":1,"tenure":"t","beat":"b","termMillis":1000}`, false, false},
		{"a newer format, whatever else it holds", `{"format":2,"epoch":"five"}`, false, true},
		{"a format below ours", `{"format":-1,"epoch":1,"tenure":"t","beat":"b","termMillis":1000}`, false, false},
		{"no epoch", `{"format":1,"tenure":"t","beat":"b","termMillis":1000}`, false, false},
		{"an epoch after which there is none", `{"format":1,"epoch":18446744073709551615,"tenure":"t","beat":"b","termMillis":1000}`, false, false},
		{"a negative epoch", `{"format":1,"epoch":-1,"tenure":"t","beat":"b","termMillis":1000}`, false, false},
		{"no tenure", `{"format":1,"epoch":1,"beat":"b","termMillis":1000}`, false, false},
		{"no beat", `{"format":1,"epoch":1,"tenure":"t","termMillis":1000}`, false, false},
		{"no term: it would be taken over at once", `{"format":1,"epoch":1,"tenure":"t","beat":"b"}`, false, false},
		{"a term of a year: nobody would ever lead again", `{"format":1,"epoch":1,"tenure":"t","beat":"b","termMillis":31536000000}`, false, false},
		{"a term that overflows to a short one", `{"format":1,"epoch":1,"tenure":"t","beat":"b","termMillis":18446744073710}`, false, false},
	}
	for _, c := range cases {
		l, err := parse([]byte(c.content))
		if (err == nil) != c.ok || errors.Is(err, errNewer) != c.newer {
			t.Errorf("%s: %+v, %v", c.reason, l, err)
		}
		if err != nil && l != (Lease{}) {
			t.Errorf("%s: an error and a lease: %+v", c.reason, l)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "parse the lease: ") {
			t.Errorf("%s: %q does not say what was done", c.reason, err)
		}
	}
}

func FuzzParseLease(f *testing.F) {
	good := held(7).encode()
	for _, seed := range [][]byte{good, released(9).encode(), good[:20], nil, []byte("null"), []byte(`{"format":2}`), []byte(`{"format":1,"termMillis":1e6}`)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		l, err := parse(content)
		if err != nil {
			if l != (Lease{}) {
				t.Errorf("an error and a lease: %+v", l)
			}
			return
		}
		if l.Epoch == 0 || l.Epoch > maxEpoch || l.Term() < minTerm || l.Term() > maxTerm || l.Tenure == "" || l.Beat == "" {
			t.Errorf("out of bounds: %+v", l)
		}
		if again, err := parse(l.encode()); err != nil || again != l {
			t.Errorf("%+v, written and read again: %+v, %v", l, again, err)
		}
		if m := Decide(Sight{There: true, Readable: true, Lease: l, Still: time.Hour}, Agents{Answered: 1, Of: 1}, time.Second); m.Take && m.Epoch <= l.Epoch {
			t.Errorf("epoch %d after %d", m.Epoch, l.Epoch)
		}
	})
}
