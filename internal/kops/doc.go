// Package kops is the gate before a kops update: it reads a state store, puts
// what it found before internal/kops/decide, and reports for each etcd cluster
// what the next `kops update cluster --yes` would do to it (Check).
//
// It never writes, and it decides nothing itself. What it could not ask becomes
// an Unknown in the evidence, never an absence; one cluster that cannot be read
// does not hide the others.
package kops
