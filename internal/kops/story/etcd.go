package story

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// startTime bounds the start of the etcd. It takes about a second.
const startTime = 30 * time.Second

// Snapshot runs an etcd of one member on loopback for a moment, writes the
// keys, and gives its snapshot as etcd-manager packs it. Nothing of it is left.
func Snapshot(ctx context.Context, keys []string, value string) (packed []byte, err error) {
	dir, err := os.MkdirTemp("", "seedproof-etcd-")
	if err != nil {
		return nil, fmt.Errorf("take a snapshot: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	etcd, err := embed.StartEtcd(configOf(dir))
	if err != nil {
		return nil, fmt.Errorf("start an etcd: %w", err)
	}
	defer etcd.Close()
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	select {
	case <-etcd.Server.ReadyNotify():
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for an etcd: %w", ctx.Err())
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{etcd.Clients[0].Addr().String()}, Logger: zap.NewNop()})
	if err != nil {
		return nil, fmt.Errorf("reach an etcd: %w", err)
	}
	defer func() { _ = client.Close() }()
	for _, key := range keys {
		if _, err := client.Put(ctx, key, value); err != nil {
			return nil, fmt.Errorf("write key %s: %w", key, err)
		}
	}
	stream, err := client.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("take a snapshot: %w", err)
	}
	defer func() { _ = stream.Close() }()
	return pack(stream)
}

func pack(from io.Reader) ([]byte, error) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.Copy(w, from); err != nil {
		return nil, fmt.Errorf("read a snapshot: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack a snapshot: %w", err)
	}
	return packed.Bytes(), nil
}

// configOf is an etcd that nobody else can find: the kernel picks its ports.
func configOf(dir string) *embed.Config {
	here := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	c := embed.NewConfig()
	c.Name, c.Dir = "a", dir
	c.ListenClientUrls, c.AdvertiseClientUrls = here, here
	c.ListenPeerUrls, c.AdvertisePeerUrls = here, here
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	c.UnsafeNoFsync = true // it lives for a second
	return c
}
