package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// The forms of output.
const (
	formatTable = "table"
	formatJSON  = "json"
	formatYAML  = "yaml"
)

// outputFlag gives a command the flag -o.
func outputFlag(cmd *cobra.Command, format *string) {
	cmd.Flags().StringVarP(format, "output", "o", formatTable, "output as table, json or yaml")
}

// checkFormat is for the head of a command, before anything is asked.
func checkFormat(format string) error {
	switch format {
	case formatTable, formatJSON, formatYAML:
		return nil
	}
	return usagef("output format %q; expected table, json or yaml", format)
}

// print writes value in the format that was asked for. table writes lines
// whose cells are divided by tabs.
func (g *global) print(format string, value any, table func(w io.Writer)) error {
	if err := checkFormat(format); err != nil {
		return err
	}
	var text []byte
	var err error
	switch format {
	case formatJSON:
		text, err = json.MarshalIndent(value, "", "  ")
		text = append(text, '\n')
	case formatYAML:
		text, err = yaml.Marshal(value)
	default:
		w := tabwriter.NewWriter(g.stdout, 0, 8, 2, ' ', 0)
		table(w)
		return w.Flush()
	}
	if err != nil {
		return fmt.Errorf("write the answer as %s: %w", format, err)
	}
	_, err = g.stdout.Write(text)
	return err
}
