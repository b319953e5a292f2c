// Package proof decides what may be done to a thing that somebody may have
// lost sight of. It hears witnesses, each of which says one of four things of
// the thing (Finding), and comes to one verdict by rules that are written down
// in the order in which they are tried (Judge).
//
// The package is pure: standard library only, no clock, no network, no disk.
// It must never take silence for absence, and no function in it may grow a
// permission out of a finding that is Unknown. The laws are tested over every
// combination of findings.
//
// A domain (an etcd cluster, a storage virtual machine) says what its parts
// add up to: which identities are whole, which silent parts could still make
// whole, and what contradicts itself. Everything else is here.
package proof
