package managerfiles

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// MaxFile is the largest file, in bytes, that is decoded. The real ones are
// below one KiB.
const MaxFile = 64 << 10

// ErrUnusable: the file was wholly read and etcd-manager could not use it.
var ErrUnusable = errors.New("unusable")

// DecodeSpec reads control/etcd-cluster-spec as etcd-manager does. Every error
// is an ErrUnusable with the reason.
func DecodeSpec(content []byte) (Spec, error) {
	m, err := decode(SpecKey, "ClusterSpec", content)
	if err != nil {
		return Spec{}, err
	}
	return specOf(m), nil
}

// DecodeMeta reads a backup's meta file as etcd-manager does. Every error is
// an ErrUnusable with the reason. Ask BackupMeta.Restorable too.
func DecodeMeta(content []byte) (BackupMeta, error) {
	m, err := decode(MetaFile, "BackupInfo", content)
	if err != nil {
		return BackupMeta{}, err
	}
	meta := BackupMeta{
		EtcdVersion: get(m, "etcd_version").String(),
		Time:        time.Unix(get(m, "timestamp").Int(), 0).UTC(),
	}
	if sub, set := child(m, "cluster_spec"); set {
		spec := specOf(sub)
		meta.Spec = &spec
	}
	return meta, nil
}

// DecodeCommand reads a queued command as etcd-manager does. Every error is an
// ErrUnusable with the reason; one such file fails etcd-manager's whole queue.
func DecodeCommand(content []byte) (Command, error) {
	m, err := decode(CommandFile, "Command", content)
	if err != nil {
		return Command{}, err
	}
	command := Command{Time: time.Unix(0, get(m, "timestamp").Int()).UTC()}
	if sub, set := child(m, "restore_backup"); set {
		command.Restore = &Restore{Backup: get(sub, "backup").String()}
		if spec, set := child(sub, "cluster_spec"); set {
			command.Restore.Spec = specOf(spec)
		}
	}
	return command, nil
}

// DecodeCreated reads the marker. An error, always an ErrUnusable, does not
// mean that etcd-manager takes the cluster for a new one: see MarkerFile.
func DecodeCreated(content []byte) (Created, error) {
	if err := bounded(CreatedKey, content); err != nil {
		return Created{}, err
	}
	var raw createdJSON
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err := d.Decode(&raw); err != nil {
		return Created{}, unusable(CreatedKey, err.Error())
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Created{}, unusable(CreatedKey, "something follows the value")
	}
	if raw.Timestamp == 0 {
		return Created{}, unusable(CreatedKey, "no timestamp")
	}
	return Created{Time: time.Unix(0, raw.Timestamp).UTC()}, nil
}

func decode(what string, messageName protoreflect.Name, content []byte) (*dynamicpb.Message, error) {
	if err := bounded(what, content); err != nil {
		return nil, err
	}
	m := dynamicpb.NewMessage(schema.Messages().ByName(messageName))
	if err := protojson.Unmarshal(content, m); err != nil {
		return nil, unusable(what, err.Error())
	}
	return m, nil
}

func bounded(what string, content []byte) error {
	if len(content) == 0 {
		return unusable(what, "it is empty")
	}
	if len(content) > MaxFile {
		return unusable(what, fmt.Sprintf("%d bytes, more than %d", len(content), MaxFile))
	}
	return nil
}

func unusable(what, reason string) error {
	return fmt.Errorf("decode %s: %w: %s", what, ErrUnusable, reason)
}

func specOf(m protoreflect.Message) Spec {
	return Spec{
		MemberCount: int32(get(m, "member_count").Int()),
		EtcdVersion: get(m, "etcd_version").String(),
	}
}

func get(m protoreflect.Message, field protoreflect.Name) protoreflect.Value {
	return m.Get(m.Descriptor().Fields().ByName(field))
}

func child(m protoreflect.Message, field protoreflect.Name) (sub protoreflect.Message, set bool) {
	f := m.Descriptor().Fields().ByName(field)
	return m.Get(f).Message(), m.Has(f)
}
