// Package store is the object store under Seedproof: a small interface that the
// drivers (file, mem, s3, gcs, azblob) fill in, and what every user of a store
// needs on top of it: bounded whole reads, claims and compare-and-swap whose
// lost answers are cleared up by reading back, place marks, two-phase deletes
// and a probe that proves that conditional writes are enforced.
//
// It must never let "could not be asked" look like "not there": ErrNotFound is
// given only when the right place answered that the object does not exist.
// It never retries a conditional write blindly.
package store

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// Version names one content of an object as the store itself tells contents
// apart (an ETag, a generation, a hash). It is opaque. Equal contents may have
// equal versions, so an object that is swapped must carry a nonce.
type Version string

// Info is what a store says of one object without handing out its content.
type Info struct {
	Key      string
	Size     int64 // bytes
	Version  Version
	Modified time.Time // by the store's own clock
}

// Range is a part of an object, in bytes. Length 0 means to the end. A range
// is clipped to the object: one that begins at or past the end is empty, and is
// not an error. Negative numbers are.
type Range struct{ Offset, Length int64 }

// Condition says when a Put may take effect. The zero value is "always".
type Condition struct {
	absent  bool
	version Version
}

// IfAbsent lets a Put create an object and never replace one.
func IfAbsent() Condition { return Condition{absent: true} }

// IfVersion lets a Put replace exactly the content that v names.
func IfVersion(v Version) Condition { return Condition{version: v} }

// Absent reports whether the condition is IfAbsent.
func (c Condition) Absent() bool { return c.absent }

// Version is the version that must still stand, or "" if none was named.
func (c Condition) Version() Version { return c.version }

// Unconditional reports whether the Put may overwrite whatever is there.
func (c Condition) Unconditional() bool { return !c.absent && c.version == "" }

// Store is one place that holds objects: a bucket and a prefix in it, or a
// directory. Keys are relative, slash separated, without "." or ".." elements.
//
// Every method returns ErrNotFound, ErrNoPlace or ErrConditionFailed (to be
// asked for with errors.Is) only when the store itself said so; any other
// error means that the outcome is unknown.
type Store interface {
	// URL names the place, without credentials.
	URL() string
	// Capabilities are what the driver declares; Probe proves them.
	Capabilities() Capabilities
	// Stat asks for one object without reading it.
	Stat(ctx context.Context, key string) (Info, error)
	// Open streams an object or a part of it. A stream that ends before
	// Info.Size bytes (or the clipped range) gives io.ErrUnexpectedEOF. Info
	// is always that of the whole object.
	Open(ctx context.Context, key string, r Range) (io.ReadCloser, Info, error)
	// Put streams r, of unknown length, into key. Nothing is visible under key
	// before all of it is stored; a reader that fails leaves nothing behind.
	// IfVersion on an object that is not there gives ErrConditionFailed.
	Put(ctx context.Context, key string, r io.Reader, c Condition) (Info, error)
	// List yields the objects whose keys begin with prefix and come after the
	// key `after` in byte order. A missing bucket yields ErrNoPlace; an empty
	// place yields nothing. The first error ends the sequence.
	List(ctx context.Context, prefix, after string) iter.Seq2[Info, error]
	// Delete removes the object if it still has version v. ErrNotFound if it
	// is gone, ErrConditionFailed if it changed. An empty v is an error.
	Delete(ctx context.Context, key string, v Version) error
	// Close frees what the driver holds. It does not touch the place.
	Close() error
}

// Capabilities are declared by a driver.
type Capabilities struct {
	// ConditionalWrites: IfAbsent and IfVersion are enforced by the store.
	ConditionalWrites bool
	// OneHost: they are enforced only among processes of one host (file://).
	OneHost bool
	// ConditionalDelete: Delete compares the version in the store; otherwise
	// the driver looks just before, which two-phase deletes make safe enough.
	ConditionalDelete bool
}

var (
	// ErrNotFound: the right place answered, and this object is not there.
	ErrNotFound = errors.New("object not found")
	// ErrNoPlace: there is no such bucket or directory. It is not an absence
	// of the object: another place may hold it.
	ErrNoPlace = errors.New("no such place")
	// ErrDenied: the store refused to answer (403 and the like). What it holds
	// is unknown.
	ErrDenied = errors.New("access denied by the store")
	// ErrConditionFailed: the object, read back, is not what the condition
	// asked for. Only then is a conditional write refused for certain.
	ErrConditionFailed = errors.New("condition failed: the object is another than expected")
	// ErrTooLarge: an object is larger than the reader was ready to take.
	ErrTooLarge = errors.New("object too large")
	// ErrCut: fewer bytes came than the store states for the object.
	ErrCut = errors.New("object cut short in transit")
)
