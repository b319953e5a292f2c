// Package record is the one place that reads and writes what is written down
// of an etcd cluster: the record (who it is, what it shall be, where its
// stores are) and the claim under which it is made. They live in the control
// store, outside the backup path.
//
// Everything is changed by compare-and-swap on what was read, each write with
// a fresh nonce (ETags are hashes of content) and a serial one higher. It must
// never be overwritten blindly, and what cannot be read is never taken for
// what is not there.
package record
