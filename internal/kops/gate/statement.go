package gate

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/gate/permit"
)

const minute = "2006-01-02 15:04 UTC"

// plain keeps names out of a bucket from steering a terminal, or from making
// one line two.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

func (g *Gate) say(format string, args ...any) { say(g.Out, format, args...) }

// say writes one line.
func say(w io.Writer, format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	indent := len(line) - len(strings.TrimLeft(line, " "))
	_, _ = fmt.Fprintln(w, line[:indent]+plain(line[indent:])) // nobody can be told that standard error is gone
}

// tell says what is about to happen: in one line where nothing is asked, else
// with all that a person has to know.
func (g *Gate) tell(r Request, s seen) {
	switch {
	case s.failed != nil:
		g.head(r)
		g.say("? NOT PROVEN what this would do to etcd: %v.", s.failed)
	case s.need == permit.Nothing:
		g.say("seedproof: %s%s", harmless(s), map[bool]string{true: " Starting kops."}[r.Command.Applies])
		if n := threats(s); n > 0 {
			g.say("seedproof: %s; see: %s", count(n, "warning"), checkCommand(r))
		}
		return
	default:
		g.head(r)
		g.results(r, s)
	}
	if !r.Command.Applies {
		g.say("Nothing is asked now: without --yes kops only shows what it would do.")
	}
	g.say("")
}

func (g *Gate) head(r Request) {
	g.say("seedproof: what `kops %s` would do to the etcd of %s in %s", r.Command.Verb, r.Command.Cluster, r.Command.State)
	if !r.Command.Verb.WritesSpec() {
		g.say("It writes no spec. It restarts etcd-manager, which then goes by the files as they are:")
	}
	if r.Command.Terraform {
		g.say("With Terraform it is `terraform apply` that writes the spec: check its plan with seedproof kops plan-check.")
	}
	g.say("")
}

func (g *Gate) results(r Request, s seen) {
	if s.report.Incomplete != "" {
		g.say("? Not all of this cluster could be found: %s", s.report.Incomplete)
	}
	if len(s.results) == 0 {
		g.say("? NOT PROVEN: nothing of this cluster was found.")
	}
	for _, result := range s.worstFirst(r.Command.Verb) {
		found := foundOf(result, r.Command.Verb)
		if found.SpecLost && result.ExitCode == decide.Safe {
			result.Sentence = fmt.Sprintf("THE SPEC OF ETCD %s IS NOT THERE, or cannot be used. What runs goes by the one in its memory; an etcd-manager that restarts has none: it takes no more backups, and no member that is replaced joins again. Put the spec back first.", result.Etcd)
		}
		tellResult(g.Out, result, permit.Of(found))
	}
	if r.SkipVerify {
		g.say("No backup was opened (--skip-verify), so none counts as valid.")
	}
	if s.need == permit.Name {
		g.say("Step by step what to do instead: %s", checkCommand(r))
	}
}

// tellResult is what a person has to know of one etcd cluster.
func tellResult(w io.Writer, r kops.Result, need permit.Need) {
	mark := "-"
	switch {
	case r.ExitCode == decide.UnprovenOutcome:
		mark = "?"
	case need == permit.Name:
		mark = "!"
	}
	say(w, "%s %s", mark, r.Sentence)
	if need == permit.Nothing {
		return
	}
	say(w, "  %s", backupLine(r))
	for _, t := range r.Threats {
		say(w, "  * %s", t.Sentence)
	}
	if need == permit.Name && len(r.Advice) > 0 {
		say(w, "  Instead: %s", r.Advice[0].Do)
		if r.Advice[0].Command != "" {
			say(w, "    %s", r.Advice[0].Command)
		}
	}
}

// backupLine is the last valid backup in one line.
func backupLine(r kops.Result) string {
	b := r.LastValidBackup
	if b == nil {
		if r.Evidence.Backups == decide.BackupsUnknown {
			return "Last valid backup: NOT KNOWN."
		}
		return "Last valid backup: NONE."
	}
	text := fmt.Sprintf("Last valid backup: %s, %s old", b.Time.Format(minute), decide.Age(b.Age()))
	if b.State == kops.Holds {
		return fmt.Sprintf("%s, opened: %d keys at revision %d.", text, b.Keys, b.Revision)
	}
	return text + ", NOT OPENED."
}

// harmless is one sentence for what needs nobody's word.
func harmless(s seen) string {
	if s.none {
		return "there is nothing under this name that a new cluster could replace."
	}
	var stay, made []string
	for _, r := range s.results {
		if r.Action == decide.SeedNew {
			made = append(made, r.Etcd)
		} else {
			stay = append(stay, r.Etcd)
		}
	}
	cluster := s.results[0].Cluster
	var parts []string
	if len(stay) > 0 {
		parts = append(parts, fmt.Sprintf("nothing changes for etcd %s of %s; %s.", and(stay), cluster, oldestBackup(s.results)))
	}
	if len(made) > 0 {
		parts = append(parts, fmt.Sprintf("etcd %s of %s: new, and there is nothing that it could replace.", and(made), cluster))
	}
	return strings.Join(parts, " ")
}

// oldestBackup is the oldest of the last valid backups of those that live.
func oldestBackup(results []kops.Result) string {
	var oldest time.Duration
	opened, recent := true, true
	for _, r := range results {
		switch {
		case r.Action == decide.SeedNew:
			continue
		case r.LastValidBackup == nil:
			return "but NOT ALL OF IT HAS A VALID BACKUP"
		}
		oldest = max(oldest, r.LastValidBackup.Age())
		opened = opened && r.LastValidBackup.State == kops.Holds
		recent = recent && r.Evidence.Backups == decide.BackupsRecent
	}
	switch {
	case !recent:
		return fmt.Sprintf("but ITS LAST VALID BACKUP IS %s OLD", strings.ToUpper(decide.Age(oldest)))
	case !opened:
		return fmt.Sprintf("the last backup, which was not opened, is %s old", decide.Age(oldest))
	}
	return fmt.Sprintf("the last valid backup is %s old", decide.Age(oldest))
}

func threats(s seen) int {
	n := 0
	for _, r := range s.results {
		n += len(r.Threats)
	}
	return n
}

func and(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// checkCommand is the look at the cluster, to type.
func checkCommand(r Request) string {
	return fmt.Sprintf("seedproof kops check --state %s --name %s", decide.Quote(r.Command.State), decide.Quote(r.Command.Cluster))
}

// approveCommand is how a person approves just this, to type.
func approveCommand(r Request) string {
	command := []string{"seedproof", "kops", "approve", "--state", r.Command.State, "--name", r.Command.Cluster, "--out", "approval.json"}
	return Words(slices.Concat(command, r.Own, []string{"--"}, r.Args))
}

// Words is a command line to type.
func Words(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = decide.Quote(arg)
	}
	return strings.Join(quoted, " ")
}
