package statestore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

// maxMetas is how many of the newest backups' meta files are read, until one
// can be used.
const maxMetas = 3

// cluster reads one cluster. Whatever fails becomes a finding.
func (p *pass) cluster(ctx context.Context, name string) *Cluster {
	c := &Cluster{Name: name, scheme: p.root.scheme}
	config := read(ctx, p.store, name+"/"+configFile, maxConfig, p.Timeout)
	c.Config, c.Spec = p.parsed(config, p.root.scheme)
	if c.Spec != nil && c.Spec.Name != name {
		c.Config = decide.Seen{Finding: proof.Unusable, Why: fmt.Sprintf("it is the config of %.100q", c.Spec.Name)}
		c.Spec = nil
	}
	base := p.base(c)
	where := p.locate(ctx, base)
	p.leavings(ctx, c, where)
	if own := p.root.join(name); own.key() != base.key() {
		p.before(ctx, c, own)
	}
	for _, spec := range p.etcdsOf(c, where) {
		c.Etcds = append(c.Etcds, p.etcd(ctx, c, base, spec))
	}
	return c
}

// base is where kops keeps what it makes of the cluster: its folder, unless
// the config says otherwise.
func (p *pass) base(c *Cluster) place {
	folder := p.root.join(c.Name)
	if c.Spec == nil || c.Spec.ConfigBase == "" {
		return folder
	}
	elsewhere, err := parsePlace(c.Spec.ConfigBase)
	if err != nil {
		c.Config = decide.Seen{Finding: proof.Unusable, Why: "its config base: " + err.Error()}
		c.Spec = nil
		return folder
	}
	return elsewhere.withOptionsOf(p.root)
}

// parsed is what a read of a Cluster object gives.
func (p *pass) parsed(f File, scheme string) (decide.Seen, *ClusterSpec) {
	if f.Missing() {
		return decide.Seen{Finding: proof.Absent, Why: "not there"}, nil
	}
	if f.Err != nil {
		return decide.Seen{Why: tell(scheme, false, f.Err)}, nil
	}
	spec, err := ParseCluster(f.Content)
	if err != nil {
		return decide.Seen{Finding: proof.Unusable, Why: err.Error()}, nil
	}
	return decide.Seen{Finding: proof.Present}, spec
}

// located is a folder in a store, and a listing that covers it or says why not.
type located struct {
	place  place
	store  store.Store
	key    string // of the folder in the store, without a slash at its end
	listed *scan
	err    error
}

// locate lists the folder, unless the first listing has already shown it.
func (p *pass) locate(ctx context.Context, at place) located {
	l := located{place: at}
	if key, inside := at.below(p.root); inside {
		l.store, l.key, l.listed = p.store, key, p.listed
		if key != "" && !strings.HasPrefix(key+"/", p.listed.prefix) {
			l.listed = list(ctx, p.store, key+"/", p.Timeout, nil)
		}
		l.err = l.listed.covers(prefixOf(key))
		return l
	}
	// Opened at the folder above, so that keys look as they do in a state store.
	parent, key := at.join(".."), at.path[strings.LastIndexByte(at.path, '/')+1:]
	if at.path == "" {
		parent = at
	}
	l.key = key
	l.store, l.err = p.opened.get(ctx, parent.url())
	if l.err != nil {
		return l
	}
	l.listed = list(ctx, l.store, prefixOf(key), p.Timeout, nil)
	l.err = l.listed.covers(prefixOf(key))
	return l
}

func prefixOf(key string) string {
	if key == "" {
		return ""
	}
	return key + "/"
}

// leavings fills in what an update has left.
func (p *pass) leavings(ctx context.Context, c *Cluster, where located) {
	c.scheme, c.Folder, c.FolderErr = where.place.scheme, &Folder{}, where.err
	if where.listed != nil {
		if folder := where.listed.folders[where.key]; folder != nil {
			c.Folder = folder
		}
	}
	if where.key == "" || strings.Contains(where.key, "/") {
		c.FolderErr = fmt.Errorf("the config base %s is no folder of a state store", where.place.key())
	}
	switch {
	case c.Folder.Completed != nil:
		file := read(ctx, where.store, where.key+"/"+completedFile, maxConfig, p.Timeout)
		c.Completed, c.CompletedSpec = p.parsed(file, where.place.scheme)
		if c.Completed.Finding == proof.Absent {
			c.Completed = decide.Seen{Why: "it vanished while it was looked at"}
		}
	case c.FolderErr != nil:
		c.Completed = decide.Seen{Why: c.FolderWhy()}
	default:
		c.Completed = decide.Seen{Finding: proof.Absent, Why: "not there"}
	}
}

// before fills in what lies where kops would keep it if the config named no
// config base: a base that was moved makes a cluster that lives look new.
func (p *pass) before(ctx context.Context, c *Cluster, own place) {
	l := p.locate(ctx, own)
	c.Before = &Before{Place: own.key(), Err: l.err, Shelves: map[string]*Shelf{}}
	if l.listed == nil {
		return
	}
	if folder := l.listed.folders[l.key]; folder != nil {
		c.Before.Applied = folder.Applied()
	}
	for at, shelf := range l.listed.shelves {
		if etcd, inside := strings.CutPrefix(at, l.key+"/backups/etcd/"); inside && !shelf.Empty() {
			c.Before.Shelves[etcd] = shelf
		}
	}
}

// etcdsOf are the etcd clusters that the config names; without a config those
// that the last update named, and those of which something is left.
func (p *pass) etcdsOf(c *Cluster, where located) []EtcdSpec {
	if c.Spec != nil {
		return c.Spec.Etcds
	}
	found := map[string]EtcdSpec{}
	for _, name := range c.Folder.EtcdNames() {
		found[name] = EtcdSpec{Name: name}
	}
	if where.listed != nil {
		for base := range where.listed.shelves {
			name, inside := strings.CutPrefix(base, where.key+"/backups/etcd/")
			if inside && etcdName.MatchString(name) && len(found) < maxEtcds {
				found[name] = EtcdSpec{Name: name}
			}
		}
	}
	if c.CompletedSpec != nil {
		for _, e := range c.CompletedSpec.Etcds {
			found[e.Name] = e
		}
	}
	if len(found) == 0 {
		found["main"] = EtcdSpec{Name: "main"} // every cluster has it
	}
	var specs []EtcdSpec
	for _, name := range slices.Sorted(maps.Keys(found)) {
		specs = append(specs, found[name])
	}
	return specs
}

// etcd reads what there is of one etcd cluster.
func (p *pass) etcd(ctx context.Context, c *Cluster, base place, spec EtcdSpec) *Etcd {
	e := &Etcd{Cluster: c.Name, Name: spec.Name, Interval: spec.BackupInterval, RetentionDays: spec.RetentionDays, Shelf: &Shelf{}}
	if e.Interval <= 0 {
		e.Interval = defaultInterval
	}
	if c.Spec != nil {
		e.Want, e.WantNewer = Want(c.Spec, c.CompletedSpec, spec.Name)
	}
	var err error
	if e.place, err = p.backupPlace(base, spec); err != nil {
		e.fail(err)
		return e
	}
	e.Base = e.place.url()
	_, inside := e.place.below(p.root)
	e.Elsewhere = !inside
	where := p.locate(ctx, e.place)
	e.Store, e.Prefix, e.ShelfErr = where.store, prefixOf(where.key), where.err
	if e.Store == nil {
		e.fail(where.err)
		return e
	}
	if where.listed != nil {
		e.Shelf, e.ShelfErr = where.listed.at(where.key)
	}
	p.files(ctx, e)
	return e
}

// backupPlace is where an etcd cluster's files are: below the cluster's config
// base, unless its config says otherwise.
func (p *pass) backupPlace(base place, spec EtcdSpec) (place, error) {
	if spec.BackupStore == "" {
		return base.join("backups/etcd/" + spec.Name), nil
	}
	at, err := parsePlace(spec.BackupStore)
	if err != nil {
		return base.join("backups/etcd/" + spec.Name), fmt.Errorf("its backupStore: %w", err)
	}
	return at.withOptionsOf(p.root), nil
}

// fail: nothing of the backup store can be asked.
func (e *Etcd) fail(err error) {
	e.ShelfErr = err
	e.Spec.Err, e.Marker.Err = err, err
}

// files reads the control files, the spec first: if both come to be between
// the two reads it looks like a spec that is missing, which is harmless, and
// not like a marker that is.
func (p *pass) files(ctx context.Context, e *Etcd) {
	e.Spec = read(ctx, e.Store, e.Key(managerfiles.SpecKey), managerfiles.MaxFile, p.Timeout)
	e.Marker = read(ctx, e.Store, e.Key(managerfiles.CreatedKey), managerfiles.MaxFile, p.Timeout)
	tried := 0
	for _, b := range e.Shelf.Newest {
		if !b.Whole() {
			continue
		}
		if tried++; tried > maxMetas {
			return
		}
		file := read(ctx, e.Store, b.Folder+"/"+managerfiles.MetaFile, managerfiles.MaxFile, p.Timeout)
		if file.Missing() {
			continue // cleaned up since it was listed
		}
		if file.Err != nil {
			e.MetaErr = file.Err
			continue
		}
		if meta, err := managerfiles.DecodeMeta(file.Content); err == nil && meta.Restorable() == nil {
			e.Meta, e.MetaBad, e.MetaErr = &meta, false, nil
			return
		}
		e.MetaBad = true
	}
}
