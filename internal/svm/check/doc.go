// Package check asks an array, before anything is made on it, whether it can
// have what is wanted of an SVM, and whether it takes us at all: what can be
// known at a plan is told there, and not half-way through a creation.
//
// It must never write to an array, never try a password twice, and never take a
// question that was not answered for one that was answered well: those are told
// apart. Nothing is decided by its answers; they are for people.
package check
