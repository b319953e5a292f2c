// Package lead says who leads the agents of one cluster: one lease object in
// the control store, changed by compare-and-swap, never deleted.
//
// The lease is not the guard, its epoch is: every act at an agent carries it,
// and agents refuse an older one. A lease is taken over only after its beat
// stood still for a whole term on the candidate's own monotonic clock; no two
// clocks are ever compared.
package lead
