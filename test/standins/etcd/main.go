// Command etcd stands for one etcd server process where a test starts many
// thousands: it takes etcd's flags, answers the calls of the client API that
// Seedproof makes, and keeps a data directory in etcd's own layout, in some ten
// milliseconds and without elections that take their time.
//
// It is written from etcd's documentation and measured behaviour, imports
// nothing of Seedproof, and is held to the real server by the suite beside it.
// It must never be more forgiving than etcd: what etcd refuses, it refuses.
//
// The members of a cluster meet in a directory beside the program (or in
// STANDIN_ETCD_DIR), in the place of a network. Their data are their own.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
)

// options are etcd's flags, as far as they mean anything here.
type options struct {
	name, dataDir           string
	clientURLs, advertise   string
	peerURLs, advertisePeer string
	initial, state, token   string
	logFile                 string
	noFsync                 bool
}

// ignored are flags of etcd that change nothing here.
var ignored = []string{"strict-reconfig-check", "feature-gates", "auto-compaction-retention", "logger", "enable-log-rotation",
	"log-rotation-config-json", "quota-backend-bytes", "snapshot-count", "heartbeat-interval", "election-timeout", "log-level"}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("etcd", flag.ContinueOnError)
	for name, into := range map[string]*string{
		"name": &o.name, "data-dir": &o.dataDir, "listen-client-urls": &o.clientURLs, "advertise-client-urls": &o.advertise,
		"listen-peer-urls": &o.peerURLs, "initial-advertise-peer-urls": &o.advertisePeer, "initial-cluster": &o.initial,
		"initial-cluster-state": &o.state, "initial-cluster-token": &o.token, "log-outputs": &o.logFile,
	} {
		f.StringVar(into, name, "", "")
	}
	for _, name := range ignored {
		f.String(name, "", "")
	}
	f.BoolVar(&o.noFsync, "unsafe-no-fsync", false, "")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.state != "new" && o.state != "existing" {
		return o, fmt.Errorf("initial-cluster-state %q", o.state)
	}
	return o, nil
}

// note writes one line into the log, in the form of etcd's.
func (o options) note(level, msg string, err error) {
	line := map[string]string{"level": level, "ts": time.Now().UTC().Format(time.RFC3339Nano), "msg": msg}
	if err != nil {
		line["error"] = err.Error()
	}
	text, _ := json.Marshal(line) // plain strings always encode
	f, ferr := os.OpenFile(o.logFile, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if ferr != nil {
		return
	}
	defer func() { _ = f.Close() }()
	_, _ = f.Write(append(text, '\n'))
}

func main() {
	o, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := run(o); err != nil {
		o.note("fatal", "discovery failed", err)
		os.Exit(1)
	}
}

func listen(urls string) (net.Listener, error) {
	u, err := url.Parse(strings.Split(urls, ",")[0])
	if err != nil {
		return nil, err
	}
	if u.Scheme != "http" {
		return nil, fmt.Errorf("%s: this stand-in speaks plain HTTP only", urls)
	}
	return net.Listen("tcp", u.Host)
}

// errRemoved ends the process as etcd ends it: without an error.
var errRemoved = errors.New("the member has been permanently removed from the cluster")

// lifetime ends what a test that was killed left behind.
const lifetime = 20 * time.Minute

func run(o options) error {
	time.AfterFunc(lifetime, func() { os.Exit(1) })
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT)
	defer stop()
	peers, err := listen(o.peerURLs)
	if err != nil {
		return err
	}
	clients, err := listen(o.clientURLs)
	if err != nil {
		return err
	}
	r, err := boot(o)
	if err != nil {
		return err
	}
	defer r.close()
	go func() { _ = http.Serve(peers, peerHandler(r)) }() //nolint:gosec // it ends with the process
	server := grpc.NewServer(grpc.UnaryInterceptor(r.learnersRefuse), grpc.StreamInterceptor(r.learnersRefuseStreams))
	register(server, r)
	ready := make(chan struct{})
	go func() {
		r.publish(ctx, o.name, strings.Split(o.advertise, ","))
		close(ready)
	}()
	go func() {
		select { // etcd serves nobody before it has told the others of itself
		case <-ready:
		case <-ctx.Done():
			return
		}
		o.note("info", "ready to serve client requests", nil)
		_ = server.Serve(clients)
	}()
	err = r.run(ctx)
	server.Stop()
	if errors.Is(err, errRemoved) {
		o.note("error", "server error", err)
		return nil
	}
	return err
}
