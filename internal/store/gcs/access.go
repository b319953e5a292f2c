package gcs

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"google.golang.org/api/googleapi"
	api "google.golang.org/api/storage/v1"

	"github.com/seedproof/seedproof/internal/store"
)

// maxResource is the largest bucket resource that is read, in bytes.
const maxResource = 1 << 20

// Root is what stands before every key of the store in its bucket: "" or a path
// that ends in a slash.
func (s *Store) Root() string { return s.place.root() }

// Resource is the bucket's own resource, in the JSON that Cloud Storage sent:
// the SDK's type would drop a lifecycle condition that it does not know. Its
// error is of the classes of the package store.
func (s *Store) Resource(ctx context.Context) ([]byte, error) {
	raw, err := again(ctx, func() ([]byte, error) {
		return s.get(ctx, "b/"+url.PathEscape(s.place.bucket)+"?projection=noAcl")
	})
	if err != nil {
		return nil, s.ofBucket("read the bucket "+s.place.bucket, err)
	}
	return raw, nil
}

func (s *Store) get(ctx context.Context, path string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if err := googleapi.CheckResponse(answer); err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxResource+1))
	if err == nil && len(raw) > maxResource {
		err = fmt.Errorf("more than %d bytes: %w", maxResource, store.ErrTooLarge)
	}
	return raw, err
}

// Generations gives one page of all generations of the objects whose full names
// begin with prefix, live and noncurrent, by name and then by generation, and
// the token of the next page.
func (s *Store) Generations(ctx context.Context, prefix, token string) ([]*api.Object, string, error) {
	page, err := again(ctx, func() (*api.Objects, error) {
		call := s.objects.List(s.place.bucket).Prefix(prefix).Versions(true).MaxResults(pageSize).Projection("noAcl").
			Fields("kind", "nextPageToken", "items(name,size,generation,updated,timeCreated,timeDeleted,storageClass)").Context(ctx)
		if token != "" {
			call.PageToken(token)
		}
		return call.Do()
	})
	if err != nil {
		return nil, "", s.ofBucket("list the generations of "+prefix, err)
	}
	if page.Kind != listKind {
		return nil, "", errStranger
	}
	for _, o := range page.Items {
		if o == nil || !strings.HasPrefix(o.Name, prefix) {
			return nil, "", fmt.Errorf("list the generations of %s: an entry outside of it: %w", prefix, errStranger)
		}
	}
	return page.Items, page.NextPageToken, nil
}

// ofBucket classes the error of a question about the bucket itself.
func (s *Store) ofBucket(doing string, err error) error {
	if answer := answerOf(err); answer != nil && answer.Code == http.StatusNotFound && spoken(answer) {
		return fmt.Errorf("%s: %w: %w", doing, store.ErrNoPlace, oneLine(err))
	}
	if sentinel := class(err); sentinel != nil {
		return fmt.Errorf("%s: %w: %w", doing, sentinel, oneLine(err))
	}
	return fmt.Errorf("%s: %w", doing, oneLine(err))
}
