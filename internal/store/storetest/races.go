package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/seedproof/seedproof/internal/store"
)

const rounds = 10

// race lets every handle write at once and checks that exactly one is told
// that its content stands, and that it does.
func race(t *testing.T, handles []store.Store, key string, write func(s store.Store, content []byte) (store.Info, error)) store.Info {
	t.Helper()
	contents := make([][]byte, len(handles))
	infos, errs := make([]store.Info, len(handles)), make([]error, len(handles))
	start := make(chan struct{})
	var done sync.WaitGroup
	for i, s := range handles {
		contents[i] = fresh(fmt.Sprintf("writer %d of", i))
		done.Go(func() {
			<-start
			infos[i], errs[i] = write(s, contents[i])
		})
	}
	close(start)
	done.Wait()
	winner := -1
	for i, err := range errs {
		if err == nil && winner >= 0 {
			t.Fatalf("writers %d and %d both won %s", winner, i, key)
		}
		if err == nil {
			winner = i
		}
	}
	if winner < 0 {
		t.Fatalf("nobody won %s: %v", key, errors.Join(errs...))
	}
	for i, err := range errs {
		if i != winner && errors.Is(err, store.ErrConditionFailed) {
			wantRefused(t, err, contents[winner])
		}
	}
	if info := wantContent(t, handles[0], key, contents[winner]); info.Version != infos[winner].Version {
		t.Errorf("the winner was told version %s; it is %s", infos[winner].Version, info.Version)
	}
	return infos[winner]
}

func testCreateRaces(t *testing.T, handles []store.Store) {
	for round := range rounds {
		key := fmt.Sprintf("claims/%d/claim.json", round)
		race(t, handles, key, func(s store.Store, content []byte) (store.Info, error) {
			return store.Create(t.Context(), s, key, content)
		})
	}
}

func testSwapRaces(t *testing.T, handles []store.Store) {
	stands := put(t, handles[0], "lease.json", fresh("first"))
	for range rounds {
		stands = race(t, handles, "lease.json", func(s store.Store, content []byte) (store.Info, error) {
			return store.Swap(t.Context(), s, "lease.json", stands.Version, content)
		})
	}
}

// testCounter: each writer adds one several times; none is lost.
func testCounter(t *testing.T, handles []store.Store) {
	const each = 3
	put(t, handles[0], "counter", []byte("0 none"))
	var group errgroup.Group
	for _, s := range handles {
		group.Go(func() error {
			for range each {
				if err := addOne(t, s); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	content, _, err := store.Read(t.Context(), handles[0], "counter", 1000)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := count(content), each*len(handles); got != want {
		t.Errorf("counted %d; want %d", got, want)
	}
}

func addOne(t *testing.T, s store.Store) error {
	for range 1000 {
		content, info, err := store.Read(t.Context(), s, "counter", 1000)
		if err != nil {
			return err
		}
		_, err = store.Swap(t.Context(), s, "counter", info.Version, fresh(strconv.Itoa(count(content)+1)))
		if err == nil {
			return nil
		}
	}
	return errors.New("1000 swaps and none won")
}

func count(content []byte) int {
	number, _, _ := strings.Cut(string(content), " ")
	n, _ := strconv.Atoi(number)
	return n
}
