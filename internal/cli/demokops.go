package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	kopsstory "github.com/seedproof/seedproof/internal/kops/story"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/lifecycle"
	"github.com/seedproof/seedproof/internal/store/open"
)

const (
	day = 24 * time.Hour
	// The story's calendar, counted back from now.
	taleRuleRan = 61 * day                                 // the rule deleted the control files
	taleLooked  = taleRuleRan + 13*day                     // a look that would have seen it coming
	taleBorn    = taleRuleRan + (kopsstory.RuleDays+1)*day // the cluster was made
	taleKeys    = 200
	taleFiles   = 4 // control files: two of each etcd cluster
)

func newDemoKopsCommand(g *global) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "kops",
		Short: "The update that would have wiped a cluster: kops issue 16416, and the gate",
		Long: "Writes a kops state store into a directory, lets a lifecycle rule delete\n" +
			"etcd-manager's control files, and shows what `kops update cluster --yes` would have\n" +
			"done, what the gate says, and how the files are put back in the safe order. Less\n" +
			"than a minute; nothing is left behind. No kops, no cloud and no cluster is needed.",
		Example: "  seedproof demo kops",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runKopsTale(cmd.Context(), g.stdout, dir) },
	}
	cmd.Flags().StringVar(&dir, "dir", "", "directory to play in, kept afterwards (default: a temporary one, removed)")
	return cmd
}

func runKopsTale(ctx context.Context, w io.Writer, dir string) error {
	kept := dir != ""
	if !kept {
		temporary, err := os.MkdirTemp("", "seedproof-demo-")
		if err != nil {
			return fmt.Errorf("make a directory to play in: %w", err)
		}
		defer func() { _ = os.RemoveAll(temporary) }()
		dir = temporary
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("find the directory to play in: %w", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		return usagef("%s is not empty; expected a directory to play in", dir)
	}
	t := &kopsTale{w: w, dir: dir, kept: kept, now: time.Now().UTC().Truncate(time.Second)}
	return t.play(ctx)
}

// kopsTale tells kops issue 16416 as the operator of a kops cluster meets it.
type kopsTale struct {
	w      io.Writer
	dir    string
	kept   bool
	now    time.Time
	state  *kopsstory.State
	bucket *kopsstory.Bucket
	shell  *taleShell

	forecast time.Time // when the rule was to strike
	danger   kops.Report
	backups  int // of etcd main, when the rule had run
}

func (t *kopsTale) play(ctx context.Context) error {
	for _, scene := range []func(context.Context) error{t.healthy, t.coming, t.rule, t.update, t.gate, t.mend, t.safe} {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (t *kopsTale) say(format string, args ...any) { _, _ = fmt.Fprintf(t.w, format+"\n", args...) }

func (t *kopsTale) title(n int, text string) {
	t.say("\n%d. %s\n%s", n, text, strings.Repeat("-", len(text)+3))
}

// look is the real check, by the story's clock and with the story's bucket.
func (t *kopsTale) look(ctx context.Context, at time.Time, verify bool) (kops.Report, error) {
	return kops.Check(ctx, kops.Options{
		State: t.state.URL(), Name: kopsstory.Cluster, Open: open.Open,
		Inspect: func(context.Context, store.Store) (lifecycle.Inspector, error) { return t.bucket, nil },
		Verify:  verify, Verifier: kops.Inspect{}, Now: func() time.Time { return at },
	})
}

func (t *kopsTale) healthy(ctx context.Context) error {
	t.say("The update that wiped a cluster (kops issue 16416), played on a state store of its own.")
	t.say("etcd is the database in which a Kubernetes cluster keeps everything. kops installs the\ncluster; etcd-manager, on its nodes, runs etcd and takes the backups.")
	t.say("The files are as kops and etcd-manager write them, and the snapshots in the backups are\nof an etcd that ran for a second. The calendar and the bucket's rule are played. No\netcd-manager runs, and a little script stands for kops.")
	if err := t.raise(ctx); err != nil {
		return err
	}
	t.title(1, "A healthy cluster, "+date(t.now.Add(-taleLooked)))
	report, err := t.look(ctx, t.now.Add(-taleLooked), true)
	if err != nil {
		return err
	}
	t.say("%s has two etcds, main and events. Among the backups of each lie two small\nfiles by which etcd-manager knows that the cluster exists:", kopsstory.Cluster)
	t.say("    %s/%s   \"a cluster was made here\"\n    %s/%s      \"it shall have 3 members\"",
		kopsstory.Base("main"), managerfiles.CreatedKey, kopsstory.Base("main"), managerfiles.SpecKey)
	t.say("What `seedproof kops check --verify` says:")
	for _, r := range report.Clusters {
		t.say("    %s", r.Sentence)
		if b := r.LastValidBackup; b != nil {
			t.say("    Its last valid backup is %s old; opened, it holds %d keys.", decide.Age(b.Age()), b.Keys)
		}
	}
	return t.expect(report, decide.None)
}

// raise writes the state store as it was on the day of the first look.
func (t *kopsTale) raise(ctx context.Context) (err error) {
	snapshots := map[string][]byte{}
	for etcd, prefix := range map[string]string{"main": "/registry/pods/default/web-", "events": "/registry/events/default/web-"} {
		keys := make([]string, taleKeys)
		for i := range keys {
			keys[i] = fmt.Sprintf("%s%03d", prefix, i)
		}
		if snapshots[etcd], err = kopsstory.Snapshot(ctx, keys, "an object"); err != nil {
			return err
		}
	}
	if t.bucket, err = kopsstory.NewBucket(); err != nil {
		return err
	}
	if t.state, err = kopsstory.Write(ctx, filepath.Join(t.dir, "state"), t.now.Add(-taleBorn), snapshots); err != nil {
		return err
	}
	if t.shell, err = newTaleShell(t.dir, t.state); err != nil {
		return err
	}
	return t.backUp(ctx, taleLooked+6*day, taleLooked)
}

// backUp writes a backup of each day from one time to another, both counted
// back from now, and those of the last hour.
func (t *kopsTale) backUp(ctx context.Context, from, to time.Duration) error {
	var times []time.Time
	for ago := from; ago > to; ago -= day {
		times = append(times, t.now.Add(-ago))
	}
	for ago := 50 * time.Minute; ago > 0; ago -= 15 * time.Minute {
		times = append(times, t.now.Add(-to-ago))
	}
	return t.state.BackUp(ctx, times...)
}

func (t *kopsTale) coming(ctx context.Context) error {
	t.title(2, "The rule can be seen coming")
	t.say("Somebody added a lifecycle rule to the bucket: delete what lies under\n%s/backups/ and is %d days old. It was meant for backups.", kopsstory.Cluster, kopsstory.RuleDays)
	report, err := t.look(ctx, t.now.Add(-taleLooked), false)
	if err != nil {
		return err
	}
	t.say("The same check reads the bucket's rules:")
	var found []decide.Threat
	for _, r := range report.Clusters {
		for _, threat := range r.Threats {
			if threat.Kind == kops.LifecycleControl {
				found = append(found, threat)
			}
		}
	}
	if len(found) != taleFiles {
		return fmt.Errorf("the story did not go as it should: %d files were seen in danger", len(found))
	}
	t.forecast = found[0].At
	t.say("    %s\nand the same of the %d other control files. In this story nobody looks.", found[0].Sentence, taleFiles-1)
	return nil
}

func (t *kopsTale) rule(ctx context.Context) error {
	at := t.now.Add(-taleRuleRan)
	t.title(3, "The rule runs, "+date(at))
	if err := t.backUp(ctx, taleLooked-day, taleRuleRan); err != nil {
		return err
	}
	gone, err := t.state.Expire(ctx, at)
	if err != nil {
		return err
	}
	for _, key := range gone {
		t.say("    deleted  %s", key)
	}
	if len(gone) != taleFiles || at.Before(t.forecast) {
		return fmt.Errorf("the story did not go as it should: the rule deleted %d files on %s", len(gone), date(at))
	}
	t.say("What etcd-manager makes of it (from its source and from measurements): it\n    %s.", managerfiles.Conclude(managerfiles.Missing, managerfiles.Missing, true).Sentence)
	t.say("No error, no metric, no alert. %d days pass. The cluster serves, without a backup.", int(taleRuleRan/day))
	return nil
}

func (t *kopsTale) update(ctx context.Context) error {
	t.title(4, "A routine update, "+date(t.now))
	t.say("What kops shows before it (its stand-in prints what kops prints): files to create,\nas on any other day.")
	if _, err := t.shell.run(ctx, t.w, "kops update cluster --name "+kopsstory.Cluster); err != nil {
		return err
	}
	t.say("And what etcd-manager does about ten seconds after `kops update cluster --yes`: it\n    %s.", managerfiles.Conclude(managerfiles.Missing, managerfiles.Usable, true).Sentence)
	t.say("It took \"I could not find it\" for \"it never existed\". It asked nobody else.")
	return nil
}

func (t *kopsTale) gate(ctx context.Context) (err error) {
	t.title(5, "The same update behind the gate")
	t.say("Typed on a terminal it would ask for the cluster's name in full. Here, as in CI, there\nis nobody to ask:")
	code, err := t.shell.run(ctx, t.w, t.shell.update)
	if err != nil {
		return err
	}
	if code != exitRefused || t.has(managerfiles.SpecKey) {
		return fmt.Errorf("the story did not go as it should: the gate gave exit code %d", code)
	}
	t.say("Exit code %d. kops was not started, and nothing was written.", code)
	if t.danger, err = t.look(ctx, t.now, true); err != nil {
		return err
	}
	t.backups = t.danger.Clusters[0].Backups
	return t.expect(t.danger, decide.SeedOverExisting)
}

// has reports whether a file of etcd main is there.
func (t *kopsTale) has(file string) bool {
	_, err := os.Stat(filepath.Join(t.state.Dir, kopsstory.Base("main"), file))
	return err == nil
}

// expect ends the story where it does not go as it should.
func (t *kopsTale) expect(r kops.Report, want decide.Action) error {
	wrong := slices.ContainsFunc(r.Clusters, func(r kops.Result) bool { return r.Action != want })
	if wrong || len(r.Clusters) != len(kopsstory.Etcds()) {
		return fmt.Errorf("the story did not go as it should: the check does not say %q", want)
	}
	return nil
}

func date(at time.Time) string { return at.Format("2 January 2006") }
