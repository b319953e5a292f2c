package flow

import (
	"context"
	"crypto/rand"
	"encoding/hex"
)

type passIDKey struct{}

// WithPassID puts the id of a pass into a context, for code that speaks for a
// pass outside of a Runner.
func WithPassID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, passIDKey{}, id)
}

// PassID is the id of the pass that a context belongs to, or "". It stands in
// log lines, events, status and outgoing requests.
func PassID(ctx context.Context) string {
	id, _ := ctx.Value(passIDKey{}).(string)
	return id
}

// newPassID is 128 random bits in hex: it serves as the nonce of an attempt.
func newPassID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails, by its documentation
	return hex.EncodeToString(b[:])
}
