package managerfiles

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	spec = Spec{MemberCount: 3, EtcdVersion: "3.6.12"}
	meta = BackupMeta{EtcdVersion: "3.6.12", Time: time.Unix(1767322500, 0).UTC(), Spec: &spec}
	cmd  = Command{
		Time:    time.Unix(0, 1767323045000000000).UTC(),
		Restore: &Restore{Spec: spec, Backup: "2026-01-02T02:55:00Z-000042"},
	}
)

// The bytes as the facts give them. A difference in one byte is a change of
// the format and needs a new look at etcd-manager's parser.
const (
	specBytes    = "{\n  \"memberCount\": 3,\n  \"etcdVersion\": \"3.6.12\"\n}"
	createdBytes = `{"timestamp":1767225600000000000}`
	metaBytes    = "{\n  \"etcdVersion\": \"3.6.12\",\n  \"timestamp\": \"1767322500\",\n  \"clusterSpec\": {\n    \"memberCount\": 3,\n    \"etcdVersion\": \"3.6.12\"\n  }\n}"
	commandBytes = "{\n  \"timestamp\": \"1767323045000000000\",\n  \"restoreBackup\": {\n    \"clusterSpec\": {\n      \"memberCount\": 3,\n      \"etcdVersion\": \"3.6.12\"\n    },\n    \"backup\": \"2026-01-02T02:55:00Z-000042\"\n  }\n}"
)

func TestEncode(t *testing.T) {
	for _, c := range []struct {
		what   string
		want   string
		encode func() ([]byte, error)
	}{
		{"spec", specBytes, func() ([]byte, error) { return EncodeSpec(spec) }},
		{"created", createdBytes, func() ([]byte, error) {
			return EncodeCreated(Created{Time: time.Unix(1767225600, 0)})
		}},
		{"meta", metaBytes, func() ([]byte, error) { return EncodeMeta(meta) }},
		{"command", commandBytes, func() ([]byte, error) { return EncodeCommand(cmd) }},
	} {
		got, err := c.encode()
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %v\n%s", c.what, err, cmp.Diff(c.want, string(got)))
		}
	}
	if _, err := EncodeMeta(BackupMeta{}); err == nil {
		t.Error("encoded a meta without etcdVersion, from which etcd-manager does not restore")
	}
}

func TestDecodeSpec(t *testing.T) {
	for _, c := range []struct {
		content string
		want    Spec
		ok      bool
		reason  string
	}{
		{specBytes, spec, true, "as kops writes it"},
		{`{"memberCount":  3,  "etcdVersion":  "3.6.12"}`, spec, true, "protojson's own white space"},
		{`{"member_count": 3, "etcd_version": "3.6.12"}`, spec, true, "snake_case"},
		{`{"memberCount": "3", "etcdVersion": "3.6.12"}`, spec, true, "protojson takes a quoted int32"},
		{`{}`, Spec{}, true, "all zero values are left out"},
		{``, Spec{}, false, "empty"},
		{`   `, Spec{}, false, "white space alone"},
		{`{"memberCount": 3, "lineage": "x"}`, Spec{}, false, "an unknown field"},
		{`{"memberCount": 3.5}`, Spec{}, false, "not an integer"},
		{`{"memberCount": 4294967296}`, Spec{}, false, "more than an int32"},
		{`{"memberCount": 3, "memberCount": 1}`, Spec{}, false, "twice"},
		{`{"memberCount": 3} x`, Spec{}, false, "something follows"},
		{`{"memberCount": 3`, Spec{}, false, "cut"},
		{`[]`, Spec{}, false, "not an object"},
		{"\xff\xfe", Spec{}, false, "not text"},
		{`{"etcdVersion": "` + strings.Repeat("3", MaxFile) + `"}`, Spec{}, false, "more than the limit"},
	} {
		got, err := DecodeSpec([]byte(c.content))
		if (err == nil) != c.ok || got != c.want {
			t.Errorf("%s: %+v, %v", c.reason, got, err)
		}
		if err != nil && !errors.Is(err, ErrUnusable) {
			t.Errorf("%s: %v is not ErrUnusable", c.reason, err)
		}
	}
}

func TestDecodeMeta(t *testing.T) {
	for _, content := range []string{
		metaBytes,
		`{"etcd_version":"3.6.12","timestamp":1767322500,"cluster_spec":{"member_count":3,"etcd_version":"3.6.12"}}`,
	} {
		got, err := DecodeMeta([]byte(content))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(meta, got); diff != "" {
			t.Errorf("%s:\n%s", content, diff)
		}
	}
	if _, err := DecodeMeta([]byte(`{"etcdVersion":"3.6.12","verified":true}`)); !errors.Is(err, ErrUnusable) {
		t.Errorf("a field of ours in the meta: %v; etcd-manager rejects it", err)
	}
	bare, err := DecodeMeta([]byte(`{"timestamp":"1"}`))
	if err != nil || bare.Spec != nil || bare.Restorable() == nil {
		t.Errorf("a meta without version and spec: %+v, %v, restorable %v", bare, err, bare.Restorable())
	}
}

func TestDecodeCommand(t *testing.T) {
	for _, content := range []string{
		commandBytes,
		`{"timestamp":1767323045000000000,"restore_backup":{"cluster_spec":{"member_count":3,"etcd_version":"3.6.12"},"backup":"2026-01-02T02:55:00Z-000042"}}`,
	} {
		got, err := DecodeCommand([]byte(content))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(cmd, got); diff != "" {
			t.Errorf("%s:\n%s", content, diff)
		}
	}
	if got, err := DecodeCommand([]byte(`{}`)); err != nil || got.Restore != nil {
		t.Errorf("a command that asks for nothing: %+v, %v", got, err)
	}
	if _, err := DecodeCommand([]byte(`{"createNewCluster":{}}`)); !errors.Is(err, ErrUnusable) {
		t.Errorf("a command that etcd-manager does not know: %v", err)
	}
}

func TestDecodeCreated(t *testing.T) {
	got, err := DecodeCreated([]byte(createdBytes))
	if err != nil || !got.Time.Equal(time.Unix(1767225600, 0)) {
		t.Fatalf("%v, %v", got, err)
	}
	for _, content := range []string{"", "x", "{}", `{"timestamp":"1"}`, `{"timestamp":1,"more":2}`, createdBytes + createdBytes} {
		if _, err := DecodeCreated([]byte(content)); !errors.Is(err, ErrUnusable) {
			t.Errorf("%q: %v; want ErrUnusable", content, err)
		}
	}
}

func FuzzDecodeSpec(f *testing.F) {
	f.Add([]byte(specBytes))
	f.Add([]byte(`{"member_count":"3"}`))
	f.Add([]byte(`{"memberCount": 3, "x": null}`))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := DecodeSpec(content)
		again(t, err, got, EncodeSpec, DecodeSpec)
	})
}

func FuzzDecodeMeta(f *testing.F) {
	f.Add([]byte(metaBytes))
	f.Add([]byte(`{"etcd_version":"3","timestamp":1e3,"cluster_spec":{}}`))
	f.Add([]byte(`{"timestamp":"-9223372036854775808"}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := DecodeMeta(content)
		if err == nil && got.Restorable() != nil {
			return
		}
		again(t, err, got, EncodeMeta, DecodeMeta)
	})
}

func FuzzDecodeCommand(f *testing.F) {
	f.Add([]byte(commandBytes))
	f.Add([]byte(`{"restoreBackup":{"backup":"../x"}}`))
	f.Add([]byte(`{"restoreBackup":null}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := DecodeCommand(content)
		again(t, err, got, EncodeCommand, DecodeCommand)
	})
}

func FuzzDecodeCreated(f *testing.F) {
	f.Add([]byte(createdBytes))
	f.Add([]byte(`{"timestamp":9223372036854775807}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := DecodeCreated(content)
		again(t, err, got, EncodeCreated, DecodeCreated)
	})
}

// again checks that what was decoded can be written and means the same, and
// that what was not is unusable and nothing else.
func again[T any](t *testing.T, err error, got T, encode func(T) ([]byte, error), decode func([]byte) (T, error)) {
	t.Helper()
	if err != nil {
		if !errors.Is(err, ErrUnusable) {
			t.Fatalf("%v is not ErrUnusable", err)
		}
		return
	}
	content, err := encode(got)
	if err != nil {
		t.Fatal(err)
	}
	if len(content) > MaxFile {
		return // escapes may make it longer
	}
	same, err := decode(content)
	if err != nil || !cmp.Equal(same, got) {
		t.Fatalf("%+v became %+v, %v", got, same, err)
	}
}
