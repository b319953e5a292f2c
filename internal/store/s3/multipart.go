package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/seedproof/seedproof/internal/store"
)

const (
	basePart   = 8 << 20 // bytes
	partsAStep = 1000    // parts of one size, then twice the size
	maxParts   = 10_000  // S3's limit
	abortTime  = 30 * time.Second
)

// partSize is the size in bytes of the n-th part, from 1: 8 MiB up to 8 GB of
// content, and growing so that 10,000 parts hold more than S3's 5 TiB.
func partSize(n int32) int64 { return basePart << ((n - 1) / partsAStep) }

// buffers are kept for the next upload; only those of the base size.
var buffers sync.Pool

func takeBuffer(n int32) *[]byte {
	if partSize(n) == basePart {
		if b, ok := buffers.Get().(*[]byte); ok {
			return b
		}
	}
	b := make([]byte, partSize(n))
	return &b
}

func giveBuffer(b *[]byte) {
	if len(*b) == basePart {
		buffers.Put(b)
	}
}

// part is a piece of content on its way.
type part struct {
	number int32
	buffer *[]byte
	length int
}

// upload is one multipart upload.
type upload struct {
	store *Store
	full  string
	id    *string
	size  int64
	done  []types.CompletedPart
}

// content is what an upload sends: a part that was read, and the rest of it
// unless it has ended.
type content struct {
	first part
	ended bool
	rest  io.Reader
}

// putParts sends content. While one part is sent the next is read: two
// buffers, whatever the length. Any failure aborts the upload, also when ctx
// has ended.
func (s *Store) putParts(ctx context.Context, full string, from *content, c store.Condition, info store.Info) (store.Info, error) {
	u, err := s.beginUpload(ctx, full)
	if err != nil {
		giveBuffer(from.first.buffer)
		return store.Info{}, err
	}
	version, err := u.run(ctx, from, c)
	if err != nil {
		return store.Info{}, errors.Join(err, u.abort(ctx))
	}
	info.Size, info.Version = u.size, version
	return info, nil
}

func (s *Store) beginUpload(ctx context.Context, full string) (*upload, error) {
	out, err := s.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &s.place.bucket, Key: &full, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32c,
	}, once)
	if err != nil {
		return nil, failed("begin the upload of", full, err)
	}
	if aws.ToString(out.UploadId) == "" {
		return nil, fmt.Errorf("begin the upload of %s: %w", full, errStranger)
	}
	return &upload{store: s, full: full, id: out.UploadId}, nil
}

func (u *upload) run(ctx context.Context, from *content, c store.Condition) (store.Version, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	parts := make(chan part)
	sent := make(chan error, 1)
	go func() {
		err := u.sendAll(ctx, parts)
		if err != nil {
			cancel() // the reader of content need not go on
		}
		for p := range parts {
			giveBuffer(p.buffer)
		}
		sent <- err
	}()
	readErr := from.cut(ctx, parts)
	close(parts)
	if err := <-sent; err != nil {
		return "", err
	}
	if readErr != nil {
		return "", fmt.Errorf("put %s: read the content: %w", u.full, readErr)
	}
	return u.complete(ctx, c)
}

// cut makes parts of the content until it ends or ctx does.
func (from *content) cut(ctx context.Context, parts chan<- part) error {
	for next := from.first; ; {
		select {
		case parts <- next:
		case <-ctx.Done():
			giveBuffer(next.buffer)
			return context.Cause(ctx)
		}
		if from.ended {
			return nil
		}
		if next.number == maxParts {
			return errors.New("longer than S3 can hold in one object")
		}
		next = part{number: next.number + 1, buffer: takeBuffer(next.number + 1)}
		var err error
		next.length, from.ended, err = fill(from.rest, *next.buffer)
		if err != nil || from.ended && next.length == 0 {
			giveBuffer(next.buffer)
			return err
		}
	}
}

func (u *upload) sendAll(ctx context.Context, parts <-chan part) error {
	for p := range parts {
		err := u.send(ctx, p.number, (*p.buffer)[:p.length])
		giveBuffer(p.buffer)
		if err != nil {
			return err
		}
	}
	return nil
}

// send uploads one part. It may be retried: the same part again is the same.
func (u *upload) send(ctx context.Context, number int32, content []byte) error {
	out, err := u.store.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket:            &u.store.place.bucket,
		Key:               &u.full,
		UploadId:          u.id,
		PartNumber:        &number,
		Body:              bytes.NewReader(content),
		ContentLength:     aws.Int64(int64(len(content))),
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc32c,
	})
	if err != nil {
		return failed(fmt.Sprintf("upload part %d of", number), u.full, err)
	}
	if out.ETag == nil {
		return fmt.Errorf("upload part %d of %s: %w", number, u.full, errStranger)
	}
	u.size += int64(len(content))
	u.done = append(u.done, types.CompletedPart{ETag: out.ETag, PartNumber: &number, ChecksumCRC32C: out.ChecksumCRC32C})
	return nil
}

func (u *upload) complete(ctx context.Context, c store.Condition) (store.Version, error) {
	in := &s3.CompleteMultipartUploadInput{
		Bucket:          &u.store.place.bucket,
		Key:             &u.full,
		UploadId:        u.id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: u.done},
	}
	in.IfNoneMatch, in.IfMatch = headers(c)
	out, err := u.store.client.CompleteMultipartUpload(ctx, in, once)
	if err != nil {
		return "", failedWrite("complete the upload of", u.full, c, err)
	}
	if out.ETag == nil {
		return "", fmt.Errorf("complete the upload of %s: %w", u.full, errStranger)
	}
	return versionOf(out.ETag), nil
}

// abort removes the parts that were sent, which nobody would see and somebody
// would pay for. After a completion whose answer was lost there is nothing to
// abort, and the object stays.
func (u *upload) abort(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	_, err := u.store.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: &u.store.place.bucket, Key: &u.full, UploadId: u.id,
	})
	if err == nil || codeOf(err) == "NoSuchUpload" {
		return nil
	}
	return fmt.Errorf("abort the upload of %s; its parts stay in the bucket: %w", u.full, err)
}
