// Package managerfiles is the only place that knows etcd-manager's files and
// directories: their names, their bytes, and what etcd-manager concludes from
// them. It is pure: it reads and writes no store itself. Its facts are from
// etcd-manager's source and from runs of it (facts/kops-etcd-manager.md 1, 2
// and 8), not from its documentation.
//
// Below one base, the cluster's backup store, etcd-manager keeps
//
//	control/etcd-cluster-spec                   the desired cluster
//	control/etcd-cluster-created                the marker: "this cluster exists"
//	control/<time>-000000/_command.json         a queued command
//	<time>-<seq>/etcd.backup.gz                 gzip of a snapshot, its sha256 trailer included
//	<time>-<seq>/_etcd_backup.meta              written last: makes the folder a backup
//
// What the absence of a control file means to etcd-manager:
//
//   - No marker: "there is no cluster yet". The marker is looked at in every
//     cycle. If there is a spec, it stops every etcd, moves the data away and
//     forms an empty cluster, within about ten seconds and without a restart.
//   - No spec: "nobody has said what is wanted". It is read only when a leader
//     starts or the marker is missing. From then on nothing is backed up or
//     repaired, silently.
//
// Hence whoever puts the files back writes THE MARKER FIRST, reads it back,
// and only then the spec: a spec without a marker is what wipes a cluster.
//
// To Seedproof itself the absence of these files means nothing at all: they
// are requests and traces, never the record. This package must never be the
// reason why a cluster is created, and it must never add a field to one of
// etcd-manager's files, whose parser rejects what it does not know. What
// Seedproof adds goes into an object of its own, ProofFile.
package managerfiles
