// Package pki makes, renews and judges the certificates of a cluster: three
// authorities (agents, etcd peers, etcd clients) and the leaves they sign. It
// uses the standard library's cryptography only.
//
// It never replaces an authority: half a pair, or one that cannot be read, is
// an error and stays as it is, for a new authority would lock every holder of
// the old one's certificates out. Leaves are replaceable and are reissued. No
// key ever appears in an error or a log.
package pki
