package gcs

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// body gives exactly the bytes that the server stated, and io.EOF only when
// they have the checksum that it stated of the whole object.
type body struct {
	stream io.ReadCloser
	left   int64
	sum    hash.Hash32 // nil: a part, or no checksum was stated
	want   uint32
}

func newBody(answer *http.Response, length int64) *body {
	b := &body{stream: answer.Body, left: length}
	if want, ok := checksum(answer.Header); ok && answer.StatusCode == http.StatusOK {
		b.sum, b.want = crc32.New(castagnoli), want
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
	if b.sum != nil && b.sum.Sum32() != b.want {
		return errors.New("the bytes that came have another checksum than the object")
	}
	return io.EOF
}

// Close implements io.Closer.
func (b *body) Close() error { return b.stream.Close() }

// checksum finds the CRC32C in "X-Goog-Hash: crc32c=...,md5=...", which may
// also come as two headers.
func checksum(h http.Header) (uint32, bool) {
	for part := range strings.SplitSeq(strings.Join(h.Values("X-Goog-Hash"), ","), ",") {
		value, ok := strings.CutPrefix(strings.TrimSpace(part), "crc32c=")
		if !ok {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(value)
		if err == nil && len(raw) == 4 {
			return binary.BigEndian.Uint32(raw), true
		}
	}
	return 0, false
}

// encoded is a checksum as the API writes it.
func encoded(sum uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}
