package gcs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"

	"google.golang.org/api/googleapi"
	api "google.golang.org/api/storage/v1"

	"github.com/seedproof/seedproof/internal/store"
)

const (
	// headSize is read first: most objects of a control store end within it
	// and need no larger buffer.
	headSize = 32 << 10
	// chunkSize is what a long upload holds in memory, in bytes.
	chunkSize = 8 << 20

	contentType = "application/octet-stream"
)

// Put implements store.Store. What is short is sent in one request, once. What
// is longer goes as a resumable upload, chunk by chunk; the object is made when
// the last one is in and its checksum agrees. A chunk is sent again when no
// answer came: within its upload it is the same chunk, and an upload makes one
// object once. An upload that was given up shows nothing and ends in a week.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, c store.Condition) (store.Info, error) {
	full, err := s.object(key)
	if err != nil {
		return store.Info{}, err
	}
	generation, isOne := generationOf(c.Version())
	if c.Version() != "" && !isOne {
		return store.Info{}, s.noSuchVersion(ctx, key, c.Version())
	}
	sent := &source{from: store.WithContext(ctx, r)}
	head := make([]byte, headSize)
	n := sent.fill(head)
	if sent.err != nil {
		return store.Info{}, fmt.Errorf("put %s: read the content: %w", full, sent.err)
	}
	object := &api.Object{Name: full, ContentType: contentType}
	var media io.Reader = bytes.NewReader(head[:n])
	option := googleapi.ChunkSize(0)
	if sent.ended {
		object.Crc32c = encoded(crc32.Checksum(head[:n], castagnoli))
	} else {
		media, option = io.MultiReader(media, sent), googleapi.ChunkSize(chunkSize)
	}
	call := s.objects.Insert(s.place.bucket, object).Media(media, option, googleapi.EnableAutoChecksum()).Context(ctx)
	if !c.Unconditional() {
		call.IfGenerationMatch(generation) // 0 for "absent"
	}
	info, err := s.insert(ctx, call, sent, full)
	info.Key = key
	return info, err
}

// insert sends what call holds and checks that it is all that sent gave.
func (s *Store) insert(ctx context.Context, call *api.ObjectsInsertCall, sent *source, full string) (store.Info, error) {
	var object *api.Object
	var err error
	if sent.err == nil { // the first chunk was read
		object, err = call.Do()
	}
	if sent.err != nil {
		return store.Info{}, fmt.Errorf("put %s: read the content: %w", full, sent.err)
	}
	if statusOf(err) == http.StatusNotFound {
		return store.Info{}, s.nowhere(ctx, full, err)
	}
	if err != nil {
		return store.Info{}, failed("put", full, err)
	}
	info, err := infoOf(object, full)
	if err != nil {
		return store.Info{}, fmt.Errorf("put %s: %w", full, err)
	}
	if !sent.ended || info.Size != sent.count {
		return store.Info{}, fmt.Errorf("put %s: the server says that it is done after %d bytes of %d: %w", full, info.Size, sent.count, errStranger)
	}
	return info, nil
}

// nowhere finds out what a 404 to a write means: no such bucket, an upload that
// the server forgot, or a stranger.
func (s *Store) nowhere(ctx context.Context, full string, cause error) error {
	if _, err := s.page(ctx, full, "", "", 1); errors.Is(err, store.ErrNoPlace) {
		return fmt.Errorf("put %s: %w", full, err)
	}
	return fmt.Errorf("put %s: %w", full, oneLine(cause))
}

// noSuchVersion answers for a version that no object here can have. That it is
// not what stands is still the store's to say.
func (s *Store) noSuchVersion(ctx context.Context, key string, v store.Version) error {
	if _, err := s.Stat(ctx, key); err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("put: %w", err)
	}
	return fmt.Errorf("put %s: %q is not the generation of an object: %w", key, v, store.ErrConditionFailed)
}

// source is the content on its way. It remembers how it ended: a reader that
// was cut gives io.ErrUnexpectedEOF, which must not look like an end.
type source struct {
	from  io.Reader
	count int64
	ended bool
	err   error
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	s.count += int64(n)
	if err == io.EOF {
		s.ended = true
	} else if err != nil {
		s.err = err
	}
	return n, err
}

// fill reads until p is full or the source has ended or failed.
func (s *source) fill(p []byte) (n int) {
	for idle := 0; n < len(p) && !s.ended && s.err == nil; {
		m, _ := s.Read(p[n:])
		n += m
		if m > 0 {
			idle = 0
		} else if idle++; idle == 100 && !s.ended && s.err == nil {
			s.err = io.ErrNoProgress
		}
	}
	return n
}
