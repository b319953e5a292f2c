package gcs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/api/googleapi"
	api "google.golang.org/api/storage/v1"

	"github.com/seedproof/seedproof/internal/store"
)

// Stat implements store.Store.
func (s *Store) Stat(ctx context.Context, key string) (store.Info, error) {
	full, err := s.object(key)
	if err != nil {
		return store.Info{}, err
	}
	object, err := again(ctx, func() (*api.Object, error) {
		object, err := s.objects.Get(s.place.bucket, full).Fields("name", "size", "generation", "timeCreated").Context(ctx).Do()
		if statusOf(err) == http.StatusNotFound {
			return nil, s.missing(ctx, full)
		}
		return object, err
	})
	if err != nil {
		return store.Info{}, failed("stat", full, err)
	}
	info, err := infoOf(object, full)
	if err != nil {
		return store.Info{}, fmt.Errorf("stat %s: %w", full, err)
	}
	info.Key = key
	return info, nil
}

// infoOf reads what an answer says of the object full. Modified is when this
// generation was made; "updated" would move with its metadata.
func infoOf(object *api.Object, full string) (store.Info, error) {
	if object.Name != full || object.Generation <= 0 || object.Size > 1<<62 {
		return store.Info{}, errStranger
	}
	made, err := time.Parse(time.RFC3339, object.TimeCreated)
	if err != nil {
		return store.Info{}, fmt.Errorf("%w: time %.40q", errStranger, object.TimeCreated)
	}
	return store.Info{Size: int64(object.Size), Version: versionOf(object.Generation), Modified: made}, nil
}

// missing finds out what a 404 means. Object and bucket share a status and a
// reason, and a stranger's "page not found" has the same number. A listing
// tells: it is consistent, it shows first the object itself if that is there,
// and it needs the same right as a 404.
func (s *Store) missing(ctx context.Context, full string) error {
	page, err := s.page(ctx, full, "", "", 1)
	if err != nil {
		return fmt.Errorf("answered 404, and what that means cannot be told: %w", err)
	}
	if len(page.Items) > 0 && page.Items[0].Name == full {
		return errors.New("answered 404, and now it is listed")
	}
	return store.ErrNotFound
}

// Open implements store.Store.
func (s *Store) Open(ctx context.Context, key string, r store.Range) (io.ReadCloser, store.Info, error) {
	full, err := s.object(key)
	if err != nil {
		return nil, store.Info{}, err
	}
	if _, _, err := r.Clip(0); err != nil {
		return nil, store.Info{}, fmt.Errorf("open %s: %w", full, err)
	}
	answer, err := again(ctx, func() (*http.Response, error) {
		answer, err := s.download(ctx, full, r)
		if statusOf(err) == http.StatusNotFound {
			return nil, s.missing(ctx, full)
		}
		return answer, err
	})
	if statusOf(err) == http.StatusRequestedRangeNotSatisfiable {
		return s.openPastEnd(ctx, key)
	}
	if err != nil {
		return nil, store.Info{}, failed("open", full, err)
	}
	info, length, err := sizes(answer, r)
	if err != nil {
		_ = answer.Body.Close()
		return nil, store.Info{}, fmt.Errorf("open %s: %w", full, err)
	}
	info.Key = key
	return newBody(answer, length), info, nil
}

func (s *Store) download(ctx context.Context, full string, r store.Range) (*http.Response, error) {
	call := s.objects.Get(s.place.bucket, full).Context(ctx)
	if value := header(r); value != "" {
		call.Header().Set("Range", value)
	}
	answer, err := call.Download()
	if refused := answerOf(err); refused != nil { // its words are unread still
		err = googleapi.CheckResponseWithBody(&http.Response{StatusCode: refused.Code, Header: refused.Header}, []byte(refused.Body))
	}
	return answer, err
}

// openPastEnd answers for a range that begins at or behind the end: nothing to
// read, of an object that is there.
func (s *Store) openPastEnd(ctx context.Context, key string) (io.ReadCloser, store.Info, error) {
	info, err := s.Stat(ctx, key)
	if err != nil {
		return nil, store.Info{}, err
	}
	return http.NoBody, info, nil
}

// header is a range as HTTP says it; "" for the whole object.
func header(r store.Range) string {
	switch {
	case r.Length > 0:
		return fmt.Sprintf("bytes=%d-%d", r.Offset, r.Offset+r.Length-1)
	case r.Offset > 0:
		return fmt.Sprintf("bytes=%d-", r.Offset)
	}
	return ""
}

// sizes reads what an answer says of the object and how many bytes must come,
// and holds it to what was asked.
func sizes(answer *http.Response, r store.Range) (store.Info, int64, error) {
	generation, err := strconv.ParseInt(answer.Header.Get("X-Goog-Generation"), 10, 64)
	if err != nil || generation <= 0 || answer.ContentLength < 0 {
		return store.Info{}, 0, errStranger
	}
	modified, err := http.ParseTime(answer.Header.Get("Last-Modified"))
	if err != nil {
		return store.Info{}, 0, errStranger
	}
	info := store.Info{Size: answer.ContentLength, Version: versionOf(generation), Modified: modified}
	if header(r) == "" {
		return info, info.Size, nil
	}
	first, total, err := store.ContentRange(answer.Header.Get("Content-Range"))
	if err != nil {
		return store.Info{}, 0, err
	}
	info.Size = total
	offset, length, err := r.Clip(total)
	if err != nil {
		return store.Info{}, 0, err
	}
	if first != offset || answer.ContentLength != length {
		return store.Info{}, 0, fmt.Errorf("asked for %d bytes from %d on, and the server sends %d from %d on",
			length, offset, answer.ContentLength, first)
	}
	return info, length, nil
}
