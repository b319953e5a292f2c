// Package trouble sees trouble coming: from what is measured again and again
// (space, latency, errors, throttling, a queue's age) it makes conditions that
// come and go slowly, each in words for a person.
//
// It is pure: the time is given to it, and it asks nobody. It must never raise
// or end a condition by one sample, nor by the lack of samples: what is not
// measured is Unknown, and stands as it stood. It decides nothing: no step of
// the flow may lean on it.
package trouble
