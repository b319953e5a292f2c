package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	kopsstory "github.com/seedproof/seedproof/internal/kops/story"
)

// mend follows the check's own advice.
func (t *kopsTale) mend(ctx context.Context) error {
	t.title(6, "The files are put back, in the safe order")
	t.say("These are the steps that `seedproof kops check` prints, and its very commands. What\nneeds a control-plane node or a running etcd-manager is shown and not played.")
	for i, r := range t.danger.Clusters {
		t.say("\n  etcd %s", r.Etcd)
		for _, step := range r.Advice {
			if err := t.take(ctx, step, i > 0); err != nil {
				return err
			}
		}
	}
	t.say("\nA restarted etcd-manager reads both files and takes a backup at once; that backup is\nplayed here.")
	return t.state.BackUp(ctx, t.now)
}

// take takes one step. Of an etcd that is mended like the one before it only
// what is typed is shown.
func (t *kopsTale) take(ctx context.Context, step decide.Step, again bool) error {
	if strings.HasPrefix(step.Command, "seedproof ") {
		return nil // once for all, at the end
	}
	// Those that write and read the state store, and nothing that a later
	// version may advise besides.
	played := strings.HasPrefix(step.Command, "mkdir ") || strings.HasPrefix(step.Command, "cat ")
	if again && !played {
		return nil
	}
	if !again {
		t.say("  - %s", step.Do)
	}
	if !played {
		if step.Command != "" {
			t.say("      (not played)  %s", step.Command)
		}
		return nil
	}
	code, err := t.shell.run(ctx, t.w, step.Command)
	if err == nil && code != 0 {
		err = fmt.Errorf("exit code %d", code)
	}
	if err != nil {
		return fmt.Errorf("the story did not go as it should: %s: %w", step.Command, err)
	}
	return nil
}

// safe checks again, lets the update through, and counts what is there.
func (t *kopsTale) safe(ctx context.Context) error {
	t.title(7, "Safe again")
	for _, command := range []string{t.shell.check, t.shell.update} {
		code, err := t.shell.run(ctx, t.w, command)
		if err != nil {
			return err
		}
		if code != exitOK {
			return fmt.Errorf("the story did not go as it should: exit code %d", code)
		}
	}
	report, err := t.look(ctx, t.now, true)
	if err != nil {
		return err
	}
	if err := t.expect(report, decide.None); err != nil {
		return err
	}
	main := report.Clusters[0]
	if b := main.LastValidBackup; b == nil || b.State != kops.Holds || b.Keys != taleKeys || main.Backups <= t.backups {
		return errors.New("the story did not end as it should")
	}
	t.title(8, "What was kept")
	t.say("    The cluster: no spec was ever written where its marker was missing, so no etcd-manager\n    would have stopped an etcd and formed an empty one.\n    The %d backups of each etcd from before the rule ran, and a new one; the last, opened,\n    holds %d of %d keys.", t.backups, main.LastValidBackup.Keys, taleKeys)
	t.say("    Not kept: the backups of %d days, which nobody took. `seedproof kops watch` would\n    have said so on the first day.", int(taleRuleRan/day))
	if t.kept {
		t.say("    The directory: %s", t.dir)
	}
	t.say("\nNo proof, no seed. On your own state store, reading only:\n    seedproof kops check --state s3://BUCKET\nThe whole story: docs/incidents/kops-16416.md")
	return nil
}

// taleShell runs the story's commands as a person's shell would: seedproof and
// kops are on its PATH.
type taleShell struct {
	dir           string
	env           []string
	check, update string
}

// newTaleShell makes the directory that stands first on PATH, with this program
// and a script in kops's place.
func newTaleShell(dir string, s *kopsstory.State) (*taleShell, error) {
	bin := filepath.Join(dir, "bin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		return nil, fmt.Errorf("make the story's programs: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find our own program: %w", err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "seedproof")); err != nil {
		return nil, fmt.Errorf("make the story's programs: %w", err)
	}
	script := strings.ReplaceAll(standInKops, "FOLDER", decide.Quote(filepath.Join(s.Dir, kopsstory.Cluster)))
	if err := os.WriteFile(filepath.Join(bin, "kops"), []byte(script), 0o700); err != nil {
		return nil, fmt.Errorf("make the story's programs: %w", err)
	}
	where := fmt.Sprintf("--state %s --name %s", decide.Quote(s.URL()), kopsstory.Cluster)
	return &taleShell{
		dir: dir, check: "seedproof kops check " + where, update: "seedproof kops update cluster " + where + " --yes",
		env: append(plainEnvironment(os.Environ()), "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+filepath.Join(dir, "home"),
			"XDG_STATE_HOME="+filepath.Join(dir, "home/state"), "XDG_CACHE_HOME="+filepath.Join(dir, "home/cache"), "KOPS_STATE_STORE="+s.URL()),
	}, nil
}

// plainEnvironment is the environment without what would lead the story to
// somebody's real clusters.
func plainEnvironment(all []string) []string {
	var kept []string
	for _, pair := range all {
		name, _, _ := strings.Cut(pair, "=")
		switch {
		case strings.HasPrefix(name, "KOPS_"), strings.HasPrefix(name, "SEEDPROOF_"), strings.HasPrefix(name, "XDG_"), name == "PATH", name == "HOME":
		default:
			kept = append(kept, pair)
		}
	}
	return kept
}

// run shows a command and what it prints, and gives its exit code. It has no
// terminal: nobody is asked.
func (s *taleShell) run(ctx context.Context, w io.Writer, command string) (code int, err error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Dir, cmd.Env = s.dir, s.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.CombinedOutput()
	text := strings.TrimRight("      $ "+command+"\n"+string(out), "\n")
	_, _ = fmt.Fprintln(w, strings.ReplaceAll(text, "\n", "\n      "))
	var ended *exec.ExitError
	if errors.As(err, &ended) && ended.Exited() {
		return ended.ExitCode(), nil
	}
	return 0, err
}

// standInKops does to the spec what kops does, and looks at nothing else: not
// at the marker, not at a backup, not at etcd.
const standInKops = `#!/bin/sh
# Stands for kops in this story. FOLDER is the cluster's folder.
yes=
for word in "$@"; do [ "$word" = --yes ] && yes=1; done
missing=
for etcd in main events; do
  [ -e FOLDER/backups/etcd/$etcd/control/etcd-cluster-spec ] || missing="$missing $etcd"
done
if [ -z "$yes" ]; then
  [ -z "$missing" ] && echo "No changes need to be applied" && exit 0
  echo "Will create resources:"
  for etcd in $missing; do
    printf '  ManagedFile/etcd-cluster-spec-%s\n  \tLocation            \tcontrol/etcd-cluster-spec\n' $etcd
  done
  echo "Must specify --yes to apply changes"
  exit 0
fi
for etcd in $missing; do
  mkdir -p FOLDER/backups/etcd/$etcd/control
  printf '{\n  "memberCount": 3,\n  "etcdVersion": "3.6.12"\n}' >FOLDER/backups/etcd/$etcd/control/etcd-cluster-spec
done
echo "(kops) Cluster changes have been applied to the cloud."
`
