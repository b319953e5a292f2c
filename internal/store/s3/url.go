package s3

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/seedproof/seedproof/internal/store"
)

// place is what a URL says. Only bucket, prefix and endpoint tell one place
// from another; region and path style say how it is reached.
type place struct {
	bucket    string
	prefix    string // without slashes at its ends
	endpoint  string // "" is Amazon's own
	region    string // "" is the SDK's choice
	pathStyle *bool  // nil: yes with an endpoint, else no
}

var bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$`)

// parseURL reads a store URL. Its errors never repeat what could be a secret
// in a URL that was put together wrongly.
func parseURL(raw string) (place, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return place{}, errors.New("s3 store URL: not a URL; expected s3://bucket/prefix")
	}
	switch {
	case u.Scheme != "s3":
		return place{}, errors.New("s3 store URL: the scheme is not s3")
	case u.User != nil:
		return place{}, errors.New("s3 store URL: it carries credentials; put them into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	case u.Fragment != "":
		return place{}, errors.New("s3 store URL: it has a fragment (#)")
	case !bucketName.MatchString(u.Host):
		return place{}, fmt.Errorf("s3 store URL: %q is not the name of a bucket", u.Host)
	}
	p := place{bucket: u.Host, prefix: strings.Trim(u.Path, "/")}
	if p.prefix != "" {
		if err := store.CheckKey(p.prefix); err != nil {
			return place{}, fmt.Errorf("s3 store URL: prefix: %w", err)
		}
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return place{}, errors.New("s3 store URL: the part after ? cannot be read")
	}
	for name, values := range query {
		if len(values) != 1 {
			return place{}, fmt.Errorf("s3 store URL: parameter %q is given %d times", name, len(values))
		}
		if err := p.set(name, values[0]); err != nil {
			return place{}, fmt.Errorf("s3 store URL: %w", err)
		}
	}
	return p, nil
}

func (p *place) set(name, value string) error {
	switch name {
	case "region":
		return p.setRegion(value)
	case "endpoint":
		return p.setEndpoint(value)
	case "path-style":
		style, err := strconv.ParseBool(value)
		if err != nil {
			return errors.New("path-style is neither true nor false")
		}
		p.pathStyle = &style
		return nil
	}
	return fmt.Errorf("unknown parameter %q; known are endpoint, path-style, region", name)
}

var regionName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}$`)

func (p *place) setRegion(value string) error {
	if !regionName.MatchString(value) {
		return errors.New("region is not the name of a region")
	}
	p.region = value
	return nil
}

func (p *place) setEndpoint(value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("endpoint is not http://HOST[:PORT] or https://HOST[:PORT]")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("endpoint carries more than scheme, host, port and path")
	}
	p.endpoint = strings.TrimRight(u.String(), "/")
	return nil
}

// complete fills what the URL left open from the variables that etcd-manager
// knows.
func (p *place) complete(getenv func(string) string) error {
	if value := getenv("S3_ENDPOINT"); p.endpoint == "" && value != "" {
		if err := p.setEndpoint(value); err != nil {
			return fmt.Errorf("S3_ENDPOINT: %w", err)
		}
	}
	if value := getenv("S3_REGION"); p.region == "" && value != "" {
		if err := p.setRegion(value); err != nil {
			return fmt.Errorf("S3_REGION: %w", err)
		}
	}
	return nil
}

func (p place) pathStyleOr(otherwise bool) bool {
	if p.pathStyle == nil {
		return otherwise
	}
	return *p.pathStyle
}

// root is what stands before every key of ours in the bucket.
func (p place) root() string {
	if p.prefix == "" {
		return ""
	}
	return p.prefix + "/"
}

// String is the URL in its one canonical form.
func (p place) String() string {
	u := url.URL{Scheme: "s3", Host: p.bucket}
	if p.prefix != "" {
		u.Path = "/" + p.prefix
	}
	query := url.Values{}
	if p.endpoint != "" {
		query.Set("endpoint", p.endpoint)
	}
	if p.region != "" {
		query.Set("region", p.region)
	}
	if p.pathStyle != nil {
		query.Set("path-style", strconv.FormatBool(*p.pathStyle))
	}
	u.RawQuery = query.Encode()
	return u.String()
}
