package incident

import (
	"bytes"
	"context"
	"flag"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/cli"
	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/local/localtest"
	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/etcd/process"
)

const outage = 30 * localtest.Interval

// only runs the rows whose description contains it: for looking at one.
var only = flag.String("only", "", "play only rows that contain this, as printed")

// crossings are all rows that can be: forms that are of one driver alone meet
// that one only, and mounts are there where they can be made.
func crossings(mounts bool) []row {
	var rows []row
	for _, f := range forms() {
		for _, driver := range []string{onFiles, onS3} {
			if f.driver != "" && f.driver != driver || f.mounts && !mounts {
				continue
			}
			for _, k := range kills {
				rows = append(rows, row{f.name, k, driver, false}, row{f.name, k, driver, true})
			}
		}
	}
	return rows
}

// playAll plays the rows, on one cluster for each driver, first those with all
// nodes up.
func playAll(t *testing.T, rows []row) {
	if !mayMount() {
		t.Log("NOTE: not run: unmounted stores and data volumes need root for loop mounts")
	}
	rows = slices.DeleteFunc(rows, func(r row) bool { return !strings.Contains(r.String(), *only) })
	byName := map[string]form{}
	for _, f := range forms() {
		byName[f.name] = f
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		if a.down == b.down {
			return 0
		}
		if b.down {
			return -1
		}
		return 1
	})
	for _, driver := range []string{onFiles, onS3} {
		if !slices.ContainsFunc(rows, func(r row) bool { return r.driver == driver }) {
			continue
		}
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, driver)
			for _, r := range rows {
				if r.driver == driver {
					s.play(r, byName[r.form])
				}
			}
		})
	}
}

// play plays one row and checks that the cluster came through it as itself.

func (s *stage) play(r row, f form) {
	s.t.Helper()
	began := time.Now()
	s.now = r.String()
	s.setDown(r.down)
	s.waitTelling(s.whole)
	s.learnIdentity()
	s.put(keyPrefix + "before/" + r.String())
	victim, pids, backups := s.leader(), s.etcdPIDs(), s.backups()
	if f.victim != nil {
		victim = f.victim(s)
	}
	s.unhealed = map[time.Time]bool{}

	s.struck = time.Now()
	blow := f.strike(s)
	s.since = time.Now()
	if f.restart {
		pids = s.etcdPIDs()
	}
	s.die(r.kill, victim)
	serves := f.serves == nil || f.serves(r)
	if serves {
		s.put(keyPrefix + "after/" + r.String())
	}
	s.meanwhile(r, f)
	if serves && !f.silent {
		s.wait("there is a new backup", func() bool { return len(newNames(backups, s.backups())) > 0 })
	}
	if blow.untouched != nil {
		if what := blow.untouched(); what != "" {
			s.fatalf("%s", what)
		}
	}
	if blow.mend != nil {
		blow.mend()
		s.since = time.Now()
	}
	s.waitTelling(s.whole)
	s.checkKept(r, pids)
	s.t.Logf("NOTE: %s: %.1fs (%s)", r, time.Since(began).Seconds(), f.why)
}

// meanwhile waits for what the status has to say, or for what heals itself.
func (s *stage) meanwhile(r row, f form) {
	s.t.Helper()
	if f.want == nil {
		s.waitTelling(s.whole)
	} else {
		s.waitTelling(func() string { return s.says(f.want(r)) })
	}
	if f.healed != nil {
		s.waitTelling(func() string { return f.healed(s) })
	}
	if f.lost && r.kill == killNobody {
		s.checkHealedSoon()
	}
	if f.lasts {
		s.wait("30 intervals have passed", func() bool { return time.Since(s.since) > outage })
		if f.want != nil {
			s.waitTelling(func() string { return s.says(f.want(r)) })
		}
	}
}

// says: a report that was made since the strike tells the state, why, and what
// to type.
func (s *stage) says(w want) string {
	r, ok := s.c.Newest()
	what := "the status says " + w.state + ", why, and: " + w.advice
	switch {
	case !ok || !r.At.After(s.since):
		return "there is a new report"
	case r.Verdict.State.String() != w.state, r.Verdict.Why == "":
		return what
	case !strings.Contains(strings.Join(r.Advice, "\n"), w.advice):
		return what
	}
	return ""
}

// checkHealedSoon: at most two passes of a leader saw the lost record and left
// it so, and the history tells of it.
func (s *stage) checkHealedSoon() {
	s.t.Helper()
	if n := len(s.unhealed); n > 2 {
		s.fatalf("%d passes saw the lost record and did not write it again", n)
	}
	s.waitTelling(func() string {
		var history []controller.Event // of whoever led when
		for _, name := range s.up() {
			r, _ := s.c.Report(name)
			history = append(history, r.History...)
		}
		told := func(what string) bool {
			return slices.ContainsFunc(history, func(e controller.Event) bool {
				// An event bears the time at which its pass began, which may be
				// before the strike that it saw.
				return e.At.After(s.struck.Add(-time.Second)) && strings.HasPrefix(e.What, what)
			})
		}
		if !told("verdict RecordLost") || !told("heal/write-record") {
			return "the history tells of the lost record and that it was written again"
		}
		return ""
	})
}

// checkKept: the same cluster, every acknowledged key, and the same processes
// unless they were killed.
func (s *stage) checkKept(r row, pids map[string]int) {
	s.t.Helper()
	report := s.answered()
	if got := report.Verdict.Identity; got != s.identity {
		s.fatalf("the identity was %+v and is %+v", s.identity, got)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	missing, of, err := s.writer.missing(ctx)
	if err != nil || len(missing) > 0 {
		s.fatalf("%d of %d acknowledged keys are missing (%v): %q", len(missing), of, err, missing[:min(len(missing), 5)])
	}
	switch same := maps.Equal(pids, s.etcdPIDs()); {
	case r.kill != killAll && !same:
		s.fatalf("the etcds were processes %v and are %v; their last words: %s", pids, s.etcdPIDs(), s.lastWords())
	case r.kill == killAll && same:
		s.fatalf("the etcds were killed, and are still processes %v", pids)
	}
}

// lastWords are the ends of the etcds' logs that tell why one ended.
func (s *stage) lastWords() string {
	var all []string
	for _, name := range names {
		text, _ := process.LastWords(filepath.Join(s.o.Dir, "members", name, "state", "etcd.log"))
		all = append(all, name+": "+text)
	}
	return strings.Join(all, "; ")
}

// answered is the newest report, once anybody has answered: on a busy machine an
// ask may find nobody in time, which says nothing of the cluster.
func (s *stage) answered() (r controller.Report) {
	s.t.Helper()
	s.wait("an agent answers with a report", func() (ok bool) {
		r, ok = s.c.Newest()
		return ok
	})
	return r
}

func (s *stage) learnIdentity() {
	r := s.answered()
	switch {
	case !s.identity.Named():
		s.identity = r.Verdict.Identity
	case r.Verdict.Identity != s.identity:
		s.fatalf("the identity was %+v and is %+v", s.identity, r.Verdict.Identity)
	}
}

func (s *stage) setDown(down bool) {
	switch {
	case down && s.held == nil:
		s.takeDown()
	case !down && s.held != nil:
		s.bringUp()
	}
	s.since = time.Now()
}

// backups are the names of the whole ones.
func (s *stage) backups() []string {
	var found []string
	for _, key := range s.backup.keys(s.t) {
		if name, is := managerfiles.ListedAs(key); is {
			found = append(found, name)
		}
	}
	return found
}

func newNames(before, after []string) []string {
	return slices.DeleteFunc(after, func(name string) bool { return slices.Contains(before, name) })
}

// command runs a command of ours on this cluster.
func (s *stage) command(args ...string) (code int, out string) {
	var text bytes.Buffer
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	code = cli.Run(ctx, append(args, "--dir", s.o.Dir), strings.NewReader(""), &text, &text)
	return code, text.String()
}

func TestTheIncidentInAllItsForms(t *testing.T) {
	rows := covering(crossings(mayMount()))
	t.Logf("NOTE: %d of %d crossings cover every pair", len(rows), len(crossings(mayMount())))
	playAll(t, rows)
}
