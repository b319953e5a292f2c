package s3

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/seedproof/seedproof/internal/store"
)

// headSize is read first: most objects of a control store end within it and
// never need a part buffer.
const headSize = 32 << 10

// Put implements store.Store. What is short is sent in one request; what is
// longer as a multipart upload, which becomes visible as a whole.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, c store.Condition) (store.Info, error) {
	full, err := s.object(key)
	if err != nil {
		return store.Info{}, err
	}
	r = store.WithContext(ctx, r)
	head := make([]byte, headSize)
	n, ended, err := fill(r, head)
	if err != nil {
		return store.Info{}, fmt.Errorf("put %s: read the content: %w", full, err)
	}
	info := store.Info{Key: key}
	if ended {
		return s.putWhole(ctx, full, head[:n], c, info)
	}
	return s.putLong(ctx, full, io.MultiReader(bytes.NewReader(head), r), c, info)
}

// putLong is Put for content that does not end within the head.
//
// A long body under a condition goes as an upload even if one request could
// hold it: servers refuse a PUT before they have read its body and close the
// connection, which can swallow the refusal. The request that completes an
// upload is small.
func (s *Store) putLong(ctx context.Context, full string, r io.Reader, c store.Condition, info store.Info) (store.Info, error) {
	first := part{number: 1, buffer: takeBuffer(1)}
	var ended bool
	var err error
	first.length, ended, err = fill(r, *first.buffer)
	if err != nil {
		giveBuffer(first.buffer)
		return store.Info{}, fmt.Errorf("put %s: read the content: %w", full, err)
	}
	if ended && c.Unconditional() {
		defer giveBuffer(first.buffer)
		return s.putWhole(ctx, full, (*first.buffer)[:first.length], c, info)
	}
	return s.putParts(ctx, full, &content{first: first, ended: ended, rest: r}, c, info)
}

func (s *Store) putWhole(ctx context.Context, full string, content []byte, c store.Condition, info store.Info) (store.Info, error) {
	in := &s3.PutObjectInput{
		Bucket:            &s.place.bucket,
		Key:               &full,
		Body:              bytes.NewReader(content),
		ContentLength:     aws.Int64(int64(len(content))),
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc32c,
	}
	in.IfNoneMatch, in.IfMatch = headers(c)
	out, err := s.client.PutObject(ctx, in, once)
	if err != nil {
		return store.Info{}, failedWrite("put", full, c, err)
	}
	if out.ETag == nil {
		return store.Info{}, fmt.Errorf("put %s: %w", full, errStranger)
	}
	info.Size, info.Version = int64(len(content)), versionOf(out.ETag)
	return info, nil
}

// headers are a condition as If-None-Match and If-Match.
func headers(c store.Condition) (ifNoneMatch, ifMatch *string) {
	if c.Absent() {
		return aws.String("*"), nil
	}
	if c.Version() != "" {
		return nil, matching(c.Version())
	}
	return nil, nil
}

// fill reads until p is full or r has ended. Only io.EOF is an end: a reader
// that was cut itself gives io.ErrUnexpectedEOF, which io.ReadFull would make
// look like one.
func fill(r io.Reader, p []byte) (n int, ended bool, err error) {
	for idle := 0; n < len(p); {
		m, err := r.Read(p[n:])
		n += m
		switch {
		case err == io.EOF:
			return n, true, nil
		case err != nil:
			return n, false, err
		case m > 0:
			idle = 0
		default:
			if idle++; idle == 100 {
				return n, false, io.ErrNoProgress
			}
		}
	}
	return n, false, nil
}
