package controller

import (
	"context"
	"errors"
	"fmt"

	"github.com/seedproof/seedproof/internal/store"
)

// place is one of the cluster's stores, and what is known of it beyond what
// the store itself says.
type place struct {
	kind  store.Kind
	url   string
	store store.Store
	// probed: conditional writes were proved to be enforced.
	probed bool
	// told is the URL on the command line where the memories hold another.
	told string
}

// openPlace opens the store that the memories name, else the one that was
// given on the command line.
func (c *Controller) openPlace(ctx context.Context, p *place, kind store.Kind, told string, remembered []store.Remembered) (*place, error) {
	url := placeURL(p, told, remembered)
	if p != nil && p.url == url {
		return p, nil
	}
	s, err := c.deps.OpenStore(ctx, url)
	if err != nil {
		return p, fmt.Errorf("open the %s %s: %w", kind, url, err)
	}
	if p != nil {
		_ = p.store.Close()
		c.deps.Log.Warn("the cluster has moved to another store", "kind", kind, "from", p.url, "to", url)
	}
	opened := &place{kind: kind, url: url, store: s}
	if told != url {
		opened.told = told
	}
	return opened, nil
}

// placeURL is the one that the memories name. Where they differ they are no
// guide, and the place does not change from pass to pass with who was heard
// first: what is open stays, else it is the one that was told.
func placeURL(p *place, told string, remembered []store.Remembered) string {
	url := ""
	for _, r := range remembered {
		switch {
		case r.URL == "" || r.URL == url:
		case url == "":
			url = r.URL
		case p != nil:
			return p.url
		default:
			return told
		}
	}
	if url == "" {
		return told
	}
	return url
}

// enforces proves once for each opened store that conditional writes are
// enforced, before anything is written that is to stay. The lease, the claim
// and the record hang on it.
func (p *place) enforces(ctx context.Context, c *Controller) bool {
	if p.probed {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, c.askTimeout())
	defer cancel()
	err := store.Probe(ctx, p.store)
	var not *store.NotEnforcedError
	switch {
	case err == nil:
		p.probed = true
	case errors.As(err, &not):
		c.setFatal(fmt.Errorf("the %s %w", p.kind, not))
	default:
		c.deps.Log.Warn("the store could not be probed", "kind", p.kind, "url", p.url, "error", err)
	}
	return p.probed
}

// remembered is what one place is to whoever remembers it.
func rememberedOf(url string, f store.PlaceFinding, seen store.Seen) store.Remembered {
	return store.Remembered{URL: url, MarkID: f.MarkID, FS: seen.FS}
}
