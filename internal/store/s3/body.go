package s3

import (
	"errors"
	"io"
)

// body gives exactly the bytes that the server stated. It reads on to the end
// of the stream before it says io.EOF, since it is there that the SDK compares
// the checksum.
type body struct {
	io.ReadCloser
	left int64
}

func (b *body) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, b.end()
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if err == io.EOF {
		err = nil
		if b.left > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}

// end reads what must be the end.
func (b *body) end() error {
	var one [1]byte
	for range 100 {
		n, err := b.ReadCloser.Read(one[:])
		if n > 0 {
			return errors.New("the server sends more than it stated")
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}
