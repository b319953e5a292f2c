// Package seed is where the flow of an SVM keeps what it must not forget: the
// record, the claim, the pins of the arrays and the words of persons, as
// objects of the Kubernetes API of the seed, and the Secrets with the
// credentials. Every write is conditional on what was read before.
//
// It must never decide, never take an error for an absence, and never let a
// password into a log, an event, an error or an annotation.
package seed
