// Package acceptance holds the tests that need whole clusters of real
// processes: agents that each run on their own, real etcds, real stores. It is
// code for tests alone, and signals only processes that it started.
package acceptance
