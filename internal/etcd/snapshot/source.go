package snapshot

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// source is what the caller gave: counted, hashed, and bound to the context.
type source struct {
	ctx   context.Context
	r     io.Reader
	limit int64 // bytes; the packed form is hardly larger than the content
	hash  hash.Hash
	n     int64
	err   error // how it ended, unless that was its end
}

// ended: the plain io.EOF alone is an end. A wrapped one is somebody's error.
func ended(err error) bool {
	return err == io.EOF //nolint:errorlint // see above
}

func newSource(ctx context.Context, r io.Reader, maxSize int64) *source {
	return &source{ctx: ctx, r: r, limit: maxSize + maxSize/64 + 1<<20, hash: sha256.New()}
}

func (s *source) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	if s.ctx.Err() != nil {
		s.err = context.Cause(s.ctx)
		return 0, s.err
	}
	n, err := s.r.Read(p)
	s.n += int64(n)
	s.hash.Write(p[:n])
	if s.n > s.limit {
		err = fmt.Errorf("more than %d bytes: %w", s.limit, ErrTooLarge)
	}
	if err != nil && !ended(err) {
		s.err = err
	}
	return n, err
}

func (s *source) sum() string { return hex.EncodeToString(s.hash.Sum(nil)) }

// unpacked gives the database, however it was packed. Its errors are classed:
// those of the source stay what they are.
type unpacked struct {
	src  *source
	in   *bufio.Reader
	form Form
	zip  *gzip.Reader // nil if it is plain
}

const readSize = 128 << 10

func unpack(src *source, form Form) (*unpacked, error) {
	u := &unpacked{src: src, in: bufio.NewReaderSize(src, readSize), form: form}
	head, err := u.in.Peek(2)
	if src.err != nil {
		return nil, fmt.Errorf("read the snapshot: %w", src.err)
	}
	if len(head) == 0 && ended(err) {
		return nil, ErrEmpty
	}
	if u.form == Sniff {
		u.form = Plain
		if gzipped(head) {
			u.form = Gzip
		}
	}
	if u.form == Plain {
		return u, nil
	}
	return u, u.openZip(head)
}

// gzipped: the two bytes that every gzip stream begins with.
func gzipped(head []byte) bool { return len(head) >= 2 && head[0] == 0x1f && head[1] == 0x8b }

func (u *unpacked) openZip(head []byte) error {
	if len(head) == 1 && head[0] == 0x1f {
		return fmt.Errorf("%w after 1 byte", ErrCut)
	}
	if !gzipped(head) {
		return fmt.Errorf("%w: it begins with %x", ErrNotGzip, head)
	}
	zip, err := gzip.NewReader(u.in)
	if errors.Is(err, gzip.ErrHeader) {
		return fmt.Errorf("%w: it begins like it, and has no header of gzip", ErrNotGzip)
	}
	if err != nil {
		return u.classed(err)
	}
	zip.Multistream(false)
	u.zip = zip
	return nil
}

// Read implements io.Reader.
func (u *unpacked) Read(p []byte) (int, error) {
	if u.zip == nil {
		n, err := u.in.Read(p)
		if err != nil && !ended(err) {
			err = u.classed(err)
		}
		return n, err
	}
	for {
		n, err := u.zip.Read(p)
		switch {
		case err == nil || ended(err) && n > 0:
			return n, nil
		case !ended(err):
			return n, u.classed(err)
		}
		if err := u.next(); err != nil {
			return 0, err
		}
	}
}

// next goes on with the next gzip stream: several behind each other are one
// (parallel compressors write so). Anything else does not belong there.
func (u *unpacked) next() error {
	head, err := u.in.Peek(2)
	if u.src.err != nil {
		return u.classed(u.src.err)
	}
	if len(head) == 0 && ended(err) {
		return io.EOF
	}
	if !gzipped(head) {
		return fmt.Errorf("%w: bytes after the end of the gzip stream", ErrTrailing)
	}
	if err := u.zip.Reset(u.in); err != nil {
		if errors.Is(err, gzip.ErrHeader) {
			return fmt.Errorf("%w: bytes after the end of the gzip stream", ErrTrailing)
		}
		return u.classed(err)
	}
	u.zip.Multistream(false)
	return nil
}

// classed tells damage from an error of the source. A source that was cut in
// transit says so itself, with the same error that gzip has for a cut stream.
func (u *unpacked) classed(err error) error {
	if u.src.err != nil {
		return fmt.Errorf("read the snapshot after %d bytes: %w", u.src.n, u.src.err)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || ended(err) {
		return fmt.Errorf("%w: the gzip stream ends after %d bytes without its end", ErrCut, u.src.n)
	}
	return fmt.Errorf("%w: gzip, after some %d bytes: %w", ErrFlipped, u.src.n, err)
}
