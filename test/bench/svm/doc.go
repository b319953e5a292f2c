// Package svm measures what looking after storage VMs costs, for
// docs/performance.md: the simulator for arrays, a real kube-apiserver for the
// seed, and the controller in a process of its own. Run it with "make bench". It
// is code for tests alone.
package svm
