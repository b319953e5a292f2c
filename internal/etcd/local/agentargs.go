package local

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// agentDataDir is etcd's directory on an agent's data volume.
func agentDataDir(dataDir string) string { return filepath.Join(dataDir, "etcd") }

// agentArgs is the command line of a node's agent.
func (o Options) agentArgs(c cluster, n node) []string {
	l := layout{dir: o.Dir}
	args := []string{"etcd", "agent",
		"--name", n.Name, "--cluster", c.Name,
		"--data-dir", l.data(n.Name), "--state-dir", l.state(n.Name),
		"--listen", n.agentAddr(), "--advertise", n.agentAddr(), "--agents", agentList(c.addresses()),
		"--client-url", n.clientURL(), "--peer-url", n.peerURL(), "--status-listen", loopback(n.StatusPort),
		"--pki-dir", l.nodePKI(n.Name), "--ca-dir", l.pki(),
		"--control-store", c.ControlStore, "--backup-store", c.BackupStore,
		"--member-count", strconv.Itoa(c.Members), "--backup-interval", c.BackupInterval,
		"--interval", o.Interval.String(), "--stop-etcd-on-exit",
	}
	optional := map[string]string{"--etcd-bin-dir": o.EtcdBinDir, "--log-level": o.LogLevel}
	if o.Term > 0 {
		optional["--term"] = o.Term.String()
	}
	if o.HeartbeatMS > 0 {
		optional["--heartbeat-interval"] = fmt.Sprint(o.HeartbeatMS)
	}
	if o.ElectionMS > 0 {
		optional["--election-timeout"] = fmt.Sprint(o.ElectionMS)
	}
	for _, flag := range slices.Sorted(maps.Keys(optional)) {
		if optional[flag] != "" {
			args = append(args, flag, optional[flag])
		}
	}
	if o.AllowControlUnderBackup {
		args = append(args, "--allow-control-under-backup")
	}
	if o.UnsafeNoFsync {
		args = append(args, "--unsafe-no-fsync")
	}
	return args
}

func agentList(addrs map[string]string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(addrs)) {
		list = append(list, name+"="+addrs[name])
	}
	return strings.Join(list, ",")
}
