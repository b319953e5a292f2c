package snapshot

import "hash/maphash"

// liveKeys counts the keys whose last record is no deletion. The records come
// by revision, not by key, so every key has to be remembered: 8 bytes each, of
// at most so many keys at a time. Keys that are too many are split by their
// hash, and each part is counted in a pass of its own.
type liveKeys struct {
	seed  maphash.Seed
	limit int      // keys at a time
	slots []uint64 // open addressing; 0 is free; the lowest bit says "is there"
	spare []uint64 // of the same size, for the next splitting; or nil
	used  int      // slots
	part  part     // what this pass counts
	todo  []part   // put off to later passes
	total int64    // of the passes that are done
}

// liveLimit is a million keys: 16 MiB with the slots that must stay free, and
// as much again for a moment when they are rearranged.
const liveLimit = 1 << 20

// part is a share of all keys: those whose hash has these bits above the
// lowest.
type part struct {
	bits uint
	tail uint64
}

func (p part) holds(entry uint64) bool { return entry>>1&(1<<p.bits-1) == p.tail }

func newLiveKeys(limit int) *liveKeys {
	return &liveKeys{seed: maphash.MakeSeed(), limit: limit, slots: make([]uint64, 1024)}
}

// add takes the next record, in the order of revisions. The record of a raised
// revision has no key.
func (l *liveKeys) add(r record) {
	entry := maphash.Bytes(l.seed, r.key) &^ 1
	if entry == 0 {
		entry = 2
	}
	if len(r.key) == 0 || !l.part.holds(entry) {
		return
	}
	i := l.find(entry)
	if l.slots[i] == 0 {
		l.used++
	}
	if !r.deleted {
		entry |= 1
	}
	l.slots[i] = entry
	if l.used*2 > len(l.slots) {
		l.grow()
	}
}

// find is the slot of an entry, or the free one where it goes. Bits in the
// middle choose it: those at the end are the part's.
func (l *liveKeys) find(entry uint64) int {
	mask := uint64(len(l.slots) - 1)
	i := entry >> 24 & mask
	for l.slots[i] != 0 && l.slots[i]&^1 != entry {
		i = (i + 1) & mask
	}
	return int(i)
}

// grow makes room: with more slots, or, when there may be no more keys, by
// putting half of them off.
func (l *liveKeys) grow() {
	old := l.slots
	if l.used < l.limit {
		l.slots, l.spare = make([]uint64, 2*len(old)), nil
	} else {
		l.todo = append(l.todo, part{bits: l.part.bits + 1, tail: l.part.tail | 1<<l.part.bits})
		l.part.bits++
		if l.spare == nil {
			l.spare = make([]uint64, len(old))
		}
		clear(l.spare)
		l.slots, l.spare = l.spare, old
	}
	l.used = 0
	for _, slot := range old {
		if slot != 0 && l.part.holds(slot) {
			l.slots[l.find(slot&^1)] = slot
			l.used++
		}
	}
}

// next ends a pass, and reports whether another one is needed.
func (l *liveKeys) next() bool {
	for _, slot := range l.slots {
		l.total += int64(slot & 1)
	}
	clear(l.slots)
	l.used = 0
	last := len(l.todo) - 1
	if last < 0 {
		return false
	}
	l.part, l.todo = l.todo[last], l.todo[:last]
	return true
}
