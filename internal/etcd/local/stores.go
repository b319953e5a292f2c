package local

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"strings"
)

// DefaultControlStore is where the record lives when only a backup store was
// named: beside …/backups/etcd/NAME it is …/control/etcd/NAME. For every other
// form there is no default, and the error says what to give.
func DefaultControlStore(backupURL string) (string, error) {
	u, err := url.Parse(backupURL)
	if err != nil {
		return "", fmt.Errorf("backup store: %w", errors.Unwrap(err))
	}
	segments := strings.Split(strings.TrimRight(u.Path, "/"), "/")
	n := len(segments)
	if n < 3 || segments[n-3] != "backups" || segments[n-2] != "etcd" || segments[n-1] == "" {
		return "", fmt.Errorf("no control store was given, and there is a default only beside a backup store of the form …/backups/etcd/NAME; %s is of another", u.Redacted())
	}
	if n > 3 && u.Scheme == "s3" && isClusterName(segments[n-4]) {
		return "", kopsError(u, segments)
	}
	segments[n-3] = "control"
	u.Path = strings.Join(segments, "/")
	return u.String(), nil
}

// isClusterName: kops clusters are named by a full DNS name.
func isClusterName(s string) bool { return strings.Contains(strings.Trim(s, "."), ".") }

// kopsError: in a kops state store nodes may write below the backup store
// only, and deleting a cluster refuses paths that kops does not know.
func kopsError(u *url.URL, segments []string) error {
	n := len(segments)
	cluster, name := segments[n-4], segments[n-1]
	bucket := u.Host + "-control"
	suggested := url.URL{Scheme: u.Scheme, Host: bucket, Path: "/" + path.Join(cluster, "control/etcd", name), RawQuery: u.RawQuery}
	return fmt.Errorf("no control store was given, and the backup store %s lies in a kops state store: there nodes may write only below the backup store, "+
		"and \"kops delete cluster\" refuses a path that it does not know; give for example --control-store %s, in a bucket of its own, "+
		"and let the nodes do s3:ListBucket on arn:aws:s3:::%s and s3:GetObject, s3:PutObject and s3:DeleteObject on arn:aws:s3:::%s%s/*",
		u.Redacted(), suggested.String(), bucket, bucket, suggested.Path)
}

// CheckStores refuses a control and a backup store of which one lies in the
// other: what cleans up old backups must not reach the record. Both URLs are
// in the drivers' canonical form. Only a control store below the backup store
// can be allowed, by hand.
func CheckStores(control, backup string, allowUnderBackup bool) error {
	c, err := placeOf(control)
	if err != nil {
		return fmt.Errorf("control store: %w", err)
	}
	b, err := placeOf(backup)
	if err != nil {
		return fmt.Errorf("backup store: %w", err)
	}
	switch {
	case c == b:
		return fmt.Errorf("the control store %s and the backup store %s are the same place; give two that lie apart", control, backup)
	case b.within(c):
		return fmt.Errorf("the backup store %s lies inside the control store %s; give two that lie apart", backup, control)
	case c.within(b) && !allowUnderBackup:
		return fmt.Errorf("the control store %s lies inside the backup store %s, where a rule that deletes old backups reaches the record; "+
			"give two that lie apart, or say --allow-control-under-backup", control, backup)
	}
	return nil
}

// placeAt tells one place from another. How it is reached (region, style) does
// not matter.
type placeAt struct{ scheme, host, endpoint, path string }

func placeOf(rawURL string) (placeAt, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return placeAt{}, errors.Unwrap(err)
	}
	p := placeAt{scheme: u.Scheme, host: u.Host, endpoint: u.Query().Get("endpoint"), path: path.Clean("/" + u.Path)}
	if p.scheme == "file" {
		p.path = resolved(p.path)
	}
	return p, nil
}

// resolved follows links as far as the path exists.
func resolved(p string) string {
	if p == "/" {
		return p
	}
	if real, err := filepath.EvalSymlinks(p); err == nil {
		return real
	}
	return filepath.Join(resolved(filepath.Dir(p)), filepath.Base(p))
}

// within reports whether p lies strictly below o.
func (p placeAt) within(o placeAt) bool {
	if p.scheme != o.scheme || p.host != o.host || p.endpoint != o.endpoint {
		return false
	}
	return strings.HasPrefix(p.path, strings.TrimRight(o.path, "/")+"/") && p.path != o.path
}
