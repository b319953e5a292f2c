package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	agentv1 "github.com/seedproof/seedproof/api/agent/v1"
)

func newMoveStoreCommand(g *global) *cobra.Command {
	var t target
	var control, backup string
	cmd := &cobra.Command{
		Use:   "move-store",
		Short: "Let the cluster use another control store or backup store",
		Long: "Let the cluster use another control store or backup store. The new place is marked,\n" +
			"the record names it, every agent remembers it, and the old place says where it went.\n" +
			"Backups stay where they are. A store that is lost has to be attested lost first.\n\n" +
			"The new place must be new. The URL is one that all agents can reach.",
		Example: "  seedproof etcd move-store --control-store s3://other-bucket/control/etcd/main\n\n" +
			"  seedproof etcd move-store --backup-store s3://other-bucket/backups/etcd/main",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if control == "" && backup == "" {
				return &usageError{err: errors.New("no store is given; expected --control-store or --backup-store"), next: cmd.CommandPath() + " --help"}
			}
			for flag, url := range map[string]string{"--control-store": control, "--backup-store": backup} {
				if scheme, _, found := strings.Cut(url, "://"); url != "" && (!found || scheme == "") {
					return usagef("%s has no URL scheme; expected one such as s3://bucket/prefix", flag)
				}
			}
			a, err := t.ask(cmd.Context())
			if err != nil {
				return err
			}
			defer a.Close()
			request := &agentv1.ConfigureRequest{MoveControlStore: control, MoveBackupStore: backup, By: personName()}
			if err := g.configure(cmd.Context(), a, request); err != nil {
				return err
			}
			_, _ = fmt.Fprintln(g.stdout, "The agents follow by themselves. Write the new URL where they are started, so that a new node finds it too.")
			return nil
		},
	}
	t.addFlags(cmd)
	cmd.Flags().StringVar(&control, "control-store", "", "URL of the new control store")
	cmd.Flags().StringVar(&backup, "backup-store", "", "URL of the new backup store")
	return cmd
}
