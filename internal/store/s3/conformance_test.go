package s3

import (
	"testing"

	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/storetest"
	"github.com/seedproof/seedproof/internal/testenv"
)

// servers are the real servers that every test of the driver's dealings runs on.
var servers = map[string]func(testing.TB) *testenv.S3Server{
	"versitygw": testenv.S3,
	"minio":     testenv.MinIO,
}

func onServers(t *testing.T, test func(t *testing.T, server *testenv.S3Server)) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			server.Setenv(t)
			test(t, server)
		})
	}
}

func open(t *testing.T, url string) *Store {
	t.Helper()
	s, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestConformance(t *testing.T) {
	onServers(t, func(t *testing.T, server *testenv.S3Server) {
		options := storetest.Options{
			MissingPlace: func(t *testing.T) store.Store { return open(t, server.URL("no-such-bucket", "p")) },
			Second:       func(t *testing.T, s store.Store) store.Store { return open(t, s.URL()) },
		}
		t.Run("with a prefix", func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) store.Store {
				return open(t, server.URL(server.Bucket(t), "clusters/etcd main"))
			}, options)
		})
		t.Run("whole bucket", func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) store.Store {
				return open(t, server.URL(server.Bucket(t), ""))
			}, options)
		})
	})
}
