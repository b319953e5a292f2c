package agent

import "path/filepath"

// Names of files and directories, in the data volume and in the state directory.
const (
	etcdDir     = "etcd" // etcd's --data-dir
	dirMarkName = "seedproof.json"
	retiredName = "retired.json"
	memberDir   = "member"
	trashDir    = "trash"

	memoryName  = "memory.json"
	etcdLogName = "etcd.log"

	dirMode  = 0o700
	fileMode = 0o600
)

// layout is where things lie.
type layout struct{ data, state string }

func (l layout) etcd() string          { return filepath.Join(l.data, etcdDir) }
func (l layout) dirMark() string       { return filepath.Join(l.data, etcdDir, dirMarkName) }
func (l layout) retired() string       { return filepath.Join(l.data, etcdDir, retiredName) }
func (l layout) member() string        { return filepath.Join(l.data, etcdDir, memberDir) }
func (l layout) trash() string         { return filepath.Join(l.data, trashDir) }
func (l layout) entry(n string) string { return filepath.Join(l.data, trashDir, n) }
func (l layout) memory() string        { return filepath.Join(l.state, memoryName) }
func (l layout) etcdLog() string       { return filepath.Join(l.state, etcdLogName) }
