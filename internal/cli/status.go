package cli

import (
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/pki"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
)

// clusterStatus is what status gives as JSON: the report of the agent to go
// by, and what only the command itself knows.
type clusterStatus struct {
	controller.Report
	Agents       []agentStatus       `json:"agents"`
	Certificates []certificateStatus `json:"certificates,omitempty"`
}

type agentStatus struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Answers bool   `json:"answers"`
	Error   string `json:"error,omitempty"`
}

type certificateStatus struct {
	Name     string    `json:"name"`
	NotAfter time.Time `json:"notAfter"`
	DaysLeft int       `json:"daysLeft"` // whole days; negative after the end
}

func newStatusCommand(g *global) *cobra.Command {
	var t target
	var format string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how the cluster stands, what waits for a person first",
		Long: "Show how the cluster stands: first what waits for a person, with what to type,\n" +
			"then the verdict, the members, the stores, the newest backup, the certificates.\n\n" +
			"Exit codes:\n" +
			"  0  Intact, being created, or its lost record is being written again\n" +
			"  1  no agent answers\n" +
			"  3  DataLost or Conflicting, or a lost record that is not written again: a person is needed\n" +
			"  4  Unproven: somebody who was to be asked did not answer",
		Example: "  # The cluster of `seedproof up`\n  seedproof etcd status\n\n" +
			"  # Another one, for a script\n  seedproof etcd status --agents 10.0.0.1:2377,10.0.0.2:2377 \\\n" +
			"    --cacert agents-ca.crt --cert admin.crt --key admin.key -o json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			a, err := t.ask(cmd.Context())
			if err != nil {
				return err
			}
			defer a.Close()
			now := time.Now()
			s := statusOf(a, now)
			if err := g.print(format, s, func(w io.Writer) { s.table(w, now) }); err != nil {
				return err
			}
			return statusError(s.Report, a.place.again)
		},
	}
	t.addFlags(cmd)
	outputFlag(cmd, &format)
	return cmd
}

// statusError is the exit code of a verdict, with the next command.
func statusError(r controller.Report, again string) error {
	explain := "seedproof etcd explain" + again
	switch v := r.Verdict; v.State {
	case proof.Intact, proof.NeverExisted:
		return nil
	case proof.RecordLost:
		if r.Leads && len(r.Escalations) == 0 {
			return nil
		}
		return refused(fmt.Errorf("the record is lost, and it is not being written again"), explain)
	case proof.DataLost, proof.Conflicting:
		return refused(fmt.Errorf("the verdict is %s: a person is needed", v.State), explain)
	}
	return unproven(fmt.Errorf("the verdict is Unproven: %s", shorten(r.Verdict, r.Verdict.Why)), explain)
}

func statusOf(a *asked, now time.Time) clusterStatus {
	s := clusterStatus{Report: a.report, Certificates: certificates(a, now)}
	for _, n := range a.answers {
		as := agentStatus{Name: n.name, Address: n.address, Answers: n.err == nil}
		if n.err != nil {
			as.Error = rootCause(n.err)
		}
		s.Agents = append(s.Agents, as)
	}
	return s
}

// certificates are those in the directory of `up`, else those that the agents
// showed when they were asked.
func certificates(a *asked, now time.Time) []certificateStatus {
	var found []certificateStatus
	add := func(name string, end time.Time) {
		found = append(found, certificateStatus{name, end, int(math.Floor(end.Sub(now).Hours() / 24))})
	}
	if a.place.certDir == "" {
		for _, n := range a.answers {
			if end := n.certEnds.Load(); end != nil {
				add("agent "+n.name, *end)
			}
		}
		return found
	}
	// What cannot be read here is a trouble of the agents, who say so.
	for _, sub := range append([]string{""}, slices.Sorted(maps.Keys(a.place.agents))...) {
		ends, _ := pki.Expiries(filepath.Join(a.place.certDir, sub))
		for _, e := range ends {
			add(filepath.Join(sub, e.Name), e.NotAfter)
		}
	}
	return found
}

func (s clusterStatus) table(w io.Writer, now time.Time) {
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	urgent(line, s.Report)
	v := s.Verdict
	line("Cluster %s: %s. %s", oneLine(s.Cluster), v.State, sentence(v))
	for _, advice := range s.Advice {
		line("  %s", oneLine(advice))
	}
	line("Identity: %s", identityLine(v))
	line("Leader:   %s", leaderLine(s.Report, now))
	line("")
	s.members(line)
	line("")
	s.places(line, now)
	s.certificateLine(line)
	s.lately(line, now)
	for _, a := range s.Agents {
		if !a.Answers {
			line("Agent %s at %s does not answer: %s", a.Name, a.Address, oneLine(a.Error))
		}
	}
}

// urgent is what waits for a person, with what to type, and what else is
// wrong. It stands before everything else.
func urgent(line func(string, ...any), r controller.Report) {
	for _, e := range r.Escalations {
		line("! %s: %s (for %s, %d tries)", stepName(e), oneLine(e.Why), ago(r.At.Sub(e.Since)), e.Attempts)
		if e.Advice != "" {
			line("    type: %s", oneLine(e.Advice))
		}
	}
	for _, trouble := range r.Troubles {
		line("* %s", oneLine(trouble))
	}
	if len(r.Escalations)+len(r.Troubles) > 0 {
		line("")
	}
}

func stepName(e flow.Escalation) string { return oneLine(e.Flow + "/" + e.Step) }

func identityLine(v proof.Verdict) string {
	id := v.Identity
	if !id.Named() {
		return "none that can be named"
	}
	return fmt.Sprintf("lineage %s, generation %d, birth %s", oneLine(id.Lineage), id.Generation, orDash(shortLineage(oneLine(id.Birth))))
}

func leaderLine(r controller.Report, now time.Time) string {
	if r.Leads {
		return fmt.Sprintf("%s, epoch %d (looked %s ago)", oneLine(r.Leader.Holder), r.Leader.Epoch, since(now, r.At))
	}
	why := r.Leader.Why
	if why == "" {
		why = "no agent that answers leads"
	}
	return fmt.Sprintf("none: %s (seen by %s, %s ago)", oneLine(why), oneLine(r.Agent), since(now, r.At))
}

func (s clusterStatus) members(line func(string, ...any)) {
	line("MEMBER\tID\tFINDING\tSERVES\tROLE\tREVISION\tDB SIZE\tOF QUOTA\tALARMS\tETCD")
	for _, m := range s.Members {
		line("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", oneLine(m.Name), orDash(m.ID), m.Finding, yesNo(m.Serves), role(m), numberOrDash(m.Revision),
			sizeCell(m.DBSize), ofQuota(m.DBSize, s.Spec.QuotaBytes), orDash(oneLine(strings.Join(m.Alarms, ","))), orDash(oneLine(m.Version)))
	}
}

func role(m controller.MemberReport) string {
	switch {
	case m.Leader:
		return "leader"
	case m.Learner:
		return "learner"
	case m.Live:
		return "follower"
	}
	return "-"
}

func sizeCell(n int64) string {
	if n == 0 {
		return "-"
	}
	return bytesOf(n)
}

func ofQuota(size, quota int64) string {
	if size == 0 || quota <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f%%", 100*float64(size)/float64(quota))
}

func (s clusterStatus) places(line func(string, ...any), now time.Time) {
	r := s.Record
	record := r.Finding.String()
	if r.Finding == proof.Present {
		record = fmt.Sprintf("Present, serial %d, written %s ago", r.Serial, since(now, r.WrittenAt))
	} else if r.Why != "" {
		record += ": " + oneLine(r.Why)
	}
	line("Record:   %s", record)
	for _, place := range s.Stores {
		text := oneLine(place.State)
		if place.State != "ours" && place.Why != "" {
			text += ": " + oneLine(place.Why)
		}
		line("%s %s (%s)", map[string]string{"control-store": "Control: ", "backup-store": "Backups: "}[place.Kind], oneLine(place.URL), text)
	}
	line("Newest:   %s", backupLine(s.Report, now))
}

func backupLine(r controller.Report, now time.Time) string {
	b := r.Backup
	text := "no backup yet"
	if b.Newest != "" {
		verified := "unverified"
		if b.Verified {
			verified = "verified"
		}
		text = fmt.Sprintf("%s, %s ago, %s, revision %s, %s", oneLine(b.Newest), since(now, b.Stored), bytesOf(b.Size), numberOrDash(b.Revision), verified)
	}
	text += fmt.Sprintf("; one every %s", time.Duration(b.Interval))
	if b.Error != "" {
		text += "; the last try failed: " + oneLine(b.Error)
	}
	return text
}

// latest is how many of the newest events the table shows.
const latest = 5

func (s clusterStatus) lately(line func(string, ...any), now time.Time) {
	for i, e := range s.History[max(0, len(s.History)-latest):] {
		head := "         "
		if i == 0 {
			head = "Lately:  "
		}
		text := oneLine(e.What)
		if e.Why != "" {
			text += " (" + oneLine(shorten(s.Verdict, e.Why)) + ")"
		}
		line("%s %s ago: %s", head, since(now, e.At), text)
	}
}

// soon is when the end of a certificate is said aloud.
const soon = 30 // days

func (s clusterStatus) certificateLine(line func(string, ...any)) {
	if len(s.Certificates) == 0 {
		return
	}
	first := slices.MinFunc(s.Certificates, func(a, b certificateStatus) int { return a.NotAfter.Compare(b.NotAfter) })
	line("Certs:    %d; the first ends in %d days (%s)", len(s.Certificates), first.DaysLeft, oneLine(first.Name))
	for _, c := range s.Certificates {
		if c.DaysLeft < soon {
			line("* certificate %s: %d days left, until %s", oneLine(c.Name), c.DaysLeft, c.NotAfter.UTC().Format(time.DateOnly))
		}
	}
}
