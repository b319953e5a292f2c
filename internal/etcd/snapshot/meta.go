package snapshot

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
)

// The layout of a bbolt file (bbolt 1.4.3, internal/common), little endian:
// each page begins with a header of 16 bytes (id, flags, count, overflow); the
// first two pages hold the meta, of which the one with the higher transaction
// that is sound counts.
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2
	pageHeader  = 16
	metaSize    = 64
	metaSummed  = 56 // bytes of the meta that its checksum covers

	minPageSize = 512
	maxPageSize = 64 << 10 // the largest of any system that Go runs on

	noFreelist = ^uint64(0) // etcd does not write its list of free pages

	// headSize holds both meta pages, whatever the page size.
	headSize = 2 * maxPageSize
)

// meta is what a database says of itself.
type meta struct {
	pageSize int64
	root     uint64 // page of the root bucket
	freelist uint64 // page, or noFreelist
	high     uint64 // number of pages
	txid     uint64
}

// size is how long the database is: a snapshot ends there, and its trailer
// follows.
func (m meta) size() int64 { return int64(m.high) * m.pageSize }

// metaState is how much of a meta a place holds.
type metaState uint8

const (
	metaNone   metaState = iota // nothing like a meta
	metaBroken                  // the magic number, and no more that holds
	metaSound
)

// readMeta finds the meta in the head of a database.
func readMeta(head []byte) (meta, metaState, error) {
	first, state, err := metaAt(head, 0)
	if err != nil {
		return meta{}, metaNone, err
	}
	if state == metaSound {
		if second, other, _ := metaAt(head, first.pageSize); other == metaSound && second.txid > first.txid {
			return second, metaSound, nil
		}
		return first, metaSound, nil
	}
	for size := int64(1024); size <= maxPageSize; size *= 2 { // where bbolt looks for it
		second, other, err := metaAt(head, size)
		if err == nil && other == metaSound && second.pageSize == size {
			return second, metaSound, nil
		}
		state = max(state, other)
	}
	return meta{}, state, nil
}

// metaAt reads the meta page that begins at an offset. It fails only on a sound
// one of a format that is not known.
func metaAt(head []byte, at int64) (meta, metaState, error) {
	if int64(len(head)) < at+pageHeader+metaSize {
		return meta{}, metaNone, nil
	}
	b := head[at+pageHeader:][:metaSize]
	if binary.LittleEndian.Uint32(b) != boltMagic {
		return meta{}, metaNone, nil
	}
	sum := fnv.New64a()
	sum.Write(b[:metaSummed])
	if sum.Sum64() != binary.LittleEndian.Uint64(b[metaSummed:]) {
		return meta{}, metaBroken, nil
	}
	if version := binary.LittleEndian.Uint32(b[4:]); version != boltVersion {
		return meta{}, metaNone, fmt.Errorf("%w: version %d of bbolt's format is not known", ErrNotBbolt, version)
	}
	m := meta{
		pageSize: int64(binary.LittleEndian.Uint32(b[8:])),
		root:     binary.LittleEndian.Uint64(b[16:]),
		freelist: binary.LittleEndian.Uint64(b[32:]),
		high:     binary.LittleEndian.Uint64(b[40:]),
		txid:     binary.LittleEndian.Uint64(b[48:]),
	}
	if m.pageSize < minPageSize || m.pageSize > maxPageSize || m.pageSize&(m.pageSize-1) != 0 ||
		m.high < 3 || m.high > 1<<46 {
		return meta{}, metaBroken, nil
	}
	return m, metaSound, nil
}

// beginsLikeMeta: what there is of a head that is too short for a meta could be
// the beginning of one.
func beginsLikeMeta(head []byte) bool {
	like := []byte{0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0xED, 0xDA, 0x0C, 0xED}
	n := min(len(head), len(like))
	return n > 0 && string(head[:n]) == string(like[:n])
}
