package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Inspect reads one snapshot to its end and checks it. An error that is a
// Damage (DamageOf) is about the snapshot; any other says nothing about it.
// The checks, in their order: there is something; it is packed as named; it
// begins like a database; it is within the bounds; it has its length; its
// trailer is right; every page of the database is sound; etcd's buckets are
// there and can be read.
//
// It needs disk space for the unpacked database and anonymous memory of some
// ten MiB whatever the size, and ends soon after ctx does. A Read of r that
// hangs is not broken off: close what is behind it.
func Inspect(ctx context.Context, r io.Reader, o Options) (*Summary, error) {
	s, err := inspect(ctx, r, o)
	if err != nil {
		return nil, fmt.Errorf("inspect the snapshot: %w", err)
	}
	return s, nil
}

func inspect(ctx context.Context, r io.Reader, o Options) (*Summary, error) {
	o, err := o.filled()
	if err != nil {
		return nil, err
	}
	src := newSource(ctx, r, o.MaxSize)
	content, err := unpack(src, o.Form)
	if err != nil {
		return nil, err
	}
	spool, err := newSpool(o)
	if err != nil {
		return nil, err
	}
	defer spool.close()
	if err := fill(spool, content); err != nil {
		return nil, err
	}
	summary := &Summary{
		Form: content.form, StoredSize: src.n, StoredSHA256: src.sum(), Size: spool.trailer.total,
	}
	db := newPages(ctx, spool.file, spool.meta)
	if err := db.describe(summary); err != nil {
		return nil, err
	}
	summary.SHA256 = spool.trailer.sum()
	summary.NotVerified = summary.notVerified()
	return summary, nil
}

// fill takes the whole content into the spool, and judges it.
func fill(s *spool, content *unpacked) error {
	buffer := make([]byte, readSize)
	for {
		n, err := content.Read(buffer)
		if werr := s.write(buffer[:n]); werr != nil {
			return named(werr, s, content)
		}
		if isBomb(content.src.n, s.total(), s.o) {
			return fmt.Errorf("%w: %d bytes of %d", ErrZipBomb, s.total(), content.src.n)
		}
		if ended(err) {
			return s.finish()
		}
		if err != nil {
			return err
		}
	}
}

// named finds the more telling name: what is no database may be a bomb.
func named(err error, s *spool, content *unpacked) error {
	if !errors.Is(err, ErrNotBbolt) || content.zip == nil {
		return err
	}
	if n := drain(content, s.total()); isBomb(content.src.n, n, s.o) {
		return fmt.Errorf("%w: %d bytes of %d, and %w", ErrZipBomb, n, content.src.n, err)
	}
	return err
}
