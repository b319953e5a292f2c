package decide

import (
	"fmt"
	"net/url"
	"strings"
)

// Write is the command that writes a small object below a store's URL.
func Write(base, key, content string) string {
	say := "printf %s " + Quote(content)
	switch p := placeOf(base, key); p.scheme {
	case "s3":
		return fmt.Sprintf("%s | aws s3 cp - %s%s", say, Quote(p.target), p.options)
	case "gs":
		return fmt.Sprintf("%s | gcloud storage cp - %s", say, Quote(p.target))
	case "azblob":
		return fmt.Sprintf("az storage blob upload --overwrite%s --data %s", p.options, Quote(content))
	case "file":
		return fmt.Sprintf("mkdir -p %s && %s > %s", Quote(p.parent()), say, Quote(p.target))
	}
	return fmt.Sprintf("# write into %s: %s", Quote(base+"/"+key), content)
}

// Read is the command that shows a small object below a store's URL.
func Read(base, key string) string {
	switch p := placeOf(base, key); p.scheme {
	case "s3":
		return fmt.Sprintf("aws s3 cp %s -%s", Quote(p.target), p.options)
	case "gs":
		return "gcloud storage cat " + Quote(p.target)
	case "azblob":
		return fmt.Sprintf("az storage blob download%s --file /dev/stdout", p.options)
	case "file":
		return "cat " + Quote(p.target)
	}
	return "# read " + Quote(base+"/"+key)
}

// place is one object as the vendors' own tools name it.
type place struct {
	scheme, target string
	options        string // with a space before each
}

func (p place) parent() string { return p.target[:strings.LastIndexByte(p.target, '/')] }

func placeOf(base, key string) place {
	u, err := url.Parse(base)
	if err != nil {
		return place{}
	}
	path := strings.TrimRight(u.Path, "/") + "/" + key
	query := u.Query()
	p := place{scheme: u.Scheme, target: u.Scheme + "://" + u.Host + path}
	switch u.Scheme {
	case "s3":
		if endpoint := query.Get("endpoint"); endpoint != "" {
			p.options += " --endpoint-url " + Quote(endpoint)
		}
		if region := query.Get("region"); region != "" {
			p.options += " --region " + Quote(region)
		}
	case "azblob":
		if account := query.Get("account"); account != "" {
			p.options += " --account-name " + Quote(account)
		}
		p.options += " --container-name " + Quote(u.Host) + " --name " + Quote(strings.TrimPrefix(path, "/"))
	case "file":
		p.target = path
	}
	return p
}

// Quote makes one word of s for a POSIX shell. Names come from a bucket, so
// whatever is in them must not be run by whoever copies the command.
func Quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._/:@%+=,-", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// PutBack is the command that puts a deleted version of an object back, or ""
// where there is none for this kind of store.
func PutBack(base, key, version string) string {
	u, err := url.Parse(base)
	if err != nil || version == "" {
		return ""
	}
	p, full := placeOf(base, key), strings.TrimPrefix(strings.TrimRight(u.Path, "/")+"/"+key, "/")
	switch u.Scheme {
	case "s3":
		source := u.Host + "/" + full + "?versionId=" + version
		return fmt.Sprintf("aws s3api copy-object --bucket %s --key %s --copy-source %s%s", Quote(u.Host), Quote(full), Quote(source), p.options)
	case "gs":
		return fmt.Sprintf("gcloud storage cp %s %s", Quote(p.target+"#"+version), Quote(p.target))
	}
	return ""
}
