package snapshot

import (
	"encoding/binary"
	"math/bits"
)

// census counts every page once: as part of a tree, as part of the list of free
// pages, or as free. A bit a page is all the memory it takes.
type census struct {
	high uint64
	used []uint64
	free []uint64
}

func newCensus(high uint64) *census {
	words := (high + 63) / 64
	return &census{high: high, used: make([]uint64, words), free: make([]uint64, words)}
}

func set(b []uint64, id uint64) (was bool) {
	was = b[id/64]&(1<<(id%64)) != 0
	b[id/64] |= 1 << (id % 64)
	return was
}

func count(b []uint64) (n int64) {
	for _, word := range b {
		n += int64(bits.OnesCount64(word))
	}
	return n
}

// mark notes a page as in use. Its overflow is known to lie in the database.
func (c *census) mark(p page) error {
	for id := p.id; id <= p.id+p.overflow; id++ {
		if set(c.used, id) {
			return corrupt("page %d is used twice", id)
		}
	}
	return nil
}

// freeList reads the list of free pages, if there is one. etcd writes none
// since 3.3 or so on Linux; then whatever is not in use is free.
func (c *census) freeList(p *pages) error {
	if p.meta.freelist == noFreelist {
		return nil
	}
	first, err := p.header(p.meta.freelist, 0)
	if err != nil {
		return err
	}
	if first.flags != freelistPage {
		return corrupt("page %d is not the list of free pages, flags %#x", first.id, first.flags)
	}
	if err := c.mark(first); err != nil {
		return err
	}
	at := int64(first.id)*p.meta.pageSize + pageHeader
	room := (int64(first.overflow)+1)*p.meta.pageSize - pageHeader
	n := int64(first.count)
	if n == 0xFFFF { // more than fit into the header: the first element is the count
		n = int64(binary.LittleEndian.Uint64(first.data[pageHeader:]))
		at, room = at+8, room-8
	}
	if n < 0 || n > room/8 {
		return corrupt("page %d: %d free pages do not fit into it", first.id, n)
	}
	return c.freeIDs(p, at, n)
}

// freeIDs reads n page numbers, a buffer at a time.
func (c *census) freeIDs(p *pages, at, n int64) error {
	var buffer [8 << 10]byte
	for n > 0 {
		part := buffer[:min(n*8, int64(len(buffer)))]
		if _, err := p.r.ReadAt(part, at); err != nil {
			return err
		}
		at, n = at+int64(len(part)), n-int64(len(part)/8)
		for ; len(part) > 0; part = part[8:] {
			id := binary.LittleEndian.Uint64(part)
			if id < 2 || id >= c.high {
				return corrupt("page %d is called free and is outside of the database", id)
			}
			if set(c.free, id) {
				return corrupt("page %d is called free twice", id)
			}
		}
	}
	return nil
}

// close holds the pages in use to those called free, and gives the number of
// the free ones. listed: there is a list of free pages.
func (c *census) close(listed bool) (int64, error) {
	set(c.used, 0) // the meta pages
	set(c.used, 1)
	if !listed {
		return int64(c.high) - count(c.used), nil
	}
	for i, used := range c.used {
		free := c.free[i]
		if both := used & free; both != 0 {
			return 0, corrupt("page %d is in use and called free", i*64+bits.TrailingZeros64(both))
		}
		all := ^uint64(0)
		if left := c.high - uint64(i)*64; left < 64 {
			all = 1<<left - 1
		}
		if neither := all &^ (used | free); neither != 0 {
			return 0, corrupt("page %d is neither in use nor called free", i*64+bits.TrailingZeros64(neither))
		}
	}
	return count(c.free), nil
}
