package s3list

import (
	"crypto/md5" //nolint:gosec // S3's ETag is an MD5
	"encoding/hex"
	"iter"
	"slices"
	"strings"
	"time"
)

// Keys is a Content that is held in memory: a few objects, by key.
type Keys struct {
	sorted   []Object
	contents map[string][]byte
}

// NewKeys takes objects over, all written at one moment.
func NewKeys(contents map[string]string, modified time.Time) *Keys {
	k := &Keys{contents: map[string][]byte{}}
	for key, content := range contents {
		k.contents[key] = []byte(content)
		k.sorted = append(k.sorted, Object{Key: key, Size: int64(len(content)), ETag: ETag([]byte(content)), Modified: modified})
	}
	slices.SortFunc(k.sorted, byKey)
	return k
}

// ETag is that of an object that was written in one piece.
func ETag(content []byte) string {
	sum := md5.Sum(content) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}

func byKey(a, b Object) int { return strings.Compare(a.Key, b.Key) }

// From implements Content.
func (k *Keys) From(key string) iter.Seq[Object] {
	return func(yield func(Object) bool) {
		i, _ := slices.BinarySearchFunc(k.sorted, Object{Key: key}, byKey)
		for _, o := range k.sorted[i:] {
			if !yield(o) {
				return
			}
		}
	}
}

// Get implements Content.
func (k *Keys) Get(key string) (Object, []byte, bool) {
	i, found := slices.BinarySearchFunc(k.sorted, Object{Key: key}, byKey)
	if !found {
		return Object{}, nil, false
	}
	return k.sorted[i], k.contents[key], true
}
