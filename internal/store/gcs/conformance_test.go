package gcs

import (
	"testing"

	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/storetest"
	"github.com/seedproof/seedproof/internal/testenv"
)

func open(t *testing.T, url string) *Store {
	t.Helper()
	s, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestConformance runs the suite on fake-gcs-server, once as it is and once
// behind strict, which does what that leaves out.
func TestConformance(t *testing.T) {
	server := testenv.GCS(t)
	for name, url := range map[string]func(bucket, prefix string) string{
		"as it is": server.URL,
		"strict":   newStrict(t, server.Endpoint).url,
	} {
		options := storetest.Options{
			MissingPlace: func(t *testing.T) store.Store { return open(t, url("no-such-bucket", "p")) },
			Second:       func(t *testing.T, s store.Store) store.Store { return open(t, s.URL()) },
		}
		for prefix, of := range map[string]string{"with a prefix": "clusters/etcd main", "whole bucket": ""} {
			t.Run(name+", "+prefix, func(t *testing.T) {
				places := func(t *testing.T) store.Store { return open(t, url(server.Bucket(t), of)) }
				storetest.Run(t, places, options)
				storetest.RunMarks(t, places)
			})
		}
	}
}
