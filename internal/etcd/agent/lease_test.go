package agent

import (
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
)

func TestLeaseFencing(t *testing.T) {
	heard := Lease{Epoch: 5, Tenure: "five"}
	for _, tc := range []struct {
		reason string
		lease  Lease
		says   string // empty: it is taken
		epoch  uint64 // remembered afterwards
	}{
		{"an older epoch", Lease{Epoch: 4, Tenure: "four"}, "older than the one that a heard, epoch 5", 5},
		{"a second lease of the epoch", Lease{Epoch: 5, Tenure: "other"}, "heard epoch 5 (tenure five) first", 5},
		{"the same lease", heard, "", 5},
		{"a newer one", Lease{Epoch: 6, Tenure: "six"}, "", 6},
		{"none", Lease{}, "bears no lease", 5},
		{"an epoch without a tenure", Lease{Epoch: 7}, "bears no lease", 5},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			n := newNode(t, "a")
			n.run(t, Deps{})
			c := n.dial(t)
			if err := c.Hear(deadline(t), heard); err != nil {
				t.Fatal(err)
			}
			// Every acting call is fenced alike.
			acts := map[string]func() error{
				"Hear":         func() error { return c.Hear(deadline(t), tc.lease) },
				"NoteClaim":    func() error { return c.NoteClaim(deadline(t), tc.lease, n.claim("m"), nil, nil, nil) },
				"StartClaimed": func() error { return c.StartClaimed(deadline(t), tc.lease, n.claim("m")) },
				"StartJoining": func() error { return c.StartJoining(deadline(t), tc.lease, Joining{}) },
				"Start":        func() error { return c.Start(deadline(t), tc.lease) },
				"Retire":       func() error { return c.Retire(deadline(t), tc.lease, Retiring{Reason: "x"}) },
				"Adopt":        func() error { return c.Adopt(deadline(t), tc.lease, proof.Identity{}, proof.Identity{}) },
				"Remember":     func() error { return c.Remember(deadline(t), tc.lease, Remembering{}) },
			}
			for name, act := range acts {
				err := act()
				if tc.says != "" {
					mustRefuse(t, err, tc.says)
				} else if name == "Hear" && err != nil {
					t.Fatal(err)
				}
			}
			s, err := c.Testify(deadline(t))
			if err != nil || s.Epoch != tc.epoch {
				t.Fatalf("epoch %d is remembered, want %d (%v)", s.Epoch, tc.epoch, err)
			}
		})
	}
}

func TestHeardLeaseOutlivesTheAgent(t *testing.T) {
	n := newNode(t, "a")
	a := n.agent(t, Deps{})
	if err := a.act(deadline(t), Lease{Epoch: 9, Tenure: "nine"}, "test", func(ctxT) error { return nil }); err != nil {
		t.Fatal(err)
	}
	a.Close()
	a = n.agent(t, Deps{})
	mustRefuse(t, a.act(deadline(t), Lease{Epoch: 8, Tenure: "eight"}, "test", func(ctxT) error { return nil }), "epoch 9")
}
