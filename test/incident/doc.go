// Package incident holds the incident of kops 16416 against real clusters, in
// all its forms: control files deleted, records lost or foreign, stores silent,
// emptied or unmounted, data volumes gone, nodes down; each followed by the
// death of an agent or of everything. Whatever is taken away, no cluster is
// ever made in the place of the one that was there.
//
// `go test` runs a covering set of the crossings, the build tag chaos all of
// them. Mounts are real and need root. It signals only processes of clusters
// that it started, and unmounts only what it mounted.
package incident
