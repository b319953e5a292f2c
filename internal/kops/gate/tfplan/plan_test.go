package tfplan

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

const key = "fleet/prod.example.com/backups/etcd/main/control/etcd-cluster-spec"

func plan(resources ...string) string {
	return `{"format_version":"1.2","terraform_version":"1.9.5","planned_values":{"root_module":{}},"resource_changes":[` + strings.Join(resources, ",") + `]}`
}

// change is one resource as `terraform show -json` prints it.
func change(kind, actions, before, after, unknown string) string {
	return fmt.Sprintf(`{"address":"%[1]s.etcd-cluster-spec-main","mode":"managed","type":"%[1]s","name":"etcd-cluster-spec-main","provider_name":"x","change":{"actions":[%[2]s],"before":%[3]s,"after":%[4]s,"after_unknown":%[5]s,"before_sensitive":false,"after_sensitive":{}}}`,
		kind, actions, before, after, unknown)
}

func s3(key, content string) string {
	return fmt.Sprintf(`{"bucket":"state","key":%q,"content":%q,"content_base64":null,"server_side_encryption":"AES256"}`, key, content)
}

const spec = `{"memberCount":3,"etcdVersion":"3.6.12"}`

func TestRead(t *testing.T) {
	main := Change{Address: "aws_s3_object.etcd-cluster-spec-main", Scheme: "s3", Bucket: "state", Key: key}
	with := func(c Change, edit func(*Change)) Change { edit(&c); return c }
	written := with(main, func(c *Change) { c.Content = []byte(spec) })
	gone := with(main, func(c *Change) { c.Deletes = true })
	for _, c := range []struct {
		reason, resource string
		want             []Change
	}{
		{"created", change("aws_s3_object", `"create"`, "null", s3(key, spec), `{"etag":true}`), []Change{written}},
		{"updated", change("aws_s3_object", `"update"`, s3(key, "{}"), s3(key, spec), `{}`), []Change{written}},
		{"deleted", change("aws_s3_object", `"delete"`, s3(key, spec), "null", `{}`), []Change{gone}},
		{"replaced in its place", change("aws_s3_object", `"delete","create"`, s3(key, "{}"), s3(key, spec), `{}`), []Change{written}},
		{"moved to another key", change("aws_s3_object", `"create","delete"`, s3("old/"+specKey, "{}"), s3(key, spec), `{}`), []Change{written, with(gone, func(c *Change) { c.Key = "old/" + specKey })}},
		{"moved away", change("aws_s3_object", `"delete","create"`, s3(key, spec), s3("elsewhere", spec), `{}`), []Change{gone}},
		{"nothing to do", change("aws_s3_object", `"no-op"`, s3(key, spec), s3(key, spec), `{}`), nil},
		{"only read", strings.Replace(change("aws_s3_object", `"create"`, "null", s3(key, spec), `{}`), "managed", "data", 1), nil},
		{"forgotten by Terraform, and left", change("aws_s3_object", `"forget"`, s3(key, spec), "null", `{}`), nil},
		{"another object", change("aws_s3_object", `"create"`, "null", s3("fleet/prod.example.com/addons/x", "y"), `{}`), nil},
		{"a key that only ends alike", change("aws_s3_object", `"create"`, "null", s3("x-"+specKey, "y"), `{}`), nil},
		{"no object at all", change("aws_instance", `"create"`, "null", `{"name":5,"key":{"a":1}}`, `{}`), nil},
		{"the marker", change("aws_s3_object", `"delete"`, s3("a/"+markerKey, "x"), "null", `{}`), []Change{with(gone, func(c *Change) { c.Marker, c.Key = true, "a/"+markerKey })}},
		{"an older resource", change("aws_s3_bucket_object", `"create"`, "null", `{"bucket":"state","key":"`+key+`","source":"spec"}`, `{}`), []Change{with(main, func(c *Change) { c.Address = "aws_s3_bucket_object.etcd-cluster-spec-main" })}},
		{"a leading slash", change("aws_s3_object", `"create"`, "null", s3("/"+key, spec), `{}`), []Change{written}},
		{"base64", change("aws_s3_object", `"create"`, "null", `{"bucket":"state","key":"`+key+`","content_base64":"e30="}`, `{}`), []Change{with(main, func(c *Change) { c.Content = []byte("{}") })}},
		{"Google", change("google_storage_bucket_object", `"create"`, "null", `{"bucket":"state","name":"`+key+`","content":"{}"}`, `{}`),
			[]Change{{Address: "google_storage_bucket_object.etcd-cluster-spec-main", Scheme: "gs", Bucket: "state", Key: key, Content: []byte("{}")}}},
		{"Azure", change("azurerm_storage_blob", `"create"`, "null", `{"storage_container_name":"state","name":"`+key+`","source_content":"{}"}`, `{}`),
			[]Change{{Address: "azurerm_storage_blob.etcd-cluster-spec-main", Scheme: "azblob", Bucket: "state", Key: key, Content: []byte("{}")}}},
		{"a store that we do not know", change("openstack_objectstorage_object_v1", `"create"`, "null", `{"container_name":"state","name":"`+key+`"}`, `{}`),
			[]Change{{Address: "openstack_objectstorage_object_v1.etcd-cluster-spec-main", Bucket: "state", Key: key}}},
		{"a bucket that comes later", change("aws_s3_object", `"create"`, "null", `{"key":"`+key+`"}`, `{"bucket":true}`), []Change{with(main, func(c *Change) { c.Bucket = "" })}},
		{"a key that comes later", change("aws_s3_object", `"create"`, "null", `{"bucket":"state"}`, `{"key":true}`), []Change{{Address: "aws_s3_object.etcd-cluster-spec-main"}}},
	} {
		got, err := Read(strings.NewReader(plan(`{"address":"aws_instance.x","mode":"managed","type":"aws_instance","change":{"actions":["create"],"before":null,"after":{"ami":"a"}}}`, c.resource)))
		if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", c.want) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", c.reason, got, err, c.want)
		}
	}
}

func TestNoPlan(t *testing.T) {
	for _, c := range []struct{ reason, content, says string }{
		{"empty", "", "it is empty"},
		{"the plan file itself", "PK\x03\x04", "terraform show -json"},
		{"cut", plan()[:60], "terraform show -json"},
		{"the JSON of a state", `{"format_version":"1.0","values":{}}`, "not of a plan"},
		{"some JSON", `{}`, "not of a plan"},
		{"a list", `[]`, "not JSON"},
		{"a newer format", strings.Replace(plan(), "1.2", "2.0", 1), `format "2.0"`},
		{"it failed", strings.Replace(plan(), `"planned`, `"errored":true,"planned`, 1), "failed half-way"},
		{"changes are put off", strings.Replace(plan(), `"planned`, `"complete":false,"planned`, 1), "later one"},
	} {
		if got, err := Read(strings.NewReader(c.content)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, %v", c.reason, got, err)
		}
	}
	if _, err := Read(iotest.ErrReader(errors.New("I/O error"))); err == nil || !strings.Contains(err.Error(), "I/O error") {
		t.Errorf("a disk that fails: %v", err)
	}
	if _, err := Read(io.MultiReader(strings.NewReader(plan()), spaces{})); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("a huge one: %v", err)
	}
	if got, err := Read(strings.NewReader(plan())); err != nil || len(got) != 0 {
		t.Errorf("a plan of nothing: %v, %v", got, err)
	}
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(plan(change("aws_s3_object", `"create"`, "null", s3(key, spec), `{}`))))
	f.Add([]byte(plan(change("google_storage_bucket_object", `"delete"`, `{"name":"control/etcd-cluster-spec"}`, "null", `null`))))
	f.Add([]byte(plan(change("x", `"create","delete"`, `[]`, `5`, `{"key":true}`))))
	f.Add([]byte(`{"format_version":"1.0","planned_values":null}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := Read(bytes.NewReader(content))
		if err != nil && len(got) > 0 {
			t.Fatal("an error, and changes")
		}
		for _, c := range got {
			if c.Key != "" && c.Marker != strings.HasSuffix(c.Key, markerKey) {
				t.Fatalf("%+v", c)
			}
		}
	})
}
