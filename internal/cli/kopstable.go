package cli

import (
	"fmt"
	"io"
	"slices"

	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
)

// kopsTable writes a report for people: one line for each etcd cluster, then
// the whole story of those that need one, the worst first.
func kopsTable(w io.Writer, r kops.Report) {
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	line("State store %s, looked at on %s.", oneLine(r.State), r.At.Format("2006-01-02 at 15:04:05 UTC"))
	if r.Incomplete != "" {
		line("* There may be more clusters than these: %s", oneLine(r.Incomplete))
	}
	line("")
	line("CLUSTER\tETCD\tUPDATE WOULD\tVERDICT\tLAST VALID BACKUP\tNEWEST\tBACKUPS\tEXIT")
	for _, result := range r.Clusters {
		line("%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d", oneLine(result.Cluster), oneLine(result.Etcd), actionCell(result), result.Verdict,
			backupCell(result.LastValidBackup), backupCell(result.NewestBackup), result.Backups, result.ExitCode)
	}
	if !r.Verified {
		line("")
		line("No backup was opened: \"valid\" means that both its files are there. --verify opens the newest.")
	}
	for _, result := range worstFirst(r.Clusters) {
		if len(r.Clusters) > 2 && result.ExitCode == decide.Safe && len(result.Threats)+len(result.Advice) == 0 {
			continue
		}
		line("")
		kopsStory(line, result)
	}
}

func worstFirst(results []kops.Result) []kops.Result {
	sorted := slices.Clone(results)
	slices.SortStableFunc(sorted, func(a, b kops.Result) int {
		switch {
		case a.ExitCode == b.ExitCode:
			return 0
		case decide.Worse(a.ExitCode, b.ExitCode) == a.ExitCode:
			return -1
		}
		return 1
	})
	return sorted
}

// kopsStory is all that is known of one etcd cluster.
func kopsStory(line func(string, ...any), r kops.Result) {
	line("%s %s", map[int]string{decide.Safe: "-", decide.Refused: "!", decide.UnprovenOutcome: "?"}[r.ExitCode], oneLine(r.Sentence))
	for _, threat := range r.Threats {
		line("  * %s", oneLine(threat.Sentence))
	}
	if len(r.Advice) > 0 {
		line("  What to do, in this order:")
	}
	for i, step := range r.Advice {
		line("  %d. %s", i+1, oneLine(step.Do))
		if step.Command != "" {
			line("       %s", oneLine(step.Command))
		}
		if step.Instead != "" {
			line("     or put the deleted version back:")
			line("       %s", oneLine(step.Instead))
		}
	}
}

// actionCell tells what would happen in a word or two.
func actionCell(r kops.Result) string {
	switch r.Action {
	case decide.None:
		return "change nothing"
	case decide.ChangeSpec:
		return "change the spec"
	case decide.SeedNew:
		return "seed, it is new"
	case decide.SeedOverExisting:
		return "WIPE IT"
	case decide.SeedImminent:
		return "WIPED IN 10 S"
	}
	return "not proven"
}

func backupCell(b *kops.Backup) string {
	if b == nil {
		return "-"
	}
	cell := ago(b.Age()) + " ago"
	if b.State == kops.NotOpened || b.State == kops.Holds {
		return cell
	}
	return cell + " (" + string(b.State) + ")"
}

// progressText is one line of progress.
func progressText(p kops.Progress) string {
	if p.Total == 0 {
		return fmt.Sprintf("%s: %d keys", p.Stage, p.Keys)
	}
	const width = 24
	bar := make([]byte, width)
	for i := range bar {
		bar[i] = '.'
		if i < p.Done*width/p.Total {
			bar[i] = '#'
		}
	}
	return fmt.Sprintf("%s: [%s] %d of %d", p.Stage, bar, p.Done, p.Total)
}
