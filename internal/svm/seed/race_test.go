package seed_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

const (
	racers = 8
	rounds = 12
)

// race lets all racers loose at once and counts how they ended.
func race(t *testing.T, act func(n int) error) (won []int) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	start := make(chan struct{})
	for n := range racers {
		wg.Go(func() {
			<-start
			err := act(n)
			mu.Lock()
			defer mu.Unlock()
			switch flow.OutcomeOf(err) {
			case flow.Done:
				won = append(won, n)
			case flow.Unknown:
				t.Errorf("racer %d does not know: %v", n, err)
			}
		})
	}
	close(start)
	wg.Wait()
	return won
}

func TestOneWinnerPerVersion(t *testing.T) {
	p := newPlace(t)
	ctx := t.Context()
	stores := make([]*seed.Store, racers)
	for n := range stores {
		stores[n] = p.store(t)
	}
	for round := range rounds {
		claims, records, secrets := make([]seed.Claim, racers), make([]seed.Record, racers), make([]seed.Secret, racers)
		for n, s := range stores {
			claims[n], records[n], secrets[n] = opened(s.Claim(ctx, fmt.Sprint("p", round))), born(s.Record(ctx, "p")), s.Secret(ctx, p.ref("p"))
			claims[n].Note, records[n].Note = fmt.Sprint(n), fmt.Sprint(n)
			secrets[n].Active = pair(fmt.Sprint("u", n), "a-pass", uint64(round+1))
		}
		for what, got := range map[string][]int{
			"create": race(t, func(n int) error { _, err := stores[n].WriteClaim(ctx, claims[n]); return err }),
			"update": race(t, func(n int) error { _, err := stores[n].WriteRecord(ctx, records[n]); return err }),
			"secret": race(t, func(n int) error { _, err := stores[n].WriteSecret(ctx, secrets[n]); return err }),
		} {
			if len(got) != 1 {
				t.Fatalf("round %d, %s: %v won", round, what, got)
			}
			var winner string
			switch what {
			case "create":
				winner = stores[0].Claim(ctx, fmt.Sprint("p", round)).Note
			case "update":
				winner = stores[0].Record(ctx, "p").Note
			default:
				winner = stores[0].Secret(ctx, p.ref("p")).Active.User[1:]
			}
			if winner != fmt.Sprint(got[0]) {
				t.Errorf("round %d, %s: %s stands there, and %d won", round, what, winner, got[0])
			}
		}
	}
	if r := stores[0].Record(ctx, "p"); r.Serial != rounds {
		t.Errorf("serial %d after %d rounds", r.Serial, rounds)
	}
}

// Of many who remove one version and write it, one has its way.
func TestARemovalRacesAWrite(t *testing.T) {
	p := newPlace(t)
	ctx := t.Context()
	s := p.store(t)
	for round := range rounds {
		r, err := s.WriteRecord(ctx, born(s.Record(ctx, "p")))
		if err != nil {
			t.Fatal(err)
		}
		won := race(t, func(n int) error {
			if n == 0 {
				return s.RemoveRecord(ctx, r)
			}
			mine := r
			mine.Note = fmt.Sprint(n)
			_, err := s.WriteRecord(ctx, mine)
			return err
		})
		after := s.Record(ctx, "p")
		removed := len(won) == 1 && won[0] == 0
		if len(won) != 1 || removed != (after.Finding == proof.Absent) || !removed && after.Note != fmt.Sprint(won[0]) {
			t.Fatalf("round %d: %v won, and %s %q stands there", round, won, after.Finding, after.Note)
		}
	}
}
