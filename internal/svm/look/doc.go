// Package look reads arrays into the plain values of package decide: what an
// array answers about one SVM, what stands on that SVM, and, for the steady
// state, a whole array at once.
//
// It must never change anything, decide anything, or take an error, a cut
// listing or a part that was not asked for as an absence: what was not read
// whole stays the zero value, which everywhere means "not known".
package look
