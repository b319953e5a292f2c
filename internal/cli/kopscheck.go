package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/statestore"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/file"
	"github.com/seedproof/seedproof/internal/store/gcs"
	"github.com/seedproof/seedproof/internal/store/lifecycle"
	"github.com/seedproof/seedproof/internal/store/lifecycle/gcsinspect"
	"github.com/seedproof/seedproof/internal/store/lifecycle/s3inspect"
	"github.com/seedproof/seedproof/internal/store/open"
	"github.com/seedproof/seedproof/internal/store/s3"
)

// stateVariable is what kops itself reads.
const stateVariable = "KOPS_STATE_STORE"

// newKopsCommand is the parent of all that is about kops clusters.
func newKopsCommand(g *global) *cobra.Command {
	parent := &cobra.Command{
		Use:   "kops",
		Short: "Look at kops clusters before an update does",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	parent.AddCommand(newKopsCheckCommand(g))
	parent.AddCommand(newKopsWatchCommand(g))
	parent.AddCommand(newKopsGateCommands(g)...)
	return parent
}

// kopsTarget is what the commands about kops clusters share: where to look,
// and how closely.
type kopsTarget struct {
	state, name  string
	verify       bool
	maxBackupAge time.Duration
	timeout      time.Duration
	endpoints    []string
	ca           string
	cert, key    string
}

func (t *kopsTarget) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&t.state, "state", "", "URL of the state store (default: $"+stateVariable+")")
	f.StringVar(&t.name, "name", "", "the one cluster to look at (default: every cluster in the state store)")
	f.BoolVar(&t.verify, "verify", false, "open the newest backups, and older ones until one holds")
	f.DurationVar(&t.maxBackupAge, "max-backup-age", kops.DefaultMaxBackupAge, "how old the last valid backup may be")
	f.DurationVar(&t.timeout, "timeout", 30*time.Second, "how long one request may take")
	f.StringSliceVar(&t.endpoints, "etcd-endpoints", nil, "live members to ask too, [ETCD=]URL,… such as events=https://10.0.0.1:4002 (default ETCD: main)")
	f.StringVar(&t.ca, "etcd-cacert", "", "certificate of the authority of --etcd-endpoints")
	f.StringVar(&t.cert, "etcd-cert", "", "client certificate towards --etcd-endpoints")
	f.StringVar(&t.key, "etcd-key", "", "key of the client certificate")
}

// options turns the flags into a check. It asks nobody.
func (t *kopsTarget) options() (kops.Options, error) {
	if t.state == "" {
		t.state = os.Getenv(stateVariable)
	}
	switch {
	case t.state == "":
		return kops.Options{}, &usageError{err: errors.New("no state store is named: neither --state nor $" + stateVariable + " is set"),
			next: "seedproof kops check --state s3://BUCKET"}
	case t.maxBackupAge <= 0:
		return kops.Options{}, usagef("--max-backup-age is %s; expected a time above zero", t.maxBackupAge)
	case t.timeout <= 0:
		return kops.Options{}, usagef("--timeout is %s; expected a time above zero", t.timeout)
	case len(t.endpoints) > 0 && t.name == "":
		return kops.Options{}, usagef("--etcd-endpoints are those of one cluster; name it with --name")
	}
	endpoints, err := etcdEndpoints(t.endpoints)
	if err != nil {
		return kops.Options{}, err
	}
	tlsConfig, err := kops.TLSFiles(t.ca, t.cert, t.key)
	if err != nil {
		return kops.Options{}, &usageError{err: err}
	}
	return kops.Options{
		State: t.state, Name: t.name, Open: open.Open,
		Verify: t.verify, Verifier: kops.Inspect{Stall: t.timeout}, MaxBackupAge: t.maxBackupAge,
		Inspect:   inspectBucket,
		Endpoints: endpoints, Asker: kops.Client{TLS: tlsConfig},
		Timeout: t.timeout,
	}, nil
}

// inspectBucket finds who can ask the bucket of a store about its own rules.
func inspectBucket(_ context.Context, s store.Store) (lifecycle.Inspector, error) {
	switch s := s.(type) {
	case *s3.Store:
		return s3inspect.New(s), nil
	case *gcs.Store:
		return gcsinspect.New(s), nil
	case *file.Store:
		return nil, nil // a directory has no rules
	}
	return nil, fmt.Errorf("those of a store such as %s cannot be read by this version", s.URL())
}

// etcdEndpoints sorts [ETCD=]URL by the name of the etcd cluster.
func etcdEndpoints(given []string) (map[string][]string, error) {
	sorted := map[string][]string{}
	for _, text := range given {
		etcd, endpoint := "main", text
		if name, rest, named := strings.Cut(text, "="); named && !strings.Contains(name, "/") {
			etcd, endpoint = name, rest
		}
		u, err := url.Parse(endpoint)
		if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
			return nil, usagef("--etcd-endpoints: expected [ETCD=]http://HOST:PORT or https://HOST:PORT")
		}
		sorted[etcd] = append(sorted[etcd], endpoint)
	}
	return sorted, nil
}

func newKopsCheckCommand(g *global) *cobra.Command {
	var t kopsTarget
	var format string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Say what the next `kops update cluster --yes` would do to etcd",
		Long: "Says of each etcd cluster of each kops cluster what the next\n" +
			"`kops update cluster --yes` would do to it: nothing, change its spec, seed a new\n" +
			"cluster, or seed a new, EMPTY cluster over one that has lived. It also says how\n" +
			"old the last backup is, what threatens the files, and what to type. It reads only.\n\n" +
			"Backups are not opened unless --verify is given.\n\n" +
			"Exit codes, the worst of all clusters:\n" +
			"  0  safe: the update would harm no etcd\n" +
			"  1  there is nothing to look at: no such state store or cluster\n" +
			"  3  refused: a new cluster would replace one that has lived, or is about to; a\n" +
			"     spec would change with no recent backup, or by more than a minor version;\n" +
			"     the marker is empty, or two clusters share a path\n" +
			"  4  unproven: what has to be known could not be read",
		Example: "  # Every cluster of the state store in $" + stateVariable + "\n  seedproof kops check\n\n" +
			"  # One cluster, its newest backups opened, for a script\n  seedproof kops check --state s3://my-state --name prod.example.com --verify -o json\n\n" +
			"  # Its live members testify too\n  seedproof kops check --name prod.example.com --etcd-endpoints https://127.0.0.1:4001 \\\n" +
			"    --etcd-cacert ca.crt --etcd-cert client.crt --etcd-key client.key",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			options, err := t.options()
			if err != nil {
				return err
			}
			report, err := g.checkKops(cmd.Context(), options)
			if err != nil {
				return err
			}
			if err := g.print(format, report, func(w io.Writer) { kopsTable(w, report) }); err != nil {
				return err
			}
			return kopsError(report)
		},
	}
	t.addFlags(cmd)
	outputFlag(cmd, &format)
	return cmd
}

// checkKops is a check with its progress shown on a terminal.
func (g *global) checkKops(ctx context.Context, o kops.Options) (kops.Report, error) {
	bar := g.newProgressBar()
	defer bar.close()
	o.Progress = func(p kops.Progress) { bar.show(progressText(p)) }
	report, err := kops.Check(ctx, o)
	bar.close()
	var nothing *statestore.PlaceError
	switch {
	case errors.Is(err, kops.ErrState) || errors.Is(err, kops.ErrEndpoints):
		return report, &usageError{err: err}
	case errors.As(err, &nothing) && nothing.Unproven:
		return report, unproven(err, nothing.Next)
	case errors.As(err, &nothing):
		return report, withNext(err, nothing.Next)
	}
	return report, err
}

// kopsError is the exit code of a report, with the next command.
func kopsError(r kops.Report) error {
	if r.ExitCode == decide.Safe {
		return nil
	}
	worst, others := r.Clusters[0], -1
	for _, result := range r.Clusters {
		if result.ExitCode != decide.Safe {
			others++
		}
		if decide.Worse(worst.ExitCode, result.ExitCode) != worst.ExitCode {
			worst = result
		}
	}
	text := fmt.Sprintf("etcd %s of %s: %s", worst.Etcd, worst.Cluster, worst.Action)
	switch {
	case others < 0:
		text = "there may be more clusters: " + r.Incomplete
	case others > 0:
		text += fmt.Sprintf(", and %d more that are not safe", others)
	}
	next := fmt.Sprintf("seedproof kops check --state %s --name %s", decide.Quote(r.State), decide.Quote(worst.Cluster))
	if len(r.Of(worst.Cluster)) == len(r.Clusters) {
		next = "" // all of it has just been told
	}
	if r.ExitCode == decide.Refused {
		return refused(errors.New(oneLine(text)), next)
	}
	return unproven(errors.New(oneLine(text)), next)
}
