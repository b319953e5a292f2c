// Package agent is the node side of a cluster: it owns one data directory, one
// etcd and one memory, and serves the gRPC service by which leaders and
// commands ask it to testify and to act.
//
// It starts an etcd whose directory is whole without asking anybody, and leaves
// it running when it ends itself. It never deletes data: what goes out of use
// is renamed into the trash. It never makes a data directory unless package
// decide says so of what the node itself shows at that moment, never under a
// lease older than one that it heard, and never acts while it cannot read its
// own memory.
package agent
