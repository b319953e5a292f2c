//go:build !race

package kops

const (
	// most is how many backups there are of each etcd cluster.
	most = 10_000
	// laid is how many there are on the real server.
	laid = 50
	// maxAnon is what the check may take, in bytes.
	maxAnon = 96 * mib
)
