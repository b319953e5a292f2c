package acceptance

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
)

// births collects every claim and every birth that anybody ever wrote down
// while it watches: in control stores, in memories and in data directories.
type births struct {
	f        *fleet
	controls []string // directories of the control stores

	mu       sync.Mutex
	attempts []string
	ids      []string // of directories that an etcd was started in, and of records
	stop     chan struct{}
	stopped  chan struct{}
}

// watchBirths begins to watch, until end is called.
func (f *fleet) watchBirths(controls ...string) *births {
	if len(controls) == 0 {
		controls = []string{f.controlDir()}
	}
	b := &births{f: f, controls: controls, stop: make(chan struct{}), stopped: make(chan struct{})}
	go b.watch()
	return b
}

func (b *births) watch() {
	defer close(b.stopped)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		b.look()
		select {
		case <-tick.C:
		case <-b.stop:
			return
		}
	}
}

// end looks once more and gives all attempts and all births that were seen.
func (b *births) end() (attempts, ids []string) {
	close(b.stop)
	<-b.stopped
	b.look()
	return b.attempts, b.ids
}

func (b *births) look() {
	for _, dir := range b.controls {
		var claim struct{ Claim decide.Claim }
		if decoded(filepath.Join(dir, "claim.json"), &claim) {
			b.note(&b.attempts, claim.Claim.Attempt)
		}
		var rec struct{ Identity proof.Identity }
		if decoded(filepath.Join(dir, "record.json"), &rec) {
			b.note(&b.ids, rec.Identity.Birth)
		}
	}
	for _, name := range b.f.names {
		var memory struct{ Claim *decide.Claim }
		if decoded(filepath.Join(b.f.nodes[name].state, "memory.json"), &memory) && memory.Claim != nil {
			b.note(&b.attempts, memory.Claim.Attempt)
		}
		var mark agent.DirMark
		if decoded(filepath.Join(b.f.nodes[name].dataDir, "etcd", "seedproof.json"), &mark) {
			b.note(&b.ids, mark.Identity.Birth)
		}
	}
}

// decoded reads a file that is replaced as a whole by whoever writes it.
func decoded(path string, into any) bool {
	text, err := os.ReadFile(path)
	return err == nil && json.Unmarshal(text, into) == nil
}

func (b *births) note(list *[]string, id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if id != "" && !slices.Contains(*list, id) {
		*list = append(*list, id)
	}
}
