// Package story writes the kops state store of `seedproof demo kops`: one
// cluster in a directory, file by file as kops and etcd-manager write it, with
// dates in the past, snapshots of an etcd that really ran, and a bucket whose
// lifecycle rule is played (Bucket).
//
// It is a stage, and is for the demo alone. It must never write into a state
// store that it has not made itself.
package story
