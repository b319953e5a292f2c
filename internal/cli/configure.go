package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	agentv1 "github.com/seedproof/seedproof/api/agent/v1"
	"github.com/seedproof/seedproof/internal/etcd/record"
)

func newConfigureCommand(g *global) *cobra.Command {
	var t target
	var members, interval string
	cmd := &cobra.Command{
		Use:   "configure",
		Short: "Change what the cluster is meant to be",
		Long: "Change the spec in the cluster's record: how many members, how often a backup is\n" +
			"taken. It takes effect within an interval. It is changed only while the verdict is\n" +
			"Intact, and a value that cannot be leaves the last good one in force.",
		Example: "  # From one member to three; the agents of the new ones run already\n  seedproof etcd configure --member-count 3\n\n" +
			"  seedproof etcd configure --backup-interval 30m",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fields := map[string]string{}
			for flag, field := range map[string]string{"member-count": "memberCount", "backup-interval": "backupInterval"} {
				if cmd.Flags().Changed(flag) {
					fields[field] = cmd.Flags().Lookup(flag).Value.String()
				}
			}
			if len(fields) == 0 {
				return &usageError{err: errors.New("nothing to change is given; expected --member-count or --backup-interval"), next: cmd.CommandPath() + " --help"}
			}
			a, err := t.ask(cmd.Context())
			if err != nil {
				return err
			}
			defer a.Close()
			if _, _, err := a.report.Spec.With(fields); err != nil {
				return asFieldError(err)
			}
			return g.configure(cmd.Context(), a, &agentv1.ConfigureRequest{Spec: fields, By: personName()})
		},
	}
	t.addFlags(cmd)
	cmd.Flags().StringVar(&members, "member-count", "", "how many members: 1, 3 or 5")
	cmd.Flags().StringVar(&interval, "backup-interval", "", "time from one backup to the next, such as 15m")
	return cmd
}

// configure asks one agent, once: the one that leads, if one does.
func (g *global) configure(ctx context.Context, a *asked, request *agentv1.ConfigureRequest) error {
	// It makes passes and writes to a store that may be slow.
	ctx, cancel := context.WithTimeout(ctx, 6*a.timeout)
	defer cancel()
	agent := a.leader()
	changes, err := agent.client.Configure(ctx, request)
	if err != nil {
		return configureError(agent.name, err, a.place.again)
	}
	if len(changes) == 0 {
		_, _ = fmt.Fprintln(g.stdout, "Nothing changed: it is so already.")
		return nil
	}
	for _, c := range changes {
		_, _ = fmt.Fprintln(g.stdout, oneLine(c))
	}
	return nil
}

// asFieldError: a field that cannot be is the command line's fault.
func asFieldError(err error) error {
	var field *record.FieldError
	if errors.As(err, &field) {
		return &usageError{err: err}
	}
	return err
}

// configureError tells a no from an answer that never came.
func configureError(agent string, err error, again string) error {
	next := "seedproof etcd status" + again
	said := fmt.Errorf("agent %s: %w", agent, inWords(err))
	var no interface{ Refused() bool }
	if errors.As(err, &no) && no.Refused() {
		return refused(said, next)
	}
	switch status.Code(err) {
	case codes.InvalidArgument:
		return &usageError{err: said}
	case codes.Internal, codes.Unimplemented:
		return withNext(said, next)
	}
	return unproven(fmt.Errorf("it is not known whether the change was made: %w", said), next)
}
