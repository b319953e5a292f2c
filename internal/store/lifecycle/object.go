package lifecycle

import "time"

// Object is one version of an object, as far as rules ask about it.
type Object struct {
	// Key is the whole key in the bucket (in Azure: without the container).
	Key      string
	Size     int64     // bytes
	Modified time.Time // when this version was written
	// Created is when the object was first written, for providers that keep
	// that over an overwriting (Azure); zero is unknown.
	Created time.Time

	// Tags are what a filter may ask for. TagsKnown is false when nobody read
	// them.
	Tags      map[string]string
	TagsKnown bool

	Class string // storage class; "" is unknown

	// Noncurrent: a newer version or a delete marker stands over it, since
	// Superseded.
	Noncurrent bool
	Superseded time.Time
	// Newer are the newer versions that the provider's rules count: with S3
	// the noncurrent ones only, with Google all.
	Newer Count

	// DeleteMarker: the version says that the object is deleted, and holds
	// nothing. Others are the other versions of its key.
	DeleteMarker bool
	Others       Count

	// Held: neither rules nor persons can delete this version before then.
	Held time.Time
}

// Count is a number that may be unknown, which its zero value is.
type Count struct {
	N     int
	Known bool
}

// Exactly is a known count.
func Exactly(n int) Count { return Count{n, true} }
