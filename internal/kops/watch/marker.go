package watch

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/store"
)

// MarkerRewritten is the kind of the threat that the marker holds another
// content than it did. etcd-manager writes it once, when it forms a cluster:
// within ten seconds a cluster is replaced by an empty one and the marker is
// back, and to whoever looks once a minute all is as it was.
const MarkerRewritten = "marker-rewritten"

// largestMarker is far above what etcd-manager writes.
const largestMarker = 4 << 10

// markers notes what the markers hold that a check reads.
type markers struct {
	mu   sync.Mutex
	seen map[string]string // a hash of the content, by the backup store's place
}

// forget is for the start of a pass.
func (m *markers) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = map[string]string{}
}

// of is what the marker of an etcd cluster holds; "" if it was not read.
func (m *markers) of(r kops.Result) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seen[placeOf(r.BackupStore)]
}

// placeOf is a URL without its options.
func placeOf(url string) string {
	place, _, _ := strings.Cut(url, "?")
	return strings.TrimRight(place, "/")
}

// over notes what is read of body, if key is a marker's.
func (m *markers) over(body io.ReadCloser, url, key string, info store.Info) io.ReadCloser {
	if info.Size == 0 || info.Size > largestMarker || key != managerfiles.CreatedKey && !strings.HasSuffix(key, "/"+managerfiles.CreatedKey) {
		return body
	}
	base := strings.TrimRight(placeOf(url)+"/"+strings.TrimSuffix(key, managerfiles.CreatedKey), "/")
	return &markerBody{ReadCloser: body, size: info.Size, told: func(content []byte) {
		sum := sha256.Sum256(content)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.seen[base] = hex.EncodeToString(sum[:])
	}}
}

// markerBody tells the content once all of it was read.
type markerBody struct {
	io.ReadCloser
	content []byte
	size    int64
	told    func(content []byte)
}

func (b *markerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.content = append(b.content, p[:n]...)
	if int64(len(b.content)) == b.size && b.told != nil {
		b.told(b.content)
		b.told = nil
	}
	return n, err
}

// mark takes in what the marker holds now.
func (e *entry) mark(content string, at time.Time) {
	if content == "" {
		return
	}
	if e.marker != "" && e.marker != content {
		e.rewritten = at.UTC().Truncate(time.Second)
		e.before = e.lastVerified()
	}
	e.marker = content
}

// cleared: a backup that was taken after the marker was rewritten, and opened,
// has members of the last one before and is at no earlier revision: it is the
// same cluster. A revision alone says nothing: that of a new cluster grows too.
func (e *entry) cleared(newest *kops.Backup) bool {
	if e.rewritten.IsZero() || e.before == nil || newest.State != kops.Holds || !newest.Time.After(e.rewritten) || newest.Revision < e.before.Revision {
		return false
	}
	return slices.ContainsFunc(newest.Members, func(id uint64) bool { return slices.Contains(e.before.Members, id) })
}

func (e *entry) rewrittenThreat(name id) decide.Threat {
	return decide.Threat{Kind: MarkerRewritten, At: e.rewritten, Sentence: fmt.Sprintf(
		"THE MARKER WAS WRITTEN ANEW, as seen at %s: etcd-manager does so when it forms a new cluster. If nobody put it back by hand, a new, EMPTY cluster may have taken this one's place: look at the running etcd, and keep the backups and data-trashcan/ on each volume. It is let go of by the line %q in the file of --acknowledged.",
		e.rewritten.Format(time.DateTime+" UTC"), acknowledgement{name, e.rewritten}.String())}
}
