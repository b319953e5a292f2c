package seed_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/testenv"
)

func TestTheLifeOfARecord(t *testing.T) {
	p := newPlace(t)
	s, ctx := p.store(t), t.Context()
	r := s.Record(ctx, "P_1")
	wantFinding(t, "before it is written", r.Finding, proof.Absent, r.Why)
	if err := s.RemoveRecord(ctx, r); err != nil {
		t.Errorf("to remove what is not there: %v", err)
	}
	r, err := s.WriteRecord(ctx, born(r))
	if err != nil || r.Serial != 1 || r.Finding != proof.Present || r.Ref().UID == "" {
		t.Fatalf("created: %+v, %v", r, err)
	}
	r.Shoots = []string{"one"}
	r.Made = []seed.Made{{Kind: "interface", Name: "datalif0", Address: "10.0.0.1", Asked: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)}}
	old := r
	if r, err = s.WriteRecord(ctx, r); err != nil || r.Serial != 2 {
		t.Fatalf("updated: %+v, %v", r, err)
	}
	got := p.store(t).Record(ctx, "P_1")
	if got.Serial != 2 || got.Lineage != "garden/project" || !slices.Equal(got.UUIDs, r.UUIDs) || !slices.Equal(got.Made, r.Made) || !slices.Equal(got.Shoots, r.Shoots) {
		t.Errorf("read back: %+v", got)
	}
	if _, err := s.WriteRecord(ctx, old); flow.OutcomeOf(err) != flow.Refused || flow.ClassOf(err) != flow.Transient {
		t.Errorf("written over what was not read: %v", err)
	}
	if err := s.RemoveRecord(ctx, old); flow.OutcomeOf(err) != flow.Refused {
		t.Errorf("removed what was not read: %v", err)
	}
	if err := s.RemoveRecord(ctx, got); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveRecord(ctx, got); err != nil {
		t.Errorf("removed twice: %v", err)
	}
	if _, err := s.WriteRecord(ctx, got); flow.OutcomeOf(err) != flow.Refused {
		t.Errorf("an update made a record: %v", err)
	}
	gone := s.Record(ctx, "P_1")
	wantFinding(t, "after it was removed", gone.Finding, proof.Absent, gone.Why)
}

func TestNothingIsWrittenOverWhatIsNotKnown(t *testing.T) {
	p := newPlace(t)
	ctx, h := t.Context(), &heard{}
	s := p.store(t, func(o *seed.Options) { o.Observer = h })
	kept, err := s.WriteRecord(ctx, born(s.Record(ctx, "p1")))
	if err != nil {
		t.Fatal(err)
	}
	before := h.writes()
	empty, short := kept, kept
	empty.UUIDs, short.Lineage = nil, ""
	renamed := kept
	renamed.Name = "p2"
	for reason, r := range map[string]seed.Record{
		"never read":              born(seed.Record{Name: "p1"}),
		"read as another's":       renamed,
		"it names no SVM":         empty,
		"it names no owner":       short,
		"a namespace not there":   born(p.store(t, func(o *seed.Options) { o.Namespace = "nowhere" }).Record(ctx, "p1")),
		"the answer did not come": born(p.store(t, func(o *seed.Options) { o.Config.Host = "https://127.0.0.1:1" }).Record(ctx, "p1")),
	} {
		if _, err := s.WriteRecord(ctx, r); flow.OutcomeOf(err) != flow.Refused {
			t.Errorf("%s: %v", reason, err)
		}
	}
	if n := h.writes() - before; n != 0 {
		t.Errorf("%d writes were sent", n)
	}
}

func TestAbsenceNeedsAuthority(t *testing.T) {
	p := newPlace(t)
	ctx := t.Context()
	if _, err := p.store(t).WriteRecord(ctx, born(p.store(t).Record(ctx, "p1"))); err != nil {
		t.Fatal(err)
	}
	dying := place{p.KubeServer, p.Namespace(t)}
	p.behind(t, http.StatusCreated, http.MethodPost, "/api/v1/namespaces/"+dying.namespace+"/configmaps",
		map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "keeps-it"}})
	p.behind(t, http.StatusOK, http.MethodDelete, "/api/v1/namespaces/"+dying.namespace, nil)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	plain := p.config()
	plain.BearerToken = p.Token(t, testenv.KubePlain)
	stranger := p.config()
	stranger.BearerToken = "nobody"
	elsewhere := p.config()
	elsewhere.Host += "/elsewhere"
	tests := []struct {
		reason string
		ctx    context.Context
		s      *seed.Store
		want   proof.Finding
	}{
		{"the right place", ctx, p.store(t), proof.Absent},
		{"the namespace is not there", ctx, place{p.KubeServer, "nowhere"}.store(t), proof.Unknown},
		{"the namespace is being deleted", ctx, dying.store(t), proof.Unknown},
		{"no right to read it", ctx, p.store(t, func(o *seed.Options) { o.Config = plain }), proof.Unknown},
		{"not logged in", ctx, p.store(t, func(o *seed.Options) { o.Config = stranger }), proof.Unknown},
		{"a path that is not there", ctx, p.store(t, func(o *seed.Options) { o.Config = elsewhere }), proof.Unknown},
		{"nobody answers", ctx, p.store(t, func(o *seed.Options) { o.Config.Host = "https://127.0.0.1:1" }), proof.Unknown},
		{"nobody waits for it", cancelled, p.store(t), proof.Unknown},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			r, c := tt.s.Record(tt.ctx, "p2"), tt.s.Claim(tt.ctx, "p2")
			wantFinding(t, "the record", r.Finding, tt.want, r.Why)
			wantFinding(t, "the claim", c.Finding, tt.want, c.Why)
			pin := tt.s.Pin(tt.ctx, "array-a")
			wantFinding(t, "the pin", pin.Finding, tt.want, "")
			secret := tt.s.Secret(tt.ctx, seed.SecretRef{Namespace: tt.s.Namespace(), Name: "p2"})
			wantFinding(t, "the Secret", secret.Finding, tt.want, secret.Why)
			if _, err := tt.s.Words(tt.ctx, "p2"); (err == nil) != (tt.want == proof.Absent) {
				t.Errorf("the words: %v", err)
			}
		})
	}
}

// What others did to the object of a record.
func TestARecordThatOthersTouched(t *testing.T) {
	p := newPlace(t)
	ctx := t.Context()
	data := func(o map[string]any) map[string]any { return o["data"].(map[string]any) }
	tests := []struct {
		reason   string
		change   func(map[string]any)
		want     proof.Finding
		writable bool
	}{
		{"labels of others", func(o map[string]any) { o["metadata"].(map[string]any)["labels"] = map[string]any{"theirs": "x"} }, proof.Present, true},
		{"a key of others", func(o map[string]any) { data(o)["theirs"] = "x" }, proof.Present, true},
		{"damaged", func(o map[string]any) { data(o)["document"] = "{" }, proof.Unusable, true},
		{"emptied", func(o map[string]any) { delete(o, "data") }, proof.Unusable, true},
		{"a newer program's", func(o map[string]any) { data(o)["document"] = `{"version":2}` }, proof.Unknown, false},
		{"another SVM's", func(o map[string]any) {
			data(o)["document"] = strings.Replace(data(o)["document"].(string), `"name": "p`, `"name": "q`, 1)
		}, proof.Unknown, false},
	}
	for i, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			s, name := p.store(t), "p"+string(rune('0'+i))
			if _, err := s.WriteRecord(ctx, born(s.Record(ctx, name))); err != nil {
				t.Fatal(err)
			}
			path := p.configMap(seed.ObjectName(seed.KindRecord, name))
			p.edit(t, path, tt.change)
			r := s.Record(ctx, name)
			wantFinding(t, "read", r.Finding, tt.want, r.Why)
			_, err := s.WriteRecord(ctx, born(r))
			if (err == nil) != tt.writable {
				t.Fatalf("written: %v", err)
			}
			after := p.behind(t, http.StatusOK, http.MethodGet, path, nil)
			if i == 0 && after["metadata"].(map[string]any)["labels"].(map[string]any)["theirs"] != "x" || i == 1 && data(after)["theirs"] != "x" {
				t.Errorf("what others wrote was taken away: %v", after)
			}
		})
	}
}

func TestTheLifeOfAClaim(t *testing.T) {
	p := newPlace(t)
	s, ctx := p.store(t), t.Context()
	c := opened(s.Claim(ctx, "p1"))
	c, err := s.WriteClaim(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	c.Asked, c.AskedAt = true, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if c, err = s.WriteClaim(ctx, c); err != nil {
		t.Fatal(err)
	}
	got := p.store(t).Claim(ctx, "p1")
	if !got.Asked || !got.AskedAt.Equal(c.AskedAt) || got.State != decide.ClaimOpen || got.Attempt != 1 {
		t.Errorf("read back: %+v", got)
	}
	if _, err := s.WriteClaim(ctx, opened(seed.Claim{Name: "p1"})); err == nil {
		t.Error("a claim that was not read was written")
	}
	got.State = ""
	if _, err := s.WriteClaim(ctx, got); flow.ClassOf(err) != flow.Permanent {
		t.Errorf("a claim without a state: %v", err)
	}
	if err := s.RemoveClaim(ctx, c); err != nil {
		t.Fatal(err)
	}
	gone := s.Claim(ctx, "p1")
	wantFinding(t, "after it was removed", gone.Finding, proof.Absent, gone.Why)
}

func TestAPinIsNeverOverwritten(t *testing.T) {
	p := newPlace(t)
	s, ctx := p.store(t), t.Context()
	for range 2 {
		if err := s.WritePin(ctx, "array-a", "cluster-a"); err != nil {
			t.Fatal(err)
		}
	}
	err := s.WritePin(ctx, "array-a", "cluster-b")
	if flow.ClassOf(err) != flow.NeedsPerson || !seed.HasReason(err, seed.ReasonPinned) || flow.AdviceOf(err) == "" {
		t.Errorf("pinned anew: %v", err)
	}
	if pin := s.Pin(ctx, "array-a"); pin != (decide.Pin{Finding: proof.Present, UUID: "cluster-a"}) {
		t.Errorf("got %+v", pin)
	}
	if err := s.WritePin(ctx, "array-b", ""); flow.OutcomeOf(err) != flow.Refused {
		t.Errorf("a pin without a cluster: %v", err)
	}
	p.edit(t, p.configMap(seed.ObjectName(seed.KindPin, "array-a")), func(o map[string]any) { delete(o, "data") })
	if pin := s.Pin(ctx, "array-a"); pin.Finding != proof.Unusable {
		t.Errorf("an emptied pin: %+v", pin)
	}
	if err := s.WritePin(ctx, "array-a", "cluster-a"); err == nil {
		t.Error("a damaged pin was written over")
	}
}

func TestWords(t *testing.T) {
	p := newPlace(t)
	s, ctx := p.store(t), t.Context()
	w, err := s.Words(ctx, "p1")
	if err != nil {
		t.Fatal(err)
	}
	w.Attestations = []proof.Attestation{{Witness: "array/a", Finding: proof.Unknown, Generation: 2, By: "ada", At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Reason: "burnt"}}
	w.Approval = &proof.Approval{Nonce: "n", Subject: "p1", Digest: "d", By: "ada"}
	w.FailClaim, w.TakeOver = "f", "u"
	if _, err = s.WriteWords(ctx, w); err != nil {
		t.Fatal(err)
	}
	got, err := p.store(t).Words(ctx, "p1")
	if err != nil || !slices.Equal(got.Attestations, w.Attestations) || *got.Approval != *w.Approval || got.FailClaim != "f" || got.TakeOver != "u" {
		t.Fatalf("read back: %+v, %v", got, err)
	}
	p.edit(t, p.configMap(seed.ObjectName(seed.KindWords, "p1")), func(o map[string]any) { delete(o, "data") })
	got, err = s.Words(ctx, "p1")
	if !seed.HasReason(err, seed.ReasonDamaged) || len(got.Attestations) != 0 || got.Approval != nil {
		t.Errorf("damaged words: %+v, %v", got, err)
	}
	if _, err := s.WriteWords(ctx, got); err != nil {
		t.Errorf("damaged words cannot be written over: %v", err)
	}
}

// An object that finalizers hold is not gone.
func TestARemovalThatIsHeld(t *testing.T) {
	p := newPlace(t)
	s, ctx := p.store(t), t.Context()
	if _, err := s.WriteRecord(ctx, born(s.Record(ctx, "p1"))); err != nil {
		t.Fatal(err)
	}
	path := p.configMap(seed.ObjectName(seed.KindRecord, "p1"))
	p.edit(t, path, func(o map[string]any) {
		o["metadata"].(map[string]any)["finalizers"] = []string{"example.test/hold"}
	})
	err := s.RemoveRecord(ctx, s.Record(ctx, "p1"))
	if !seed.HasReason(err, seed.ReasonStays) || flow.OutcomeOf(err) != flow.Unknown {
		t.Errorf("got %v", err)
	}
	r := s.Record(ctx, "p1")
	wantFinding(t, "held", r.Finding, proof.Present, r.Why)
	p.edit(t, path, func(o map[string]any) { delete(o["metadata"].(map[string]any), "finalizers") })
	if err := s.RemoveRecord(ctx, r); err != nil {
		t.Errorf("let go: %v", err)
	}
}

func TestAnObjectTooLargeIsUnknown(t *testing.T) {
	p := newPlace(t)
	s, ctx := p.store(t), t.Context()
	if _, err := s.WriteRecord(ctx, born(s.Record(ctx, "p1"))); err != nil {
		t.Fatal(err)
	}
	p.edit(t, p.configMap(seed.ObjectName(seed.KindRecord, "p1")), func(o map[string]any) {
		o["data"].(map[string]any)["theirs"] = strings.Repeat("x", 600<<10)
	})
	r := s.Record(ctx, "p1")
	wantFinding(t, "too large", r.Finding, proof.Unknown, r.Why)
	big := born(s.Record(ctx, "p2"))
	big.Note = strings.Repeat("x", 600<<10)
	if _, err := s.WriteRecord(ctx, big); flow.ClassOf(err) != flow.Permanent {
		t.Errorf("a record that could not be read again: %v", err)
	}
}

func TestOptions(t *testing.T) {
	good := seed.Options{Config: &rest.Config{Host: "https://127.0.0.1:1"}, Namespace: "garden"}
	for reason, change := range map[string]func(*seed.Options){
		"no configuration":       func(o *seed.Options) { o.Config = nil },
		"no namespace":           func(o *seed.Options) { o.Namespace = "" },
		"a path for a namespace": func(o *seed.Options) { o.Namespace = "a/../b" },
		"no address":             func(o *seed.Options) { o.Config = &rest.Config{Host: "https://%zz"} },
		"a CA that is none": func(o *seed.Options) {
			o.Config = &rest.Config{TLSClientConfig: rest.TLSClientConfig{CAData: []byte("x")}}
		},
	} {
		o := good
		change(&o)
		if _, err := seed.New(o); err == nil {
			t.Errorf("%s: taken", reason)
		}
	}
	if _, err := seed.New(good); err != nil {
		t.Error(err)
	}
}
