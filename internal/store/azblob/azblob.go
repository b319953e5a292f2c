// Package azblob is the store driver for Azure Blob Storage (azblob://, and
// kops's azureblob://), straight on the vendor's SDK. A version is an ETag.
//
// It must never retry a write whose repetition could be taken for somebody
// else's (the SDK's retries are off for them), never follow a redirect, never
// take an answer that is not plainly Azure's for an absence, never guess which
// account a URL means, and never put credentials into a URL or an error.
package azblob

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/seedproof/seedproof/internal/store"
)

// A read is tried again soon, against a single lost packet. Waiting for a store
// that is down is the caller's, who knows how urgent it is.
const (
	readAttempts = 3
	readPause    = 200 * time.Millisecond
)

var _ store.Store = (*Store)(nil)

// Store is a prefix in a container. It is safe for concurrent use.
type Store struct {
	place     place
	container *container.Client
	transport *http.Transport
}

// Open makes a store of a URL
//
//	azblob://container/prefix?account=ACCOUNT&endpoint=https://HOST/PATH
//
// without asking the place anything. Without account AZURE_STORAGE_ACCOUNT
// names it. endpoint is the URL of the account's blob service, where that is
// not Azure's public cloud. Signed is with AZURE_STORAGE_KEY if it is set, else
// as azidentity's default chain finds it: environment, workload identity,
// managed identity, the az command line. Tokens go over https:// alone.
func Open(_ context.Context, rawURL string) (*Store, error) {
	p, err := parseURL(rawURL, os.Getenv("AZURE_STORAGE_ACCOUNT"))
	if err != nil {
		return nil, err
	}
	transport := newTransport()
	client, err := newClient(p, &http.Client{Transport: transport, CheckRedirect: noRedirect}, os.Getenv("AZURE_STORAGE_KEY"))
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", p, err)
	}
	return &Store{place: p, container: client, transport: transport}, nil
}

func newClient(p place, transport policy.Transporter, key string) (*container.Client, error) {
	common := policy.ClientOptions{
		Transport: transport,
		Retry:     policy.RetryOptions{MaxRetries: readAttempts - 1, RetryDelay: readPause, MaxRetryDelay: readPause},
	}
	options := &container.ClientOptions{ClientOptions: common}
	if key != "" {
		shared, err := container.NewSharedKeyCredential(p.account, key)
		if err != nil {
			return nil, errors.New("AZURE_STORAGE_KEY is not the key of a storage account: it is not base64")
		}
		return container.NewClientWithSharedKeyCredential(p.containerURL(), shared, options)
	}
	token, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, fmt.Errorf("find Azure's default credentials (or set AZURE_STORAGE_KEY): %w", oneLine(err))
	}
	return container.NewClient(p.containerURL(), token, options)
}

// newTransport is Go's default one, for this store alone. Blobs marked as gzip
// come as they are stored.
func newTransport() *http.Transport {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment}
	if common, ok := http.DefaultTransport.(*http.Transport); ok {
		transport = common.Clone()
	}
	transport.DisableCompression = true
	return transport
}

// noRedirect hands a redirect back as the answer, which is an error: whoever
// it points to is another place.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// once switches the SDK's retries off for the calls made with the context.
func once(ctx context.Context) context.Context {
	return policy.WithRetryOptions(ctx, policy.RetryOptions{MaxRetries: -1})
}

// URL names the place. Credentials have no part in it.
func (s *Store) URL() string { return s.place.String() }

// Capabilities says that Azure compares ETags at every write and at every
// delete.
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
	if err := checkKey(key); err != nil {
		return "", err
	}
	full := s.place.root() + key
	if err := store.CheckKey(full); err != nil {
		return "", fmt.Errorf("with the store's prefix: %w", err)
	}
	return full, nil
}

// versionOf is the ETag without its quotes, which listings leave out.
func versionOf(etag *azcore.ETag) store.Version {
	if etag == nil {
		return ""
	}
	return store.Version(strings.Trim(string(*etag), `"`))
}

// conditions are those of a write or delete as Azure takes them.
func conditions(c store.Condition) *blob.AccessConditions {
	var match blob.ModifiedAccessConditions
	switch {
	case c.Absent():
		anything := azcore.ETagAny
		match.IfNoneMatch = &anything
	case c.Version() != "":
		tag := azcore.ETag(`"` + string(c.Version()) + `"`)
		match.IfMatch = &tag
	}
	return &blob.AccessConditions{ModifiedAccessConditions: &match}
}
