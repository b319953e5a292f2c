// Package controller is the leader's side of an etcd cluster under Seedproof:
// it gathers what all witnesses say, lets package decide judge, and acts
// through flows, one pass an interval. Every agent runs one; the one with the
// lease acts, the others watch.
//
// It must never decide anything itself that could lose data: such decisions
// are pure functions in package decide. It must never act without the lease,
// and never write to a place whose mark is not the remembered one.
package controller
