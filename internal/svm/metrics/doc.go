// Package metrics shows the flow of the SVMs to Prometheus, under the prefix
// seedproof_svm_: steps, retries and escalations, logins, how each SVM stands,
// the calls to arrays and to the Kubernetes API, and what is seen coming.
// docs/alerts-svm.md lists every metric.
//
// It must never decide anything, never put a user, a password or an unbounded
// value into a label, and never go on showing an SVM that was forgotten: what is
// not known has no series, rather than a zero.
package metrics
