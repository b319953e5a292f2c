// Package open finds the driver of a store by its URL. It is the only package
// that knows all drivers. It must never guess: a scheme that it does not know
// is an error.
package open

import (
	"context"
	"fmt"
	"strings"

	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/azblob"
	"github.com/seedproof/seedproof/internal/store/file"
	"github.com/seedproof/seedproof/internal/store/gcs"
	"github.com/seedproof/seedproof/internal/store/s3"
)

// driver is one scheme. The schemes stand in the order in which errors name
// them; one without an example is another's spelling and is not named.
type driver struct {
	scheme  string
	example string
	open    func(ctx context.Context, rawURL string) (store.Store, error)
}

var drivers = []driver{
	{"file", "file:///var/lib/backups/etcd/main", func(ctx context.Context, rawURL string) (store.Store, error) {
		return asStore(file.Open(ctx, rawURL))
	}},
	{"s3", "s3://bucket/backups/etcd/main", func(ctx context.Context, rawURL string) (store.Store, error) {
		return asStore(s3.Open(ctx, rawURL))
	}},
	{"gs", "gs://bucket/backups/etcd/main", func(ctx context.Context, rawURL string) (store.Store, error) {
		return asStore(gcs.Open(ctx, rawURL))
	}},
	{"azblob", "azblob://container/backups/etcd/main?account=ACCOUNT", openAzure},
	{"azureblob", "", openAzure}, // as kops writes it
}

func openAzure(ctx context.Context, rawURL string) (store.Store, error) {
	return asStore(azblob.Open(ctx, rawURL))
}

// asStore keeps a nil driver from becoming a store that is not nil.
func asStore[S store.Store](s S, err error) (store.Store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Open opens the store that rawURL names. It does not ask the place anything:
// that is for store.LookAtPlace and store.Probe.
func Open(ctx context.Context, rawURL string) (store.Store, error) {
	scheme, _, found := strings.Cut(rawURL, "://")
	if !found {
		return nil, fmt.Errorf("open store %q: no URL scheme; %s", rawURL, known())
	}
	for _, d := range drivers {
		if d.scheme == scheme {
			return d.open(ctx, rawURL)
		}
	}
	// What follows an unknown scheme may be a credential: it is not shown.
	return nil, fmt.Errorf("open store %s://…: unknown URL scheme %q; %s", scheme, scheme, known())
}

func known() string {
	var schemes, examples []string
	for _, d := range drivers {
		if d.example == "" {
			continue
		}
		schemes = append(schemes, d.scheme+"://")
		examples = append(examples, d.example)
	}
	return fmt.Sprintf("known are %s, for example %s", strings.Join(schemes, ", "), strings.Join(examples, " or "))
}
