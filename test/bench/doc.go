// Package bench measures what docs/performance.md tells, on real clusters of
// real processes: run it with "make bench". Each benchmark does its work once
// and reports medians and ratios of things that were measured side by side in
// the same run; none fails because a machine was slow. It is code for tests
// alone, and signals only processes that it started.
package bench
