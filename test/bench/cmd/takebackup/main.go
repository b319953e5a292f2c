// Command takebackup takes one backup of one member, with all the checks that
// an agent makes, and exits, so that its cost is that of a process of its own.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime/pprof"

	"github.com/seedproof/seedproof/internal/etcd/backup"
	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/etcd/pki"
	"github.com/seedproof/seedproof/internal/etcd/process"
	"github.com/seedproof/seedproof/internal/store/open"
)

const member = "a"

type options struct {
	endpoint, store, profile string
	files                    pki.Files
}

func main() {
	var o options
	flag.StringVar(&o.endpoint, "endpoint", "", "the member's client URL")
	flag.StringVar(&o.files.CA, "cacert", "", "authority")
	flag.StringVar(&o.files.Cert, "cert", "", "client certificate")
	flag.StringVar(&o.files.Key, "key", "", "client key")
	flag.StringVar(&o.store, "store", "", "URL of an empty backup store")
	flag.StringVar(&o.profile, "cpuprofile", "", "where to write a CPU profile; empty: none is made")
	flag.Parse()
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "takebackup:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.profile == "" {
		return take(ctx, o)
	}
	f, err := os.Create(o.profile)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return take(ctx, o)
}

func take(ctx context.Context, o options) error {
	conf, err := pki.ClientTLS(o.files, "")
	if err != nil {
		return err
	}
	s, err := open.Open(ctx, o.store)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	client, err := process.NewClient([]string{o.endpoint}, conf)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	source, err := backup.NewClientSource(member, client.Etcd())
	if err != nil {
		return err
	}
	hashes, err := hashKV(ctx, client, o.endpoint)
	if err != nil {
		return err
	}
	_, err = backup.Take(ctx, backup.Options{
		Store: s, Source: source, Holder: member, Slot: "bench", Watch: new(backup.Watch), HashKV: hashes,
		Identity: backup.Identity{Cluster: "local", Lineage: "bench", Generation: 1},
		Spec:     managerfiles.Spec{MemberCount: 1, EtcdVersion: "3.6.16"},
		Log:      slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	return err
}

// hashKV is what the agent asks for before each backup.
func hashKV(ctx context.Context, client *process.Client, endpoint string) (*backup.HashKV, error) {
	revision, err := client.LinearizableRead(ctx)
	if err != nil {
		return nil, err
	}
	hash, err := client.HashKV(ctx, endpoint, revision)
	if err != nil {
		return nil, err
	}
	return &backup.HashKV{Revision: hash.Revision, CompactRevision: hash.Compacted, Members: map[string]uint32{member: hash.Hash}}, nil
}
