package incident

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const keyPrefix = "k/"

// writer is a client that writes all the while, and remembers every key that
// was acknowledged.
type writer struct {
	client *clientv3.Client

	mu      sync.Mutex
	acked   []string
	errors  int
	longest time.Duration // from one acknowledgement to the next
	last    time.Time
}

const (
	writeEvery = 50 * time.Millisecond
	writeLimit = 7 * time.Second // etcd's own for a request, by default
)

// startWriter writes until the test ends.
func startWriter(t testing.TB, client *clientv3.Client) *writer {
	w := &writer{client: client, last: time.Now()}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.run(ctx)
	}()
	t.Cleanup(func() { stop(); <-ended })
	return w
}

func (w *writer) run(ctx context.Context) {
	ticker := time.NewTicker(writeEvery)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		w.write(ctx, fmt.Sprintf("%swriter/%08d", keyPrefix, n))
	}
}

func (w *writer) write(ctx context.Context, key string) {
	ctx, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	_, err := w.client.Put(ctx, key, "value")
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.errors++
		return
	}
	w.acked = append(w.acked, key)
	now := time.Now()
	w.longest, w.last = max(w.longest, now.Sub(w.last)), now
}

// remember takes over a key that somebody else wrote.
func (w *writer) remember(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acked = append(w.acked, key)
}

// missing are the keys, of those that were acknowledged up to now, that the
// cluster does not have.
func (w *writer) missing(ctx context.Context) ([]string, int, error) {
	w.mu.Lock()
	acked := w.acked[:len(w.acked):len(w.acked)]
	w.mu.Unlock()
	got, err := w.client.Get(ctx, keyPrefix, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return nil, 0, err
	}
	there := make(map[string]bool, len(got.Kvs))
	for _, kv := range got.Kvs {
		there[string(kv.Key)] = true
	}
	var missing []string
	for _, key := range acked {
		if !there[key] {
			missing = append(missing, key)
		}
	}
	return missing, len(acked), nil
}

func (w *writer) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.acked)
}
