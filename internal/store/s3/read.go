package s3

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/seedproof/seedproof/internal/store"
)

// Stat implements store.Store.
func (s *Store) Stat(ctx context.Context, key string) (store.Info, error) {
	full, err := s.object(key)
	if err != nil {
		return store.Info{}, err
	}
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.place.bucket, Key: &full})
	if statusOf(err) == http.StatusNotFound {
		return store.Info{}, s.missing(ctx, full)
	}
	if err != nil {
		return store.Info{}, failed("stat", full, err)
	}
	if out.ETag == nil || out.ContentLength == nil {
		return store.Info{}, fmt.Errorf("stat %s: %w", full, errStranger)
	}
	return store.Info{
		Key: key, Size: *out.ContentLength, Version: versionOf(out.ETag), Modified: aws.ToTime(out.LastModified),
	}, nil
}

// missing finds out what a 404 to a HEAD means. It has no body, so a missing
// bucket, a missing object and a stranger's "page not found" look alike. A
// listing has one, and needs the same right as a 404 to a HEAD.
func (s *Store) missing(ctx context.Context, full string) error {
	if _, err := s.page(ctx, full, "", nil, 1); err != nil {
		return fmt.Errorf("stat %s: answered 404, and what that means cannot be told: %w", full, err)
	}
	return fmt.Errorf("stat %s: %w", full, store.ErrNotFound)
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
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.place.bucket, Key: &full, Range: header(r)})
	if statusOf(err) == http.StatusRequestedRangeNotSatisfiable {
		return s.openPastEnd(ctx, key)
	}
	if err != nil {
		return nil, store.Info{}, failed("open", full, err)
	}
	info, length, err := sizes(out, r)
	if err != nil {
		_ = out.Body.Close()
		return nil, store.Info{}, fmt.Errorf("open %s: %w", full, err)
	}
	info.Key = key
	return &body{out.Body, length}, info, nil
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

// header is a range as HTTP says it; nil for the whole object.
func header(r store.Range) *string {
	switch {
	case r.Length > 0:
		return aws.String(fmt.Sprintf("bytes=%d-%d", r.Offset, r.Offset+r.Length-1))
	case r.Offset > 0:
		return aws.String(fmt.Sprintf("bytes=%d-", r.Offset))
	}
	return nil
}

// sizes reads what an answer says of the object and how many bytes must come,
// and holds it to what was asked.
func sizes(out *s3.GetObjectOutput, r store.Range) (store.Info, int64, error) {
	if out.ETag == nil || out.ContentLength == nil {
		return store.Info{}, 0, errStranger
	}
	info := store.Info{Size: *out.ContentLength, Version: versionOf(out.ETag), Modified: aws.ToTime(out.LastModified)}
	if header(r) == nil {
		return info, info.Size, nil
	}
	first, total, err := store.ContentRange(aws.ToString(out.ContentRange))
	if err != nil {
		return store.Info{}, 0, err
	}
	info.Size = total
	offset, length, err := r.Clip(total)
	if err != nil {
		return store.Info{}, 0, err
	}
	if first != offset || *out.ContentLength != length {
		return store.Info{}, 0, fmt.Errorf("asked for %d bytes from %d on, and the server sends %d from %d on",
			length, offset, *out.ContentLength, first)
	}
	return info, length, nil
}
