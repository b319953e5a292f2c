// Package kops holds what `seedproof kops check` must show on a whole state
// store and cannot show from within one package: its scale (hundreds of
// clusters, millions of backups) and the permissions that suffice. It is code
// for tests alone.
package kops
