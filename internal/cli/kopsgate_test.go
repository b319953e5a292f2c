package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const prodName = "prod.example.com"

// TestKopsRunChangesNothing: arguments, environment, streams and exit code are
// kops's own, and the process is too.
func TestKopsRunChangesNothing(t *testing.T) {
	w := newGateWorld(t)
	odd := []string{"", " ", "--", "-", "a\nb", "--approval", "x", "--kops=/y", "$HOME", "\xff\xfe", "--help"}
	w.more = []string{"STANDIN_KOPS_EXIT=7", "ODD=a\nb", "EMPTY="}
	for _, words := range [][]string{{"get", "clusters"}, {"toolbox", "dump"}, {"version"}, {"delete", "cluster", "--yes"}, {"create", "secret", "--yes"}} {
		args := append(words, odd...)
		var out, errOut bytes.Buffer
		cmd := w.command(append([]string{"kops", "run", "--"}, args...)...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(""), &out, &errOut
		if code := w.exitCode(cmd.Run()); code != 7 || errOut.Len() > 0 {
			t.Fatalf("%q: exit %d: %s", words, code, &errOut)
		}
		got := w.runs()[len(w.runs())-1]
		// Bytes that are no UTF-8 come out of the stand-in's JSON as U+FFFD.
		want := slices.Clone(args)
		want[len(want)-2] = "\ufffd\ufffd"
		if !slices.Equal(got.Args, want) || got.Arg0 != "kops" {
			t.Errorf("%q: kops was given %q as %q", words, got.Args, got.Arg0)
		}
		if !slices.Equal(got.Env, w.env()) {
			t.Errorf("%q: its environment is %q, and was %q", words, got.Env, w.env())
		}
		if got.Streams["stdin"] != "pipe" || got.Streams["stdout"] != "pipe" || got.PID != cmd.Process.Pid {
			t.Errorf("%q: streams %v, process %d and not %d", words, got.Streams, got.PID, cmd.Process.Pid)
		}
	}
	if o := w.typeIn("kops", "update", "cluster", "--help"); o.code != 7 || !strings.Contains(o.out, "Usage:") {
		t.Errorf("kops's own help: %+v", o)
	}
}

// TestKopsUpdateWithoutATerminal: what is started, and what is refused.
func TestKopsUpdateWithoutATerminal(t *testing.T) {
	update := []string{"update", "cluster", "--name", prodName, "--yes"}
	for _, c := range []struct {
		reason    string
		before    func(w *gateWorld)
		args      []string // behind seedproof kops
		code      int
		started   []string // nil: not
		out, says string
	}{
		{"nothing changes", func(*gateWorld) {}, update, 0, update, "applied to the cloud", "the last valid backup is"},
		{"nothing changes, behind the alias", func(*gateWorld) {}, append([]string{"run", "--"}, update...), 0, update, "applied to the cloud", "nothing changes"},
		{"our flags among kops's", func(*gateWorld) {}, append([]string{"update", "--skip-verify", "cluster", "--max-backup-age=3h"}, update[2:]...), 0, update, "", "not opened"},
		{"the incident", (*gateWorld).loseControlFiles, update, 3, nil, "", "STOP"},
		{"the incident, behind the alias", (*gateWorld).loseControlFiles, append([]string{"run", "--"}, update...), 3, nil, "", "kops was not started"},
		{"the incident, a dry run", (*gateWorld).loseControlFiles, update[:4], 0, update[:4], "ManagedFile/etcd-cluster-spec-main", "STOP"},
		{"the incident, by delete instance", (*gateWorld).loseControlFiles, []string{"delete", "instance", "i-1", "--name", prodName, "-y"}, 3, nil, "", "restarts etcd-manager"},
		{"the incident, by rolling-update", (*gateWorld).loseControlFiles, []string{"rolling-update", "cluster", prodName, "--yes"}, 3, nil, "", "STOP"},
		{"the incident, by reconcile", (*gateWorld).loseControlFiles, []string{"reconcile", "cluster", prodName, "--yes"}, 3, nil, "", "STOP"},
		{"a changed spec", (*gateWorld).oldSpec, update, 3, nil, "", "seedproof kops approve"},
		{"a line that is not understood", func(*gateWorld) {}, append(slices.Clone(update), "--of-tomorrow"), 2, nil, "", "--of-tomorrow=VALUE"},
		{"a mistyped name", func(*gateWorld) {}, []string{"update", "cluster", "prod.example.con", "--yes"}, 1, nil, "", "there is no cluster prod.example.con"},
		{"an approval that is not there", (*gateWorld).loseControlFiles, append(slices.Clone(update), "--approval", "/not/there"), 3, nil, "", "/not/there is not there"},
		{"no kops", func(w *gateWorld) { w.bin = w.t.TempDir() }, update, 1, nil, "", "there is none"},
		{"kops leads back to us", func(w *gateWorld) {
			w.bin = w.t.TempDir()
			if err := os.Symlink(w.seedproof, filepath.Join(w.bin, "kops")); err != nil {
				w.t.Fatal(err)
			}
		}, update, 1, nil, "", "leads back to seedproof"},
		{"another kops", func(w *gateWorld) {
			w.more = []string{"SEEDPROOF_KOPS=" + filepath.Join(w.bin, "kops")}
			w.bin = w.t.TempDir()
		}, update, 0, update, "applied to the cloud", "Starting kops"},
	} {
		w := newGateWorld(t, healthyProd())
		c.before(w)
		before := treeOf(t, w.state)
		o := w.typeIn(append([]string{"kops"}, c.args...)...)
		var started []string
		if runs := w.runs(); len(runs) == 1 {
			started = runs[0].Args
		}
		if o.code != c.code || !slices.Equal(started, c.started) || !strings.Contains(o.out, c.out) || !strings.Contains(o.errOut, c.says) {
			t.Errorf("%s: exit %d, started %q\n%s---\n%s", c.reason, o.code, started, o.out, o.errOut)
		}
		if c.started == nil && (o.out != "" || treeOf(t, w.state) != before) {
			t.Errorf("%s: kops was not started, and there is a trace: %s", c.reason, o.out)
		}
	}
}

// TestKopsUpdateAtATerminal: questions are asked there, and kops has it whole.
func TestKopsUpdateAtATerminal(t *testing.T) {
	args := []string{"kops", "update", "cluster", "--name", prodName, "--yes"}
	for _, c := range []struct {
		reason        string
		before        func(w *gateWorld)
		prompt, typed string
		code          int
		heard         string // by kops; "" where it is not started
	}{
		// The line for kops is typed before kops is there.
		{"a changed spec", (*gateWorld).oldSpec, "[y/N]", "y\nperhaps\n", 0, "perhaps"},
		{"a changed spec, refused", (*gateWorld).oldSpec, "[y/N]", "\n", 3, ""},
		{"the incident, on purpose", (*gateWorld).loseControlFiles, "type the name of the cluster in full", prodName + "\nperhaps\n", 0, "perhaps"},
		{"the incident, y", (*gateWorld).loseControlFiles, "type the name of the cluster in full", "y\n", 3, ""},
		{"the incident, the end of the input", (*gateWorld).loseControlFiles, "type the name of the cluster in full", "\x04", 3, ""},
		{"the incident, Ctrl-C", (*gateWorld).loseControlFiles, "type the name of the cluster in full", "\x03", 130, ""},
	} {
		w := newGateWorld(t, healthyProd())
		c.before(w)
		w.more = []string{"STANDIN_KOPS_ASK=1"}
		s := w.sit(w.command(args...))
		s.see(c.prompt)
		s.write(c.typed)
		if code := s.wait(w); code != c.code {
			t.Errorf("%s: exit %d\n%s", c.reason, code, s.shown())
		}
		runs := w.runs()
		if len(runs) == 0 != (c.heard == "") {
			t.Errorf("%s: started %v\n%s", c.reason, runs, s.shown())
		}
		if len(runs) == 1 && (runs[0].Answer != c.heard || runs[0].Streams["stdin"] != "terminal" || runs[0].Streams["stderr"] != "terminal") {
			t.Errorf("%s: kops heard %q, streams %v\n%s", c.reason, runs[0].Answer, runs[0].Streams, s.shown())
		}
	}
}

// TestKopsStreamsElsewhere: what is piped into kops is kops's, and the question
// is asked on the terminal behind it.
func TestKopsStreamsElsewhere(t *testing.T) {
	w := newGateWorld(t, healthyProd())
	w.oldSpec()
	w.more = []string{"STANDIN_KOPS_ASK=1"}
	var out, errOut bytes.Buffer
	cmd := w.command("kops", "update", "cluster", "--name", prodName, "--yes")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader("from the pipe\n"), &out, &errOut
	s := w.sit(cmd)
	s.see("[y/N]") // standard error is no terminal: it is shown on both
	if !strings.Contains(s.shown(), "from 3 members of etcd 3.5.31") {
		t.Errorf("asked about what was not shown:\n%s", s.shown())
	}
	s.write("y\n")
	if code := s.wait(w); code != 0 {
		t.Fatalf("exit %d: %s", code, &errOut)
	}
	if runs := w.runs(); len(runs) != 1 || runs[0].Answer != "from the pipe" || !strings.HasPrefix(out.String(), "kops asks: go on?") || !strings.Contains(errOut.String(), "[y/N]") {
		t.Errorf("%+v\n%s---\n%s", runs, &out, &errOut)
	}
}

// TestKopsSignals: they reach kops, from a terminal and from elsewhere.
func TestKopsSignals(t *testing.T) {
	w := newGateWorld(t, healthyProd())
	w.more = []string{"STANDIN_KOPS_WAIT=1"}
	cmd := w.command("kops", "update", "cluster", "--name", prodName, "--yes")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.await("ready", 1)
	for _, signal := range []syscall.Signal{unix.SIGINT, unix.SIGHUP, unix.SIGWINCH, unix.SIGTERM} {
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		w.await(signal.String(), 1)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}

	s := w.sit(w.command("kops", "update", "cluster", "--name", prodName, "--yes"))
	w.await("ready", 2)
	s.write("\x03")
	w.await(unix.SIGINT.String(), 2)
	if err := unix.IoctlSetWinsize(int(s.person.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 10, Col: 33}); err != nil {
		t.Fatal(err)
	}
	w.await(unix.SIGWINCH.String(), 2)
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	s.wait(w)
	if status := s.cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != unix.SIGKILL {
		t.Errorf("killed, it ended with %v", s.cmd.ProcessState)
	}
}

// TestKopsApprove: a word that is given at a terminal and used without one.
func TestKopsApprove(t *testing.T) {
	w := newGateWorld(t, healthyProd())
	w.loseControlFiles()
	file := filepath.Join(w.home, "approval.json")
	if o := w.typeIn("kops", "approve", "--name", prodName, "--out", file); o.code != exitRefused || o.out != "" {
		t.Errorf("nobody there: %+v", o)
	}
	s := w.sit(w.command("kops", "approve", "--name", prodName, "--out", file))
	s.see("type the name of the cluster in full")
	s.write(prodName + "\n")
	if code := s.wait(w); code != 0 {
		t.Fatalf("exit %d\n%s", code, s.shown())
	}
	if !strings.Contains(s.shown(), "seedproof kops run --approval "+file+" -- update cluster --name prod.example.com --yes") {
		t.Errorf("what to type is not said:\n%s", s.shown())
	}
	if len(w.runs()) != 0 {
		t.Error("an approval started kops")
	}
	use := []string{"kops", "run", "--approval", file, "--", "update", "cluster", "--name", prodName, "--yes"}
	if o := w.typeIn(append(slices.Clone(use), "--prune")...); o.code != exitRefused || !strings.Contains(o.errOut, "the approval is void: it is for") {
		t.Errorf("other arguments: %+v", o)
	}
	if o := w.typeIn(use...); o.code != 0 || !strings.Contains(o.errOut, "used up, noted on this machine and in the state store") {
		t.Errorf("used: %+v", o)
	}
	if len(w.runs()) != 1 {
		t.Fatalf("started %v", w.runs())
	}
	// kops has written the spec; with the files gone again it is as it was.
	lose(t, w.state, prodSpec)
	if o := w.typeIn(use...); o.code != exitRefused || !strings.Contains(o.errOut, "was used before") || len(w.runs()) != 1 {
		t.Errorf("used again: %+v", o)
	}
	used, err := os.ReadDir(filepath.Join(w.home, ".local/state/seedproof/used-approvals"))
	if err != nil || len(used) != 1 {
		t.Errorf("noted: %v, %v", used, err)
	}
}

// TestKopsApproveUsage: what cannot be approved.
func TestKopsApproveUsage(t *testing.T) {
	t.Setenv("KOPS_STATE_STORE", "")
	t.Setenv("HOME", t.TempDir())
	for _, c := range []struct{ reason, line, says string }{
		{"no file", "--name a --state file:///x", "--out is missing"},
		{"no cluster", "--state file:///x --out y", "no cluster is named"},
		{"no state store", "--name a --out y", "no state store is named"},
		{"a command that needs none", "--name a --state file:///x --out y -- get clusters", "needs no approval"},
		{"a dry run", "--name a --state file:///x --out y -- update cluster", "is --yes missing?"},
		{"two clusters", "--name a --state file:///x --out y -- update cluster --name b --yes", `--name is "a"`},
		{"two state stores", "--name a --state file:///x --out y -- update cluster --state file:///z --yes", "two state stores"},
		{"a backup of no age", "--name a --state file:///x --out y --max-backup-age 0s", "--max-backup-age"},
	} {
		if o := typeIn(t, append([]string{"kops", "approve"}, strings.Fields(c.line)...)...); o.code != exitUsage || !strings.Contains(o.errOut, c.says) {
			t.Errorf("%s: %+v", c.reason, o)
		}
	}
}

func TestTakeGateFlags(t *testing.T) {
	t.Setenv(kopsVariable, "")
	t.Setenv(approvalVariable, "from-variable")
	for _, c := range []struct {
		line, rest string
		want       gateFlags
		fails      bool
	}{
		{"cluster a --yes", "cluster a --yes", gateFlags{approval: "from-variable"}, false},
		{"cluster --approval f a --kops=/k --yes --skip-verify", "cluster a --yes", gateFlags{kops: "/k", approval: "f", skipVerify: true}, false},
		{"cluster a -- --approval f", "cluster a -- --approval f", gateFlags{approval: "from-variable"}, false},
		{"cluster a --approval", "", gateFlags{}, true},
		{"cluster a --max-backup-age soon", "", gateFlags{}, true},
		{"cluster a --skip-verify=maybe", "", gateFlags{}, true},
	} {
		f, rest, err := takeGateFlags(strings.Fields(c.line))
		if (err != nil) != c.fails {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		if f.maxBackupAge = 0; !c.fails && (f != c.want || strings.Join(rest, " ") != c.rest) {
			t.Errorf("%s: %+v, %q", c.line, f, rest)
		}
	}
}
