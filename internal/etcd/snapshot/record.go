package snapshot

import (
	"encoding/binary"
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

// The key of a record in the key bucket: eight bytes of the main revision, an
// underscore, eight of the sub revision; a "t" behind it marks a deletion (etcd
// 3.6, server/storage/mvcc/revision.go).
const (
	revisionSize  = 8 + 1 + 8
	tombstoneSize = revisionSize + 1
)

// record is one change of one key.
type record struct {
	main    int64
	deleted bool
	key     []byte // empty in the record that a raised revision leaves
}

func parseRecord(k, v []byte) (record, error) {
	main, err := parseRevision(k)
	if err != nil {
		return record{}, err
	}
	key, err := keyOf(v)
	if err != nil {
		return record{}, corrupt("the record of revision %d cannot be decoded: %v", main, err)
	}
	return record{main: main, deleted: len(k) == tombstoneSize, key: key}, nil
}

// parseRevision reads the key of a record, a deletion or not.
func parseRevision(k []byte) (int64, error) {
	ok := len(k) == revisionSize || len(k) == tombstoneSize && k[revisionSize] == 't'
	if !ok || k[8] != '_' {
		return 0, corrupt("the key bucket holds a key %.40q, which is no revision", k)
	}
	main, sub := int64(binary.BigEndian.Uint64(k)), int64(binary.BigEndian.Uint64(k[9:]))
	if main < 1 || sub < 0 {
		return 0, corrupt("the key bucket holds revision %d/%d", main, sub)
	}
	return main, nil
}

// keyOf is the key in an encoded mvccpb.KeyValue, of which all fields are
// parsed and none is copied.
func keyOf(v []byte) ([]byte, error) {
	var key []byte
	for len(v) > 0 {
		number, kind, n := protowire.ConsumeTag(v)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		v = v[n:]
		if want, known := fieldKinds[number]; known && kind != want {
			return nil, errors.New("a field of another type")
		}
		n = protowire.ConsumeFieldValue(number, kind, v)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		if number == 1 {
			key, _ = protowire.ConsumeBytes(v)
		}
		v = v[n:]
	}
	return key, nil
}

// fieldKinds are the fields of mvccpb.KeyValue: key, create revision, mod
// revision, version, value, lease.
var fieldKinds = map[protowire.Number]protowire.Type{
	1: protowire.BytesType, 2: protowire.VarintType, 3: protowire.VarintType,
	4: protowire.VarintType, 5: protowire.BytesType, 6: protowire.VarintType,
}
