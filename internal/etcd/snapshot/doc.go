// Package snapshot looks into one snapshot of an etcd: it streams it through
// its checks (gzip, size, sha256 trailer), walks every page of the database in
// it, and says what the file holds (Inspect) and what was not proved by that
// (Summary.NotVerified). Each kind of damage has an error of its own (Damage).
//
// The database is read with our own bounds-checked page reader and not with
// bbolt: bbolt trusts its file, and on damaged pages panics in goroutines that
// nobody can recover from, or faults behind the end of its map. The tests hold
// the reader to bbolt's own check.
//
// It must never write into what it inspects, never let a file decide how much
// memory or disk is taken, never leave a file behind, never take an error of
// the source or of the disk for damage of the snapshot, and never say more
// than it has checked.
package snapshot
