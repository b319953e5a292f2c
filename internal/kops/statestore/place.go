package statestore

import (
	"fmt"
	"net/url"
	"path"
	"strings"
)

// place is where a folder is: a URL without its options, in one spelling.
type place struct {
	scheme, host, path string // path without slashes at its ends
	query              string // options of our own URLs
}

// parsePlace reads a URL as kops and we write them. A URL without a scheme is a
// path, as for kops.
func parsePlace(raw string) (place, error) {
	if strings.HasPrefix(raw, "/") {
		raw = (&url.URL{Scheme: "file", Path: raw}).String()
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" {
		return place{}, fmt.Errorf("%.200q is not a URL", raw)
	}
	if u.User != nil || u.Fragment != "" {
		return place{}, fmt.Errorf("the URL of scheme %s carries more than a place", u.Scheme)
	}
	clean := strings.Trim(path.Clean("/"+u.Path), "/")
	return place{scheme: strings.ToLower(u.Scheme), host: u.Host, path: clean, query: u.RawQuery}, nil
}

// key tells one place from another, whatever the options.
func (p place) key() string { return p.scheme + "://" + p.host + "/" + p.path }

// url is the place in the spelling of our drivers.
func (p place) url() string {
	u := url.URL{Scheme: p.scheme, Host: p.host, RawQuery: p.query}
	if p.path != "" {
		u.Path = "/" + p.path
	}
	return u.String()
}

// below gives the key that p has under root, if it lies there.
func (p place) below(root place) (key string, ok bool) {
	if p.scheme != root.scheme || p.host != root.host {
		return "", false
	}
	if root.path == "" || p.path == root.path {
		return strings.TrimPrefix(strings.TrimPrefix(p.path, root.path), "/"), true
	}
	return strings.CutPrefix(p.path, root.path+"/")
}

// overlaps reports whether one of the two lies inside the other, or both are
// one: etcd-manager lists its backup store to any depth.
func (p place) overlaps(o place) bool {
	_, in := p.below(o)
	_, around := o.below(p)
	return in || around
}

// join is the place of a folder inside p.
func (p place) join(folder string) place {
	p.path = strings.Trim(path.Join("/", p.path, folder), "/")
	return p
}

// withOptionsOf takes over how the same kind of store is reached. What kops
// writes as azureblob://ACCOUNT/CONTAINER/KEY, or without the account, is put
// into our spelling by the account of o; without one it is left to the driver.
func (p place) withOptionsOf(o place) place {
	if p.scheme == "azureblob" && o.scheme == "azblob" {
		p.scheme = o.scheme
		if options, _ := url.ParseQuery(o.query); p.host == options.Get("account") {
			p.host, p.path, _ = strings.Cut(p.path, "/")
		}
	}
	if p.query == "" && p.scheme == o.scheme {
		p.query = o.query
	}
	return p
}
