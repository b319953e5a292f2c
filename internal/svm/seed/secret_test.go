package seed_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func secretData(o map[string]any) map[string]any { return o["data"].(map[string]any) }

func annotations(o map[string]any) map[string]any {
	m := o["metadata"].(map[string]any)
	if m["annotations"] == nil {
		m["annotations"] = map[string]any{}
	}
	return m["annotations"].(map[string]any)
}

// foreignSecret is one that others made.
func (p place) foreignSecret(t *testing.T, name string, data map[string]string) {
	t.Helper()
	p.behind(t, http.StatusCreated, http.MethodPost, "/api/v1/namespaces/"+p.namespace+"/secrets", map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": "example.test/theirs", "stringData": data,
		"metadata": map[string]any{"name": name, "labels": map[string]any{"app.kubernetes.io/managed-by": "them"}, "annotations": map[string]any{"theirs": "x"}},
	})
}

func (p place) ref(name string) seed.SecretRef {
	return seed.SecretRef{Namespace: p.namespace, Name: name}
}

func TestTheLifeOfASecret(t *testing.T) {
	p := newPlace(t)
	s, ctx, ref := p.store(t), t.Context(), p.ref("p1")
	c := s.Secret(ctx, ref)
	wantFinding(t, "before", c.Finding, proof.Absent, c.Why)
	tried := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	c.Pending, c.Labels = pair("u1", "first-pass", 3), map[string]string{"seedproof.dev/shoot": "one"}
	c.Pending.Set = decide.NotSent
	c.Rations = map[string]decide.Ration{"u1": {Tries: 1, LastTry: tried}}
	c, err := s.WriteSecret(ctx, c)
	if err != nil || c.Active.State() != decide.NoPair || c.Pending.State() != decide.Complete || c.Pending.Set != decide.NotSent {
		t.Fatalf("pending: %+v, %v", c, err)
	}
	c.Active, c.Pending = c.Pending, seed.Pair{}
	c.Active.Login.VerifiedAt, c.ActivatedAt, c.Previous = tried, tried, "u2"
	if c, err = s.WriteSecret(ctx, c); err != nil {
		t.Fatal(err)
	}
	got := p.store(t).Secret(ctx, ref)
	if got.Active.State() != decide.Complete || got.Pending.State() != decide.NoPair || got.Active.Password.Reveal() != "first-pass" ||
		got.Active.Generation != 3 || !got.Active.Login.VerifiedAt.Equal(tried) || got.Previous != "u2" || got.Rations["u1"].Tries != 1 || got.Damaged {
		t.Errorf("active: %+v", got)
	}
	stored := p.behind(t, http.StatusOK, http.MethodGet, p.secretPath("p1"), nil)
	labels := stored["metadata"].(map[string]any)["labels"].(map[string]any)
	if stored["type"] != "Opaque" || labels[seed.LabelManagedBy] != seed.ManagedBy || labels[seed.LabelKind] != seed.KindCredentials || labels["seedproof.dev/shoot"] != "one" {
		t.Errorf("type %v, labels %v", stored["type"], labels)
	}
	if d := secretData(stored); d["username"] != b64("u1") || d["password"] != b64("first-pass") || d["pending-username"] != nil || d["pending-password"] != nil {
		t.Errorf("the keys are %v", d)
	}
	if said := fmt.Sprint(annotations(stored), labels); strings.Contains(said, "first-pass") || strings.Contains(said, b64("first-pass")) {
		t.Error("a password stands beside the data")
	}
	if err := s.RemoveSecret(ctx, got); err != nil {
		t.Fatal(err)
	}
	gone := s.Secret(ctx, ref)
	wantFinding(t, "removed", gone.Finding, proof.Absent, gone.Why)
}

func TestASecretOfOthers(t *testing.T) {
	p := newPlace(t)
	s, ctx := p.store(t), t.Context()
	p.foreignSecret(t, "p1", map[string]string{"username": "theirs", "password": "their-pass", "more": "x"})
	c := s.Secret(ctx, p.ref("p1"))
	if c.Finding != proof.Present || c.Active.State() != decide.Complete || c.Active.Generation != 0 || c.Active.SVM != "" || c.Active.Set != decide.SetUnknown || c.Active.Login != (decide.Login{}) || c.Damaged {
		t.Fatalf("read: %+v", c)
	}
	c.Pending = pair("u1", "first-pass", 1)
	if _, err := s.WriteSecret(ctx, c); err != nil {
		t.Fatal(err)
	}
	stored := p.behind(t, http.StatusOK, http.MethodGet, p.secretPath("p1"), nil)
	d := secretData(stored)
	if d["username"] != b64("theirs") || d["password"] != b64("their-pass") || d["more"] != b64("x") || d["pending-password"] != b64("first-pass") ||
		stored["type"] != "example.test/theirs" || annotations(stored)["theirs"] != "x" || stored["metadata"].(map[string]any)["labels"].(map[string]any)[seed.LabelManagedBy] != "them" {
		t.Errorf("after our write: %v", stored["metadata"])
	}
	if err := s.RemoveSecret(ctx, s.Secret(ctx, p.ref("p1"))); err != nil {
		t.Fatal(err)
	}
	d = secretData(p.behind(t, http.StatusOK, http.MethodGet, p.secretPath("p1"), nil))
	if len(d) != 3 || d["password"] != b64("their-pass") {
		t.Errorf("after we left, %d keys stand there", len(d))
	}
}

// Our pair in a Secret of others goes with us; their keys stay.
func TestOurPairInASecretOfOthers(t *testing.T) {
	p := newPlace(t)
	s, ctx := p.store(t), t.Context()
	p.foreignSecret(t, "p1", map[string]string{"more": "x"})
	c := s.Secret(ctx, p.ref("p1"))
	c.Active = pair("u1", "first-pass", 1)
	c, err := s.WriteSecret(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveSecret(ctx, c); err != nil {
		t.Fatal(err)
	}
	if d := secretData(p.behind(t, http.StatusOK, http.MethodGet, p.secretPath("p1"), nil)); len(d) != 1 || d["more"] != b64("x") {
		t.Errorf("%d keys stand there", len(d))
	}
}

func TestWhatOthersDidToASecret(t *testing.T) {
	tests := []struct {
		reason  string
		change  func(map[string]any)
		finding proof.Finding
		damaged bool
		active  uint64 // generation
		pending uint64
		tries   int
	}{
		{"nothing", func(map[string]any) {}, proof.Present, false, 1, 2, 3},
		{"another password: what was noted is not of it", func(o map[string]any) { secretData(o)["password"] = b64("other-pass") }, proof.Present, false, 0, 2, 3},
		{"another user", func(o map[string]any) { secretData(o)["username"] = b64("other") }, proof.Present, false, 0, 2, 3},
		{"another pending password", func(o map[string]any) { secretData(o)["pending-password"] = b64("other-pass") }, proof.Present, false, 1, 0, 3},
		{"the pairs changed places", func(o map[string]any) {
			d := secretData(o)
			for _, k := range []string{"username", "password"} {
				d[k], d["pending-"+k] = d["pending-"+k], d[k]
			}
		}, proof.Present, false, 0, 0, 3},
		{"the seal is gone", func(o map[string]any) { delete(secretData(o), "seedproof-seal") }, proof.Present, false, 0, 0, 3},
		{"the annotation is damaged", func(o map[string]any) { annotations(o)[seed.AnnotationCredentials] = "{" }, proof.Present, true, 0, 0, 0},
		{"the annotation is gone", func(o map[string]any) { delete(annotations(o), seed.AnnotationCredentials) }, proof.Present, true, 0, 0, 0},
		{"a newer program's", func(o map[string]any) { annotations(o)[seed.AnnotationCredentials] = `{"version":2}` }, proof.Unknown, false, 0, 0, 0},
		{"a key of theirs", func(o map[string]any) { secretData(o)["more"] = b64("x") }, proof.Present, false, 1, 2, 3},
	}
	p := newPlace(t)
	s, ctx := p.store(t), t.Context()
	for i, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			name := fmt.Sprint("p", i)
			c := s.Secret(ctx, p.ref(name))
			c.Active, c.Pending, c.Rations = pair("u1", "first-pass", 1), pair("u2", "second-pass", 2), map[string]decide.Ration{"u1": {Tries: 3}}
			if _, err := s.WriteSecret(ctx, c); err != nil {
				t.Fatal(err)
			}
			p.edit(t, p.secretPath(name), tt.change)
			got := s.Secret(ctx, p.ref(name))
			if got.Finding != tt.finding || got.Damaged != tt.damaged || got.Active.Generation != tt.active || got.Pending.Generation != tt.pending || got.Rations["u1"].Tries != tt.tries {
				t.Errorf("read: %s, damaged %v (%s), generations %d and %d, rations %v", got.Finding, got.Damaged, got.Why, got.Active.Generation, got.Pending.Generation, got.Rations)
			}
			if tt.finding == proof.Present && (got.Active.State() != decide.Complete || got.Pending.State() != decide.Complete) {
				t.Error("a pair cannot be read any more")
			}
			if tt.active == 0 && (got.Active.SVM != "" || got.Active.Set != decide.SetUnknown) {
				t.Errorf("something is said of a pair that is not ours: %+v", got.Active)
			}
			again, err := s.WriteSecret(ctx, got)
			if (err == nil) != (tt.finding == proof.Present) || again.Damaged {
				t.Errorf("written again: %v", err)
			}
		})
	}
}

func TestWhatASecretIsNeverWrittenAs(t *testing.T) {
	p := newPlace(t)
	s, ctx := p.store(t), t.Context()
	c := s.Secret(ctx, p.ref("p1"))
	c.Active = pair("u1", "first-pass", 1)
	c, err := s.WriteSecret(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	for reason, change := range map[string]func(*seed.Secret){
		"the active pair taken away": func(c *seed.Secret) { c.Active = seed.Pair{} },
		"half an active pair":        func(c *seed.Secret) { c.Active = seed.Pair{User: "u1"} },
		"half a pending pair":        func(c *seed.Secret) { c.Pending = seed.Pair{User: "u2"} },
		"under another name":         func(c *seed.Secret) { c.Ref.Name = "p2" },
		"no name at all":             func(c *seed.Secret) { c.Ref.Name = "../p" },
		"an account without a name":  func(c *seed.Secret) { c.Rations = map[string]decide.Ration{"": {}} },
	} {
		bad := c
		change(&bad)
		if _, err := s.WriteSecret(ctx, bad); flow.ClassOf(err) != flow.Permanent || strings.Contains(err.Error(), "first-pass") {
			t.Errorf("%s: %v", reason, err)
		}
	}
	// What another left half stays as it is while the rest is written.
	p.edit(t, p.secretPath("p1"), func(o map[string]any) { delete(secretData(o), "password") })
	half := s.Secret(ctx, p.ref("p1"))
	half.Pending = pair("u2", "second-pass", 2)
	if half, err = s.WriteSecret(ctx, half); err != nil || half.Active.State() != decide.Incomplete {
		t.Errorf("half: %+v, %v", half.Active.State(), err)
	}
	half.Active, half.Pending = half.Pending, seed.Pair{}
	if half, err = s.WriteSecret(ctx, half); err != nil || half.Active.User != "u2" {
		t.Errorf("repaired: %v", err)
	}
	p.edit(t, p.secretPath("p1"), func(o map[string]any) { o["immutable"] = true })
	fixed := s.Secret(ctx, p.ref("p1"))
	if _, err := s.WriteSecret(ctx, fixed); !seed.HasReason(err, seed.ReasonImmutable) || flow.ClassOf(err) != flow.NeedsPerson {
		t.Errorf("immutable: %v", err)
	}
}

func TestInUse(t *testing.T) {
	p := newPlace(t)
	s, ctx := p.store(t), t.Context()
	c := s.Secret(ctx, p.ref("p1"))
	c.Active = pair("u1", "first-pass", 4)
	if _, err := s.WriteSecret(ctx, c); err != nil {
		t.Fatal(err)
	}
	for said, want := range map[string]uint64{"4": 4, "many": 0, "-1": 0, "": 0} {
		p.edit(t, p.secretPath("p1"), func(o map[string]any) { annotations(o)[seed.AnnotationInUse] = said })
		if got := s.Secret(ctx, p.ref("p1")); got.InUseGeneration != want {
			t.Errorf("%q was read as %d", said, got.InUseGeneration)
		}
	}
	p.edit(t, p.secretPath("p1"), func(o map[string]any) { annotations(o)[seed.AnnotationInUse] = "4" })
	kept, err := s.WriteSecret(ctx, s.Secret(ctx, p.ref("p1")))
	if err != nil || kept.InUseGeneration != 4 {
		t.Errorf("after a write: %d, %v", kept.InUseGeneration, err)
	}
}

// No password leaves the package but as data of the Secret.
func TestNoPasswordIsTold(t *testing.T) {
	p := newPlace(t)
	var log strings.Builder
	s := p.store(t, func(o *seed.Options) {
		o.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	ctx := t.Context()
	c := s.Secret(ctx, p.ref("p1"))
	c.Active = pair("u1", "first-pass", 1)
	written, err := s.WriteSecret(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	_, refused := s.WriteSecret(ctx, c)
	encoded, err := json.Marshal(written)
	if err != nil {
		t.Fatal(err)
	}
	for where, said := range map[string]string{
		"log": log.String(), "error": fmt.Sprint(refused), "printed": fmt.Sprintf("%v %+v", written.Active, written.Pending), "encoded": string(encoded),
	} {
		if said == "" || strings.Contains(said, "first-pass") || strings.Contains(said, b64("first-pass")) {
			t.Errorf("%s: %s", where, said)
		}
	}
}
