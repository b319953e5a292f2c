// Package gate stands before kops: it looks at what a kops command would do to
// etcd (kops.Check), says so in plain words, asks for the permission that this
// needs (package permit), looks once more, and only then starts kops in its own
// place (Gate.Run).
//
// It must never start kops on what is not proven, or over a cluster that has
// lived, without a person's word for exactly this: typed on a terminal, or
// written into an approval that is used once. It must never touch kops's
// arguments, environment or standard streams. It writes into a state store
// nothing but the note that an approval was used.
package gate
