package managerfiles

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Spec is what is wanted of a cluster: control/etcd-cluster-spec.
type Spec struct {
	MemberCount int32  `json:"memberCount,omitempty"`
	EtcdVersion string `json:"etcdVersion,omitempty"`
}

// Created is the marker "this cluster exists". etcd-manager never reads its
// content, only whether there is any.
type Created struct {
	Time time.Time
}

// BackupMeta is the _etcd_backup.meta of a backup.
type BackupMeta struct {
	EtcdVersion string    // of the process that was snapshotted
	Time        time.Time // to the second
	Spec        *Spec     // what was wanted then
}

// Restorable says why etcd-manager would refuse to restore this backup.
func (m BackupMeta) Restorable() error {
	if m.EtcdVersion == "" {
		return errors.New("etcdVersion is not set")
	}
	return nil
}

// Command is a queued command. Only restores exist.
type Command struct {
	Time    time.Time // to the nanosecond; the queue is in this order
	Restore *Restore
}

// Restore asks for a new cluster as in Spec, filled from a backup.
type Restore struct {
	Spec   Spec
	Backup string // its name
}

// The structs below hold the JSON as protojson gives it: camelCase names,
// int64 as a string, zero values left out.
type metaJSON struct {
	EtcdVersion string `json:"etcdVersion,omitempty"`
	Timestamp   int64  `json:"timestamp,omitempty,string"` // Unix seconds
	ClusterSpec *Spec  `json:"clusterSpec,omitempty"`
}

type commandJSON struct {
	Timestamp     int64        `json:"timestamp,omitempty,string"` // Unix nanoseconds
	RestoreBackup *restoreJSON `json:"restoreBackup,omitempty"`
}

type restoreJSON struct {
	ClusterSpec *Spec  `json:"clusterSpec,omitempty"`
	Backup      string `json:"backup,omitempty"`
}

// createdJSON is the one file that etcd-manager writes without protojson:
// compact, and its int64 is a number.
type createdJSON struct {
	Timestamp int64 `json:"timestamp"` // Unix nanoseconds
}

// EncodeSpec gives the bytes that kops writes for s.
func EncodeSpec(s Spec) ([]byte, error) { return encode(SpecKey, s) }

// EncodeCreated gives the marker's bytes.
func EncodeCreated(c Created) ([]byte, error) {
	content, err := json.Marshal(createdJSON{Timestamp: c.Time.UnixNano()})
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", CreatedKey, err)
	}
	return content, nil
}

// EncodeMeta gives the bytes of a backup's meta file. It refuses a meta from
// which etcd-manager would not restore.
func EncodeMeta(m BackupMeta) ([]byte, error) {
	if err := m.Restorable(); err != nil {
		return nil, fmt.Errorf("encode %s: %w", MetaFile, err)
	}
	return encode(MetaFile, metaJSON{EtcdVersion: m.EtcdVersion, Timestamp: m.Time.Unix(), ClusterSpec: m.Spec})
}

// EncodeCommand gives the bytes of a queued command.
func EncodeCommand(c Command) ([]byte, error) {
	out := commandJSON{Timestamp: c.Time.UnixNano()}
	if c.Restore != nil {
		spec := c.Restore.Spec
		out.RestoreBackup = &restoreJSON{ClusterSpec: &spec, Backup: c.Restore.Backup}
	}
	return encode(CommandFile, out)
}

func encode(what string, v any) ([]byte, error) {
	content, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", what, err)
	}
	return content, nil
}
