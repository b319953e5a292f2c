package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"github.com/seedproof/seedproof/internal/etcd/backup"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/open"
)

const (
	defaultListed = 50              // newest backups that are read, three small requests each
	readers       = 8               // backups that are read at once
	quietFor      = 2 * time.Second // before progress is shown on a terminal
)

// backupListing is what `backup list` gives as JSON.
type backupListing struct {
	Store      string       `json:"store"`
	Cluster    string       `json:"cluster,omitempty"` // by the store's place mark
	Warnings   []string     `json:"warnings,omitempty"`
	Backups    []backupItem `json:"backups"` // the newest last
	NotShown   int          `json:"notShown,omitempty"`
	Incomplete []string     `json:"incomplete,omitempty"`
	Foreign    []string     `json:"foreignKeys,omitempty"`
}

type backupItem struct {
	Name       string    `json:"name"`
	Stored     time.Time `json:"stored,omitzero"` // by the store's clock
	Size       int64     `json:"sizeBytes"`
	Revision   int64     `json:"revision,omitempty"` // at least
	Lineage    string    `json:"lineage,omitempty"`
	Generation int64     `json:"generation,omitempty"`
	Verified   bool      `json:"verified"`
	// Other: it is a backup of another cluster.
	Other   bool   `json:"otherCluster,omitempty"`
	Problem string `json:"problem,omitempty"`
}

func newBackupCommand(g *global) *cobra.Command {
	parent := &cobra.Command{
		Use:   "backup",
		Short: "Look at backups",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	parent.AddCommand(newBackupListCommand(g))
	return parent
}

func newBackupListCommand(g *global) *cobra.Command {
	var t target
	var format, url string
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the backups of a cluster, the newest last",
		Long: "List the backups in a backup store, the newest last. It reads only.\n\n" +
			"\"unverified\" means that no restore has proved the backup yet.\n" +
			"Without --backup-store the cluster is asked where its backups are; then those of\n" +
			"another cluster are told apart by their lineage.",
		Example: "  seedproof backup list\n\n  # with no cluster left to ask\n  seedproof backup list --backup-store s3://bucket/backups/etcd/main",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			if limit < 0 {
				return usagef("--limit is %d; expected 0 (all) or more", limit)
			}
			from, err := t.backupStore(cmd.Context(), url)
			if err != nil {
				return err
			}
			s, err := open.Open(cmd.Context(), from.url)
			if err != nil {
				return &usageError{err: err}
			}
			defer func() { _ = s.Close() }()
			l, err := g.listBackups(cmd.Context(), s, from, limit)
			if err != nil {
				return err
			}
			return g.print(format, l, func(w io.Writer) { l.table(w, time.Now()) })
		},
	}
	t.addFlags(cmd)
	outputFlag(cmd, &format)
	cmd.Flags().StringVar(&url, "backup-store", "", "URL of the backup store (default: that of the cluster)")
	cmd.Flags().IntVar(&limit, "limit", defaultListed, "how many of the newest to show; 0: all")
	return cmd
}

// backupPlace is where to look, and what a cluster knows of it.
type backupPlace struct {
	url     string
	lineage string // of the cluster's own backups; empty: not known
	mark    string // that the cluster remembers of the place; empty: not known
}

// backupStore is the URL that was given, or the one that the cluster uses.
func (t *target) backupStore(ctx context.Context, given string) (backupPlace, error) {
	if given != "" && t.dir == "" && len(t.agents) == 0 {
		return backupPlace{url: given}, nil
	}
	a, err := t.ask(ctx)
	if err != nil {
		return backupPlace{}, err
	}
	defer a.Close()
	from := backupPlace{url: given, lineage: a.report.Verdict.Identity.Lineage}
	if given != "" {
		return from, nil
	}
	for _, s := range a.report.Stores {
		if s.Kind == string(store.BackupStore) {
			from.url, from.mark = s.URL, s.Mark
			return from, nil
		}
	}
	return backupPlace{}, withNext(errors.New("the cluster does not say where its backups are"), "give it with --backup-store URL")
}

func (g *global) listBackups(ctx context.Context, s store.Store, from backupPlace, limit int) (backupListing, error) {
	l := backupListing{Store: s.URL(), Backups: []backupItem{}}
	seen := store.LookAtPlace(ctx, s)
	if errors.Is(seen.Err, store.ErrNoPlace) {
		return l, withNext(fmt.Errorf("list the backups in %s: %w", s.URL(), seen.Err), "look at the URL")
	}
	l.judgePlace(seen, from.mark)
	catalogue, err := backup.List(ctx, s, "")
	if err != nil {
		return l, err
	}
	l.Incomplete, l.Foreign = catalogue.Incomplete, catalogue.Foreign
	entries := catalogue.Backups
	if limit > 0 && len(entries) > limit {
		l.NotShown = len(entries) - limit
		entries = entries[l.NotShown:]
	}
	if l.Backups, err = g.readBackups(ctx, s, entries); err != nil {
		return l, err
	}
	for i := range l.Backups {
		b := &l.Backups[i]
		b.Other = from.lineage != "" && b.Lineage != "" && b.Lineage != from.lineage
	}
	return l, nil
}

// judgePlace warns of a place that is not the one it should be.
func (l *backupListing) judgePlace(seen store.Seen, remembered string) {
	warn := func(format string, args ...any) { l.Warnings = append(l.Warnings, fmt.Sprintf(format, args...)) }
	switch seen.MarkFinding {
	case store.MarkPresent:
		l.Cluster = seen.Mark.Cluster
		if seen.Mark.Kind != store.BackupStore {
			warn("the place is marked as a %s, not as a %s", seen.Mark.Kind, store.BackupStore)
		}
		if remembered != "" && seen.Mark.ID != remembered {
			warn("the place bears another mark than the cluster remembers: another disk or bucket is here")
		}
	case store.MarkAbsent:
		if remembered != "" {
			warn("the mark that the cluster remembers is gone: the place was emptied, or is not mounted here")
			return
		}
		warn("the place bears no mark of Seedproof: it is new, not mounted, another's, or was emptied")
	default:
		warn("the mark of the place cannot be read: %v", seen.Err)
	}
}

// readBackups reads what is known of each, several at once.
func (g *global) readBackups(ctx context.Context, s store.Store, entries []backup.Entry) ([]backupItem, error) {
	items := make([]backupItem, len(entries))
	done := g.progress(fmt.Sprintf("reading %d backups", len(entries)))
	defer done()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, listed := range entries {
		group.Go(func() error {
			e, err := backup.Read(ctx, s, listed.Name)
			switch {
			case errors.Is(err, store.ErrNotFound):
				e = listed
				e.Problem = "it was deleted while the list was made"
			case err != nil:
				return err
			}
			items[i] = itemOf(e)
			return nil
		})
	}
	return items, group.Wait()
}

func itemOf(e backup.Entry) backupItem {
	item := backupItem{Name: e.Name, Stored: e.Stored, Size: e.Size, Problem: e.Problem}
	if p := e.Proof; p != nil {
		item.Revision, item.Lineage, item.Generation, item.Verified = p.RevisionAtLeast, p.Lineage, p.Generation, p.Verified
	}
	return item
}

// progress says on a terminal what takes long.
func (g *global) progress(what string) (done func()) {
	out, ok := g.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(out.Fd())) {
		return func() {}
	}
	timer := time.AfterFunc(quietFor, func() { _, _ = fmt.Fprintln(out, what+" …") })
	return func() { timer.Stop() }
}

func (l backupListing) table(w io.Writer, now time.Time) {
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	for _, warning := range l.Warnings {
		line("* %s: %s", oneLine(l.Store), warning)
	}
	if l.NotShown > 0 {
		line("%d older ones are not shown (--limit 0 shows all).", l.NotShown)
	}
	if len(l.Backups) == 0 {
		line("No backups in %s.", oneLine(l.Store))
	} else {
		line("NAME\tAGE\tSIZE\tREVISION\tLINEAGE\tVERIFIED\tPROBLEM")
	}
	for _, b := range l.Backups {
		line("%s\t%s\t%s\t%s\t%s\t%s\t%s", oneLine(b.Name), since(now, b.Stored), bytesOf(b.Size), numberOrDash(b.Revision),
			b.lineageCell(), b.verifiedCell(), orDash(oneLine(b.problem())))
	}
	if len(l.Incomplete) > 0 {
		line("\nIncomplete, and no backups: %s", oneLine(strings.Join(l.Incomplete, ", ")))
	}
	if len(l.Foreign) > 0 {
		line("\nKeys that do not belong here: %s", oneLine(strings.Join(l.Foreign, ", ")))
	}
	if slices.ContainsFunc(l.Backups, func(b backupItem) bool { return b.Other }) {
		line("\nA backup of another cluster is no source for a restore of this one, unless it is named.")
	}
}

func (b backupItem) lineageCell() string {
	if b.Lineage == "" {
		return "-"
	}
	return fmt.Sprintf("%s/%d", shortLineage(oneLine(b.Lineage)), b.Generation)
}

func (b backupItem) verifiedCell() string {
	if b.Verified {
		return "verified"
	}
	return "unverified"
}

func (b backupItem) problem() string {
	switch {
	case !b.Other:
		return b.Problem
	case b.Problem == "":
		return "of another cluster"
	}
	return "of another cluster; " + b.Problem
}
