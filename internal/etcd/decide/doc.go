// Package decide holds every decision about an etcd cluster that can lose
// data: what the evidence proves (Judge), what an open claim does next
// (NextSeed), what an agent may note and start (MayNote, HowToStart, AtBoot)
// and which member joins or leaves (NextMember).
//
// It is pure: plain values in, plain values out, no clock, no network, no
// disk. It must never act, and it must never read a missing value as an
// answer: the zero value of every finding is Unknown.
package decide
