// Package gcs is the store driver for Google Cloud Storage (gs://) and servers
// that speak its JSON API, straight on the vendor's client for that API. A
// version is an object's generation number.
//
// It must never retry a write whose repetition could be taken for somebody
// else's, never follow a redirect, never take an answer that is not plainly
// that of Cloud Storage for an absence, never send a token unencrypted, and
// never put credentials into a URL or an error.
package gcs

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"

	"google.golang.org/api/option"
	api "google.golang.org/api/storage/v1"

	"github.com/seedproof/seedproof/internal/store"
)

var _ store.Store = (*Store)(nil)

// Store is a prefix in a bucket. It is safe for concurrent use.
type Store struct {
	place     place
	objects   *api.ObjectsService
	client    *http.Client // the one of objects
	base      string       // of the API, with a slash at its end
	transport *http.Transport
}

// Open makes a store of a URL
//
//	gs://bucket/prefix?endpoint=https://HOST:PORT
//
// without asking the place anything. Credentials are Google's default chain
// (GOOGLE_APPLICATION_CREDENTIALS, gcloud's own file, the metadata server) and
// are looked for at the first request. Without an endpoint in the URL
// STORAGE_EMULATOR_HOST is asked for one. An endpoint with http:// is spoken to
// without credentials.
func Open(ctx context.Context, rawURL string) (*Store, error) {
	p, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	if err := p.complete(os.Getenv); err != nil {
		return nil, fmt.Errorf("open store %s: %w", p, err)
	}
	transport := newTransport()
	client := &http.Client{Transport: asStored{transport}, CheckRedirect: noRedirect}
	if !p.plain() {
		client.Transport = &signer{base: asStored{transport}, find: findCredentials}
	}
	options := []option.ClientOption{option.WithHTTPClient(client)}
	if p.endpoint != "" {
		options = append(options, option.WithEndpoint(p.endpoint+"/storage/v1/"))
	}
	service, err := api.NewService(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", p, err)
	}
	return &Store{place: p, objects: service.Objects, client: client, base: service.BasePath, transport: transport}, nil
}

// newTransport is Go's default one, for this store alone.
func newTransport() *http.Transport {
	if common, ok := http.DefaultTransport.(*http.Transport); ok {
		return common.Clone()
	}
	return &http.Transport{Proxy: http.ProxyFromEnvironment}
}

// noRedirect hands a redirect back as the answer, which is an error: whoever
// it points to is another place.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// asStored asks for the bytes of an object as they are stored. Without the
// header those marked as gzip come unpacked, with a size that nobody states;
// the SDK does not let its callers set it.
type asStored struct{ base http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (a asStored) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Query().Get("alt") == "media" {
		r = r.Clone(r.Context())
		r.Header.Set("Accept-Encoding", "gzip")
	}
	return a.base.RoundTrip(r)
}

// URL names the place. Credentials have no part in it.
func (s *Store) URL() string { return s.place.String() }

// Capabilities says that Cloud Storage compares generations at every write and
// at every delete.
func (s *Store) Capabilities() store.Capabilities {
	return store.Capabilities{ConditionalWrites: true, ConditionalDelete: true}
}

// Close drops idle connections.
func (s *Store) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}

// object is the full name of a key of ours.
func (s *Store) object(key string) (string, error) {
	if err := store.CheckKey(key); err != nil {
		return "", err
	}
	full := s.place.root() + key
	if err := store.CheckKey(full); err != nil {
		return "", fmt.Errorf("with the store's prefix: %w", err)
	}
	return full, nil
}

func versionOf(generation int64) store.Version {
	return store.Version(strconv.FormatInt(generation, 10))
}

// generationOf reads a version. What is not a positive number in its one form
// is no generation: 0 above all, which the API takes for "absent".
func generationOf(v store.Version) (generation int64, ok bool) {
	generation, err := strconv.ParseInt(string(v), 10, 64)
	return generation, err == nil && generation > 0 && versionOf(generation) == v
}
