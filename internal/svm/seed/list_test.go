package seed_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

func TestListing(t *testing.T) {
	p := newPlace(t)
	s, ctx := p.store(t), t.Context()
	for _, name := range []string{"p1", "P_2", "p3"} {
		if _, err := s.WriteRecord(ctx, born(s.Record(ctx, name))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.WriteClaim(ctx, opened(s.Claim(ctx, "p1"))); err != nil {
		t.Fatal(err)
	}
	if err := s.WritePin(ctx, "array-a", "cluster-a"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"p1", "p3"} {
		if _, err := s.WriteWords(ctx, seed.Words{Name: name, FailClaim: "nonce of " + name}); err == nil {
			t.Fatal("words were written that nobody had read")
		}
		words, err := s.Words(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		words.FailClaim = "nonce of " + name
		if _, err := s.WriteWords(ctx, words); err != nil {
			t.Fatal(err)
		}
	}
	p.edit(t, p.configMap(seed.ObjectName(seed.KindWords, "p3")), func(o map[string]any) { delete(o, "data") })
	p.edit(t, p.configMap(seed.ObjectName(seed.KindRecord, "p3")), func(o map[string]any) { delete(o, "data") })
	copied := p.behind(t, http.StatusOK, http.MethodGet, p.configMap(seed.ObjectName(seed.KindRecord, "p1")), nil)
	copied["metadata"] = map[string]any{"name": "svm-record-copy", "labels": copied["metadata"].(map[string]any)["labels"]}
	p.behind(t, http.StatusCreated, http.MethodPost, "/api/v1/namespaces/"+p.namespace+"/configmaps", copied)

	l, err := s.List(ctx)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]proof.Finding{}
	for _, r := range l.Records {
		got[r.Name] = r.Finding
	}
	want := map[string]proof.Finding{"p1": proof.Present, "P_2": proof.Present, "p3": proof.Unusable, "": proof.Unknown}
	if fmt.Sprint(got) != fmt.Sprint(want) || len(l.Records) != 4 || len(l.Claims) != 1 || l.Claims[0].Name != "p1" {
		t.Errorf("records %v, claims %v", got, l.Claims)
	}
	if len(l.Words) != 1 || l.Words[0].Name != "p1" || l.Words[0].FailClaim != "nonce of p1" {
		t.Errorf("words %+v: those of p3 are damaged", l.Words)
	}
	// What was listed can be written on.
	i := slices.IndexFunc(l.Records, func(r seed.Record) bool { return r.Name == "p1" })
	if r, err := s.WriteRecord(ctx, l.Records[i]); err != nil || r.Serial != 2 {
		t.Errorf("written on: %v", err)
	}
}

func TestPages(t *testing.T) {
	const many = 620
	p := newPlace(t)
	s, ctx := p.store(t), t.Context()
	errs := make(chan error, many)
	hands := make(chan struct{}, 16)
	for n := range many {
		go func() {
			hands <- struct{}{}
			defer func() { <-hands }()
			c := s.Secret(ctx, p.ref(fmt.Sprint("p", n)))
			c.Active = pair("u", "a-pass", uint64(n+1))
			_, err := s.WriteSecret(ctx, c)
			errs <- err
		}()
	}
	for range many {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	p.foreignSecret(t, "theirs", map[string]string{"username": "u", "password": "p"})
	h := &heard{}
	all, err := p.store(t, func(o *seed.Options) { o.Observer = h }).Secrets(ctx, p.namespace)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[uint64]bool{}
	for _, c := range all {
		if c.Active.State() != decide.Complete || c.Ref.Namespace != p.namespace {
			t.Fatalf("got %+v", c)
		}
		seen[c.Active.Generation] = true
	}
	if len(all) != many || len(seen) != many || len(h.calls) != 2 {
		t.Errorf("%d Secrets, %d different, in %d calls", len(all), len(seen), len(h.calls))
	}
	if _, err := s.Secrets(ctx, "a/b"); err == nil {
		t.Error("a path was taken for a namespace")
	}
	if all, err := s.Secrets(ctx, "nowhere"); len(all) != 0 || err != nil {
		t.Errorf("a namespace that is not there: %v, %v", all, err)
	}
}
