package s3list

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	head = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	// maxKeys is the most that S3 gives in one answer, and its default.
	maxKeys = 1000
	// stamp is how S3 writes a time in a listing.
	stamp = "2006-01-02T15:04:05.000Z"
)

// listing is one request of ListObjectsV2.
type listing struct {
	prefix string
	after  string // from start-after; a token takes its place
	token  string // as it came; "" without one
	from   string // the first key that may be shown
	max    int
}

// asked reads a request; false if S3 would refuse it, or the stand-in does not
// know what it asks for.
func asked(query url.Values) (l listing, wrong fault, ok bool) {
	for name, values := range query {
		switch name {
		case "list-type", "prefix", "start-after", "continuation-token", "max-keys":
		default:
			return l, unknown, false
		}
		if len(values) != 1 {
			return l, badArgument, false
		}
	}
	l = listing{prefix: query.Get("prefix"), after: query.Get("start-after"), token: query.Get("continuation-token"), max: maxKeys}
	if given := query.Get("max-keys"); given != "" {
		n, err := strconv.ParseInt(given, 10, 32)
		if err != nil || n < 0 {
			return l, badArgument, false
		}
		l.max = min(int(n), maxKeys)
	}
	l.from = l.prefix
	if l.after != "" {
		l.from = max(l.from, l.after+"\x00") // the first key behind it
	}
	if query.Has("continuation-token") {
		from, err := base64.RawURLEncoding.DecodeString(l.token)
		if err != nil || len(from) == 0 {
			return l, badArgument, false
		}
		l.from = max(l.prefix, string(from))
	}
	return l, fault{}, true
}

// page is one answer in the making: as XML, so that it is made only once.
type page struct {
	xml       []byte
	count     int
	truncated bool
	next      string // the first key that the next page may show
	// The moment that was written last, and how.
	second  time.Time
	written string
}

// list answers ListObjectsV2.
func (s *Server) list(w http.ResponseWriter, r *http.Request, query url.Values) {
	l, wrong, ok := asked(query)
	if !ok || r.Method != http.MethodGet {
		wrong.write(w, r)
		return
	}
	p := page{xml: make([]byte, 0, 320*l.max+1024)}
	p.open(s.Bucket, l)
	if l.max > 0 {
		s.fill(&p, l)
	}
	p.close()
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(p.xml)))
	_, _ = w.Write(p.xml) // who asked notices
}

// fill puts objects into the page until it is full or the prefix is left.
func (s *Server) fill(p *page, l listing) {
	for o := range s.Content.From(l.from) {
		if !strings.HasPrefix(o.Key, l.prefix) {
			return
		}
		if p.count == l.max {
			p.truncated, p.next = true, o.Key
			return
		}
		p.count++
		p.object(o)
	}
}

func (p *page) element(name, value string) {
	p.xml = append(p.xml, '<')
	p.xml = append(p.xml, name...)
	p.xml = append(p.xml, '>')
	p.xml = append(p.xml, escaped(value)...)
	p.xml = append(p.xml, "</"...)
	p.xml = append(p.xml, name...)
	p.xml = append(p.xml, '>')
}

// escaped is text as XML writes it.
func escaped(text string) string {
	for i := range len(text) {
		if !plain[text[i]] {
			var b strings.Builder
			_ = xml.EscapeText(&b, []byte(text)) // into memory
			return b.String()
		}
	}
	return text
}

// plain are the letters that stand for themselves in XML.
var plain = func() (table [256]bool) {
	for c := ' '; c <= '~'; c++ {
		table[c] = !strings.ContainsRune(`<>&'"`, c)
	}
	return table
}()

func (p *page) open(bucket string, l listing) {
	p.xml = append(p.xml, head...)
	p.xml = append(p.xml, `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`...)
	p.element("Name", bucket)
	p.element("Prefix", l.prefix)
	p.element("MaxKeys", strconv.Itoa(l.max))
	if l.after != "" {
		p.element("StartAfter", l.after)
	}
	if l.token != "" {
		p.element("ContinuationToken", l.token)
	}
}

func (p *page) object(o Object) {
	if p.written == "" || !o.Modified.Equal(p.second) {
		p.second, p.written = o.Modified, o.Modified.UTC().Format(stamp)
	}
	p.xml = append(p.xml, "<Contents>"...)
	p.element("Key", o.Key)
	p.element("LastModified", p.written)
	p.xml = append(p.xml, "<ETag>&quot;"...)
	p.xml = append(p.xml, o.ETag...)
	p.xml = append(p.xml, "&quot;</ETag><Size>"...)
	p.xml = strconv.AppendInt(p.xml, o.Size, 10)
	p.xml = append(p.xml, "</Size><StorageClass>STANDARD</StorageClass></Contents>"...)
}

func (p *page) close() {
	p.element("KeyCount", strconv.Itoa(p.count))
	p.element("IsTruncated", strconv.FormatBool(p.truncated))
	if p.truncated {
		p.element("NextContinuationToken", base64.RawURLEncoding.EncodeToString([]byte(p.next)))
	}
	p.xml = append(p.xml, "</ListBucketResult>"...)
}
