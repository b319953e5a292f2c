package snapshot

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// smallPages make a deep tree of little data.
var smallPages = &bolt.Options{PageSize: 512}

// deleteAllBut removes every record but each n-th, so that pages become free.
func deleteAllBut(n int) func(*bolt.Tx) error {
	return func(tx *bolt.Tx) error {
		c, i := tx.Bucket([]byte(keyBucket)).Cursor(), 0
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			if i++; i%n != 0 {
				if err := c.Delete(); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// nothing is a transaction that frees what the ones before have let go.
func nothing(tx *bolt.Tx) error { return tx.Bucket([]byte(metaBucket)).Put([]byte("x"), []byte("y")) }

func large(size int) func(*bolt.Tx) error {
	return func(tx *bolt.Tx) error {
		value := append([]byte{0x0a, 1, 'k', 0x2a}, binary.AppendUvarint(nil, uint64(size))...)
		return tx.Bucket([]byte(keyBucket)).Put(revisionKey(1<<40, 3, false), append(value, make([]byte, size)...))
	}
}

func TestGoodDatabases(t *testing.T) {
	for _, c := range []struct {
		reason string
		o      bolt.Options
		fill   []func(*bolt.Tx) error
	}{
		{"no key at all", bolt.Options{}, []func(*bolt.Tx) error{likeEtcd(0)}},
		{"inline buckets only", bolt.Options{}, []func(*bolt.Tx) error{likeEtcd(2)}},
		{"etcd writes no list of free pages", bolt.Options{NoFreelistSync: true}, []func(*bolt.Tx) error{likeEtcd(3000), deleteAllBut(7), nothing}},
		{"a list of free pages", bolt.Options{}, []func(*bolt.Tx) error{likeEtcd(3000), deleteAllBut(7), nothing}},
		{"more free pages than its header can count", bolt.Options{PageSize: 512}, []func(*bolt.Tx) error{likeEtcd(180000), deleteAllBut(10000), nothing}},
		{"a deep tree", bolt.Options{PageSize: 512}, []func(*bolt.Tx) error{likeEtcd(9000)}},
		{"pages of 1 KiB", bolt.Options{PageSize: 1024}, []func(*bolt.Tx) error{likeEtcd(900)}},
		{"pages of 16 KiB, as on some arm64", bolt.Options{PageSize: 16 << 10}, []func(*bolt.Tx) error{likeEtcd(900)}},
		{"pages of 64 KiB, as on others", bolt.Options{PageSize: 64 << 10}, []func(*bolt.Tx) error{likeEtcd(900)}},
		{"a value of 1.5 MiB", bolt.Options{}, []func(*bolt.Tx) error{likeEtcd(100), large(1536 << 10)}},
		{"a value of 30 MiB", bolt.Options{}, []func(*bolt.Tx) error{likeEtcd(100), large(30 << 20)}},
	} {
		t.Run(c.reason, func(t *testing.T) {
			db := boltFile(t, &c.o, c.fill...)
			must(t, boltCheck(t, db))
			s, err := Inspect(t.Context(), bytes.NewReader(sealed(db)), Options{Dir: t.TempDir()})
			must(t, err)
			if int64(len(db)) != s.Pages*s.PageSize || s.Size != int64(len(db))+trailerSize {
				t.Errorf("%d bytes; %+v", len(db), s)
			}
			if want := statusKeys(t, db); s.KeyRevisions != want {
				t.Errorf("%d records, bbolt has %d", s.KeyRevisions, want)
			}
		})
	}
}

func statusKeys(t *testing.T, db []byte) (n int64) {
	t.Helper()
	err := boltView(t, db, func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(keyBucket)).ForEach(func(_, _ []byte) error { n++; return nil })
	})
	must(t, err)
	return n
}

// tree is a database of which a test knows the pages.
type tree struct {
	db       []byte
	pageSize int
}

func (d tree) page(id uint64) []byte { return d.db[int(id)*d.pageSize:][:d.pageSize] }

// find gives the n-th page of a kind.
func (d tree) find(t *testing.T, flags uint16, n int) uint64 {
	t.Helper()
	for id := range uint64(len(d.db) / d.pageSize) {
		b := d.page(id)
		if binary.LittleEndian.Uint64(b) == id && binary.LittleEndian.Uint16(b[8:]) == flags && binary.LittleEndian.Uint16(b[10:]) > 1 {
			if n--; n < 0 {
				return id
			}
		}
	}
	t.Fatalf("no page of kind %#x", flags)
	return 0
}

func (d tree) clone() tree { return tree{bytes.Clone(d.db), d.pageSize} }

func put16(b []byte, v uint16) { binary.LittleEndian.PutUint16(b, v) }
func put32(b []byte, v uint32) { binary.LittleEndian.PutUint32(b, v) }
func put64(b []byte, v uint64) { binary.LittleEndian.PutUint64(b, v) }

func get64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// TestCorruptPages: each way in which a page can be wrong, under a trailer that
// is right.
func TestCorruptPages(t *testing.T) {
	plain := tree{boltFile(t, &bolt.Options{PageSize: 512, NoFreelistSync: true}, likeEtcd(3000)), 512}
	listed := tree{boltFile(t, &bolt.Options{PageSize: 512}, likeEtcd(3000), deleteAllBut(3), nothing), 512}
	m, _, err := readMeta(listed.db)
	must(t, err)
	branch, leaf := plain.find(t, branchPage, 1), plain.find(t, leafPage, 3)
	other := plain.find(t, leafPage, 40)
	high := uint64(len(plain.db) / 512)
	tests := []struct {
		reason string
		base   tree
		change func(d tree)
	}{
		{"a page that calls itself another", plain, func(d tree) { put64(d.page(leaf), leaf+1) }},
		{"a page of no kind", plain, func(d tree) { put16(d.page(leaf)[8:], 0) }},
		{"a page of two kinds", plain, func(d tree) { put16(d.page(leaf)[8:], branchPage|leafPage) }},
		{"a meta page in the tree", plain, func(d tree) { put16(d.page(leaf)[8:], metaPage) }},
		{"a meta page that calls itself another", plain, func(d tree) { put64(d.page(0), 9) }},
		{"a meta page that is called a leaf", plain, func(d tree) { put16(d.page(1)[8:], leafPage) }},
		{"a leaf read as a branch", plain, func(d tree) { put16(d.page(leaf)[8:], branchPage) }},
		{"a branch read as a leaf", plain, func(d tree) { put16(d.page(branch)[8:], leafPage) }},
		{"more elements than fit", plain, func(d tree) { put16(d.page(leaf)[10:], 60000) }},
		{"a branch of no elements", plain, func(d tree) { put16(d.page(branch)[10:], 0) }},
		{"overflow past the end", plain, func(d tree) { put32(d.page(leaf)[12:], uint32(high-leaf)) }},
		{"overflow far past the end", plain, func(d tree) { put32(d.page(leaf)[12:], 1<<32-1) }},
		{"overflow into other pages", plain, func(d tree) { put32(d.page(leaf)[12:], 3) }},
		{"a child outside", plain, func(d tree) { put64(d.page(branch)[pageHeader+8:], high) }},
		{"a child far outside", plain, func(d tree) { put64(d.page(branch)[pageHeader+8:], 1<<63) }},
		{"a child that is a meta page", plain, func(d tree) { put64(d.page(branch)[pageHeader+8:], 1) }},
		{"a child that is itself", plain, func(d tree) { put64(d.page(branch)[pageHeader+8:], branch) }},
		{"one child twice", plain, func(d tree) {
			put64(d.page(branch)[pageHeader+8:], get64(d.page(branch)[pageHeader+elementSize+8:]))
		}},
		{"a page in another's place", plain, func(d tree) {
			copy(d.page(leaf), plain.page(other))
			put64(d.page(leaf), leaf)
		}},
		{"a key outside of its page", plain, func(d tree) { put32(d.page(leaf)[pageHeader+4:], 600) }},
		{"a key far outside", plain, func(d tree) { put32(d.page(leaf)[pageHeader+4:], 1<<32-1) }},
		{"a key among the elements", plain, func(d tree) { put32(d.page(leaf)[pageHeader+4:], 0) }},
		{"a key of no length", plain, func(d tree) { put32(d.page(leaf)[pageHeader+8:], 0) }},
		{"a key longer than its page", plain, func(d tree) { put32(d.page(leaf)[pageHeader+8:], 1<<31) }},
		{"a value longer than its page", plain, func(d tree) { put32(d.page(leaf)[pageHeader+12:], 1<<32-1) }},
		{"a branch's key outside", plain, func(d tree) { put32(d.page(branch)[pageHeader:], 5000) }},
		{"two elements exchanged", plain, func(d tree) {
			b := d.page(leaf)[pageHeader:]
			first := bytes.Clone(b[:elementSize])
			copy(b, b[elementSize:2*elementSize])
			copy(b[elementSize:], first)
			put32(b[4:], binary.LittleEndian.Uint32(b[4:])+elementSize)
			put32(b[elementSize+4:], binary.LittleEndian.Uint32(b[elementSize+4:])-elementSize)
		}},
		{"an entry that is called a bucket", plain, func(d tree) { put32(d.page(leaf)[pageHeader:], bucketEntry) }},
		{"a record's key that is no revision", plain, func(d tree) {
			at := pageHeader + int(binary.LittleEndian.Uint32(d.page(leaf)[pageHeader+4:]))
			d.page(leaf)[at+8] = '-'
		}},
		{"a record that cannot be decoded", plain, func(d tree) {
			at := pageHeader + int(binary.LittleEndian.Uint32(d.page(leaf)[pageHeader+4:]))
			d.page(leaf)[at+17] = 0xff
		}},
		{"the root outside", tree{remeta(plain.db, 512, func(b []byte) { put64(b[16:], high) }), 512}, func(tree) {}},
		{"the root is a meta page", tree{remeta(plain.db, 512, func(b []byte) { put64(b[16:], 0) }), 512}, func(tree) {}},
		{"the root is a bucket's", tree{remeta(plain.db, 512, func(b []byte) { put64(b[16:], branch) }), 512}, func(tree) {}},
		{"the free list outside", tree{remeta(plain.db, 512, func(b []byte) { put64(b[32:], high) }), 512}, func(tree) {}},
		{"the free list is a leaf", tree{remeta(plain.db, 512, func(b []byte) { put64(b[32:], leaf) }), 512}, func(tree) {}},
		{"more free pages than fit", listed, func(d tree) { put16(d.page(m.freelist)[10:], 60000) }},
		{"far more free pages than fit", listed, func(d tree) {
			put16(d.page(m.freelist)[10:], 0xffff)
			put64(d.page(m.freelist)[pageHeader:], 1<<62)
		}},
		{"a free page outside", listed, func(d tree) { put64(d.page(m.freelist)[pageHeader:], 1<<40) }},
		{"a free page twice", listed, func(d tree) {
			put64(d.page(m.freelist)[pageHeader:], get64(d.page(m.freelist)[pageHeader+8:]))
		}},
		{"a page in use called free", listed, func(d tree) { put64(d.page(m.freelist)[pageHeader:], m.freelist) }},
		{"a page that nobody has", listed, func(d tree) {
			put16(d.page(m.freelist)[10:], binary.LittleEndian.Uint16(d.page(m.freelist)[10:])-1)
		}},
	}
	for _, base := range []tree{plain, listed} {
		must(t, inspectBytes(t, sealed(base.db), Options{}))
	}
	for _, c := range tests {
		d := c.base.clone()
		c.change(d)
		if err := inspectBytes(t, sealed(d.db), Options{}); !isDamage(err, ErrCorrupt) {
			t.Errorf("%s: %v", c.reason, err)
		}
	}
}

func TestNotEtcds(t *testing.T) {
	without := func(name string) []byte {
		return boltFile(t, nil, likeEtcd(5), func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte(name)) })
	}
	in := func(name, key, value string) []byte {
		return boltFile(t, nil, likeEtcd(5), func(tx *bolt.Tx) error {
			return tx.Bucket([]byte(name)).Put([]byte(key), []byte(value))
		})
	}
	for _, c := range []struct {
		reason string
		db     []byte
		want   *Damage
	}{
		{"a database of somebody else", boltFile(t, nil, func(tx *bolt.Tx) error {
			_, err := tx.CreateBucket([]byte("mine"))
			return err
		}), ErrNoBucket},
		{"no bucket at all", boltFile(t, nil), ErrNoBucket},
		{"no keys", without(keyBucket), ErrNoBucket},
		{"no meta", without(metaBucket), ErrNoBucket},
		{"no members, as a restore leaves it", without("members"), nil},
		{"a bucket of a later version", boltFile(t, nil, likeEtcd(5), func(tx *bolt.Tx) error {
			_, err := tx.CreateBucket([]byte("later"))
			return err
		}), nil},
		{"a bucket within a bucket", boltFile(t, nil, likeEtcd(5), func(tx *bolt.Tx) error {
			_, err := tx.Bucket([]byte(keyBucket)).CreateBucket([]byte("x"))
			return err
		}), ErrCorrupt},
		{"a member that is none", in("members", "xyz", "{}"), ErrCorrupt},
		{"a member that is no JSON", in("members", "1", "{"), ErrCorrupt},
		{"a lease without an id", in("lease", "1", ""), ErrCorrupt},
		{"an alarm that is none", in("alarm", "\xff", ""), ErrCorrupt},
		{"a term that is no number", in("meta", "term", "1"), ErrCorrupt},
		{"a compaction that is no revision", in("meta", "finishedCompactRev", "1"), ErrCorrupt},
		{"a record that is no revision", in("key", "1", ""), ErrCorrupt},
		{"revision 0", in("key", string(revisionKey(0, 0, false)), ""), ErrCorrupt},
		{"a negative revision", in("key", string(revisionKey(-1, 0, false)), ""), ErrCorrupt},
		{"a mark that is not etcd's", in("key", string(revisionKey(900, 0, false))+"x", ""), ErrCorrupt},
		{"a record of another kind of field", in("key", string(revisionKey(900, 0, false)), "\x08\x01"), ErrCorrupt},
		{"a record with a field of a later version", in("key", string(revisionKey(900, 0, false)), "\x0a\x01k\x78\x01"), nil},
	} {
		err := inspectBytes(t, sealed(c.db), Options{})
		if c.want == nil {
			if err != nil {
				t.Errorf("%s: %v", c.reason, err)
			}
			continue
		}
		if !isDamage(err, c.want) {
			t.Errorf("%s: %v, want %v", c.reason, err, c.want)
		}
	}
}

// judgedAlike holds our check to bbolt's: what we let through is sound for
// bbolt too. It reports whether we did.
func judgedAlike(t testing.TB, db []byte) bool {
	t.Helper()
	err := inspectBytes(t, sealed(db), Options{MaxSize: 64 << 20})
	if err == nil {
		if theirs := boltCheck(t, db); theirs != nil {
			t.Fatalf("we let through what bbolt refuses: %v", theirs)
		}
		return true
	}
	if _, ok := DamageOf(err); !ok && !isLimit(err) {
		t.Fatalf("not called damage: %v", err)
	}
	return false
}

// TestRandomDamage alters the parts of a page that bbolt believes.
func TestRandomDamage(t *testing.T) {
	bases := []tree{
		{boltFile(t, &bolt.Options{PageSize: 512, NoFreelistSync: true}, likeEtcd(500)), 512},
		{boltFile(t, smallPages, likeEtcd(500), deleteAllBut(3), nothing), 512},
		{boltFile(t, nil, likeEtcd(100)), 4096},
	}
	random := rand.New(rand.NewPCG(5, 6))
	through, refused := 0, 0
	for i := range 1500 {
		d := bases[i%len(bases)].clone()
		for range 1 + random.IntN(2) {
			d.spoil(random)
		}
		if judgedAlike(t, d.db) {
			through++
		} else {
			refused++
		}
	}
	if through == 0 || refused < 500 {
		t.Errorf("%d let through, %d refused: the test shows little", through, refused)
	}
	t.Logf("NOTE: %d altered databases refused; %d let through, sound for bbolt too", refused, through)
}

// spoil alters a field of a page's header or of one of its elements.
func (d tree) spoil(random *rand.Rand) {
	b := d.page(2 + random.Uint64N(uint64(len(d.db)/d.pageSize-2)))
	at := random.IntN(pageHeader + 6*elementSize)
	switch random.IntN(4) {
	case 0:
		b[at] ^= 1 << random.UintN(8)
	case 1:
		b[at] = byte(random.Uint32())
	case 2:
		put16(b[at&^1:], uint16(random.Uint32N(600)))
	case 3:
		put32(b[at&^3:], []uint32{0, 1, 2, 16, 511, 512, 1 << 16, 1<<31 - 1, 1<<32 - 1}[random.IntN(9)])
	}
}

func FuzzPages(f *testing.F) {
	bases := []tree{
		{boltFile(f, &bolt.Options{PageSize: 512, NoFreelistSync: true}, likeEtcd(60)), 512},
		{boltFile(f, smallPages, likeEtcd(60), deleteAllBut(3), nothing), 512},
	}
	f.Add(uint8(0), uint32(512*3), []byte{1, 2, 3})
	f.Add(uint8(1), uint32(512*4+8), []byte{1, 0, 2, 0})
	f.Add(uint8(0), uint32(512*5+12), []byte{0xff, 0xff, 0xff, 0xff})
	f.Add(uint8(1), uint32(16+32), []byte{9})
	f.Add(uint8(1), uint32(4), []byte("i\r\x8d\x9c:\x93<\xe8\f\t")) // bbolt's check panics on it
	f.Add(uint8(1), uint32(14), []byte("000"))                      // bbolt does not look for a second meta page there
	f.Fuzz(func(t *testing.T, base uint8, at uint32, patch []byte) {
		d := bases[int(base)%len(bases)].clone()
		copy(d.db[int(at)%len(d.db):], patch)
		judgedAlike(t, remeta(d.db, 512, func([]byte) {}))
	})
}

func FuzzInspect(f *testing.F) {
	whole := sealed(boltFile(f, smallPages, likeEtcd(20)))
	f.Add(whole)
	f.Add(zip(f, whole))
	f.Add(whole[:700])
	f.Add(append(zip(f, whole), 'x'))
	f.Add([]byte("\x1f\x8b\x08"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		err := inspectBytes(t, stream, Options{MaxSize: 16 << 20})
		if _, ok := DamageOf(err); err != nil && !ok && !isLimit(err) {
			t.Fatalf("%v", err)
		}
		if err == nil && !bytes.Contains(stream, []byte{0xED, 0xDA, 0x0C, 0xED}) && !gzipped(stream) {
			t.Fatal("let through what has no meta page")
		}
	})
}
