// Package decide holds every decision about one storage virtual machine (SVM)
// that can lose data or lock somebody out: what the evidence proves (Judge),
// what may be done next (Next), what becomes of a password (NextCredential)
// and whether an SVM may be deleted (Guards.Check).
//
// It is pure: plain values in, plain values out, no clock, no network, no
// disk. It must never act, and it must never read a missing value as an
// answer: the zero value of everything in the evidence is "not known".
package decide
