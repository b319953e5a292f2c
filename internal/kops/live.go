package kops

import (
	"context"
	"crypto/tls"
	"fmt"
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/proof"
)

// Asker asks one endpoint of a live etcd. It never fails: who does not answer
// is Unknown.
type Asker interface {
	Ask(ctx context.Context, endpoint string) decide.Live
}

// Client is the Asker that speaks etcd's own protocol.
type Client struct {
	TLS *tls.Config // nil: without
}

// live asks all endpoints that were given for this etcd cluster, at once.
func (l look) live(ctx context.Context) []decide.Live {
	endpoints := l.Endpoints[l.etcd.Name]
	if len(endpoints) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	answers := make([]decide.Live, len(endpoints))
	var group sync.WaitGroup
	for i, endpoint := range endpoints {
		group.Go(func() {
			answers[i] = l.Asker.Ask(ctx, endpoint)
			answers[i].Name = endpoint
		})
	}
	group.Wait()
	return answers
}

// Ask implements Asker.
func (c Client) Ask(ctx context.Context, endpoint string) decide.Live {
	live := decide.Live{Keys: -1}
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, TLS: c.TLS, Context: ctx, Logger: zap.NewNop()})
	if err != nil {
		live.Why = err.Error()
		return live
	}
	defer func() { _ = client.Close() }()
	status, err := client.Status(ctx, endpoint)
	if err != nil {
		live.Why = fmt.Sprintf("it does not answer: %v", err)
		return live
	}
	live.Finding, live.Revision = proof.Present, status.Header.Revision
	live.Why = fmt.Sprintf("etcd %s at revision %d", status.Version, status.Header.Revision)
	all, err := client.Get(ctx, "\x00", clientv3.WithFromKey(), clientv3.WithCountOnly(), clientv3.WithSerializable())
	if err == nil {
		live.Keys = all.Count
		live.Why += fmt.Sprintf(", %d keys", all.Count)
	}
	return live
}
