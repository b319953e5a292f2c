package statestore

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
)

// maxNeighbours is how many other clusters' configs are read where only one
// cluster is looked at.
const maxNeighbours = 500

// neighbours are the other clusters, as far as it takes to see whose backup
// stores overlap. They are asked for only where one cluster was named whose
// config puts a backup store where kops would not: two configs must say so
// before two clusters share a path. Who cannot be read is passed over: a
// contradiction is never assumed of who is silent.
func (p *pass) neighbours(ctx context.Context, looked []*Cluster) []*Cluster {
	if p.Name == "" || !moved(looked) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 4*p.Timeout)
	defer cancel()
	names, _, _ := p.others(ctx, maxNeighbours)
	var mu sync.Mutex
	var found []*Cluster
	var group errgroup.Group
	group.SetLimit(p.Parallel)
	for _, name := range names {
		if name == p.Name {
			continue
		}
		group.Go(func() error {
			c := p.places(ctx, name)
			mu.Lock()
			defer mu.Unlock()
			found = append(found, c)
			return nil
		})
	}
	_ = group.Wait() // no goroutine gives an error
	return found
}

// moved reports whether a config names a backup store of its own.
func moved(clusters []*Cluster) bool {
	for _, c := range clusters {
		if c.Spec == nil {
			continue
		}
		for _, e := range c.Spec.Etcds {
			if e.BackupStore != "" {
				return true
			}
		}
	}
	return false
}

// places is a cluster with nothing but where its backup stores are.
func (p *pass) places(ctx context.Context, name string) *Cluster {
	c := &Cluster{Name: name}
	_, c.Spec = p.parsed(read(ctx, p.store, name+"/"+configFile, maxConfig, p.Timeout), p.root.scheme)
	if c.Spec == nil {
		return c
	}
	base := p.base(c)
	for _, spec := range c.Spec.Etcds {
		if at, err := p.backupPlace(base, spec); err == nil {
			c.Etcds = append(c.Etcds, &Etcd{Cluster: name, Name: spec.Name, place: at})
		}
	}
	return c
}
