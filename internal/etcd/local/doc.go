// Package local runs an etcd cluster on loopback: agents as processes of their
// own, each with its etcd, for `seedproof up`, for the drills and for tests.
//
// It starts and stops programs and says what they report. It decides nothing
// about the cluster: whether one may be seeded, healed or changed is for the
// agents' controllers. It never makes anew what it cannot find in a directory
// that is in use already, and it never deletes data.
//
// An agent is in a session of its own, so that neither the terminal's Ctrl-C
// nor the end of this process takes it down unasked. When this process is
// killed, agents and etcds go on; the next run ends the agents, which are found
// by the lock on their state directories, and starts new ones, which adopt the
// running etcds.
package local
