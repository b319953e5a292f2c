package azblob

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"

	"github.com/seedproof/seedproof/internal/store"
)

// headSize is read first, in bytes: most objects of a control store end within
// it and need no larger buffer.
const headSize = 32 << 10

var contentType = "application/octet-stream"

// Put implements store.Store. What is short is sent in one request; what is
// longer in blocks, and one small request makes a blob of them.
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
	client := s.container.NewBlockBlobClient(full)
	if !ended {
		u := upload{client: client, full: full}
		return u.run(ctx, key, io.MultiReader(bytes.NewReader(head), r), c)
	}
	got, err := client.Upload(once(ctx), content(head[:n]), &blockblob.UploadOptions{
		AccessConditions:        conditions(c),
		HTTPHeaders:             &blob.HTTPHeaders{BlobContentType: &contentType},
		TransactionalValidation: blob.TransferValidationTypeComputeCRC64(),
	})
	if err != nil {
		return store.Info{}, failedWrite("put", full, c, err)
	}
	return written(key, full, int64(n), got.ETag, got.LastModified)
}

// written is what an answer says of a blob that was made.
func written(key, full string, size int64, etag *azcore.ETag, modified *time.Time) (store.Info, error) {
	info, err := infoOf(key, &size, etag, modified)
	if err != nil {
		return store.Info{}, fmt.Errorf("put %s: %w", full, err)
	}
	return info, nil
}

func content(p []byte) io.ReadSeekCloser { return streaming.NopCloser(bytes.NewReader(p)) }

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
