package snapshot

import (
	"fmt"
	"hash"
	"hash/crc32"
)

// The buckets of etcd (3.6, server/storage/schema/bucket.go). It makes all of
// them at its first start; without these two it would begin anew, or not start.
const (
	keyBucket  = "key"
	metaBucket = "meta"
)

// description fills a summary while the database is walked.
type description struct {
	pages   *pages
	summary *Summary
	census  *census
	hash    hash.Hash32
	live    *liveKeys
	keys    bucket
	seen    map[string]bool
	fields  fields
	newest  int64 // the highest revision of a record
}

func newDescription(p *pages, s *Summary, limit int) *description {
	return &description{
		pages: p, summary: s, census: newCensus(p.meta.high), hash: crc32.New(crc32.MakeTable(crc32.Castagnoli)),
		live: newLiveKeys(limit), seen: map[string]bool{},
	}
}

// describe walks the whole database, checks it and fills the summary.
func (p *pages) describe(s *Summary) error {
	d := newDescription(p, s, liveLimit)
	s.PageSize, s.Pages = p.meta.pageSize, int64(p.meta.high)
	if err := d.walk(); err != nil {
		return err
	}
	for _, name := range []string{keyBucket, metaBucket} {
		if !d.seen[name] {
			return fmt.Errorf("%w: there is no bucket %q", ErrNoBucket, name)
		}
	}
	if err := d.countLive(); err != nil {
		return err
	}
	s.StatusHash, s.LiveKeys = d.hash.Sum32(), d.live.total
	d.fields.conclude(s, d.newest)
	return nil
}

func (d *description) walk() error {
	if err := d.pages.metaPages(); err != nil {
		return err
	}
	if err := d.census.freeList(d.pages); err != nil {
		return err
	}
	if err := d.pages.buckets(d.census.mark, d.bucket); err != nil {
		return err
	}
	var err error
	d.summary.FreePages, err = d.census.close(d.pages.meta.freelist != noFreelist)
	return err
}

// bucket visits one bucket, and hashes it as `etcdutl snapshot status` does.
func (d *description) bucket(name []byte, b bucket, walk func(visitor) error) error {
	visit := d.visitor(string(name))
	if string(name) == keyBucket {
		d.keys = b
	}
	d.seen[string(name)] = true
	d.hash.Write(name)
	return walk(func(key, value []byte) error {
		d.summary.Entries++
		d.hash.Write(key)
		d.hash.Write(value)
		return visit(key, value)
	})
}

func (d *description) visitor(name string) visitor {
	switch name {
	case keyBucket:
		return d.record
	case metaBucket:
		return d.fields.meta
	case "lease":
		return d.lease
	case "members":
		return func(k, v []byte) error { return memberEntry(d.summary, k, v) }
	case "members_removed":
		return func(_, _ []byte) error { d.summary.RemovedMembers++; return nil }
	case "cluster":
		return func(k, v []byte) error { return clusterEntry(d.summary, k, v) }
	case "alarm":
		return func(k, _ []byte) error { return alarmEntry(d.summary, k) }
	case "auth":
		return func(k, v []byte) error { return authEntry(d.summary, k, v) }
	}
	return func(_, _ []byte) error { return nil } // users and roles, and what later versions bring
}

func (d *description) record(k, v []byte) error {
	r, err := parseRecord(k, v)
	if err != nil {
		return err
	}
	d.summary.KeyRevisions++
	d.newest = max(d.newest, r.main)
	d.live.add(r)
	return nil
}

func (d *description) lease(k, _ []byte) error {
	if len(k) != 8 {
		return corrupt("the lease bucket holds a key of %d bytes", len(k))
	}
	d.summary.Leases++
	return nil
}

// countLive counts what the first walk had to put off.
func (d *description) countLive() error {
	unmarked := func(page) error { return nil }
	for d.live.next() {
		err := d.pages.bucket(d.keys, 1, unmarked, func(k, v []byte) error {
			r, err := parseRecord(k, v)
			if err == nil {
				d.live.add(r)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
