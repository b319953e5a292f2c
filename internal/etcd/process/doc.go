// Package process looks after one etcd server process and its data directory:
// start, adopt, stop, ask for its health, and read the directory of a stopped
// one.
//
// An etcd outlives the agent that started it: it has a session of its own,
// writes to files, never to a pipe, and is found again by its command line, its
// open database and its locks. Two etcds must never share a data directory, so
// nothing is started while it is unknown whether one runs, and no signal is
// ever sent by a bare process id. The package reads data directories and never
// writes into one.
package process

import "go.etcd.io/etcd/server/v3/etcdmain"

// ServerCommand is the first argument that turns our own program into an etcd
// server; main must look for it before anything else.
const ServerCommand = "etcd-server"

// Main is the etcd server: args are etcd's own flags. It does not return while
// the server runs, and ends the program.
func Main(args []string) {
	etcdmain.Main(append([]string{"etcd"}, args...))
}
