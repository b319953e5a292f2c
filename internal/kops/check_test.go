package kops_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/kops/statestore"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
	"github.com/seedproof/seedproof/internal/store/open"
	"github.com/seedproof/seedproof/internal/testenv"
)

var update = flag.Bool("update", false, "write the golden files anew")

type (
	bodyOf = io.ReadCloser
	listOf = iter.Seq2[store.Info, error]
)

// renamed bears another URL, for the words that are made of it.
type renamed struct {
	store.Store
	url string
}

func (r renamed) URL() string { return r.url }

// in gives what a story's check opens: its own store, whatever the URL.
func in(s store.Store) func(context.Context, string) (store.Store, error) {
	return func(context.Context, string) (store.Store, error) { return s, nil }
}

func (st story) check(t *testing.T, s store.Store) (kops.Report, kops.Result) {
	t.Helper()
	st.write(t, s)
	seen := s
	if st.deny != "" {
		seen = denied{s, st.deny}
	}
	report, err := kops.Check(t.Context(), kops.Options{
		State: s.URL(), Name: prod, Open: in(seen), Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatalf("%s: %v", st.name, err)
	}
	etcd := st.etcd
	if etcd == "" {
		etcd = "main"
	}
	for _, r := range report.Of(prod) {
		if r.Etcd == etcd {
			return report, r
		}
	}
	t.Fatalf("%s: no result for etcd %s", st.name, etcd)
	return report, kops.Result{}
}

func (st story) judge(t *testing.T, r kops.Result) {
	t.Helper()
	if r.Action != st.action || r.ExitCode != st.exit {
		t.Errorf("%s (%s): %s, exit %d; want %s, %d: %s", st.name, st.reason, r.Action, r.ExitCode, st.action, st.exit, r.Sentence)
	}
	if !strings.Contains(r.Sentence, st.says) {
		t.Errorf("%s: %q does not say %q", st.name, r.Sentence, st.says)
	}
	warned := st.warns == ""
	for _, threat := range r.Threats {
		warned = warned || threat.Kind == st.warns
	}
	if !warned {
		t.Errorf("%s: no threat %s among %+v", st.name, st.warns, r.Threats)
	}
}

const goldenHead = `# What seedproof kops check says of etcd main of prod.example.com, story by story.
# Written by go test ./internal/kops -run TestStories -update. To be read by eye.
`

// TestStories: each state store comes to the right action, sentence and exit
// code, and its words are those that were read and found good.
func TestStories(t *testing.T) {
	var text strings.Builder
	text.WriteString(goldenHead)
	for _, st := range stories() {
		inMemory := mem.New("state")
		inMemory.SetClock(func() time.Time { return now.Add(-4 * time.Minute) })
		s := renamed{inMemory, "s3://state?region=eu-central-1"}
		report, r := st.check(t, s)
		st.judge(t, r)
		if report.ExitCode < r.ExitCode && report.ExitCode != decide.Refused {
			t.Errorf("%s: the report's exit code is %d", st.name, report.ExitCode)
		}
		tell(&text, st, r)
	}
	golden(t, "sentences.golden", text.String())
}

func tell(w io.Writer, st story, r kops.Result) {
	_, _ = fmt.Fprintf(w, "\n== %s (%s)\n%s, %s, exit %d\n%s\n", st.name, st.reason, r.Verdict, r.Action, r.ExitCode, r.Sentence)
	for _, threat := range r.Threats {
		_, _ = fmt.Fprintf(w, "  ! %s: %s\n", threat.Kind, threat.Sentence)
	}
	for i, step := range r.Advice {
		_, _ = fmt.Fprintf(w, "  %d. %s\n", i+1, step.Do)
		if step.Command != "" {
			_, _ = fmt.Fprintf(w, "       %s\n", step.Command)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("it differs from %s; look at the difference after -update. Got:\n%s", path, got)
	}
}

// TestStoriesOnRealStores: the same on files, on a real S3 server and on GCS.
func TestStoriesOnRealStores(t *testing.T) {
	server, google := testenv.S3(t), testenv.GCS(t)
	server.Setenv(t)
	for _, st := range stories() {
		_, want := st.check(t, mem.New("state"))
		for _, url := range []string{
			"file://" + filepath.Join(t.TempDir(), "state"), server.URL(server.Bucket(t), "fleet"), google.URL(google.Bucket(t), "fleet"),
		} {
			s, err := open.Open(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			_, r := st.check(t, s)
			st.judge(t, r)
			if !strings.Contains(r.Sentence, "access denied") && r.Sentence != want.Sentence {
				t.Errorf("%s on %s: %q, in memory %q", st.name, s.URL(), r.Sentence, want.Sentence)
			}
			if r.Verdict != want.Verdict || kinds(r) != kinds(want) {
				t.Errorf("%s on %s: %s %s, in memory %s %s", st.name, s.URL(), r.Verdict, kinds(r), want.Verdict, kinds(want))
			}
			_ = s.Close()
		}
	}
}

// TestNothingToReportOn: what is said of an empty or wrong place, or a
// mistyped name. None of it may be read as "new".
func TestNothingToReportOn(t *testing.T) {
	var text strings.Builder
	text.WriteString("# What seedproof kops check says where there is nothing to report on.\n")
	full := mem.New("state")
	healthy(3).Write(t, full)
	wrong := mem.New("state")
	kopstest.Put(t, wrong, "2026/11/access.log", "x")
	deep := mem.New("state")
	kopstest.Put(t, deep, "config", "x")
	shallow := mem.New("state")
	kopstest.Put(t, shallow, "fleet/"+prod+"/config", "x")
	missing := mem.New("state")
	missing.SetGone(true)
	for _, c := range []struct {
		reason, url, name string
		store             store.Store
	}{
		{"an empty bucket", "s3://state", "", mem.New("state")},
		{"an empty bucket, by name", "s3://state", prod, mem.New("state")},
		{"no such bucket", "s3://state", "", missing},
		{"a bucket of something else", "s3://state", "", wrong},
		{"a path too deep", "s3://state/" + prod, "", deep},
		{"a path not deep enough", "s3://state", "", shallow},
		{"a mistyped name", "s3://state", "prod.exampel.com", full},
		{"the name of a cluster that was deleted", "s3://state", "staging.k8s.local", full},
		{"a listing that is refused", "s3://state", "", denied{full, "list"}},
	} {
		report, err := kops.Check(t.Context(), kops.Options{State: c.url, Name: c.name, Open: in(renamed{c.store, c.url})})
		var nothing *statestore.PlaceError
		if !errors.As(err, &nothing) || len(report.Clusters) != 0 {
			t.Errorf("%s: %+v, %v", c.reason, report, err)
			continue
		}
		_, _ = fmt.Fprintf(&text, "\n== %s\n%s\n  %s\n", c.reason, err, nothing.Next)
	}
	golden(t, "nothing.golden", text.String())
}

// TestTheReportIsStable: two checks of one state store give the same JSON.
func TestTheReportIsStable(t *testing.T) {
	s := mem.New("state")
	for i := range 8 {
		c := kopstest.Healthy(fmt.Sprintf("c%d.example.com", i), 1+2*(i%2), now)
		if i%3 == 0 {
			c.BackupStores = map[string]string{"main": "mem://state/shared", "events": "mem://state/shared"}
		}
		c.Write(t, s)
	}
	var texts []string
	for range 2 {
		report, err := kops.Check(t.Context(), kops.Options{State: "mem://state", Open: in(s), Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text)+report.Digest("c1.example.com"))
		if report.Digest("c1.example.com") == report.Digest("c2.example.com") || report.Digest("nobody") != "" {
			t.Error("digests of clusters do not tell them apart")
		}
	}
	if texts[0] != texts[1] {
		t.Errorf("%s\n%s", texts[0], texts[1])
	}
}

func kinds(r kops.Result) string {
	var list []string
	for _, threat := range r.Threats {
		list = append(list, threat.Kind)
	}
	return fmt.Sprint(list)
}
