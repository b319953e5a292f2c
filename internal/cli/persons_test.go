package cli

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	agentv1 "github.com/seedproof/seedproof/api/agent/v1"
	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
)

func witnessesGiven(f *fakeAgent) (names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range f.words {
		names = append(names, w.GetWitness())
	}
	return names
}

func TestAttestLost(t *testing.T) {
	silentBackups := storyNamed("intact")
	silentBackups.e.Traces = []decide.Trace{{Name: "backups", Why: "403"}, {Name: "created-marker", Why: "403"}}
	memoryOnly := storyNamed("intact")
	memoryOnly.e.Nodes = append(slices.Clone(memoryOnly.e.Nodes[:2]), serving("c", ours, "abc"))
	memoryOnly.e.Nodes[2].Memory = decide.Memory{Why: "permission denied"}
	tests := []struct {
		reason string
		story  story
		name   string
		code   int
		given  []string
		says   []string
	}{
		{"a member covers its part and its memory", storyNamed("one-node-down"), "c", exitOK, []string{"member/c", "memory/c"}, []string{"c is attested lost by ada", "void as soon as"}},
		{"of a member whose data answers, the memory alone", memoryOnly, "c", exitOK, []string{"memory/c"}, []string{"memory/c, which is Unknown"}},
		{"one witness by its own name", storyNamed("one-node-down"), "memory/c", exitOK, []string{"memory/c"}, nil},
		{"the record", storyNamed("control-store-silent"), "record", exitOK, []string{"record"}, []string{"never lets a cluster be created"}},
		{"the control store is the record", storyNamed("control-store-silent"), "control-store", exitOK, []string{"record"}, nil},
		{"an emptied one is unusable, and a word is taken for it", storyNamed("control-store-emptied"), "record", exitOK, []string{"record"}, []string{"Unusable"}},
		{"the backup store covers both its traces", silentBackups, "backup-store", exitOK, []string{"backups", "created-marker"}, nil},
		{"who answers speaks for itself", storyNamed("one-node-down"), "a", exitRefused, nil, []string{"member/a answers: Present"}},
		{"absence is an answer too", storyNamed("record-lost"), "record", exitRefused, nil, []string{"record answers: Absent"}},
		{"a name that nobody bears", storyNamed("one-node-down"), "d", exitUsage, nil, []string{`"d"`, "known are record, a, b, c, backup-store"}},
		{"one whom nobody has met", storyNamed("third-never-met"), "(3 of 3)", exitUsage, nil, []string{"known are"}},
		{"a word that was given already", storyNamed("third-attested-lost"), "c", exitOK, nil, []string{"attested lost by ada already"}},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			f, g := startAgent(t, tt.story.report()), startAgent(t, tt.story.report())
			typeIn(t, "etcd", "attest", "lost", tt.name, "--yes", "--by", "ada", "--reason", "burnt", "--agents", f.address+","+g.address).says(t, tt.code, tt.says...)
			for _, agent := range []*fakeAgent{f, g} {
				if given := witnessesGiven(agent); !slices.Equal(given, tt.given) {
					t.Errorf("an agent was given %v, expected %v", given, tt.given)
				}
			}
		})
	}
}

// The word that is given must be one that the judge takes.
func TestTheWordStands(t *testing.T) {
	s := storyNamed("third-silent-before-birth")
	s.e.Nodes[0] = stopped("a", ours, "abc")
	f := startAgent(t, s.report())
	typeIn(t, "etcd", "attest", "lost", "c", "--yes", "--by", "ada", "--reason", "burnt", "--agents", f.address).says(t, exitOK)
	for _, w := range f.words {
		if w.GetReason() != "burnt" || w.GetAtUnix() == 0 {
			t.Errorf("the word is %v", w)
		}
		s.e.Attestations = append(s.e.Attestations, proof.Attestation{Witness: w.GetWitness(), Finding: proof.Unknown, Generation: w.GetGeneration(), By: w.GetBy()})
	}
	if v, void := decide.Judge(s.e); len(void) > 0 || v.State != proof.DataLost {
		t.Errorf("%d words are void, and the verdict is %s", len(void), v.State)
	}
}

func TestAttestNeedsAConfirmation(t *testing.T) {
	f := startAgent(t, storyNamed("one-node-down").report())
	typeIn(t, "etcd", "attest", "lost", "c", "--agents", f.address).says(t, exitUsage, "no terminal", "--yes")
	if given := witnessesGiven(f); len(given) > 0 {
		t.Errorf("it was given %v unconfirmed", given)
	}
	typeIn(t, "etcd", "attest", "lost", "--agents", f.address).says(t, exitUsage, "accepts 1 arg")
	typeIn(t, "etcd", "attest", "lost", "c", "--yes", "--by", "", "--agents", f.address).says(t, exitUsage, "--by is empty")
}

func TestWordsThatAgentsRefuse(t *testing.T) {
	r := storyNamed("one-node-down").report()
	f, g := startAgent(t, r), startAgent(t, r)
	f.refuse = status.Error(codes.FailedPrecondition, "64 words are kept already")
	typeIn(t, "etcd", "attest", "lost", "c", "--yes", "--agents", f.address).says(t, exitError, "no agent took your word", "64 words")
	typeIn(t, "etcd", "attest", "lost", "c", "--yes", "--agents", f.address+","+g.address).says(t, exitOK, "Warning: agent "+f.address, "noted by "+g.address)
}

func TestAskFor(t *testing.T) {
	for typed, confirmed := range map[string]bool{"main\n": true, " main \n": true, "main": true, "yes\n": false, "\n": false, "": false, "Main\n": false} {
		err := askFor("main", strings.NewReader(typed), io.Discard)
		if (err == nil) != confirmed {
			t.Errorf("typed %q: %v", typed, err)
		}
		if err != nil && exitCode(err) != exitRefused {
			t.Errorf("typed %q: exit code %d", typed, exitCode(err))
		}
	}
	if err := askFor("main", brokenReader{}, io.Discard); err == nil {
		t.Error("an error of the terminal confirms")
	}
	// A file is no terminal, whatever stands in it.
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if err := (&global{stdin: file, stderr: io.Discard}).confirm(false, "main"); exitCode(err) != exitUsage {
		t.Errorf("from /dev/null: %v", err)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("input/output error") }

func TestApprove(t *testing.T) {
	twoWhole := storyNamed("record-lost")
	twoWhole.e.Nodes = append(twoWhole.e.Nodes, serving("x", theirs, "x"))
	use := func(f *fakeAgent, a *agentv1.Approval) {
		f.approvals = nil
		f.report.History = append(f.report.History, controller.Event{At: f.report.At, What: a.GetOperation() + "/begin: approved by ada"})
	}
	drop := func(f *fakeAgent, _ *agentv1.Approval) {
		f.approvals = nil
		f.report = storyNamed("intact").report()
		f.report.History = []controller.Event{{At: storyTime.Add(-time.Hour), What: "adopt/adopt: long ago"}}
	}
	claim := func(f *fakeAgent, a *agentv1.Approval) {
		f.report.Claim = &decide.ClaimView{Finding: proof.Present, Claim: decide.Claim{Approval: a.GetNonce(), State: decide.ClaimOpen}}
	}
	change := func(f *fakeAgent, _ *agentv1.Approval) {
		s := storyNamed("foreign-record")
		s.e.Nodes[2] = silentNode("c")
		f.report = s.report()
	}
	stuck := func(f *fakeAgent, _ *agentv1.Approval) {
		f.report.Escalations = []flow.Escalation{{Flow: "adopt", Step: "adopt", Why: "the store is read-only", Advice: "look at the policy"}}
	}
	source := controller.SourceOf(ours)
	tests := []struct {
		reason string
		story  story
		args   []string
		then   func(*fakeAgent, *agentv1.Approval)
		code   int
		given  bool
		says   []string
	}{
		{"adopt what is whole", storyNamed("foreign-record"), []string{"adopt"}, use, exitOK, true, []string{"Its keys stay as they are", "record: c04e9b77/2", "It is used: the adopt has begun"}},
		{"adopt a stock etcd", storyNamed("stock-etcd"), []string{"adopt"}, use, exitOK, true, []string{"etcd:cdf81819"}},
		{"recreate: what is lost is said", storyNamed("old-directory"), []string{"recreate"}, claim, exitOK, true, []string{"ALL KEYS OF THE CLUSTER main ARE GIVEN UP", "member/c: 6f1d2c3a/1", "copy it to a safe place", "It is used"}},
		{"one of two, named", twoWhole, []string{"adopt", "--source", source}, use, exitOK, true, []string{"6f1d2c3a"}},
		{"two are whole, and none is named", twoWhole, []string{"adopt"}, nil, exitUsage, false, []string{"2 things are whole", source}},
		{"a source that is not whole", storyNamed("foreign-record"), []string{"adopt", "--source", "x/1"}, nil, exitUsage, false, []string{`"x/1"`, source}},
		{"nothing is whole that could be adopted", storyNamed("two-claims"), []string{"adopt"}, nil, exitRefused, false, []string{"nothing is whole"}},
		{"never over something whole", storyNamed("foreign-record"), []string{"recreate"}, nil, exitRefused, false, []string{"is whole", "not permitted"}},
		{"not while somebody is silent", storyNamed("third-silent-before-birth"), []string{"recreate"}, nil, exitRefused, false, []string{"the verdict is Unproven"}},
		{"nothing to approve", storyNamed("intact"), []string{"recreate"}, nil, exitRefused, false, []string{"not permitted"}},
		{"a re-creation has no source", storyNamed("old-directory"), []string{"recreate", "--source", source}, nil, exitUsage, false, []string{"unknown flag"}},
		{"what the witnesses say changes", storyNamed("foreign-record"), []string{"adopt"}, change, exitRefused, true, []string{"the approval is not used", "not every witness has answered"}},
		{"the act is stuck", storyNamed("foreign-record"), []string{"adopt"}, stuck, exitRefused, true, []string{"the store is read-only", "look at the policy"}},
		{"it is dropped, unused", storyNamed("foreign-record"), []string{"adopt"}, drop, exitUnproven, true, []string{"no agent keeps the approval any more; the verdict is Intact"}},
		{"nobody uses it", storyNamed("foreign-record"), []string{"adopt", "--wait", "50ms"}, nil, exitUnproven, true, []string{"not used within 50ms"}},
		{"not waited for", storyNamed("foreign-record"), []string{"adopt", "--wait", "0s"}, nil, exitOK, true, []string{"Approved by ada"}},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			f := startAgent(t, tt.story.report())
			var given []*agentv1.Approval
			f.onApproval = func(f *fakeAgent, a *agentv1.Approval) {
				given = append(given, a)
				if tt.then != nil {
					tt.then(f, a)
				}
			}
			args := append([]string{"etcd", "approve"}, tt.args...)
			typeIn(t, append(args, "--yes", "--by", "ada", "--agents", f.address)...).says(t, tt.code, tt.says...)
			f.mu.Lock()
			defer f.mu.Unlock()
			if (len(given) == 1) != tt.given {
				t.Fatalf("%d approvals were given", len(given))
			}
			for _, a := range given {
				v, _ := decide.Judge(tt.story.e)
				if len(a.GetNonce()) != 32 || a.GetDigest() != v.Digest || a.GetSubject() != "main" || a.GetBy() != "ada" || a.GetOperation() != tt.args[0] {
					t.Errorf("the approval is %v", a)
				}
			}
		})
	}
}

func TestApproveNeedsAConfirmation(t *testing.T) {
	f := startAgent(t, storyNamed("old-directory").report())
	o := typeIn(t, "etcd", "approve", "recreate", "--agents", f.address)
	o.says(t, exitUsage, "no terminal", "ARE GIVEN UP")
	if len(f.approvals) > 0 {
		t.Error("it was given unconfirmed")
	}
}

func TestConfigure(t *testing.T) {
	tests := []struct {
		reason string
		args   []string
		refuse error
		code   int
		asked  int
		says   []string
	}{
		{"a change", []string{"configure", "--member-count", "5", "--backup-interval", "30m"}, nil, exitOK, 1, []string{"memberCount: 3 -> 5", "backupInterval: 15m0s -> 30m0s"}},
		{"it is so already", []string{"configure", "--member-count", "3"}, nil, exitOK, 1, []string{"Nothing changed"}},
		{"no such count: the field is named, and nobody is asked", []string{"configure", "--member-count", "4"}, nil, exitUsage, 0, []string{"memberCount", `"4"`, "1, 3 or 5"}},
		{"not a number", []string{"configure", "--member-count", "many"}, nil, exitUsage, 0, []string{"memberCount"}},
		{"an interval that is too short", []string{"configure", "--backup-interval", "1ms"}, nil, exitUsage, 0, []string{"backupInterval", "at least"}},
		{"nothing is given", []string{"configure"}, nil, exitUsage, 0, []string{"--member-count"}},
		{"the agent says no", []string{"configure", "--member-count", "5"}, status.Error(codes.FailedPrecondition, "the verdict is Unproven"), exitRefused, 1, []string{"the verdict is Unproven"}},
		{"the agent finds the field wrong", []string{"configure", "--member-count", "5"}, status.Error(codes.InvalidArgument, "memberCount: no"), exitUsage, 1, []string{"memberCount: no"}},
		{"it went wrong there", []string{"configure", "--member-count", "5"}, status.Error(codes.Internal, "the store is full"), exitError, 1, []string{"the store is full"}},
		{"the answer never came", []string{"configure", "--member-count", "5"}, status.Error(codes.Unavailable, "connection reset"), exitUnproven, 1, []string{"not known whether the change was made"}},
		{"a store moves", []string{"move-store", "--control-store", "s3://other/control"}, nil, exitOK, 1, []string{"-> s3://other/control", "The agents follow"}},
		{"no store is given", []string{"move-store"}, nil, exitUsage, 0, []string{"--control-store or --backup-store"}},
		{"a store without a scheme", []string{"move-store", "--backup-store", "bucket/x"}, nil, exitUsage, 0, []string{"--backup-store", "URL scheme"}},
		{"another than the leader was asked", []string{"move-store", "--backup-store", "s3://b"}, status.Error(codes.FailedPrecondition, "this agent does not lead"), exitRefused, 1, []string{"does not lead"}},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			follower := storyNamed("intact").report()
			follower.Leads, follower.Leader = false, controller.LeaderReport{}
			other, leader := startAgent(t, follower), startAgent(t, storyNamed("intact").report())
			leader.refuse = tt.refuse
			typeIn(t, append(append([]string{"etcd"}, tt.args...), "--agents", other.address+","+leader.address)...).says(t, tt.code, tt.says...)
			if len(leader.asked) != tt.asked || len(other.asked) > 0 {
				t.Errorf("the leader was asked %d times, another %d times", len(leader.asked), len(other.asked))
			}
		})
	}
}
