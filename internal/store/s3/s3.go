// Package s3 is the store driver for Amazon S3 and servers that speak its
// protocol, straight on the vendor's SDK.
//
// It must never retry a write whose repetition could be taken for somebody
// else's (the SDK's retries are off for them), never follow a redirect, never
// take an answer that is not plainly S3's for an absence, and never put
// credentials into a URL or an error.
package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/seedproof/seedproof/internal/store"
)

const (
	// A read is tried again soon, against a single lost packet. Waiting
	// for a store that is down is the caller's, who knows how urgent it is.
	readAttempts = 3
	readPause    = 200 * time.Millisecond

	defaultRegion = "us-east-1"
)

var _ store.Store = (*Store)(nil)

// Store is a prefix in a bucket. It is safe for concurrent use.
type Store struct {
	place     place
	client    *s3.Client
	transport *http.Transport
}

// Open makes a store of a URL
//
//	s3://bucket/prefix?region=REGION&endpoint=http://HOST:PORT&path-style=true
//
// without asking the place anything. What the URL does not say comes from
// S3_ENDPOINT and S3_REGION, as with kops and etcd-manager, and then from the
// SDK's own configuration. Credentials are the SDK's default chain; with an
// endpoint, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY come first.
func Open(ctx context.Context, rawURL string) (*Store, error) {
	p, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	if err := p.complete(os.Getenv); err != nil {
		return nil, fmt.Errorf("open store %s: %w", p, err)
	}
	cfg, err := loadConfig(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", p, err)
	}
	transport := transportOf(cfg)
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.HTTPClient = &http.Client{Transport: transport, CheckRedirect: noRedirect}
		o.UsePathStyle = p.pathStyleOr(p.endpoint != "")
		if p.endpoint != "" {
			o.BaseEndpoint = aws.String(p.endpoint)
		}
		o.DisableLogOutputChecksumValidationSkipped = true
	})
	return &Store{place: p, client: client, transport: transport}, nil
}

func loadConfig(ctx context.Context, p place) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{
		config.WithRetryer(readRetryer),
		config.WithDefaultRegion(defaultRegion),
	}
	if p.region != "" {
		options = append(options, config.WithRegion(p.region))
	}
	own, err := ownCredentials(p, os.Getenv)
	if err != nil {
		return aws.Config{}, err
	}
	if own != nil {
		options = append(options, config.WithCredentialsProvider(own))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("load the S3 configuration: %w", err)
	}
	return cfg, nil
}

// ownCredentials are those of S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY. They
// belong to the server at an endpoint and are never sent to Amazon.
func ownCredentials(p place, getenv func(string) string) (aws.CredentialsProvider, error) {
	id, secret := getenv("S3_ACCESS_KEY_ID"), getenv("S3_SECRET_ACCESS_KEY")
	switch {
	case p.endpoint == "" || id == "" && secret == "":
		return nil, nil
	case id == "":
		return nil, errors.New("S3_SECRET_ACCESS_KEY is set and S3_ACCESS_KEY_ID is not")
	case secret == "":
		return nil, errors.New("S3_ACCESS_KEY_ID is set and S3_SECRET_ACCESS_KEY is not")
	}
	return credentials.NewStaticCredentialsProvider(id, secret, ""), nil
}

// readRetryer is for calls that change nothing, or the same thing again. The
// SDK's token bucket is off: it would turn the errors of a long outage into
// others that hide the cause.
func readRetryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = readAttempts
		o.MaxBackoff = readPause
		o.RateLimiter = ratelimit.None
	})
}

// once switches the SDK's retries off for one call.
func once(o *s3.Options) { o.Retryer = aws.NopRetryer{} }

// transportOf takes over what the configuration says of TLS and proxies.
func transportOf(cfg aws.Config) *http.Transport {
	if built, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		return built.GetTransport()
	}
	return awshttp.NewBuildableClient().GetTransport()
}

// noRedirect hands a redirect back as the answer, which is an error: whoever
// it points to is another place.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// URL names the place. Credentials have no part in it.
func (s *Store) URL() string { return s.place.String() }

// Capabilities: deletes are conditional on Amazon S3 and versitygw, but other
// servers take the condition and ignore it (MinIO does), and nothing in the
// answer tells. So it is not promised, and Delete looks just before.
func (s *Store) Capabilities() store.Capabilities {
	return store.Capabilities{ConditionalWrites: true}
}

// Close drops idle connections.
func (s *Store) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}

// object is the full key of a key of ours.
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

// versionOf is the ETag without its quotes, which not all servers send
// everywhere.
func versionOf(etag *string) store.Version {
	tag := aws.ToString(etag)
	if len(tag) >= 2 && tag[0] == '"' && tag[len(tag)-1] == '"' {
		tag = tag[1 : len(tag)-1]
	}
	return store.Version(tag)
}

// matching is a version as the value of If-Match.
func matching(v store.Version) *string { return aws.String(`"` + string(v) + `"`) }
