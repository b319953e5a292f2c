package cli

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/flow"
)

func TestStatusExitCodes(t *testing.T) {
	tests := []struct {
		story, reason string
		change        func(r *controller.Report)
		code          int
		says          []string
	}{
		{"intact", "safe", nil, exitOK, []string{"Cluster main: Intact.", "a, epoch 7"}},
		{"one-node-down", "one of three is no reason for an alarm", nil, exitOK, []string{"goes on without who is silent: c"}},
		{"never-existed", "it is about to be made", nil, exitOK, []string{"NeverExisted"}},
		{"record-lost", "the leader writes it again", nil, exitOK, []string{"RecordLost"}},
		{"record-lost", "nobody leads, so nobody writes it", func(r *controller.Report) { r.Leads = false }, exitRefused, []string{"not being written again"}},
		{"record-lost", "the step was given up to a person", func(r *controller.Report) {
			r.Escalations = []flow.Escalation{{Flow: "heal", Step: "write-record", Why: "403", Advice: "look at the policy", Since: storyTime}}
		}, exitRefused, []string{"! heal/write-record: 403", "type: look at the policy"}},
		{"old-directory", "a person is needed", nil, exitRefused, []string{"DataLost", "seedproof etcd explain"}},
		{"foreign-record", "a person is needed", nil, exitRefused, []string{"Conflicting"}},
		{"control-store-silent", "not known", nil, exitUnproven, []string{"Unproven"}},
	}
	for _, tt := range tests {
		t.Run(tt.story+": "+tt.reason, func(t *testing.T) {
			r := storyNamed(tt.story).report()
			if tt.change != nil {
				tt.change(&r)
			}
			f := startAgent(t, r)
			typeIn(t, "etcd", "status", "--agents", f.address).says(t, tt.code, tt.says...)
		})
	}
}

func TestEscalationsStandFirst(t *testing.T) {
	r := storyNamed("intact").report()
	r.Escalations = []flow.Escalation{{Flow: "backup", Step: "upload", Why: "no space left", Since: storyTime}}
	f := startAgent(t, r)
	for _, command := range []string{"status", "explain"} {
		if o := typeIn(t, "etcd", command, "--agents", f.address); !strings.HasPrefix(o.out, "! backup/upload: no space left") {
			t.Errorf("%s begins with %.60q", command, o.out)
		}
	}
}

// What came from elsewhere must not steer the terminal.
func TestControlCharactersAreNotPrinted(t *testing.T) {
	r := storyNamed("intact").report()
	r.Troubles = []string{"\x1b[2Jgone\nFORGED LINE"}
	f := startAgent(t, r)
	o := typeIn(t, "etcd", "status", "--agents", f.address)
	if strings.Contains(o.out, "\x1b") || strings.Contains(o.out, "\nFORGED") {
		t.Errorf("it prints %q", o.out)
	}
}

func TestStatusAsJSONAndYAML(t *testing.T) {
	f := startAgent(t, storyNamed("intact").report())
	dead := nobodyAt(t)
	o := typeIn(t, "etcd", "status", "--agents", f.address+","+dead, "-o", "json")
	o.says(t, exitOK)
	var s clusterStatus
	if err := json.Unmarshal([]byte(o.out), &s); err != nil {
		t.Fatal(err)
	}
	if s.Cluster != "main" || len(s.Agents) != 2 || s.Verdict.Identity != ours || len(s.Members) != 3 {
		t.Errorf("it says %+v", s)
	}
	for _, a := range s.Agents {
		if a.Answers != (a.Address == f.address) || a.Answers != (a.Error == "") {
			t.Errorf("agent %+v", a)
		}
	}
	typeIn(t, "etcd", "status", "--agents", f.address, "-o", "yaml").says(t, exitOK, "cluster: main\n", "state: Intact\n")
	typeIn(t, "etcd", "explain", "--agents", f.address, "-o", "yaml").says(t, exitOK, "ruleText: ", "lineage: "+ours.Lineage)
}

// An agent that does not answer is shown as such, and the others are asked.
func TestOneAgentDoesNotAnswer(t *testing.T) {
	f, dead := startAgent(t, storyNamed("intact").report()), nobodyAt(t)
	typeIn(t, "etcd", "status", "--agents", dead+","+f.address).says(t, exitOK, "at "+dead+" does not answer", "connection refused")
}

func TestWhichReportIsGoneBy(t *testing.T) {
	report := func(name string, leads bool, epoch uint64, age time.Duration) controller.Report {
		r := storyNamed("intact").report()
		r.Agent, r.Leads, r.At = name, leads, storyTime.Add(-age)
		r.Leader = controller.LeaderReport{Holder: name, Epoch: epoch}
		return r
	}
	tests := []struct {
		reason string
		a, b   controller.Report
		want   string
	}{
		{"the leader's, though another is newer", report("a", true, 3, time.Hour), report("b", false, 0, 0), "a"},
		{"of two who think that they lead, the later epoch's", report("a", true, 3, 0), report("b", true, 4, time.Hour), "b"},
		{"nobody leads: the newest", report("a", false, 0, time.Hour), report("b", false, 0, 0), "b"},
		{"one has not looked yet", controller.Report{Agent: "a", Cluster: "main"}, report("b", false, 0, time.Hour), "b"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			to := target{agents: []string{startAgent(t, tt.a).address, startAgent(t, tt.b).address}, timeout: 20 * time.Second}
			a, err := to.ask(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			if a.report.Agent != tt.want {
				t.Errorf("it goes by the report of %s, expected %s", a.report.Agent, tt.want)
			}
		})
	}
}

func TestFindingTheCluster(t *testing.T) {
	f := startAgent(t, storyNamed("intact").report())
	other := storyNamed("intact").report()
	other.Cluster = "events"
	dead := nobodyAt(t)
	tests := []struct {
		reason string
		args   []string
		code   int
		says   []string
	}{
		{"nobody answers", []string{"--agents", dead}, exitError, []string{"no agent answers; tried " + dead, "connection refused", "Next:", "seedproof-agent"}},
		{"no cluster is named, and none is here", nil, exitUsage, []string{"no cluster is named", "seedproof up"}},
		{"a directory without a cluster", []string{"--dir", t.TempDir()}, exitError, []string{"no cluster in", "seedproof up --dir"}},
		{"two ways to find one", []string{"--dir", "x", "--agents", dead}, exitUsage, []string{"expected one of them"}},
		{"an address without a port", []string{"--agents", "host"}, exitUsage, []string{`"host"`, "HOST:PORT"}},
		{"an address that is a URL", []string{"--agents", "https://host:1"}, exitUsage, []string{"HOST:PORT"}},
		{"half a pair", []string{"--agents", dead, "--cacert", "x"}, exitUsage, []string{"expected all three"}},
		{"certificates that are not there", []string{"--agents", dead, "--cacert", "x", "--cert", "x", "--key", "x"}, exitUsage, []string{"--cacert", "no such file"}},
		{"certificates without agents", []string{"--cacert", "x"}, exitUsage, []string{"go with --agents"}},
		{"agents of two clusters", []string{"--agents", f.address + "," + startAgent(t, other).address}, exitUsage, []string{"different clusters", "events"}},
		{"nobody has looked yet", []string{"--agents", startAgent(t, controller.Report{}).address}, exitUnproven, []string{"none of them has looked"}},
		{"a format that is none", []string{"--agents", f.address, "-o", "xml"}, exitUsage, []string{`"xml"`, "table, json or yaml"}},
		{"no time to answer in", []string{"--agents", f.address, "--timeout", "0s"}, exitUsage, []string{"--timeout"}},
		{"a flag that is none", []string{"--agent", f.address}, exitUsage, []string{"--help"}},
		{"an argument too many", []string{"now", "--agents", f.address}, exitUsage, []string{"--help"}},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			t.Chdir(t.TempDir())
			typeIn(t, append([]string{"etcd", "status"}, tt.args...)...).says(t, tt.code, tt.says...)
		})
	}
}

func TestAgentsWithTLS(t *testing.T) {
	creds, flags := tlsAgents(t)
	f := startAgent(t, storyNamed("intact").report(), creds)
	args := append([]string{"etcd", "status", "--agents", f.address}, flags...)
	typeIn(t, args...).says(t, exitOK, "the first ends in 20 days", "certificate agent "+f.address+": 20 days left")

	_, strangers := tlsAgents(t)
	typeIn(t, append([]string{"etcd", "status", "--agents", f.address}, strangers...)...).says(t, exitError, "no agent answers", "unknown authority")
	typeIn(t, "etcd", "status", "--agents", f.address).says(t, exitError, "no agent answers", "give --cacert, --cert and --key")
}

// The hint must find the same cluster again.
func TestHintsNameTheCluster(t *testing.T) {
	creds, flags := tlsAgents(t)
	f := startAgent(t, storyNamed("foreign-record").report(), creds)
	o := typeIn(t, append([]string{"etcd", "status", "--agents", f.address}, flags...)...)
	o.says(t, exitRefused, "seedproof etcd explain --agents "+f.address+" --cacert "+filepath.Clean(flags[1]))
}
