package snapshot

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash"
)

const trailerSize = sha256.Size

// trailer recomputes the sha256 that a snapshot ends in while its bytes go by.
// It keeps 32 bytes.
type trailer struct {
	hash  hash.Hash // of all but the tail
	tail  []byte    // the last bytes: at most trailerSize
	total int64
}

func newTrailer() *trailer {
	return &trailer{hash: sha256.New(), tail: make([]byte, 0, 2*trailerSize)}
}

func (t *trailer) write(p []byte) {
	t.total += int64(len(p))
	if len(p) >= trailerSize {
		t.hash.Write(t.tail)
		t.hash.Write(p[:len(p)-trailerSize])
		t.tail = append(t.tail[:0], p[len(p)-trailerSize:]...)
		return
	}
	t.tail = append(t.tail, p...)
	if over := len(t.tail) - trailerSize; over > 0 {
		t.hash.Write(t.tail[:over])
		t.tail = append(t.tail[:0], t.tail[over:]...)
	}
}

// holds: what came so far ends in the sha256 of all before.
func (t *trailer) holds() bool {
	return t.total > trailerSize && bytes.Equal(t.hash.Sum(nil), t.tail)
}

// sum is the sha256 of all that came, in hex. Nothing may be written after it.
func (t *trailer) sum() string {
	t.hash.Write(t.tail)
	return hex.EncodeToString(t.hash.Sum(nil))
}
