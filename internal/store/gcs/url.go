package gcs

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/seedproof/seedproof/internal/store"
)

// place is what a URL says.
type place struct {
	bucket   string
	prefix   string // without slashes at its ends
	endpoint string // scheme, host and port; "" is Google's own
}

const expected = "expected gs://BUCKET/PREFIX"

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$`)

// parseURL reads a store URL. Its errors never repeat what could be a secret
// in a URL that was put together wrongly.
func parseURL(raw string) (place, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return place{}, errors.New("gs store URL: not a URL; " + expected)
	}
	switch {
	case u.Scheme != "gs":
		return place{}, errors.New("gs store URL: the scheme is not gs; " + expected)
	case u.User != nil:
		return place{}, errors.New("gs store URL: it carries credentials; put the path of a key file into GOOGLE_APPLICATION_CREDENTIALS")
	case u.Fragment != "":
		return place{}, errors.New("gs store URL: it has a fragment (#); " + expected)
	case !bucketName.MatchString(u.Host):
		return place{}, fmt.Errorf("gs store URL: %q is not the name of a bucket; %s", u.Host, expected)
	}
	p := place{bucket: u.Host, prefix: strings.Trim(u.Path, "/")}
	if p.prefix != "" {
		if err := store.CheckKey(p.prefix); err != nil {
			return place{}, fmt.Errorf("gs store URL: prefix: %w", err)
		}
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return place{}, errors.New("gs store URL: the part after ? cannot be read")
	}
	for name, values := range query {
		if name != "endpoint" {
			return place{}, fmt.Errorf("gs store URL: unknown parameter %q; known is endpoint", name)
		}
		if len(values) != 1 {
			return place{}, fmt.Errorf("gs store URL: parameter %q is given %d times", name, len(values))
		}
		if err := p.setEndpoint(values[0]); err != nil {
			return place{}, fmt.Errorf("gs store URL: %w", err)
		}
	}
	return p, nil
}

// setEndpoint takes no path: the SDK puts /storage/v1 and /upload there.
func (p *place) setEndpoint(value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("endpoint is not http://HOST[:PORT] or https://HOST[:PORT]")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return errors.New("endpoint carries more than scheme, host and port")
	}
	p.endpoint = u.Scheme + "://" + u.Host
	return nil
}

// complete fills what the URL left open from the variable that Google's own
// tools know.
func (p *place) complete(getenv func(string) string) error {
	value := getenv("STORAGE_EMULATOR_HOST")
	if p.endpoint != "" || value == "" {
		return nil
	}
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	if err := p.setEndpoint(value); err != nil {
		return fmt.Errorf("STORAGE_EMULATOR_HOST: %w", err)
	}
	return nil
}

// plain reports whether requests go out unencrypted. No token is ever sent so.
func (p place) plain() bool { return strings.HasPrefix(p.endpoint, "http://") }

// root is what stands before every key of ours in the bucket.
func (p place) root() string {
	if p.prefix == "" {
		return ""
	}
	return p.prefix + "/"
}

// String is the URL in its one canonical form.
func (p place) String() string {
	u := url.URL{Scheme: "gs", Host: p.bucket}
	if p.prefix != "" {
		u.Path = "/" + p.prefix
	}
	if p.endpoint != "" {
		u.RawQuery = url.Values{"endpoint": {p.endpoint}}.Encode()
	}
	return u.String()
}
