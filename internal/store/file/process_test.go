package file_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/file"
)

const (
	counterEnv = "SEEDPROOF_TEST_COUNT_IN" // URL of the store to count in
	perProcess = 10
)

func TestMain(m *testing.M) {
	url := os.Getenv(counterEnv)
	if url == "" {
		os.Exit(m.Run())
	}
	if err := countIn(context.Background(), url); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// countIn adds one, several times, as one of several processes.
func countIn(ctx context.Context, url string) error {
	s, err := file.Open(ctx, url)
	if err != nil {
		return err
	}
	for done := 0; done < perProcess; {
		content, info, err := store.Read(ctx, s, "counter", 1000)
		if err != nil {
			return err
		}
		next := fmt.Sprintf("%d pid %d", number(content)+1, os.Getpid())
		_, err = store.Swap(ctx, s, "counter", info.Version, []byte(next))
		if err != nil && !errors.Is(err, store.ErrConditionFailed) {
			return err
		}
		if err == nil {
			done++
		}
	}
	return nil
}

func number(content []byte) int {
	word, _, _ := strings.Cut(string(content), " ")
	n, _ := strconv.Atoi(word)
	return n
}

func TestProcessesLoseNoUpdate(t *testing.T) {
	const processes = 4
	s := at(t, t.TempDir())
	create(t, s, "counter", "0")
	var group errgroup.Group
	for range processes {
		group.Go(func() error {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), counterEnv+"="+s.URL())
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("%w: %s", err, out)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	content, _, err := store.Read(t.Context(), s, "counter", 1000)
	if err != nil || number(content) != processes*perProcess {
		t.Errorf("counted %q, %v; want %d", content, err, processes*perProcess)
	}
}
