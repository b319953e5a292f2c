// Command seedproof is the command line, the agent of an etcd member, and,
// re-executed as "seedproof etcd-server", the etcd server itself.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/seedproof/seedproof/internal/cli"
	"github.com/seedproof/seedproof/internal/etcd/process"
)

// version is set by the linker.
var version string

func main() {
	if len(os.Args) > 1 && os.Args[1] == process.ServerCommand {
		process.Main(os.Args[2:])
		return
	}
	if version != "" {
		cli.Version = version
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	code := cli.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
