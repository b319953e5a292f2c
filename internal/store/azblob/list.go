package azblob

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/seedproof/seedproof/internal/store"
)

// pageSize is the most names that Azure gives in one answer.
const pageSize = 5000

// errOrder: callers go on behind the last key they saw, so that another order
// would leave objects out.
var errOrder = errors.New("the account does not list in byte order (does it have a hierarchical namespace?); use an account without one")

// List implements store.Store. Azure cannot be asked for what comes after a
// name: old versions of the API have no such parameter, and that of new ones
// follows the order of the namespace. So all names with the prefix are asked
// for, 5000 at a time, and those up to `after` are passed over here.
func (s *Store) List(ctx context.Context, prefix, after string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		l := listing{full: s.place.root() + prefix, root: s.place.root(), after: after}
		marker := ""
		for {
			page, err := s.page(ctx, l.full, marker)
			if err != nil {
				yield(store.Info{}, fmt.Errorf("list %s: %w", l.full, err))
				return
			}
			if page.Segment != nil && !l.each(page.Segment.BlobItems, yield) {
				return
			}
			if marker = deref(page.NextMarker); marker == "" {
				return
			}
		}
	}
}

// page asks for one answer of a listing. An answer that does not name the
// container is not Azure's: the SDK reads an empty body as an empty listing.
func (s *Store) page(ctx context.Context, prefix, marker string) (*container.ListBlobsFlatResponse, error) {
	size := int32(pageSize)
	options := &container.ListBlobsFlatOptions{Prefix: &prefix, MaxResults: &size}
	if marker != "" {
		options.Marker = &marker
	}
	page, err := s.container.NewListBlobsFlatPager(options).NextPage(ctx)
	if err != nil {
		if sentinel := class(err); sentinel != nil {
			return nil, fmt.Errorf("%w: %w", sentinel, oneLine(err))
		}
		return nil, oneLine(err)
	}
	if deref(page.ContainerName) != s.place.container {
		return nil, errStranger
	}
	if marker != "" && deref(page.NextMarker) == marker {
		return nil, errors.New("the server says that there is more, and not where")
	}
	return &page, nil
}

// listing is one listing on its way through the pages.
type listing struct {
	full, root, after string
	last              string // the name that was seen last
}

// each yields the objects of a page and reports whether to go on.
func (l *listing) each(items []*container.BlobItem, yield func(store.Info, error) bool) bool {
	for _, item := range items {
		info, err := l.info(item)
		if err != nil {
			yield(store.Info{}, fmt.Errorf("list %s: %w", l.full, err))
			return false
		}
		if info.Key == "" || l.after != "" && info.Key <= l.after {
			continue
		}
		if !yield(info, nil) {
			return false
		}
	}
	return true
}

// info reads one entry. It has no key if the entry is a folder.
func (l *listing) info(item *container.BlobItem) (store.Info, error) {
	if item == nil || item.Properties == nil || !strings.HasPrefix(deref(item.Name), l.full) || deref(item.Name) == "" {
		return store.Info{}, fmt.Errorf("an entry outside of it: %w", errStranger)
	}
	name, properties := *item.Name, item.Properties
	if name <= l.last {
		return store.Info{}, fmt.Errorf("%q after %q: %w", name, l.last, errOrder)
	}
	l.last = name
	if strings.EqualFold(deref(properties.ResourceType), "directory") || strings.HasSuffix(name, "/") && deref(properties.ContentLength) == 0 {
		return store.Info{}, nil
	}
	info, err := infoOf(strings.TrimPrefix(name, l.root), properties.ContentLength, properties.ETag, properties.LastModified)
	if err != nil {
		return store.Info{}, fmt.Errorf("entry %q: %w", name, err)
	}
	return info, nil
}

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
