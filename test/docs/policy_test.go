package docs

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// statement is one of an IAM policy.
type statement struct{ Action, Resource any }

func policy(t *testing.T, path string) []statement {
	t.Helper()
	var p struct{ Statement []statement }
	if err := json.Unmarshal([]byte(read(t, path)), &p); err != nil {
		t.Fatal(err)
	}
	return p.Statement
}

// listOf is one text, or many.
func listOf(value any) []string {
	one, is := value.(string)
	if is {
		return []string{one}
	}
	var all []string
	for _, v := range value.([]any) {
		all = append(all, v.(string))
	}
	return all
}

// TestPoliciesAreExplained: each policy that is delivered, and the table that
// says what each permission is for, name the same.
func TestPoliciesAreExplained(t *testing.T) {
	explained := map[string]bool{}
	for line := range strings.Lines(read(t, "docs/kops.md")) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		for _, name := range regexp.MustCompile("`(s3:[A-Za-z]+)`").FindAllStringSubmatch(cells[1], -1) {
			explained[name[1]] = true
		}
	}
	for _, path := range []string{"deploy/policies/kops-check.s3.json", "deploy/policies/kops-check.narrow.s3.json"} {
		allowed := map[string]bool{}
		for _, s := range policy(t, path) {
			for _, action := range listOf(s.Action) {
				allowed[action] = true
			}
		}
		if !maps.Equal(allowed, explained) || len(allowed) == 0 {
			t.Errorf("%s allows %v,\nthe table explains %v", path, slices.Sorted(maps.Keys(allowed)), slices.Sorted(maps.Keys(explained)))
		}
	}
}

// TestNarrowPolicyReadsNoSecret: as the document says of it.
func TestNarrowPolicyReadsNoSecret(t *testing.T) {
	for _, s := range policy(t, "deploy/policies/kops-check.narrow.s3.json") {
		for _, resource := range listOf(s.Resource) {
			for _, secret := range []string{"x/pki/private/kubernetes-ca/keyset.yaml", "x/secrets/admin", "x/backups/etcd/main/2026-01-02T02:55:00Z-000042/etcd.backup.gz"} {
				pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(resource), `\*`, ".*") + "$"
				if regexp.MustCompile(pattern).MatchString("arn:aws:s3:::my-state/" + secret) {
					t.Errorf("%s reads %s", resource, secret)
				}
			}
		}
	}
}
