// Package backup keeps many snapshots of one cluster in a store. It takes one
// (Take), streamed from a member through checks into the store in constant
// memory, lists what is there (List, Read), says when the next is due (Due),
// and sees to it that takers do not get in each other's way (a claim in the
// backup store) and that a store serves one cluster only (its format object).
//
// The layout is etcd-manager's, so that etcd-manager and its tools can list
// and restore what Seedproof took; what Seedproof knows beyond that lies in an
// object of its own in the same folder. The data is written first, the meta
// file last and read back: a backup is listed when it is whole, or not at all.
//
// It must never endanger the live cluster (a snapshot holds a read transaction
// of the member open: its time and the growth of the database are limited),
// never call a backup verified (only a restore proves that), never remove what
// another attempt wrote, and never write into a store of another lineage.
package backup
