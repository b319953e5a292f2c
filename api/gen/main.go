// Command gen compiles the protobuf files under api/ into Go.
//
// It needs no protoc: the files are compiled by a library, and the two code
// generators are tools pinned in this module's go.mod, so that the same tree
// gives the same code on every machine. It writes beside the .proto files and
// nowhere else, and writes nothing when a file does not compile.
//
// Run it as "make generate", or "go run -C api/gen .".
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	root := flag.String("root", "..", "folder that holds the .proto files; imports are relative to it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *root); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		stop()
		os.Exit(1)
	}
}

// run compiles all of root, then brings its generated files up to date.
func run(ctx context.Context, root string) error {
	request, err := compile(ctx, root)
	if err != nil {
		return err
	}
	files, err := generate(ctx, request)
	if err != nil {
		return err
	}
	return publish(root, files)
}
