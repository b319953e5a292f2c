package statestore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seedproof/seedproof/internal/store"
)

// Options say how to read.
type Options struct {
	// Name is the one cluster to look at; "" for all.
	Name string
	// Open opens the store of a backup store that is elsewhere.
	Open func(ctx context.Context, url string) (store.Store, error)
	// Parallel is how many clusters are read at once; 0 is 16.
	Parallel int
	// Timeout is how long one call may take, and a listing may give nothing;
	// 0 is 30 s.
	Timeout time.Duration
	// Progress is told how far it is; may be nil. It is called by one
	// goroutine at a time.
	Progress func(Progress)
}

// Progress is how far a pass has come.
type Progress struct {
	Keys        int // listed so far
	Done, Total int // clusters; Total is 0 while the listing goes on
}

const (
	defaultParallel = 16
	defaultTimeout  = 30 * time.Second
)

// pass is one reading of one state store.
type pass struct {
	Options
	store  store.Store
	root   place
	listed *scan
	opened *stores
}

// Read reads the state store s. A *PlaceError says that there is nothing to
// report on: no place, no such cluster, or a listing that was refused. One
// cluster that cannot be read is no error: it says so itself.
func Read(ctx context.Context, s store.Store, o Options) (*State, error) {
	if o.Parallel <= 0 {
		o.Parallel = defaultParallel
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	root, err := parsePlace(s.URL())
	if err != nil {
		return nil, fmt.Errorf("read the state store: %w", err)
	}
	if strings.ContainsAny(o.Name, "/\x00") || o.Name == "." || o.Name == ".." {
		return nil, &PlaceError{Why: fmt.Sprintf("%q is no name of a cluster", o.Name), Next: "kops get clusters --state " + quoteState(s)}
	}
	p := &pass{Options: o, store: s, root: root}
	p.opened = &stores{open: o.Open, byURL: map[string]*opened{}}
	state, err := p.run(ctx)
	if err != nil {
		p.opened.close()
		return nil, err
	}
	return state, nil
}

func (p *pass) run(ctx context.Context) (*State, error) {
	prefix := ""
	if p.Name != "" {
		prefix = p.Name + "/"
	}
	p.listed = list(ctx, p.store, prefix, p.Timeout, p.tellKeys)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read the state store %s: %w", p.store.URL(), err)
	}
	names := p.names()
	if len(names) == 0 {
		return nil, p.nothing(ctx)
	}
	state := &State{URL: p.store.URL(), Keys: p.listed.keys, opened: p.opened}
	if p.listed.err != nil {
		state.Incomplete = tell(p.root.scheme, true, p.listed.err)
	} else if p.listed.full {
		state.Incomplete = p.listed.covers(prefix).Error()
	}
	state.Clusters = p.clusters(ctx, names)
	share(append(p.neighbours(ctx, state.Clusters), state.Clusters...))
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read the state store %s: %w", p.store.URL(), err)
	}
	return state, nil
}

func (p *pass) tellKeys(keys int) {
	if p.Progress != nil {
		p.Progress(Progress{Keys: keys})
	}
}

// names are the clusters that the listing shows, those without a config too.
// One that was asked for by name is looked at even where nothing could be
// listed.
func (p *pass) names() []string {
	found := map[string]bool{}
	for name, folder := range p.listed.folders {
		if folder.Config != nil || folder.Applied() {
			found[name] = true
		}
	}
	for base, shelf := range p.listed.shelves {
		if name, rest, ok := strings.Cut(base, "/"); ok && strings.HasPrefix(rest, "backups/etcd/") && !shelf.Empty() {
			found[name] = true
		}
	}
	if p.Name != "" && p.listed.err != nil && !errors.Is(p.listed.err, store.ErrNoPlace) {
		found[p.Name] = true
	}
	return slices.Sorted(maps.Keys(found))
}

func (p *pass) clusters(ctx context.Context, names []string) []*Cluster {
	clusters := make([]*Cluster, len(names))
	var mu sync.Mutex
	done := 0
	var group errgroup.Group
	group.SetLimit(p.Parallel)
	for i, name := range names {
		group.Go(func() error {
			clusters[i] = p.cluster(ctx, name)
			mu.Lock()
			defer mu.Unlock()
			done++
			if p.Progress != nil {
				p.Progress(Progress{Keys: p.listed.keys, Done: done, Total: len(names)})
			}
			return nil
		})
	}
	_ = group.Wait() // no goroutine gives an error
	return clusters
}

// share finds the etcd clusters whose backup stores overlap.
func share(clusters []*Cluster) {
	owners := map[string][]*Etcd{}
	each := func(visit func(e *Etcd)) {
		for _, c := range clusters {
			for _, e := range c.Etcds {
				visit(e)
			}
		}
	}
	each(func(e *Etcd) { owners[e.place.key()] = append(owners[e.place.key()], e) })
	each(func(e *Etcd) {
		for at := e.place; ; at = at.join("..") {
			for _, other := range owners[at.key()] {
				if other != e {
					e.SharedWith = addName(e.SharedWith, other.label())
					other.SharedWith = addName(other.SharedWith, e.label())
				}
			}
			if at.path == "" {
				return
			}
		}
	})
	each(func(e *Etcd) { slices.Sort(e.SharedWith) })
}
