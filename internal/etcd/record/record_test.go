package record

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
)

var ours = proof.Identity{Lineage: "lineage-a", Generation: 1, Birth: "birth-a"}

// someRecord is a whole record, as it stands in a store.
func someRecord() Record {
	return Record{Format: format, Cluster: "main", Serial: 7, Nonce: "nonce", Identity: ours, Spec: DefaultSpec(3),
		Members: decide.List{{ID: 1, Name: "a", PeerURL: "https://a:2380"}, {ID: 2, Name: "b"}, {ID: 3, Name: "c"}}, Revision: 42}
}

func someClaim() ClaimDoc {
	return ClaimDoc{Format: format, Cluster: "main", Nonce: "nonce", Spec: DefaultSpec(1), Claim: decide.Claim{
		Attempt: "attempt", State: decide.ClaimOpen, Identity: ours, Members: []decide.ClaimMember{{Name: "a", MemoryID: "memory-a"}}}}
}

// changed is doc as JSON with fields set, at paths such as "spec.memberCount",
// or removed, where the value is nil.
func changed(t *testing.T, doc any, fields map[string]any) []byte {
	t.Helper()
	var tree map[string]any
	if err := json.Unmarshal(encode(doc), &tree); err != nil {
		t.Fatal(err)
	}
	for path, value := range fields {
		at, names := tree, strings.Split(path, ".")
		for _, n := range names[:len(names)-1] {
			at = at[n].(map[string]any)
		}
		at[names[len(names)-1]] = value
		if value == nil {
			delete(at, names[len(names)-1])
		}
	}
	return encode(tree)
}

type reading string

const (
	fine      reading = "fine"
	isDamaged reading = "damaged"
	isNewer   reading = "newer"
)

func readingOf(err error) reading {
	switch {
	case err == nil:
		return fine
	case errors.Is(err, errNewer):
		return isNewer
	}
	return isDamaged
}

func TestParseRecord(t *testing.T) {
	type fields = map[string]any
	whole := encode(someRecord())
	cases := []struct {
		reason  string
		content []byte
		want    reading
	}{
		{"what is written", whole, fine},
		{"empty", nil, isDamaged},
		{"blanks", []byte(" \n"), isDamaged},
		{"truncated", whole[:len(whole)-10], isDamaged},
		{"zeros, as a crashed filesystem leaves them", make([]byte, len(whole)), isDamaged},
		{"not JSON", []byte("<Error>AccessDenied</Error>"), isDamaged},
		{"null", []byte("null"), isDamaged},
		{"an empty object", []byte("{}"), isDamaged},
		{"another JSON value", []byte("[1]"), isDamaged},
		{"two records in one", append(whole[:len(whole):len(whole)], whole...), isDamaged},
		{"huge, and not JSON", []byte(strings.Repeat("x", 1<<20)), isDamaged},
		{"nested without end", []byte(strings.Repeat("[", 1<<17)), isDamaged},
		{"a newer format", changed(t, someRecord(), fields{"format": 2}), isNewer},
		{"a newer format whose fields are others", []byte(`{"format":3,"spec":"see spec.json","identity":[]}`), isNewer},
		{"no format", changed(t, someRecord(), fields{"format": nil}), isDamaged},
		{"a format in words", changed(t, someRecord(), fields{"format": "1"}), isDamaged},
		{"format 0", changed(t, someRecord(), fields{"format": 0}), isDamaged},
		{"no lineage", changed(t, someRecord(), fields{"identity.lineage": ""}), isDamaged},
		{"no generation", changed(t, someRecord(), fields{"identity.generation": nil}), isDamaged},
		{"a negative generation", changed(t, someRecord(), fields{"identity.generation": -1}), isDamaged},
		{"no cluster", changed(t, someRecord(), fields{"cluster": nil}), isDamaged},
		{"no nonce", changed(t, someRecord(), fields{"nonce": nil}), isDamaged},
		{"no serial: none was ever written so", changed(t, someRecord(), fields{"serial": nil}), isDamaged},
		{"a serial after which there is none", changed(t, someRecord(), fields{"serial": uint64(1<<64 - 1)}), isDamaged},
		{"members of another form", changed(t, someRecord(), fields{"members": "a,b,c"}), isDamaged},
		{"no spec", changed(t, someRecord(), fields{"spec": nil}), isDamaged},
		{"a spec that cannot be", changed(t, someRecord(), fields{"spec.memberCount": 2}), isDamaged},
		{"an etcd that only a newer program knows", changed(t, someRecord(), fields{"spec.etcdVersion": "3.7.1"}), isNewer},
		{"a major that only a newer program knows", changed(t, someRecord(), fields{"spec.etcdVersion": "4.0.0"}), isNewer},
		{"an etcd that nobody knows any more", changed(t, someRecord(), fields{"spec.etcdVersion": "3.5.12"}), isDamaged},
		{"a field that we do not know, in our format", changed(t, someRecord(), fields{"comment": "by hand"}), fine},
		{"an interval as a number", changed(t, someRecord(), fields{"spec.backupInterval": 900}), isDamaged},
	}
	for _, c := range cases {
		got, err := ParseRecord(c.content)
		if readingOf(err) != c.want || (got == nil) != (err != nil) {
			t.Errorf("%s: %v; want %s", c.reason, err, c.want)
		}
	}
}

func TestParseClaim(t *testing.T) {
	type fields = map[string]any
	cases := []struct {
		reason string
		fields fields
		want   reading
	}{
		{"what is written", nil, fine},
		{"born", fields{"claim.state": "born"}, fine},
		{"a state that we do not know", fields{"claim.state": "failed"}, isDamaged},
		{"no state", fields{"claim.state": nil}, isDamaged},
		{"no attempt", fields{"claim.attempt": ""}, isDamaged},
		{"no members", fields{"claim.members": []any{}}, isDamaged},
		{"no lineage", fields{"claim.identity.lineage": nil}, isDamaged},
		{"no birth id: etcd's token", fields{"claim.identity.birth": nil}, isDamaged},
		{"no generation", fields{"claim.identity.generation": 0}, isDamaged},
		{"no nonce", fields{"nonce": nil}, isDamaged},
		{"no spec", fields{"spec": nil}, isDamaged},
		{"an etcd that only a newer program knows", fields{"spec.etcdVersion": "3.7.0"}, isNewer},
		{"a newer format", fields{"format": 2, "claim": "elsewhere"}, isNewer},
		{"no claim", fields{"claim": nil}, isDamaged},
	}
	for _, c := range cases {
		got, err := ParseClaim(changed(t, someClaim(), c.fields))
		if readingOf(err) != c.want || (got == nil) != (err != nil) {
			t.Errorf("%s: %v; want %s", c.reason, err, c.want)
		}
	}
}

func TestParseForward(t *testing.T) {
	for content, want := range map[string]string{
		`{"format":1,"to":"s3://new/control"}`: "s3://new/control",
		`{"format":2,"to":"s3://new/control"}`: "",
		`{"to":"s3://new/control"}`:            "",
		"":                                     "",
		"null":                                 "",
		"{":                                    "",
	} {
		if got := parseForward([]byte(content)); got != want {
			t.Errorf("%s: %q", content, got)
		}
	}
}

func TestNewNames(t *testing.T) {
	nonce, uuid := regexp.MustCompile(`^[0-9a-f]{32}$`), regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for range 100 {
		n, l := NewNonce(), NewLineage()
		if !nonce.MatchString(n) || !uuid.MatchString(l) || seen[n] || seen[l] {
			t.Fatalf("%s %s", n, l)
		}
		seen[n], seen[l] = true, true
	}
	c := NewClaim(someClaim().Claim.Members, "", 1)
	d := NewClaim(c.Members, c.Identity.Lineage, 2)
	if c.Identity.Birth == d.Identity.Birth || c.Attempt == d.Attempt || d.Identity.Lineage != c.Identity.Lineage || d.Identity.Generation != 2 || d.State != decide.ClaimOpen {
		t.Errorf("%+v then %+v", c, d)
	}
}

func FuzzParseRecord(f *testing.F) {
	whole := encode(someRecord())
	for _, seed := range [][]byte{whole, whole[:50], nil, []byte("null"), []byte("{}"), []byte(`{"format":2}`), []byte(`{"format":1,"identity":{"lineage":"x"}}`)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := ParseRecord(content)
		if err != nil {
			return
		}
		if !r.Identity.Named() || r.Spec.Validate() != nil || r.Serial == 0 || r.Serial+1 == 0 {
			t.Errorf("%q was taken", content)
		}
		again, err := ParseRecord(encode(r))
		if err != nil || string(encode(again)) != string(encode(r)) {
			t.Errorf("%q, written and read again: %v", content, err)
		}
	})
}

func FuzzParseClaim(f *testing.F) {
	whole := encode(someClaim())
	for _, seed := range [][]byte{whole, whole[:50], nil, []byte("null"), []byte(`{"format":2}`), []byte(`{"format":1,"claim":{"state":"open"}}`)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		c, err := ParseClaim(content)
		if err != nil {
			return
		}
		if c.Claim.Attempt == "" || c.Claim.Identity.Birth == "" || len(c.Claim.Members) == 0 {
			t.Errorf("%q was taken", content)
		}
		if _, err := ParseClaim(encode(c)); err != nil {
			t.Errorf("%q, written and read again: %v", content, err)
		}
	})
}
