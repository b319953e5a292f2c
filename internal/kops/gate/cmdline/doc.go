// Package cmdline understands kops command lines as far as the gate has to:
// which of them can change or restart etcd, of which cluster in which state
// store, and whether they act or only show what they would do.
//
// It is pure: what kops reads beside its arguments is handed in. It must never
// take a guarded command for one that is not: what it does not understand of a
// line that names a guarded command is an error (*Unclear) that says what to
// type, and what it does understand it understands as kops does (spf13/pflag).
package cmdline
