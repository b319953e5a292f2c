package seed_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// waiting is a context whose caller waits no longer once the fault has struck,
// where the fault is a call that hangs.
func waiting(t *testing.T, in *fault.Injector, mode fault.Mode) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	if mode != fault.Hung {
		return ctx
	}
	go func() {
		for in.Struck() == nil {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Millisecond):
			}
		}
		cancel()
	}()
	return ctx
}

// story is what an instance does, from wherever the one before it came to. It
// ends with an error where it could not go on.
type story func(ctx context.Context, s *seed.Store) error

// errSilent: something could not be read. It must never be called absent.
var errSilent = errors.New("not known")

// recordStory: claim, pin, record, and the claim closed.
func recordStory(ctx context.Context, s *seed.Store) error {
	c := s.Claim(ctx, "p1")
	r := s.Record(ctx, "p1")
	switch {
	case c.Finding == proof.Unknown || r.Finding == proof.Unknown:
		return errSilent
	case c.Finding == proof.Absent && r.Finding == proof.Present:
		return errors.New("a record, and its claim is absent")
	}
	var err error
	if c.Finding == proof.Absent {
		if c, err = s.WriteClaim(ctx, opened(c)); err != nil {
			return err
		}
	}
	switch pin := s.Pin(ctx, "array-a"); pin.Finding {
	case proof.Absent:
		if err := s.WritePin(ctx, "array-a", "cluster-a"); err != nil {
			return err
		}
	case proof.Unknown:
		return errSilent
	}
	if c.State == decide.ClaimOpen {
		c.State, c.SeenRunning = decide.ClaimBorn, true
		if c, err = s.WriteClaim(ctx, c); err != nil {
			return err
		}
	}
	if r.Finding == proof.Absent {
		if _, err = s.WriteRecord(ctx, born(r)); err != nil {
			return err
		}
	}
	w, err := s.Words(ctx, "p1")
	if err != nil || w.FailClaim != "" {
		return err
	}
	w.FailClaim = "noted"
	_, err = s.WriteWords(ctx, w)
	return err
}

// secretStory: a pair is written aside, then moved, then noted as verified.
func secretStory(namespace string) story {
	return func(ctx context.Context, s *seed.Store) error {
		c := s.Secret(ctx, seed.SecretRef{Namespace: namespace, Name: "p1"})
		var err error
		if c.Finding == proof.Unknown {
			return errSilent
		}
		if c.Active.State() == decide.Incomplete || c.Pending.State() == decide.Incomplete || c.Damaged {
			return fmt.Errorf("half written: %s, %s, damaged %v", c.Active.State(), c.Pending.State(), c.Damaged)
		}
		if c.Active.State() == decide.NoPair && c.Pending.State() == decide.NoPair {
			c.Pending = pair("u1", "first-pass", 1)
			if c, err = s.WriteSecret(ctx, c); err != nil {
				return err
			}
		}
		if c.Active.State() == decide.NoPair {
			c.Active, c.Pending = c.Pending, seed.Pair{}
			if c, err = s.WriteSecret(ctx, c); err != nil {
				return err
			}
		}
		if c.Active.Password.Reveal() != "first-pass" || c.Active.Generation != 1 {
			return errors.New("the pair is not the one that was written")
		}
		if !c.Active.Login.VerifiedAt.IsZero() {
			return nil
		}
		c.Active.Login.VerifiedAt = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		_, err = s.WriteSecret(ctx, c)
		return err
	}
}

// removalStory takes all of the first story away; at rest nothing is there.
func removalStory(namespace string) story {
	return func(ctx context.Context, s *seed.Store) error {
		secret := s.Secret(ctx, seed.SecretRef{Namespace: namespace, Name: "p1"})
		r, c := s.Record(ctx, "p1"), s.Claim(ctx, "p1")
		if secret.Finding == proof.Unknown || r.Finding == proof.Unknown || c.Finding == proof.Unknown {
			return errSilent
		}
		return errors.Join(s.RemoveSecret(ctx, secret), s.RemoveClaim(ctx, c), s.RemoveRecord(ctx, r))
	}
}

// run runs a story as one instance, and reports whether it crashed.
func run(ctx context.Context, s *seed.Store, in *fault.Injector, tell story) (crashed bool, err error) {
	done := make(chan error, 1)
	go func() { done <- tell(ctx, s) }()
	select {
	case err := <-done:
		return false, err
	case <-in.Dead():
		return true, nil
	}
}

// toRest runs new instances without faults until one ends well, then shows that
// one more writes nothing.
func toRest(t *testing.T, p place, tell story) {
	t.Helper()
	var err error
	for range 5 {
		if err = tell(t.Context(), p.store(t)); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatalf("it does not come to rest: %v", err)
	}
	h := &heard{}
	if err := tell(t.Context(), p.store(t, func(o *seed.Options) { o.Observer = h })); err != nil || h.writes() != 0 {
		t.Errorf("at rest it wrote %d times: %v", h.writes(), err)
	}
}

// TestEveryCallMayFail strikes every call of each story with every fault.
func TestEveryCallMayFail(t *testing.T) {
	k := newPlace(t)
	tests := []struct {
		name   string
		before func(place) story
		tell   func(place) story
		check  func(*testing.T, place)
	}{
		{"record", nil, func(place) story { return recordStory }, checkRecord},
		{"secret", nil, func(p place) story { return secretStory(p.namespace) }, checkSecret},
		{"removal", func(p place) story {
			return func(ctx context.Context, s *seed.Store) error {
				return errors.Join(recordStory(ctx, s), secretStory(p.namespace)(ctx, s))
			}
		}, func(p place) story { return removalStory(p.namespace) }, checkRemoved},
	}
	for _, tt := range tests {
		calls := 0
		at := func(t *testing.T, n int, mode fault.Mode) {
			p := place{k.KubeServer, k.Namespace(t)}
			if tt.before != nil {
				if err := tt.before(p)(t.Context(), p.store(t)); err != nil {
					t.Fatal(err)
				}
			}
			in := fault.NewInjector(n, mode)
			timeout := func(o *seed.Options) {
				if mode == fault.Hung { // the look after a removal hangs until its own end
					o.Timeout = 3 * time.Second
				}
			}
			crashed, err := run(waiting(t, in, mode), p.store(t, faults(in), timeout), in, tt.tell(p))
			if n == 0 {
				calls = in.Count()
				if err != nil || calls == 0 {
					t.Fatalf("%s: %d calls without a fault: %v", tt.name, calls, err)
				}
			} else if in.Struck() == nil {
				t.Fatalf("%s: call %d was never made", tt.name, n)
			}
			if crashed != (mode == fault.CrashedBefore || mode == fault.CrashedAfter) && n > 0 {
				t.Errorf("crashed: %v", crashed)
			}
			if err != nil && flow.OutcomeOf(err) == flow.Done {
				t.Errorf("an error that is done: %v", err)
			}
			toRest(t, p, tt.tell(p))
			tt.check(t, p)
		}
		at(t, 0, fault.None)
		t.Logf("%s: %d calls, each struck with %d faults", tt.name, calls, len(fault.Modes))
		for _, mode := range fault.Modes {
			for n := 1; n <= calls; n++ {
				t.Run(fmt.Sprintf("%s/%s/%d", tt.name, mode, n), func(t *testing.T) { at(t, n, mode) })
			}
		}
	}
}

func checkRecord(t *testing.T, p place) {
	s := p.store(t)
	r, c := s.Record(t.Context(), "p1"), s.Claim(t.Context(), "p1")
	if r.Serial != 1 || r.UUIDs[0] != "uuid-a" || c.State != decide.ClaimBorn || s.Pin(t.Context(), "array-a").UUID != "cluster-a" {
		t.Errorf("at rest: %+v, %+v", r, c)
	}
}

func checkSecret(t *testing.T, p place) {
	c := p.store(t).Secret(t.Context(), p.ref("p1"))
	if c.Active.User != "u1" || c.Pending.State() != decide.NoPair || c.Active.Login.VerifiedAt.IsZero() {
		t.Errorf("at rest: %+v", c)
	}
}

func checkRemoved(t *testing.T, p place) {
	s := p.store(t)
	r, c, secret := s.Record(t.Context(), "p1"), s.Claim(t.Context(), "p1"), s.Secret(t.Context(), p.ref("p1"))
	if r.Finding != proof.Absent || c.Finding != proof.Absent || secret.Finding != proof.Absent {
		t.Errorf("at rest: %s, %s, %s", r.Finding, c.Finding, secret.Finding)
	}
}

// A read that was struck says Unknown, whether the thing is there or not.
func TestAStruckReadIsNeverAnAbsence(t *testing.T) {
	p := newPlace(t)
	ctx := t.Context()
	if _, err := p.store(t).WriteRecord(ctx, born(p.store(t).Record(ctx, "there"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"there", "not-there"} {
		for _, mode := range []fault.Mode{fault.Refused, fault.FailedBefore, fault.LostReply, fault.Hung} {
			for k := 1; k <= 2; k++ {
				in := fault.NewInjector(k, mode)
				r := p.store(t, faults(in)).Record(waiting(t, in, mode), name)
				if in.Struck() == nil {
					if name == "there" && k == 2 {
						continue // one call is enough for what is there
					}
					t.Fatalf("%s, %s: call %d was never made", name, mode, k)
				}
				if r.Finding != proof.Unknown || r.Why == "" {
					t.Errorf("%s, %s of call %d: %s (%s)", name, mode, k, r.Finding, r.Why)
				}
			}
		}
	}
}

// A write whose answer was lost is done when the object bears it.
func TestALostAnswerIsFoundOut(t *testing.T) {
	p := newPlace(t)
	ctx := t.Context()
	for k, what := range map[int]string{3: "create", 4: "update"} {
		in := fault.NewInjector(k, fault.LostReply)
		s := p.store(t, faults(in))
		r := s.Record(ctx, what)
		r, err := s.WriteRecord(ctx, born(r))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if k == 4 && in.Struck() == nil {
			if r, err = s.WriteRecord(ctx, r); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
		if in.Struck() == nil {
			t.Fatalf("%s was not struck", what)
		}
		if _, err := s.WriteRecord(ctx, r); err != nil {
			t.Errorf("%s: what was found out cannot be written on: %v", what, err)
		}
	}
}

// Nobody has to wait for a call that hangs: it ends by itself, as not known.
// What was to be written is not there, and may still arrive.
func TestACallThatHangsEnds(t *testing.T) {
	p := newPlace(t)
	for k, what := range map[int]string{1: "read", 3: "create"} {
		in := fault.NewInjector(k, fault.Hung)
		s := p.store(t, faults(in), func(o *seed.Options) { o.Timeout = 3 * time.Second })
		r := s.Record(t.Context(), what)
		if k == 1 {
			wantFinding(t, what, r.Finding, proof.Unknown, r.Why)
			continue
		}
		if _, err := s.WriteRecord(t.Context(), born(r)); err == nil || flow.OutcomeOf(err) != flow.Unknown {
			t.Errorf("%s: %v", what, err)
		}
	}
}
