// Package fleet is the content of a state store of many kops clusters with many
// backups each, for the stand-in for S3: the small files are written as a real
// kops writes them (kopstest), the backups are made up while they are listed. It
// is code for tests alone.
package fleet

import (
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"io"
	"iter"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
	"github.com/seedproof/seedproof/test/standins/s3list"
)

// Size says how large a fleet is.
type Size struct {
	Clusters int
	Backups  int // of each of the two etcd clusters of each
	// Last is when the last backup of a healthy cluster was taken.
	Last time.Time
}

// The clusters that are in trouble, by their number; all others are healthy.
const (
	MarkerLost  = 1 // the marker is gone: it is about to be seeded over
	ControlLost = 2 // both control files of main are gone
	New         = 3 // never applied
	Stopped     = 4 // the last backup is two months old
)

// Every is the time between two backups.
const Every = 15 * time.Minute

// Name is that of a cluster by its number.
func Name(number int) string { return fmt.Sprintf("c%04d.example.com", number) }

// segment is a part of the fleet's keys, in their order: one object, or a run
// of backups.
type segment struct {
	one  s3list.Object
	body []byte
	run  *run
}

func (s segment) last() string {
	if s.run != nil {
		return s.run.at(2*s.run.count - 1).Key
	}
	return s.one.Key
}

// Content is an s3list.Content. It is safe for concurrent use.
type Content struct {
	segments []segment
	lasts    []string // of each segment
	keys     int
}

// Keys is how many there are.
func (c *Content) Keys() int { return c.keys }

// Make makes up a fleet.
func Make(t testing.TB, size Size) *Content {
	t.Helper()
	c := &Content{}
	for number := range size.Clusters {
		c.cluster(t, size, number)
	}
	slices.SortFunc(c.segments, func(a, b segment) int { return strings.Compare(a.last(), b.last()) })
	for _, s := range c.segments {
		c.lasts = append(c.lasts, s.last())
		c.keys++
		if s.run != nil {
			c.keys += 2*s.run.count - 1
		}
	}
	return c
}

// cluster writes one, as far as its life has come, and takes it over.
func (c *Content) cluster(t testing.TB, size Size, number int) {
	t.Helper()
	s := mem.New("fleet")
	written := size.Last.Add(-90 * 24 * time.Hour)
	s.SetClock(func() time.Time { return written })
	k := kopstest.Healthy(Name(number), 1+2*(number%2), size.Last)
	k.Last, k.Backups = size.Last, 0
	main := k.Name + "/backups/etcd/main"
	switch number {
	case New:
		kopstest.New(k.Name, 3).Write(t, s)
	case MarkerLost:
		k.Write(t, s)
		kopstest.Delete(t, s, main+"/control/etcd-cluster-created")
	case ControlLost:
		k.Write(t, s)
		kopstest.DeleteAll(t, s, main+"/control/")
	case Stopped:
		k.Last = k.Last.Add(-60 * 24 * time.Hour)
		k.Write(t, s)
	default:
		k.Write(t, s)
	}
	for info, err := range s.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		c.take(t, s, info, written)
	}
	if number == New {
		return
	}
	for _, etcd := range k.EtcdNames() {
		c.segments = append(c.segments, segment{run: newRun(t, k, k.Name+"/backups/etcd/"+etcd, size.Backups)})
	}
}

func (c *Content) take(t testing.TB, s store.Store, info store.Info, written time.Time) {
	t.Helper()
	body, _, err := store.Read(t.Context(), s, info.Key, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	c.segments = append(c.segments, segment{body: body,
		one: s3list.Object{Key: info.Key, Size: info.Size, ETag: s3list.ETag(body), Modified: written}})
}

// From implements s3list.Content.
func (c *Content) From(key string) iter.Seq[s3list.Object] {
	return func(yield func(s3list.Object) bool) {
		first := sort.SearchStrings(c.lasts, key)
		for _, s := range c.segments[first:] {
			if s.run != nil {
				if !s.run.from(key, yield) {
					return
				}
			} else if !yield(s.one) {
				return
			}
		}
	}
}

// Get implements s3list.Content.
func (c *Content) Get(key string) (s3list.Object, []byte, bool) {
	at := sort.SearchStrings(c.lasts, key)
	if at == len(c.segments) {
		return s3list.Object{}, nil, false
	}
	s := c.segments[at]
	if s.run != nil {
		return s.run.get(key)
	}
	return s.one, s.body, s.one.Key == key
}

// run is the backups of one etcd cluster: two objects each, all of one content
// but for the time in the meta file.
type run struct {
	base        string
	first       time.Time
	count       int
	data        []byte
	meta, stamp string // a meta file, and the time in it that is another in each
	salt        uint64
	zero        int64 // first, in Unix seconds
}

func newRun(t testing.TB, k kopstest.Cluster, base string, count int) *run {
	t.Helper()
	s := mem.New("one")
	folder := k.WriteBackup(t, s, base, k.Last, count)
	read := func(name string) []byte {
		content, _, err := store.Read(t.Context(), s, folder+"/"+name, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	first := k.Last.Add(-time.Duration(count-1) * Every).UTC()
	hash := fnv.New64a()
	_, _ = io.WriteString(hash, base) // a hash takes everything
	return &run{
		base: base, first: first, count: count, data: read("etcd.backup.gz"), meta: string(read("_etcd_backup.meta")),
		stamp: strconv.FormatInt(k.Last.Unix(), 10), salt: hash.Sum64(), zero: first.Unix(),
	}
}

// at is the object at a place in the run: the meta file of a backup, then its
// data.
func (r *run) at(i int) s3list.Object {
	taken := r.first.Add(time.Duration(i/2) * Every)
	key := make([]byte, 0, len(r.base)+48)
	key = append(key, r.base...)
	key = append(key, '/')
	key = taken.AppendFormat(key, time.RFC3339)
	key = fmt.Appendf(key, "-%06d/", i/2%999_999+1)
	size := len(r.data)
	if i%2 == 0 {
		key, size = append(key, "_etcd_backup.meta"...), len(r.meta)
	} else {
		key = append(key, "etcd.backup.gz"...)
	}
	return s3list.Object{Key: string(key), Size: int64(size), ETag: etag(r.salt, uint64(i)), Modified: taken.Add(3 * time.Second)}
}

// etag looks like one.
func etag(a, b uint64) string {
	var tag [16]byte
	for i := range 8 {
		tag[i], tag[8+i] = byte(a>>(8*i)), byte(b>>(8*i))
	}
	return hex.EncodeToString(tag[:])
}

// from yields the objects from a key on, and reports whether to go on.
func (r *run) from(key string, yield func(s3list.Object) bool) bool {
	first := 0
	if key > r.base {
		first = sort.Search(2*r.count, func(i int) bool { return r.at(i).Key >= key })
	}
	for i := first; i < 2*r.count; i++ {
		if !yield(r.at(i)) {
			return false
		}
	}
	return true
}

func (r *run) get(key string) (s3list.Object, []byte, bool) {
	i := sort.Search(2*r.count, func(i int) bool { return r.at(i).Key >= key })
	if i == 2*r.count || r.at(i).Key != key {
		return s3list.Object{}, nil, false
	}
	o := r.at(i)
	if i%2 == 1 {
		return o, r.data, true
	}
	taken := r.zero + int64(i/2)*int64(Every/time.Second)
	return o, []byte(strings.Replace(r.meta, r.stamp, strconv.FormatInt(taken, 10), 1)), true
}
