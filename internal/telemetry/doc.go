// Package telemetry is how the programs speak to those who run them: slog set
// up so that no secret gets into a line, Prometheus metrics under the prefix
// seedproof_, an observer of flows that feeds both, and the small HTTP server
// for /metrics, /healthz, /readyz and /status.
//
// It must never decide anything, never let a secret through, and never keep
// showing a value that nobody stands for any more: what is not known has no
// series, rather than a zero.
package telemetry
