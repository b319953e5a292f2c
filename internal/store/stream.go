package store

import (
	"context"
	"io"
)

// Exactly reads n bytes from r and then gives io.EOF. If r ends earlier it
// gives io.ErrUnexpectedEOF, so that a cut stream is never taken for a whole
// one. Closing it closes r.
func Exactly(r io.ReadCloser, n int64) io.ReadCloser {
	return &exactly{r: r, left: n}
}

type exactly struct {
	r    io.ReadCloser
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > e.left {
		p = p[:e.left]
	}
	n, err := e.r.Read(p)
	e.left -= int64(n)
	if err == io.EOF && e.left > 0 {
		return n, io.ErrUnexpectedEOF
	}
	return n, err
}

func (e *exactly) Close() error { return e.r.Close() }

// WithContext reads from r until ctx ends; then its error is that of ctx. A
// read that already hangs is not broken off.
func WithContext(ctx context.Context, r io.Reader) io.Reader {
	return &contextReader{ctx: ctx, r: r}
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}
