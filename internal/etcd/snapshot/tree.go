package snapshot

import (
	"bytes"
	"encoding/binary"
)

// visitor takes one entry of a bucket. Key and value are valid during the call.
type visitor func(key, value []byte) error

// bounds are the keys that a subtree may hold: from low on, below high. Nil is
// no bound.
type bounds struct{ low, high []byte }

func (b bounds) check(p page, i int, key, previous []byte) error {
	switch {
	case previous != nil && bytes.Compare(previous, key) >= 0:
		return corrupt("page %d: key %d is not above the one before", p.id, i)
	case b.low != nil && bytes.Compare(key, b.low) < 0:
		return corrupt("page %d: key %d is below what its parent says", p.id, i)
	case b.high != nil && bytes.Compare(key, b.high) >= 0:
		return corrupt("page %d: key %d belongs to the next page", p.id, i)
	}
	return nil
}

// walk visits the tree below a page in order, and holds its keys to their
// order. mark is told each page before it is used, and may refuse it.
type walk struct {
	pages *pages
	mark  func(page) error
	leaf  func(p page, level int, b bounds) error
}

func (w *walk) tree(id uint64, level int, b bounds) error {
	p, err := w.pages.read(id, level)
	if err != nil {
		return err
	}
	if err := w.mark(p); err != nil {
		return err
	}
	if err := p.fits(); err != nil {
		return err
	}
	if p.flags == leafPage {
		return w.leaf(p, level, b)
	}
	return w.branch(p, level, b)
}

func (w *walk) branch(p page, level int, b bounds) error {
	if p.count == 0 {
		return corrupt("page %d is a branch that leads nowhere", p.id)
	}
	var previous []byte
	for i := range p.count {
		child, key, err := p.branch(i)
		if err != nil {
			return err
		}
		if err := b.check(p, i, key, previous); err != nil {
			return err
		}
		below := bounds{low: key, high: b.high}
		if i+1 < p.count {
			if _, below.high, err = p.branch(i + 1); err != nil {
				return err
			}
		}
		if err := w.tree(child, level+1, below); err != nil {
			return err
		}
		previous = key
	}
	return nil
}

// entries visits the entries of a leaf that holds no buckets.
func entries(p page, b bounds, visit visitor) error {
	var previous []byte
	for i := range p.count {
		flags, key, value, err := p.leaf(i)
		if err != nil {
			return err
		}
		if flags&bucketEntry != 0 {
			return corrupt("page %d: a bucket within a bucket, which etcd never makes", p.id)
		}
		if err := b.check(p, i, key, previous); err != nil {
			return err
		}
		if err := visit(key, value); err != nil {
			return err
		}
		previous = key
	}
	return nil
}

// bucket is where a bucket's entries lie: on pages of its own, or, when they
// are few, inline in its parent's page.
type bucket struct {
	root   uint64 // page; 0 if inline
	inline page
}

func parseBucket(name, value []byte) (bucket, error) {
	if len(value) < bucketHeader {
		return bucket{}, corrupt("bucket %q has no header", name)
	}
	root := binary.LittleEndian.Uint64(value)
	if root != 0 {
		return bucket{root: root}, nil
	}
	data := value[bucketHeader:]
	if len(data) < pageHeader {
		return bucket{}, corrupt("bucket %q is inline and has no page", name)
	}
	p := parsePage(0, data)
	if p.flags != leafPage || p.overflow != 0 {
		return bucket{}, corrupt("bucket %q: its inline page is no leaf, flags %#x", name, p.flags)
	}
	return bucket{inline: p}, p.fits()
}

// bucket visits the entries of one bucket.
func (p *pages) bucket(b bucket, level int, mark func(page) error, visit visitor) error {
	if b.root == 0 {
		return entries(b.inline, bounds{}, visit)
	}
	w := &walk{pages: p, mark: mark, leaf: func(leaf page, _ int, b bounds) error { return entries(leaf, b, visit) }}
	return w.tree(b.root, level, bounds{})
}

// buckets visits the buckets of the database, in the order of their names.
// each gets a function that visits the entries of the bucket.
func (p *pages) buckets(mark func(page) error, each func(name []byte, b bucket, walk func(visitor) error) error) error {
	w := &walk{pages: p, mark: mark}
	w.leaf = func(leaf page, level int, within bounds) error {
		var previous []byte
		for i := range leaf.count {
			flags, name, value, err := leaf.leaf(i)
			if err != nil {
				return err
			}
			if flags&bucketEntry == 0 {
				return corrupt("page %d: an entry that is in no bucket", leaf.id)
			}
			if err := within.check(leaf, i, name, previous); err != nil {
				return err
			}
			b, err := parseBucket(name, value)
			if err != nil {
				return err
			}
			if err := each(name, b, func(v visitor) error { return p.bucket(b, level+1, mark, v) }); err != nil {
				return err
			}
			previous = name
		}
		return nil
	}
	return w.tree(p.meta.root, 0, bounds{})
}
