// Package watch is the check of internal/kops as a long-running process: it
// looks at a state store again and again, shows what stands as metrics and as a
// status, and says in the log the moment something turns (Watcher).
//
// It only reads, and it decides nothing: every verdict is the check's. It must
// never let a store's silence make a bad state look better. What was last known
// stays, marked with the time since when it is stale; a cluster that is gone
// from the store stays too, until a person lets go of it or the process ends.
// What it remembers is bounded, and is memory only: it knows nothing of what
// was before it started.
package watch
