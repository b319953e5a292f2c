package gcs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"

	api "google.golang.org/api/storage/v1"

	"github.com/seedproof/seedproof/internal/store"
)

const (
	// pageSize is the most names that Cloud Storage gives in one answer.
	pageSize = 1000
	listKind = "storage#objects"
)

// List implements store.Store. Cloud Storage lists in byte order.
func (s *Store) List(ctx context.Context, prefix, after string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		full, from := s.place.root()+prefix, ""
		if after != "" {
			from = s.place.root() + after
		}
		token := ""
		for {
			page, err := s.page(ctx, full, from, token, pageSize)
			if err != nil {
				yield(store.Info{}, fmt.Errorf("list %s: %w", full, err))
				return
			}
			if !s.each(page.Items, full, from, yield) || page.NextPageToken == "" {
				return
			}
			token = page.NextPageToken
		}
	}
}

// page asks for one answer of a listing, from the name `from` on. An answer
// that does not say what it is is not Cloud Storage's: the SDK reads any JSON
// object as an empty listing.
func (s *Store) page(ctx context.Context, prefix, from, token string, size int64) (*api.Objects, error) {
	page, err := again(ctx, func() (*api.Objects, error) {
		call := s.objects.List(s.place.bucket).Prefix(prefix).MaxResults(size).Projection("noAcl").
			Fields("kind", "nextPageToken", "items(name,size,generation,timeCreated)").Context(ctx)
		if from != "" {
			call.StartOffset(from)
		}
		if token != "" {
			call.PageToken(token)
		}
		return call.Do()
	})
	if answer := answerOf(err); answer != nil && answer.Code == http.StatusNotFound && spoken(answer) {
		return nil, fmt.Errorf("bucket %s: %w: %w", s.place.bucket, store.ErrNoPlace, oneLine(err))
	}
	if sentinel := class(err); sentinel != nil {
		return nil, fmt.Errorf("%w: %w", sentinel, oneLine(err))
	}
	if err != nil {
		return nil, oneLine(err)
	}
	if page.Kind != listKind {
		return nil, errStranger
	}
	if page.NextPageToken != "" && page.NextPageToken == token {
		return nil, errors.New("the server says that there is more, and not where")
	}
	return page, nil
}

// each yields the objects of a page that come after `from` and reports whether
// to go on. The API gives `from` itself too.
func (s *Store) each(objects []*api.Object, full, from string, yield func(store.Info, error) bool) bool {
	for _, object := range objects {
		if object == nil || !strings.HasPrefix(object.Name, full) {
			yield(store.Info{}, fmt.Errorf("list %s: an entry outside of it: %w", full, errStranger))
			return false
		}
		if strings.HasSuffix(object.Name, "/") && object.Size == 0 {
			continue // what consoles make for a folder; no key of a store looks so
		}
		if from != "" && object.Name <= from {
			continue
		}
		info, err := infoOf(object, object.Name)
		if err != nil {
			yield(store.Info{}, fmt.Errorf("list %s: entry %q: %w", full, object.Name, err))
			return false
		}
		info.Key = strings.TrimPrefix(object.Name, s.place.root())
		if !yield(info, nil) {
			return false
		}
	}
	return true
}
