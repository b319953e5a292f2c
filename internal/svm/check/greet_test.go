package check_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/svm/check"
)

func TestGreet(t *testing.T) {
	foreign, err := sim.New(sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	for _, c := range []struct {
		reason string
		change func(*ontap.Options)
		want   []string // none: it is well
		tries  int      // of a password
	}{
		{"it is ours", func(*ontap.Options) {}, nil, 1},
		{"a wrong password is tried once: the array locks after five", func(o *ontap.Options) { o.Password = ontap.NewSecret("not-the-password-1") },
			[]string{`array a1 does not accept user "admin" with the password in a1.password`, "tried once"}, 1},
		{"a certificate of somebody else", func(o *ontap.Options) { o.Trust = ontap.Trust{CA: foreign.Cluster(0).CA()} },
			[]string{"array a1 (https://", "is not vouched for by its caFile", "no password was sent", `fingerprints: ["sha256:`}, 0},
		{"another fingerprint", func(o *ontap.Options) { o.Trust = ontap.Trust{Pins: []ontap.Fingerprint{{}}} },
			[]string{"is none of its fingerprints", "no password was sent", "presented: sha256:"}, 0},
	} {
		t.Run(c.reason, func(t *testing.T) {
			s := newStage(t, sim.Options{})
			err := check.Greet(t.Context(), s.connect(c.change), s.conf)
			if (err != nil) != (len(c.want) > 0) {
				t.Fatalf("%v", err)
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v: does not say %q", err, part)
				}
			}
			tries := 0
			for _, q := range s.sim.Requests() {
				if q.User != "" {
					tries++
				}
			}
			if tries != c.tries {
				t.Errorf("a password was sent %d times, want %d", tries, c.tries)
			}
		})
	}
}

// Who does not answer, or answers that it cannot, is a silent witness and no
// error here.
func TestGreetLeavesSilenceToTheFlow(t *testing.T) {
	s := newStage(t, sim.Options{})
	ended, end := context.WithCancel(t.Context())
	end()
	if err := check.Greet(ended, s.array, s.conf); err != nil {
		t.Errorf("nobody answers: %v", err)
	}
	if _, err := s.sim.Inject(sim.Fault{Kind: sim.Refuse, Path: "/api/cluster", Status: http.StatusInternalServerError, Code: 4, Message: "busy"}); err != nil {
		t.Fatal(err)
	}
	if err := check.Greet(t.Context(), s.array, s.conf); err != nil {
		t.Errorf("it cannot tell now: %v", err)
	}
}
