// Package statestore reads a kops state store: one listing pass over any
// store.Store, then a few small bounded reads for each cluster. It finds the
// clusters, what an update has left of each, and the files and backups of each
// etcd cluster, wherever its backup store is.
//
// It only reads, and it decides nothing. What it could not ask it hands on as
// an error, never as an absence: a listing that ended early says how far it
// came, a file that could not be read says why. Its memory is bounded for each
// cluster, however many backups there are. The layout is that of kops 1.36
// (facts/kops-etcd-manager.md 1 and 3), not of its documentation.
package statestore
