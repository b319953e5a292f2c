package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	valueSize = 6000 // bytes: a pod of a real cluster
	batch     = 64   // puts of one transaction
	writers   = 4
)

// vocabulary makes values that gzip brings to about the 0.30 of a real
// cluster's database: words that come again within gzip's window, and between
// them ids that never do.
type vocabulary struct {
	random *rand.Rand
	words  []string
}

func newVocabulary(seed uint64) *vocabulary {
	v := &vocabulary{random: rand.New(rand.NewPCG(seed, 1))}
	same := rand.New(rand.NewPCG(1, 2)) // the words are the same for all writers
	for range 700 {
		word := make([]byte, 5+same.IntN(12))
		for i := range word {
			word[i] = 'a' + byte(same.IntN(26))
		}
		v.words = append(v.words, string(word))
	}
	return v
}

func (v *vocabulary) value() string {
	var text strings.Builder
	for text.Len() < valueSize {
		for range 12 {
			_, _ = fmt.Fprintf(&text, "%q: ", v.words[v.random.IntN(len(v.words))])
		}
		_, _ = fmt.Fprintf(&text, "\"uid\": \"%016x%016x\",\n", v.random.Uint64(), v.random.Uint64())
	}
	return text.String()[:valueSize]
}

// fill puts keys until the member's database has the size, and gives it.
func fill(b *testing.B, client *clientv3.Client, size int64) int64 {
	b.Helper()
	for from := 0; ; {
		status, err := client.Status(b.Context(), client.Endpoints()[0])
		if err != nil {
			b.Fatal(err)
		}
		if status.DbSize >= size {
			return status.DbSize
		}
		count := int(min(size-status.DbSize, 128<<20))/valueSize + 1
		put(b, client, from, count)
		from += count
	}
}

func put(b *testing.B, client *clientv3.Client, from, count int) {
	b.Helper()
	var all sync.WaitGroup
	failed := make(chan error, writers)
	for w := range writers {
		all.Go(func() {
			v := newVocabulary(uint64(from + w))
			for at := from + w*batch; at < from+count; at += writers * batch {
				if err := putBatch(b.Context(), client, v, at); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	all.Wait()
	select {
	case err := <-failed:
		b.Fatalf("fill the database: %v", err)
	default:
	}
}

func putBatch(ctx context.Context, client *clientv3.Client, v *vocabulary, at int) error {
	var ops []clientv3.Op
	for i := range batch {
		ops = append(ops, clientv3.OpPut(fmt.Sprintf("/registry/pods/%09d", at+i), v.value()))
	}
	_, err := client.Txn(ctx).Then(ops...).Commit()
	return err
}
