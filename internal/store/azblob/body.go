package azblob

import (
	"bytes"
	"crypto/md5" // the checksum that Azure keeps of a blob
	"errors"
	"hash"
	"io"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
)

// body gives exactly the bytes that the server stated, and io.EOF only when
// they have the checksum that it keeps of the whole blob.
type body struct {
	stream io.ReadCloser
	left   int64
	sum    hash.Hash // nil: a part, or no checksum is kept
	want   []byte
}

func newBody(got *blob.DownloadStreamResponse, length int64, whole bool) *body {
	b := &body{stream: got.Body, left: length}
	want := got.BlobContentMD5
	if len(want) == 0 {
		want = got.ContentMD5
	}
	if whole && len(want) == md5.Size {
		b.sum, b.want = md5.New(), want
	}
	return b
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, b.end()
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.stream.Read(p)
	b.left -= int64(n)
	if b.sum != nil {
		_, _ = b.sum.Write(p[:n]) // a hash never fails
	}
	if err == io.EOF {
		err = nil
		if b.left > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}

func (b *body) end() error {
	if b.sum != nil && !bytes.Equal(b.sum.Sum(nil), b.want) {
		return errors.New("the bytes that came have another checksum than the blob")
	}
	return io.EOF
}

// Close implements io.Closer.
func (b *body) Close() error { return b.stream.Close() }
