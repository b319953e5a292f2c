package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

const (
	trailerSize = sha256.Size
	// sector: a database file is a multiple of it, so that what is left over
	// tells whether the trailer is there.
	sector = 512
)

// Sums is what a whole, checked stream was.
type Sums struct {
	Size   int64  // bytes, trailer included
	SHA256 string // hex, of all of it, trailer included
}

// Check recomputes the trailer of a snapshot while it is written through: the
// last 32 bytes are the sha256 of all before them. It keeps those 32 bytes and
// nothing else. It is not safe for use by several goroutines.
type Check struct {
	hash  hash.Hash
	tail  []byte // the last bytes, not hashed yet: at most trailerSize
	total int64
}

// NewCheck starts a check.
func NewCheck() *Check {
	return &Check{hash: sha256.New(), tail: make([]byte, 0, 2*trailerSize)}
}

// Write takes the next bytes of the stream. It never fails.
func (c *Check) Write(p []byte) (int, error) {
	c.total += int64(len(p))
	if len(p) >= trailerSize {
		c.hash.Write(c.tail)
		c.hash.Write(p[:len(p)-trailerSize])
		c.tail = append(c.tail[:0], p[len(p)-trailerSize:]...)
		return len(p), nil
	}
	c.tail = append(c.tail, p...)
	if over := len(c.tail) - trailerSize; over > 0 {
		c.hash.Write(c.tail[:over])
		c.tail = append(c.tail[:0], c.tail[over:]...)
	}
	return len(p), nil
}

// Finish says whether the stream that has ended was whole. Any error is an
// ErrTrailer.
func (c *Check) Finish() (Sums, error) {
	if c.total%sector != trailerSize || c.total == trailerSize {
		return Sums{}, fmt.Errorf("check a stream of %d bytes: it was cut short or has no trailer: %w", c.total, ErrTrailer)
	}
	if !bytes.Equal(c.hash.Sum(nil), c.tail) {
		return Sums{}, fmt.Errorf("check a stream of %d bytes: %w", c.total, ErrTrailer)
	}
	c.hash.Write(c.tail)
	return Sums{Size: c.total, SHA256: hex.EncodeToString(c.hash.Sum(nil))}, nil
}

// CheckReader gives what r gives, and ErrTrailer in the place of io.EOF when
// the stream was not whole.
type CheckReader struct {
	r     io.Reader
	check *Check
	sums  Sums
	err   error
}

// NewCheckReader reads a snapshot from r.
func NewCheckReader(r io.Reader) *CheckReader { return &CheckReader{r: r, check: NewCheck()} }

// Read implements io.Reader.
func (c *CheckReader) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.r.Read(p)
	_, _ = c.check.Write(p[:n])
	if err == nil {
		return n, nil
	}
	c.err = err
	if errors.Is(err, io.EOF) {
		if c.sums, err = c.check.Finish(); err != nil {
			c.err = err
		}
	}
	return n, c.err
}

// Sums is what was read. It is valid after Read has given io.EOF.
func (c *CheckReader) Sums() Sums { return c.sums }
