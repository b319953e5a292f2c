package kops

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// policy is an IAM policy document. What it does not know of is an error: a
// condition that is passed over would let more through than AWS does.
type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid, Effect      string
	Action, Resource texts
}

// texts are one string, or several.
type texts []string

func (t *texts) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(t))
}

// policyOf reads one of those in deploy/policies.
func policyOf(t *testing.T, name string) policy {
	t.Helper()
	raw, err := os.ReadFile("../../deploy/policies/" + name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := parsePolicy(raw)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return p
}

func parsePolicy(raw []byte) (policy, error) {
	var p policy
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return policy{}, fmt.Errorf("parse a policy: %w", err)
	}
	for _, s := range p.Statement {
		if s.Effect != "Allow" && s.Effect != "Deny" || len(s.Action) == 0 || len(s.Resource) == 0 {
			return policy{}, fmt.Errorf("parse a policy: statement %q", s.Sid)
		}
	}
	if p.Version != "2012-10-17" || len(p.Statement) == 0 {
		return policy{}, fmt.Errorf("parse a policy: version %q, %d statements", p.Version, len(p.Statement))
	}
	return p, nil
}

// allows: a denial wins, and what nobody allows is denied.
func (p policy) allows(action, resource string) bool {
	allowed := false
	for _, s := range p.Statement {
		matches := slices.ContainsFunc(s.Action, func(a string) bool { return wild(strings.ToLower(a), strings.ToLower(action)) }) &&
			slices.ContainsFunc(s.Resource, func(r string) bool { return wild(r, resource) })
		if matches && s.Effect == "Deny" {
			return false
		}
		allowed = allowed || matches
	}
	return allowed
}

// wild matches * (any letters, slashes too) and ? (one), as IAM does.
func wild(pattern, text string) bool {
	for pattern != "" {
		if pattern[0] == '*' {
			for cut := range len(text) + 1 {
				if wild(pattern[1:], text[cut:]) {
					return true
				}
			}
			return false
		}
		if text == "" || pattern[0] != '?' && pattern[0] != text[0] {
			return false
		}
		pattern, text = pattern[1:], text[1:]
	}
	return text == ""
}

// actions are all that the policy names.
func (p policy) actions() []string {
	var all []string
	for _, s := range p.Statement {
		all = append(all, s.Action...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// without is the policy with one action, or one resource, less. Statements that
// have none left go.
func (p policy) without(name string) policy {
	less := policy{Version: p.Version}
	is := func(have string) bool { return have == name }
	for _, s := range p.Statement {
		s.Action = slices.DeleteFunc(slices.Clone(s.Action), is)
		s.Resource = slices.DeleteFunc(slices.Clone(s.Resource), is)
		if len(s.Action) > 0 && len(s.Resource) > 0 {
			less.Statement = append(less.Statement, s)
		}
	}
	return less
}

func TestPolicies(t *testing.T) {
	p, err := parsePolicy([]byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"s3:Get*","Resource":["arn:aws:s3:::b/*/config","arn:aws:s3:::b/x?"]},
		{"Effect":"Deny","Action":["s3:getobject"],"Resource":"arn:aws:s3:::b/secret/*"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		reason, action, resource string
		allowed                  bool
	}{
		{"named", "s3:GetObject", "arn:aws:s3:::b/a/config", true},
		{"a star crosses slashes", "s3:GetObject", "arn:aws:s3:::b/a/deep/config", true},
		{"one letter", "s3:GetObject", "arn:aws:s3:::b/x1", true},
		{"two letters", "s3:GetObject", "arn:aws:s3:::b/x12", false},
		{"another object", "s3:GetObject", "arn:aws:s3:::b/a/other", false},
		{"another bucket", "s3:GetObject", "arn:aws:s3:::c/a/config", false},
		{"another action", "s3:PutObject", "arn:aws:s3:::b/a/config", false},
		{"denied beats allowed", "s3:GetObject", "arn:aws:s3:::b/secret/config", false},
		{"another action on what is denied", "s3:GetObjectTagging", "arn:aws:s3:::b/secret/config", true},
	} {
		if have := p.allows(c.action, c.resource); have != c.allowed {
			t.Errorf("%s: %s on %s is allowed: %t", c.reason, c.action, c.resource, have)
		}
	}
	for _, wrong := range []string{
		`{}`, `{"Version":"2012-10-17","Statement":[]}`,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{}}]}`,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Maybe","Action":"*","Resource":"*"}]}`,
	} {
		if _, err := parsePolicy([]byte(wrong)); err == nil {
			t.Errorf("%s was taken for a policy", wrong)
		}
	}
}
