// Package testenv finds, else builds, and starts the foreign servers that
// tests of any package run against (S3, Cloud Storage and Azure servers, etcd,
// the Kubernetes API server, promtool), builds our own programs for tests that
// need processes, hands out loopback ports that do not collide between test
// processes, and puts a faulty proxy before a server.
//
// Each server is pinned by a tools module of its own under test/servers and is
// built once on a machine, under a hash of that module and the build flags.
//
// It is for tests only. It must never be imported by the product, never use a
// server of another version that happens to be installed (promtool excepted),
// and never leave a process behind, not even when the test process is killed.
package testenv
