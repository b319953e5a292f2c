package record

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/file"
	"github.com/seedproof/seedproof/internal/store/mem"
)

// grounds are the stores that races are run on: each call gives one new place,
// and each call of what it gives another handle on it.
var grounds = map[string]func(t *testing.T) func() func() store.Store{
	"mem": func(*testing.T) func() func() store.Store {
		return func() func() store.Store {
			s := mem.New("control")
			return func() store.Store { return s }
		}
	},
	"file": func(t *testing.T) func() func() store.Store {
		dir, n := t.TempDir(), 0
		return func() func() store.Store {
			n++
			url := "file://" + filepath.Join(dir, fmt.Sprint(n))
			return func() store.Store {
				s, err := file.Open(context.Background(), url)
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
		}
	},
}

// contest lets every keeper write at once, on what it saw before, and checks
// that exactly one won and the rest were refused.
func contest(t *testing.T, n int, write func(i int) error) (winner int) {
	t.Helper()
	errs := make([]error, n)
	var done sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		done.Go(func() {
			<-start
			errs[i] = write(i)
		})
	}
	close(start)
	done.Wait()
	winner = -1
	for i, err := range errs {
		var refused *store.Refused
		switch {
		case err == nil && winner >= 0:
			t.Fatalf("writers %d and %d both won", winner, i)
		case err == nil:
			winner = i
		case !errors.As(err, &refused):
			t.Fatalf("writer %d was not told that it lost: %v", i, err)
		}
	}
	if winner < 0 {
		t.Fatal("nobody won")
	}
	return winner
}

// TestTheClaimHasOneWinner runs 500 races for the claim alone.
func TestTheClaimHasOneWinner(t *testing.T) {
	const races, writers = 500, 8
	for name, ground := range grounds {
		t.Run(name, func(t *testing.T) {
			place := ground(t)
			for race := range races {
				handle := place()
				memory := marked(t, handle())
				keepers, views := make([]*Keeper, writers), make([]View, writers)
				for i := range keepers {
					keepers[i] = keeperOf(handle())
					views[i] = keepers[i].Look(t.Context(), remembered(t, handle(), memory), true)
				}
				claims := make([]ClaimDoc, writers)
				winner := contest(t, writers, func(i int) error {
					claims[i] = someClaim()
					claims[i].Claim = NewClaim(claims[i].Claim.Members, "", 1)
					return keepers[i].WriteClaim(t.Context(), views[i], claims[i])
				})
				v := keepers[0].Look(t.Context(), remembered(t, handle(), memory), true)
				if v.Claim.Finding != proof.Present || v.Claim.Claim.Attempt != claims[winner].Claim.Attempt || v.Claim.Claim.Identity != claims[winner].Claim.Identity {
					t.Fatalf("race %d: the winner's claim does not stand: %+v", race, v.Claim)
				}
			}
		})
	}
}

// remembered adds what lies under a path to what is remembered of the place.
func remembered(t *testing.T, s store.Store, memory []store.Remembered) []store.Remembered {
	t.Helper()
	seen := store.LookAtPlace(t.Context(), s)
	memory[0].FS = seen.FS
	return memory
}

// TestRacesOfWriters swaps record and claim, again and again, 16 at a time.
func TestRacesOfWriters(t *testing.T) {
	const rounds, writers = 12, 16
	for name, ground := range grounds {
		t.Run(name, func(t *testing.T) {
			handle := ground(t)()
			memory := remembered(t, handle(), marked(t, handle()))
			keepers, views := make([]*Keeper, writers), make([]View, writers)
			for i := range keepers {
				keepers[i] = keeperOf(handle())
			}
			look := func() {
				for i, k := range keepers {
					views[i] = k.Look(t.Context(), memory, true)
				}
			}
			for round := range rounds {
				look()
				written := make([]Record, writers)
				winner := contest(t, writers, func(i int) (err error) {
					written[i], err = keepers[i].WriteRecord(t.Context(), views[i], someRecord(), 0)
					return err
				})
				look()
				for i, v := range views {
					if v.Record.Finding != proof.Present || v.Doc.Nonce != written[winner].Nonce || v.Record.Serial != uint64(8+round) {
						t.Fatalf("round %d: keeper %d sees serial %d, nonce %s", round, i, v.Record.Serial, v.Doc.Nonce)
					}
				}
				contest(t, writers, func(i int) error { return keepers[i].WriteClaim(t.Context(), views[i], someClaim()) })
			}
			if kept := aside(t, handle()); len(kept) != 0 {
				t.Errorf("something was set aside: %v", kept)
			}
		})
	}
}

// TestADamagedRecordIsReplacedOnce: many heal at once, and what was damaged is
// kept.
func TestADamagedRecordIsReplacedOnce(t *testing.T) {
	const writers = 16
	for name, ground := range grounds {
		t.Run(name, func(t *testing.T) {
			handle := ground(t)()
			memory := remembered(t, handle(), marked(t, handle()))
			put(t, handle(), RecordKey, []byte("damaged"))
			keepers, views := make([]*Keeper, writers), make([]View, writers)
			for i := range keepers {
				keepers[i] = keeperOf(handle())
				views[i] = keepers[i].Look(t.Context(), memory, true)
			}
			contest(t, writers, func(i int) error {
				_, err := keepers[i].WriteRecord(t.Context(), views[i], someRecord(), 0)
				return err
			})
			if kept := aside(t, handle()); len(kept) != 1 || kept[0] != "damaged" {
				t.Errorf("set aside: %q", kept)
			}
		})
	}
}
