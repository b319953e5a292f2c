package localtest

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/local"
	"github.com/seedproof/seedproof/internal/etcd/pki"
)

const askLimit = 20 * time.Second // for one request

// Client is a client of the cluster's etcd, closed when the test ends.
func (c *Cluster) Client() *clientv3.Client {
	c.t.Helper()
	client := c.dialEtcd()
	c.t.Cleanup(func() { _ = client.Close() })
	return client
}

func (c *Cluster) dialEtcd() *clientv3.Client {
	c.t.Helper()
	access, err := local.Load(c.Dir)
	if err != nil {
		c.t.Fatal(err)
	}
	conf, err := pki.ClientTLS(access.EtcdTLS, "")
	if err != nil {
		c.t.Fatal(err)
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: c.Ready().Endpoints, TLS: conf, DialTimeout: askLimit})
	if err != nil {
		c.t.Fatal(err)
	}
	return client
}

// Put writes one key, and fails the test when it is not acknowledged.
func (c *Cluster) Put(key, value string) {
	c.t.Helper()
	c.withClient(func(ctx context.Context, client *clientv3.Client) error {
		_, err := client.Put(ctx, key, value)
		return err
	})
}

// PutMany writes n keys under prefix.
func (c *Cluster) PutMany(prefix string, n int) {
	c.t.Helper()
	c.withClient(func(ctx context.Context, client *clientv3.Client) error {
		for i := range n {
			if _, err := client.Put(ctx, fmt.Sprintf("%s%06d", prefix, i), "value"); err != nil {
				return err
			}
		}
		return nil
	})
}

// Get reads one key, linearizably; found is false when it is not there.
func (c *Cluster) Get(key string) (value string, found bool) {
	c.t.Helper()
	c.withClient(func(ctx context.Context, client *clientv3.Client) error {
		r, err := client.Get(ctx, key)
		if err == nil && len(r.Kvs) == 1 {
			value, found = string(r.Kvs[0].Value), true
		}
		return err
	})
	return value, found
}

// CountKeys counts the keys under prefix, linearizably.
func (c *Cluster) CountKeys(prefix string) int64 {
	c.t.Helper()
	var n int64
	c.withClient(func(ctx context.Context, client *clientv3.Client) error {
		r, err := client.Get(ctx, prefix, clientv3.WithPrefix(), clientv3.WithCountOnly())
		if err == nil {
			n = r.Count
		}
		return err
	})
	return n
}

func (c *Cluster) withClient(do func(context.Context, *clientv3.Client) error) {
	c.t.Helper()
	client := c.dialEtcd()
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), askLimit)
	defer cancel()
	if err := do(ctx, client); err != nil {
		c.t.Fatalf("ask the cluster: %v\n%s", err, c.Output())
	}
}

// Agent is a client of a member's agent, closed when the test ends.
func (c *Cluster) Agent(name string) *agent.Client {
	c.t.Helper()
	client := c.dialAgent(name)
	c.t.Cleanup(func() { _ = client.Close() })
	return client
}

func (c *Cluster) dialAgent(name string) *agent.Client {
	c.t.Helper()
	access, err := local.Load(c.Dir)
	if err != nil {
		c.t.Fatal(err)
	}
	conf, err := pki.ClientTLS(access.AgentTLS, "")
	if err != nil {
		c.t.Fatal(err)
	}
	client, err := agent.Dial(name, access.Agents[name], conf, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return client
}

// Report is the newest report of one agent; ok is false when it does not
// answer or has made no pass yet. A follower's may be old.
func (c *Cluster) Report(name string) (report controller.Report, ok bool) {
	c.t.Helper()
	client := c.dialAgent(name)
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), askLimit)
	defer cancel()
	text, err := client.Report(ctx)
	if err != nil {
		return controller.Report{}, false
	}
	if err := json.Unmarshal(text, &report); err != nil {
		c.t.Fatalf("the report of %s: %v", name, err)
	}
	return report, !report.At.IsZero()
}

// Newest is the report of the agent that leads, else the newest of all.
func (c *Cluster) Newest() (newest controller.Report, ok bool) {
	c.t.Helper()
	access, err := local.Load(c.Dir)
	if err != nil {
		c.t.Fatal(err)
	}
	for name := range access.Agents {
		r, answered := c.Report(name)
		switch {
		case !answered:
		case !ok, r.Leads && !newest.Leads, r.Leads == newest.Leads && r.At.After(newest.At):
			newest, ok = r, true
		}
	}
	return newest, ok
}
