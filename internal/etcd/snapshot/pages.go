package snapshot

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
)

// Flags of a page, of which exactly one is set.
const (
	branchPage   = 0x01
	leafPage     = 0x02
	metaPage     = 0x04
	freelistPage = 0x10

	bucketEntry = 0x01 // flag of an element of a leaf: its value is a bucket
)

const (
	elementSize  = 16
	bucketHeader = 16 // root page and sequence, before an inline page

	// A leaf holds its values; up to four of them are never split, and etcd
	// takes 1.5 MiB each unless told otherwise. A branch holds keys only, which
	// are short with etcd.
	maxLeaf   = 128 << 20
	maxBranch = 1 << 20

	// maxDepth is far above what a tree of 2^46 pages needs.
	maxDepth = 64
)

// pages reads the pages of a database that is known to be of meta.size()
// bytes, and believes none of them.
type pages struct {
	ctx  context.Context
	r    io.ReaderAt
	meta meta
	// levels are the pages on the way from the root to the one being read.
	levels [maxDepth][]byte
}

func newPages(ctx context.Context, r io.ReaderAt, m meta) *pages {
	return &pages{ctx: ctx, r: r, meta: m}
}

// page is one page with what overflows from it.
type page struct {
	id       uint64
	flags    uint16
	count    int
	overflow uint64
	data     []byte
}

func parsePage(id uint64, data []byte) page {
	return page{
		id:       id,
		flags:    binary.LittleEndian.Uint16(data[8:]),
		count:    int(binary.LittleEndian.Uint16(data[10:])),
		overflow: uint64(binary.LittleEndian.Uint32(data[12:])),
		data:     data,
	}
}

// read gives a page of a tree. It is valid until the next of the same level.
func (p *pages) read(id uint64, level int) (page, error) {
	if p.ctx.Err() != nil {
		return page{}, context.Cause(p.ctx)
	}
	if level >= maxDepth {
		return page{}, corrupt("page %d: the tree is deeper than %d", id, maxDepth)
	}
	first, err := p.header(id, level)
	if err != nil {
		return page{}, err
	}
	limit := int64(maxLeaf)
	switch first.flags {
	case branchPage:
		limit = maxBranch
	case leafPage:
	default:
		return page{}, corrupt("page %d is neither a branch nor a leaf, flags %#x", id, first.flags)
	}
	if first.overflow == 0 {
		return first, nil
	}
	length := int64(1+first.overflow) * p.meta.pageSize
	if length > limit {
		return page{}, corrupt("page %d has %d bytes", id, length)
	}
	data, err := p.bytes(id, length, level)
	if err != nil {
		return page{}, err
	}
	return parsePage(id, data), nil
}

// header reads the first of the pages that make up one, and holds it to its
// place in the file.
func (p *pages) header(id uint64, level int) (page, error) {
	if id < 2 || id >= p.meta.high {
		return page{}, corrupt("page %d is outside of the %d pages of the database", id, p.meta.high)
	}
	data, err := p.bytes(id, p.meta.pageSize, level)
	if err != nil {
		return page{}, err
	}
	if own := binary.LittleEndian.Uint64(data); own != id {
		return page{}, corrupt("page %d calls itself page %d", id, own)
	}
	first := parsePage(id, data)
	if first.overflow >= p.meta.high-id {
		return page{}, corrupt("page %d overflows into %d pages, and the database ends at %d", id, first.overflow, p.meta.high)
	}
	return first, nil
}

// metaPages looks at the headers of the two meta pages, on which bbolt's tools
// panic when they are wrong. Their content was judged by readMeta: one of the
// two suffices.
func (p *pages) metaPages() error {
	for id := range uint64(2) {
		data, err := p.bytes(id, p.meta.pageSize, 0)
		if err != nil {
			return err
		}
		if binary.LittleEndian.Uint64(data) != id || parsePage(id, data).flags != metaPage {
			return corrupt("page %d is no meta page", id)
		}
	}
	return nil
}

// bytes reads into the buffer of a level. An error of the disk is no damage.
func (p *pages) bytes(id uint64, length int64, level int) ([]byte, error) {
	if int64(cap(p.levels[level])) < length {
		p.levels[level] = make([]byte, length)
	}
	buffer := p.levels[level][:length]
	if _, err := p.r.ReadAt(buffer, int64(id)*p.meta.pageSize); err != nil {
		return nil, fmt.Errorf("read page %d of the unpacked database: %w", id, err)
	}
	return buffer, nil
}

// element gives the parts of an element after its place has been checked: its
// key, and behind it the value, lie within the page and behind the elements.
func (p page) element(i int, pos, keySize, valueSize uint32) (key, value []byte, err error) {
	at := pageHeader + int64(i)*elementSize + int64(pos)
	end := at + int64(keySize) + int64(valueSize)
	if keySize == 0 || at < pageHeader+int64(p.count)*elementSize || end > int64(len(p.data)) {
		return nil, nil, corrupt("page %d: element %d lies outside of it", p.id, i)
	}
	return p.data[at : at+int64(keySize)], p.data[at+int64(keySize) : end], nil
}

// fits: the table of elements lies within the page.
func (p page) fits() error {
	if pageHeader+p.count*elementSize > len(p.data) {
		return corrupt("page %d: %d elements do not fit into it", p.id, p.count)
	}
	return nil
}

// leaf is the element i of a leaf.
func (p page) leaf(i int) (flags uint32, key, value []byte, err error) {
	b := p.data[pageHeader+i*elementSize:]
	flags = binary.LittleEndian.Uint32(b)
	key, value, err = p.element(i, binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:]))
	return flags, key, value, err
}

// branch is the element i of a branch.
func (p page) branch(i int) (child uint64, key []byte, err error) {
	b := p.data[pageHeader+i*elementSize:]
	key, _, err = p.element(i, binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), 0)
	return binary.LittleEndian.Uint64(b[8:]), key, err
}
