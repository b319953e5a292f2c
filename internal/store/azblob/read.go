package azblob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"

	"github.com/seedproof/seedproof/internal/store"
)

// Stat implements store.Store.
func (s *Store) Stat(ctx context.Context, key string) (store.Info, error) {
	full, err := s.object(key)
	if err != nil {
		return store.Info{}, err
	}
	got, err := s.container.NewBlobClient(full).GetProperties(ctx, nil)
	if err != nil {
		return store.Info{}, failed("stat", full, err)
	}
	info, err := infoOf(key, got.ContentLength, got.ETag, got.LastModified)
	if err != nil {
		return store.Info{}, fmt.Errorf("stat %s: %w", full, err)
	}
	if isFolder(got.Metadata) {
		return store.Info{}, fmt.Errorf("stat %s: it is a folder: %w", full, store.ErrNotFound)
	}
	return info, nil
}

func infoOf(key string, size *int64, etag *azcore.ETag, modified *time.Time) (store.Info, error) {
	v := versionOf(etag)
	if size == nil || *size < 0 || v == "" || modified == nil {
		return store.Info{}, errStranger
	}
	return store.Info{Key: key, Size: *size, Version: v, Modified: *modified}, nil
}

// isFolder: accounts with a hierarchical namespace answer for a folder as for
// an empty blob with this mark.
func isFolder(metadata map[string]*string) bool {
	for name, value := range metadata {
		if strings.EqualFold(name, "hdi_isfolder") && value != nil && strings.EqualFold(*value, "true") {
			return true
		}
	}
	return false
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
	got, err := s.container.NewBlobClient(full).DownloadStream(ctx, &blob.DownloadStreamOptions{
		Range: blob.HTTPRange{Offset: r.Offset, Count: r.Length},
	})
	if statusOf(err) == http.StatusRequestedRangeNotSatisfiable {
		return s.openPastEnd(ctx, key)
	}
	if err != nil {
		return nil, store.Info{}, failed("open", full, err)
	}
	info, length, err := sizes(key, &got, r)
	if err == nil && isFolder(got.Metadata) {
		err = fmt.Errorf("it is a folder: %w", store.ErrNotFound)
	}
	if err != nil {
		_ = got.Body.Close()
		return nil, store.Info{}, fmt.Errorf("open %s: %w", full, err)
	}
	return newBody(&got, length, length == info.Size), info, nil
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

// sizes reads what an answer says of the object and how many bytes must come,
// and holds it to what was asked.
func sizes(key string, got *blob.DownloadStreamResponse, r store.Range) (store.Info, int64, error) {
	info, err := infoOf(key, got.ContentLength, got.ETag, got.LastModified)
	if err != nil || r == (store.Range{}) {
		return info, info.Size, err
	}
	if got.ContentRange == nil {
		return store.Info{}, 0, errors.New("the server did not say which part it sends")
	}
	first, total, err := store.ContentRange(*got.ContentRange)
	if err != nil {
		return store.Info{}, 0, err
	}
	sent := info.Size
	info.Size = total
	offset, length, err := r.Clip(total)
	if err != nil {
		return store.Info{}, 0, err
	}
	if first != offset || sent != length {
		return store.Info{}, 0, fmt.Errorf("asked for %d bytes from %d on, and the server sends %d from %d on", length, offset, sent, first)
	}
	return info, length, nil
}
