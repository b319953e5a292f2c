package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/kops/gate"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/store/open"
	"github.com/seedproof/seedproof/internal/testenv"
)

// terraformPlan is a plan that creates the spec of etcd main, as `terraform
// show -json` prints it.
func terraformPlan(bucket, key string) string {
	return fmt.Sprintf(`{"format_version":"1.2","terraform_version":"1.9.5","planned_values":{"root_module":{}},"resource_changes":[
{"address":"aws_s3_object.etcd-cluster-spec-main","mode":"managed","type":"aws_s3_object","name":"etcd-cluster-spec-main",
"provider_name":"hashicorp/aws","change":{"actions":["create"],"before":null,
"after":{"bucket":%q,"key":%q,"content":"{\n  \"memberCount\": 3,\n  \"etcdVersion\": \"3.6.12\"\n}"},"after_unknown":{"etag":true}}}]}`, bucket, key)
}

// TestKopsPlanCheckUsage: plans and command lines that cannot be.
func TestKopsPlanCheckUsage(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	empty := strings.Replace(terraformPlan("a", "b"), `"create"`, `"no-op"`, 1)
	for _, c := range []struct {
		reason string
		args   []string
		code   int
		says   string
	}{
		{"no plan", nil, exitUsage, "accepts 1 arg"},
		{"not there", []string{filepath.Join(dir, "none")}, exitUsage, "terraform show -json"},
		{"not JSON", []string{file("plan", "PK\x03\x04")}, exitError, "terraform show -json"},
		{"a state", []string{file("state", `{"format_version":"1.0","values":{}}`)}, exitError, "not of a plan"},
		{"a format of tomorrow", []string{file("new", strings.Replace(empty, "1.2", "2.0", 1))}, exitError, "format"},
		{"an unknown output", []string{file("empty", empty), "-o", "xml"}, exitUsage, "expected table, json or yaml"},
		{"a backup of no age", []string{file("empty", empty), "--max-backup-age=0s"}, exitUsage, "--max-backup-age"},
		{"nothing of etcd", []string{file("empty", empty)}, exitOK, "changes no control file"},
		{"a store that is unknown", []string{file("swift", terraformPlan("", prodSpec))}, exitUnproven, "does not say which object"},
	} {
		o := typeIn(t, append([]string{"kops", "plan-check"}, c.args...)...)
		if o.code != c.code || !strings.Contains(o.out+o.errOut, c.says) {
			t.Errorf("%s: %+v", c.reason, o)
		}
	}
}

// TestKopsPlanCheckSchema: the schema names the very fields that are printed.
func TestKopsPlanCheckSchema(t *testing.T) {
	root, _ := readSchema(t, "kopsplan.schema.json")
	compare(t, "report", root, reflect.TypeFor[gate.PlanReport](), root.Defs)
	root, _ = readSchema(t, "kopsapproval.schema.json")
	compare(t, "approval", root, reflect.TypeFor[gate.Approval](), root.Defs)
}

// TestKopsPlanCheck: on a real S3 server, the plan that would play the incident.
func TestKopsPlanCheck(t *testing.T) {
	server := testenv.S3(t)
	server.Setenv(t)
	t.Setenv("HOME", t.TempDir())
	bucket := server.Bucket(t)
	url := server.URL(bucket, "fleet")
	s, err := open.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	healthyProd().Write(t, s)
	kopstest.DeleteAll(t, s, "prod.example.com/backups/etcd/main/control/")
	plan := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(plan, []byte(terraformPlan(bucket, "fleet/"+prodSpec)), 0o600); err != nil {
		t.Fatal(err)
	}
	o := typeIn(t, "kops", "plan-check", plan, "--state", url, "--skip-verify")
	if o.code != exitRefused || !strings.Contains(o.out, "STOP") || !strings.Contains(o.errOut, "do not apply this plan") {
		t.Errorf("%+v", o)
	}
	o = typeIn(t, "kops", "plan-check", plan, "--state", url, "-o", "json")
	var value any
	if err := json.Unmarshal([]byte(o.out), &value); err != nil {
		t.Fatal(err)
	}
	_, raw := readSchema(t, "kopsplan.schema.json")
	for _, wrong := range violations("report", raw, value, raw) {
		t.Error(wrong)
	}
	kopstest.Put(t, s, prodMarker, "{}")
	kopstest.Put(t, s, prodSpec, `{"memberCount":3,"etcdVersion":"3.6.12"}`)
	if o := typeIn(t, "kops", "plan-check", plan, "--state", url, "--skip-verify"); o.code != exitOK || !strings.Contains(o.out, "changes nothing") {
		t.Errorf("%+v", o)
	}
}
