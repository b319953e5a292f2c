// Package flow turns verdicts into action. A Flow is a list of named steps,
// each with what it needs, a look that only reads, and an act; a Runner looks,
// writes the intent, acts, and looks again to prove that the act took. Plan
// runs the looks alone.
//
// The rule of the package: an act whose outcome is not known leads back to
// looking, never to doing it again blindly. Every error that nobody classed is
// Unknown and transient.
//
// It must never decide what may be done (package proof does), never read an
// error as an absence, and never know a domain, a store or a transport. It
// imports the standard library only.
package flow
