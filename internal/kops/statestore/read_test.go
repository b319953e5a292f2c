package statestore

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/seedproof/seedproof/internal/store"
)

type coded string

func (c coded) Error() string     { return "api error " + string(c) }
func (c coded) ErrorCode() string { return string(c) }

func TestTell(t *testing.T) {
	wrap := func(err error) error { return fmt.Errorf("open c/config: %w", err) }
	for _, c := range []struct {
		reason, scheme string
		listing        bool
		err            error
		want           string
	}{
		{"denied", "s3", false, store.ErrDenied, "access denied, it needs s3:GetObject"},
		{"a listing that is denied", "s3", true, store.ErrDenied, "access denied, it needs s3:ListBucket"},
		{"on Google's", "gs", true, store.ErrDenied, "access denied, it needs storage.objects.list"},
		{"on files", "file", false, store.ErrDenied, "access denied, it needs read access to the directory"},
		{"a wrong region", "s3", true, coded("PermanentRedirect"), "the bucket is in another region: add ?region=REGION to the URL, or set S3_REGION"},
		{"another code", "s3", true, coded("SlowDown"), "api error SlowDown"},
		{"no answer", "s3", true, context.DeadlineExceeded, "no answer in time"},
		{"a stalled listing", "s3", true, errStalled, "no answer in time"},
		{"cut", "s3", false, store.ErrCut, "it was cut short on the way"},
		{"no bucket", "s3", false, store.ErrNoPlace, "there is no such bucket or directory"},
		{"anything else, its cause alone, one line", "s3", false, errors.New("connection reset\nat"), "connection reset"},
	} {
		if got := tell(c.scheme, c.listing, wrap(c.err)); got != c.want {
			t.Errorf("%s: %q, want %q", c.reason, got, c.want)
		}
	}
}
