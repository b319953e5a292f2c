package decide

import (
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/proof"
)

// TestDangerTable is the table of the facts (2.2), row by row, on a cluster
// that has lived: what etcd-manager does now, and what an update would do.
func TestDangerTable(t *testing.T) {
	for _, c := range []struct {
		reason             string
		marker, spec       managerfiles.File
		running, restarted managerfiles.Action
		want               Action
		exit               int
	}{
		{"all in place", managerfiles.Usable, managerfiles.Usable, managerfiles.Works, managerfiles.StopsBackups, None, 0},
		{"no spec: from memory, or silently nothing; the update writes it again", managerfiles.Usable, managerfiles.Missing, managerfiles.WorksFromMemory, managerfiles.StopsBackups, ChangeSpec, 0},
		{"no marker: within 10 s, without any update", managerfiles.Missing, managerfiles.Usable, managerfiles.Seeds, managerfiles.Seeds, SeedImminent, 3},
		{"both gone: silence, until the update writes the spec", managerfiles.Missing, managerfiles.Missing, managerfiles.StopsBackups, managerfiles.StopsBackups, SeedOverExisting, 3},
		{"no marker, a spec that cannot be parsed: until the update mends it", managerfiles.Missing, managerfiles.Unusable, managerfiles.Aborts, managerfiles.Aborts, SeedOverExisting, 3},
		{"no marker, a spec that cannot be read", managerfiles.Missing, managerfiles.Unreadable, managerfiles.Aborts, managerfiles.Aborts, SeedOverExisting, 3},
		{"the marker cannot be read", managerfiles.Unreadable, managerfiles.Usable, managerfiles.Aborts, managerfiles.Aborts, Unproven, 4},
		{"an empty marker", managerfiles.Unusable, managerfiles.Usable, managerfiles.Aborts, managerfiles.Aborts, None, 3},
		{"a spec that cannot be parsed", managerfiles.Usable, managerfiles.Unusable, managerfiles.WorksFromMemory, managerfiles.Aborts, ChangeSpec, 0},
		{"a spec that cannot be read", managerfiles.Usable, managerfiles.Unreadable, managerfiles.WorksFromMemory, managerfiles.Aborts, Unproven, 4},
	} {
		e := healthy()
		e.Marker.File, e.Spec.File = c.marker, c.spec
		d := Decide(e)
		if d.Outlook.Running.Action != c.running || d.Outlook.Restarted.Action != c.restarted {
			t.Errorf("%s: etcd-manager %s or %s, want %s or %s", c.reason, d.Outlook.Running.Action, d.Outlook.Restarted.Action, c.running, c.restarted)
		}
		if d.Action != c.want || d.ExitCode != c.exit {
			t.Errorf("%s: %s, exit %d; want %s, %d", c.reason, d.Action, d.ExitCode, c.want, c.exit)
		}
	}
}

// TestVerdicts: the rules of proof, as they are fed.
func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		reason string
		change func(*Evidence)
		want   proof.State
	}{
		{"all in place", func(*Evidence) {}, proof.Intact},
		{"one leaving suffices", func(e *Evidence) { e.Leavings = e.Leavings[:1] }, proof.Intact},
		{"both files gone, leavings there", func(e *Evidence) { e.Marker.File, e.Spec.File = managerfiles.Missing, managerfiles.Missing }, proof.RecordLost},
		{"half a record is none", func(e *Evidence) { e.Marker.File = managerfiles.Missing }, proof.RecordLost},
		{"the record is silent", func(e *Evidence) { e.Marker.File = managerfiles.Unreadable }, proof.Unproven},
		{"backups alone", func(e *Evidence) {
			e.Marker.File, e.Spec.File, e.Leavings = managerfiles.Missing, managerfiles.Missing, nil
		}, proof.DataLost},
		{"a shared path is a contradiction", func(e *Evidence) { e.SharedWith = []string{"x"} }, proof.Conflicting},
		{"nothing at all", func(e *Evidence) {
			e.Marker.File, e.Spec.File, e.Leavings, e.Traces = managerfiles.Missing, managerfiles.Missing, nil, nil
		}, proof.NeverExisted},
		{"nothing, and no config: no absence has authority", func(e *Evidence) {
			e.Marker.File, e.Spec.File, e.Leavings, e.Traces = managerfiles.Missing, managerfiles.Missing, nil, nil
			e.Config.Finding = proof.Unknown
		}, proof.Unproven},
		{"a live member is a part", func(e *Evidence) {
			e.Marker.File, e.Spec.File, e.Leavings, e.Traces = managerfiles.Missing, managerfiles.Missing, nil, nil
			e.Live = []Live{{Named: Named{"a", Seen{Finding: proof.Present}}}}
		}, proof.RecordLost},
	} {
		e := healthy()
		c.change(&e)
		if v := Judge(e); v.State != c.want {
			t.Errorf("%s: %s (%s), want %s", c.reason, v.State, v.Why, c.want)
		}
	}
}

// TestDigest: it changes with what a permission leans on, and with nothing else.
func TestDigest(t *testing.T) {
	before := Decide(healthy()).Digest
	for _, c := range []struct {
		reason string
		change func(*Evidence)
		same   bool
	}{
		{"the time", func(e *Evidence) { e.At = e.At.Add(time.Hour) }, true},
		{"a text", func(e *Evidence) { e.Leavings[0].Why = "other words" }, true},
		{"the marker's finding", func(e *Evidence) { e.Marker.File = managerfiles.Unreadable }, false},
		{"a leaving", func(e *Evidence) { e.Leavings[0].Finding = proof.Absent }, false},
		{"what is wanted", func(e *Evidence) { e.Want = &one }, false},
		{"what stands there", func(e *Evidence) { e.SpecNow = one }, false},
		{"the backups", func(e *Evidence) { e.Backups = BackupsStale }, false},
		{"another cluster", func(e *Evidence) { e.Cluster = "other.example.com" }, false},
		{"another place", func(e *Evidence) { e.Base = "s3://other" }, false},
		{"a live member", func(e *Evidence) { e.Live = []Live{{Named: Named{"a", Seen{}}}} }, false},
	} {
		e := healthy()
		c.change(&e)
		if got := Decide(e).Digest; (got == before) != c.same {
			t.Errorf("%s: the digest stays: %v, want %v", c.reason, got == before, c.same)
		}
	}
}

// TestFirstBoot softens the words of a seed that is imminent, and only them.
func TestFirstBoot(t *testing.T) {
	e := healthy()
	e.Marker.File, e.Traces, e.Applied = managerfiles.Missing, nil, at.Add(-4*time.Minute)
	young := Decide(e)
	if !strings.Contains(young.Sentence, "first start: it was first applied 4 minutes ago") || young.Action != SeedImminent || young.ExitCode != Refused {
		t.Errorf("%+v", young)
	}
	e.Traces = []Named{{"backups", Seen{Finding: proof.Unknown}}}
	if d := Decide(e); strings.Contains(d.Sentence, "first start") {
		t.Errorf("backups that could not be listed are no absence: %s", d.Sentence)
	}
	e.Traces, e.Applied = nil, at.Add(-2*time.Hour)
	if d := Decide(e); strings.Contains(d.Sentence, "first start") {
		t.Errorf("a cluster of two hours: %s", d.Sentence)
	}
}

func TestCommands(t *testing.T) {
	for _, c := range []struct{ base, write, read string }{
		{"s3://b/c/main?endpoint=http://127.0.0.1:7070&region=eu-1&path-style=true",
			`printf %s '{"a":1}' | aws s3 cp - s3://b/c/main/k --endpoint-url http://127.0.0.1:7070 --region eu-1`,
			`aws s3 cp s3://b/c/main/k - --endpoint-url http://127.0.0.1:7070 --region eu-1`},
		{"gs://b/c", `printf %s '{"a":1}' | gcloud storage cp - gs://b/c/k`, `gcloud storage cat gs://b/c/k`},
		{"file:///var/my%20state", `mkdir -p '/var/my state' && printf %s '{"a":1}' > '/var/my state/k'`, `cat '/var/my state/k'`},
		{"mem://x", `# write into mem://x/k: {"a":1}`, `# read mem://x/k`},
	} {
		if got := Write(c.base, "k", `{"a":1}`); got != c.write {
			t.Errorf("%s: %s, want %s", c.base, got, c.write)
		}
		if got := Read(c.base, "k"); got != c.read {
			t.Errorf("%s: %s, want %s", c.base, got, c.read)
		}
	}
}

// TestQuote: a name from a bucket never becomes a command.
func TestQuote(t *testing.T) {
	for s, want := range map[string]string{
		"plain-1.2/x": "plain-1.2/x", "": "''", "a b": "'a b'", "$(reboot)": "'$(reboot)'",
		"a'; reboot; '": `'a'\''; reboot; '\'''`, "a\nreboot": "'areboot'",
	} {
		if got := Quote(s); got != want {
			t.Errorf("Quote(%q) is %s, want %s", s, got, want)
		}
	}
}

func TestInPlace(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"3.5.31", "3.6.12", true}, {"3.6.11", "3.6.12", true}, {"3.6.12", "3.6.11", true}, {"3.6.12", "3.5.31", false},
		{"3.4.13", "3.6.12", false}, {"3.6.12", "4.7.0", false}, {"", "3.6.12", false}, {"x", "x", true}, {"3.5.31", "latest", false},
	} {
		if got := inPlace(c.from, c.to); got != c.want {
			t.Errorf("from %q to %q: %v", c.from, c.to, got)
		}
	}
}

func TestWorse(t *testing.T) {
	for _, c := range [][3]int{{0, 0, 0}, {0, 4, 4}, {4, 0, 4}, {4, 3, 3}, {3, 4, 3}, {3, 0, 3}} {
		if got := Worse(c[0], c[1]); got != c[2] {
			t.Errorf("the worse of %d and %d is %d", c[0], c[1], got)
		}
	}
}
