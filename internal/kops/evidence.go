package kops

import (
	"context"
	"errors"
	"fmt"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/statestore"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

// evidence is what was found, as the plain value that is decided upon.
func (l look) evidence(ctx context.Context) decide.Evidence {
	e := decide.Evidence{
		Cluster: l.cluster.Name, Etcd: l.etcd.Name, State: l.state.URL, Base: l.etcd.Base, At: l.now,
		Config: l.cluster.Config, Want: l.etcd.Want, WantNewer: l.etcd.WantNewer,
		Leavings: l.leavings(), Traces: l.traces(), Live: l.live(ctx),
		SharedWith: l.etcd.SharedWith, Queued: l.etcd.Shelf.Queued,
	}
	e.Marker, e.MarkerOdd = l.marker()
	e.Spec, e.SpecNow = l.spec()
	if l.cluster.Folder != nil {
		e.Applied = l.cluster.Folder.Oldest
	}
	if b := l.cluster.Before; b != nil && (b.Applied || b.Shelves[l.etcd.Name] != nil) {
		e.MovedFrom = b.Place
	}
	if l.etcd.Meta != nil {
		e.LastSpec = l.etcd.Meta.Spec
	}
	return e
}

// marker classes the marker as etcd-manager does, to which any content is one.
func (l look) marker() (file decide.ControlFile, odd string) {
	f := l.etcd.Marker
	if errors.Is(f.Err, store.ErrTooLarge) {
		return decide.ControlFile{File: managerfiles.Usable}, fmt.Sprintf("%d bytes", f.Info.Size)
	}
	file.File = managerfiles.MarkerFile(f.Content, f.Err)
	switch {
	case f.Err != nil:
		file.Why = l.etcd.Tell(false, f.Err)
	case file.File == managerfiles.Unusable:
		file.Why = "it is empty"
	default:
		if _, err := managerfiles.DecodeCreated(f.Content); err != nil {
			odd = "it is not the JSON of a marker"
		}
	}
	return file, odd
}

// spec classes the spec as etcd-manager does. One that is too large to be read
// may be one all the same, so it is not known.
func (l look) spec() (file decide.ControlFile, spec managerfiles.Spec) {
	f := l.etcd.Spec
	file.File = managerfiles.SpecFile(f.Content, f.Err)
	switch {
	case f.Err != nil:
		file.Why = l.etcd.Tell(false, f.Err)
	case len(f.Content) == 0:
		file.Why = "it is empty"
	case file.File == managerfiles.Unusable:
		file.Why = "it is not the JSON of a spec"
	default:
		spec, _ = managerfiles.DecodeSpec(f.Content) // SpecFile has just decoded it
	}
	return file, spec
}

// leavings are the parts: what only an update leaves behind for this etcd
// cluster. What is of the kops cluster as a whole counts for each etcd cluster,
// unless the last update is known to have been without this one: then it was
// added to the config later, and may be new in a cluster that is not.
func (l look) leavings() []decide.Named {
	c, etcd := l.cluster, l.etcd.Name
	added := false
	completed := decide.Named{Name: "cluster-completed.spec", Seen: c.Completed}
	if c.CompletedSpec != nil {
		if _, named := c.CompletedSpec.Etcd(etcd); !named {
			added = true
			completed.Seen = decide.Seen{Finding: proof.Absent, Why: "the last update was without etcd " + etcd}
		}
	}
	own := func(name string, there bool) decide.Named { return decide.Named{Name: name, Seen: l.listed(there)} }
	whole := func(name string, there bool) decide.Named {
		if added && there {
			return decide.Named{Name: name, Seen: decide.Seen{Finding: proof.Absent, Why: "of an update that was without etcd " + etcd}}
		}
		return own(name, there)
	}
	f := c.Folder
	named := []decide.Named{
		completed,
		whole("kops-version.txt", f.Version != nil),
		own("keysets of etcd "+etcd, len(f.KeysetsOf(etcd)) > 0),
		whole("etcd keysets", len(f.Keysets) > 0),
		own("manifests of etcd "+etcd, len(f.ManifestsOf(etcd)) > 0),
		whole("manifests", f.AllManifests > 0),
		whole("igconfig", f.IGConfigs > 0),
	}
	if c.Before != nil && !added {
		named = append(named, decide.Named{Name: "files of an earlier update, before the config base was moved", Seen: l.before(c.Before.Applied)})
	}
	return named
}

// before is what the listing of the folder says that the cluster has moved out
// of.
func (l look) before(there bool) decide.Seen {
	switch b := l.cluster.Before; {
	case there:
		return decide.Seen{Finding: proof.Present, Why: "in " + b.Place}
	case b.Err != nil:
		return decide.Seen{Why: l.cluster.BeforeWhy()}
	}
	return decide.Seen{Finding: proof.Absent, Why: "not there"}
}

// listed is what a listing of the cluster's folder says of one thing.
func (l look) listed(there bool) decide.Seen {
	switch {
	case there:
		return decide.Seen{Finding: proof.Present}
	case l.cluster.FolderErr != nil:
		return decide.Seen{Why: l.cluster.FolderWhy()}
	}
	return decide.Seen{Finding: proof.Absent, Why: "not there"}
}

// traces are what only a running etcd-manager, or Seedproof, leaves behind.
func (l look) traces() []decide.Named {
	shelf := l.etcd.Shelf
	seen := func(n int) decide.Seen {
		switch {
		case n > 0:
			return decide.Seen{Finding: proof.Present, Why: fmt.Sprintf("%d", n)}
		case l.etcd.ShelfErr != nil:
			return decide.Seen{Why: l.etcd.Tell(true, l.etcd.ShelfErr)}
		}
		return decide.Seen{Finding: proof.Absent, Why: "not there"}
	}
	named := []decide.Named{
		{Name: "backups", Seen: seen(shelf.Count)},
		{Name: "commands", Seen: seen(shelf.Commands)},
		{Name: "files of Seedproof", Seen: seen(shelf.Ours)},
	}
	if b := l.cluster.Before; b != nil {
		named = append(named, decide.Named{Name: "files of etcd-manager from before the config base was moved", Seen: l.before(b.Shelves[l.etcd.Name] != nil)})
	}
	return named
}

// FileNotRead is the kind of threat that a file is which could not be read, and
// on which the answer does not hang.
const FileNotRead = "file-not-read"

// unread are those files. The others are named in the sentence.
func (l look) unread() []decide.Threat {
	var found []decide.Threat
	add := func(name, why, means string) {
		found = append(found, decide.Threat{Kind: FileNotRead, Sentence: fmt.Sprintf("%s could not be read (%s): %s.", name, why, means)})
	}
	if c := l.cluster; c.Folder.Completed != nil && c.Completed.Finding == proof.Unknown {
		add("cluster-completed.spec", c.Completed.Why, "what the last update made of the config is not known")
	}
	if err := l.etcd.MetaErr; err != nil {
		add("The "+managerfiles.MetaFile+" of a newest backup", l.etcd.Tell(false, err), "whether etcd-manager could restore it is not known")
	}
	return found
}

// newest are the newest backups as listed, and whether that is all.
func (l look) newest() ([]statestore.Backup, bool) {
	return l.etcd.Shelf.Newest, l.etcd.ShelfErr == nil
}
