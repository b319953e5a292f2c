package decide_test

import (
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// The stories of the design and of the issue, told one by one.

func TestStories(t *testing.T) {
	running := func(uuid string) decide.SVM { return ours(uuid, decide.Running, 1, nonce1) }
	open := claimOf(decide.ClaimOpen, 2, nonce2)
	asked := open
	asked.Asked = true
	withUUID := asked
	withUUID.UUID = "2a"
	job := arrayOf("a")
	job.Jobs = []string{"POST /api/svm/svms/2a"}
	noPin := arrayOf("a")
	noPin.Pin = decide.Pin{Finding: proof.Absent}
	pinSilent := arrayOf("a", running("1a"))
	pinSilent.Pin = decide.Pin{}
	twice := arrayOf("b", running("1a"))
	twice.Cluster, twice.Pin = "cluster-a", decide.Pin{Finding: proof.Absent}
	renamed := running("1a")
	renamed.Name = "old-name"
	replica := plain("1a", decide.Running)
	replica.Role = decide.RoleUnknown
	inconsistent := running("1a")
	inconsistent.Twin = "t"
	with := func(e decide.Evidence, traces ...decide.Trace) decide.Evidence {
		e.Traces = traces
		return e
	}
	for _, c := range []struct {
		reason string
		e      decide.Evidence
		state  proof.State
		action decide.NextAction
		says   string
	}{
		// creation
		{"nothing anywhere: a claim is won first", evidence(noRecord, noClaim, arrayOf("a"), arrayOf("b")), proof.NeverExisted, decide.Open, ""},
		{"the claim is won: it is asked for", evidence(noRecord, open, arrayOf("a"), arrayOf("b")), proof.NeverExisted, decide.Ask, "the claim is won"},
		{"the answer was lost and its job is queued: nothing is sent", evidence(noRecord, asked, job, arrayOf("b")), proof.Unproven, decide.Wait, "POST /api/svm/svms/2a"},
		{"the answer was lost and jobs cannot be listed", evidence(noRecord, asked, jobsUnknown(arrayOf("a")), arrayOf("b")), proof.Unproven, decide.Wait, "list of jobs"},
		{"the answer was lost and nothing came of it: asked again", evidence(noRecord, asked, arrayOf("a"), arrayOf("b")), proof.NeverExisted, decide.Ask, "asked for again"},
		{"it runs: the claim is closed before the record is written", evidence(noRecord, asked, arrayOf("a", ours("2a", decide.Running, 2, nonce2)), arrayOf("b")), proof.RecordLost, decide.CloseBorn, ""},
		{"and that waits for nobody who is silent", evidence(noRecord, asked, arrayOf("a", ours("2a", decide.Running, 2, nonce2)), silentArray("b")), proof.Unproven, decide.CloseBorn, ""},
		{"its comment is not there yet, and the array told its UUID", evidence(noRecord, withUUID, arrayOf("a", plain("2a", decide.Starting)), arrayOf("b")), proof.NeverExisted, decide.Wait, "to run"},
		{"a trace of what is being made bears its identity too", traced(evidence(noRecord, withUUID, arrayOf("a", ours("2a", decide.Starting, 2, nonce2)), arrayOf("b")), "2a"), proof.NeverExisted, decide.Wait, "to run"},
		{"a claim in a state of a later version", evidence(noRecord, claimOf("paused", 2, nonce2), arrayOf("a"), arrayOf("b")), proof.Unproven, decide.Wait, "claim"},
		{"an unmarked one under our name while our job may be queued", evidence(noRecord, asked, withJob(arrayOf("a", plain("u", decide.Running))), arrayOf("b")), proof.Conflicting, decide.Stop, "something else is named"},
		{"the claim was closed as born and the record not yet written", evidence(noRecord, born(claimOf(decide.ClaimBorn, 1, nonce1), "1a"), arrayOf("a", running("1a")), arrayOf("b")), proof.RecordLost, decide.WriteRecord, ""},
		{"born, and gone since", evidence(noRecord, born(claimOf(decide.ClaimBorn, 1, nonce1), "1a"), arrayOf("a"), arrayOf("b")), proof.DataLost, decide.Stop, "no empty one"},
		{"born, and unmarked since: the claim names its UUID", evidence(noRecord, born(claimOf(decide.ClaimBorn, 1, nonce1), "1a"), arrayOf("a", plain("1a", decide.Running)), arrayOf("b")), proof.RecordLost, decide.WriteRecord, ""},
		{"another seed was faster: its claim is ours to lose", evidence(noRecord, asked, arrayOf("a", ours("1a", decide.Initializing, 1, nonce1)), arrayOf("b")), proof.Unproven, decide.CloseFailed, "belongs to another"},
		{"and of one number: the nonce tells them apart", evidence(noRecord, asked, arrayOf("a", ours("1a", decide.Running, 2, nonce1)), arrayOf("b")), proof.RecordLost, decide.CloseFailed, ""},
		{"then its SVM is recorded here too", evidence(noRecord, claimOf(decide.ClaimFailed, 2, nonce2), arrayOf("a", running("1a")), arrayOf("b")), proof.RecordLost, decide.WriteRecord, ""},
		{"one that was made and stopped by somebody", evidence(noRecord, asked, arrayOf("a", ours("2a", decide.Stopped, 2, nonce2)), arrayOf("b")), proof.NeverExisted, decide.Stop, "never started by us"},
		{"the cluster UUID is noted before anything is made", evidence(noRecord, noClaim, noPin, arrayOf("b")), proof.NeverExisted, decide.Wait, "noted first"},
		{"switched over: nothing is made", evidence(noRecord, open, metro(arrayOf("a"), decide.NotNormal), arrayOf("b")), proof.NeverExisted, decide.Wait, "normal state"},
		{"whether it is switched over cannot be asked", evidence(noRecord, noClaim, metro(arrayOf("a"), decide.ModeUnknown), arrayOf("b")), proof.NeverExisted, decide.Wait, "could not be asked"},
		{"the partner cannot be reached: nothing is made", evidence(noRecord, noClaim, metro(arrayOf("a"), decide.Normal), silentArray("b")), proof.Unproven, decide.Wait, "not everybody has answered"},

		// the array that is another
		{"the array breaks off after it said who it is", evidence(noRecord, noClaim, brokenOff("a"), arrayOf("b")), proof.Unproven, decide.Wait, ""},
		{"its pin was lost, and the record remembers another cluster", evidence(recordOf(1, nonce1, "1a"), noClaim, unpinned(repointed(arrayOf("a"))), arrayOf("b")), proof.Unproven, decide.Wait, "the record remembers cluster-a"},
		{"its pin was lost, and the claim remembers another cluster", evidence(noRecord, asked, unpinned(repointed(arrayOf("a"))), arrayOf("b")), proof.Unproven, decide.Wait, "the claim remembers cluster-a"},
		{"the array answers as another cluster, and would show nothing", evidence(recordOf(1, nonce1, "1a"), noClaim, repointed(arrayOf("a")), arrayOf("b")), proof.Unproven, decide.Wait, ""},
		{"its pin cannot be read", evidence(noRecord, noClaim, pinSilent, arrayOf("b")), proof.Unproven, decide.Wait, ""},
		{"two names for one cluster: the second shows nothing of its own", evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a", running("1a")), twice), proof.Intact, decide.GoOn, "the same cluster as a"},

		// what is there
		{"an array is silent: what the record names goes on", evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a", running("1a")), silentArray("b")), proof.Intact, decide.GoOn, ""},
		{"it was renamed: the UUID bears the identity", evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a", renamed), arrayOf("b")), proof.Intact, decide.GoOn, "was renamed"},
		{"it is stopped: that is present, and reported", evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a", ours("1a", decide.Stopped, 1, nonce1)), arrayOf("b")), proof.Intact, decide.GoOn, "vserver start -vserver p1"},
		{"a namesake of another owner elsewhere is reported, never touched", evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a", running("1a")), arrayOf("b", foreign("f"))), proof.Intact, decide.GoOn, "Note: SVM p1 (f) on b is another one: other/p1"},
		{"unmarked and recorded: marked or not", evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a", plain("1a", decide.Running)), arrayOf("b")), proof.Intact, decide.GoOn, ""},
		{"a copy of disaster recovery says nothing", evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a", replica), arrayOf("b")), proof.Unproven, decide.Wait, "what it is to a MetroCluster"},
		{"of no MetroCluster, and with another half", evidence(noRecord, noClaim, arrayOf("a", inconsistent), arrayOf("b")), proof.Unproven, decide.Wait, "of no MetroCluster"},
		{"the record was deleted", evidence(noRecord, noClaim, arrayOf("a", running("1a")), arrayOf("b")), proof.RecordLost, decide.WriteRecord, ""},
		{"the record is damaged", evidence(decide.Record{Finding: proof.Unusable}, noClaim, arrayOf("a", running("1a")), arrayOf("b")), proof.RecordLost, decide.WriteRecord, ""},
		{"the seed was put back to before the re-creation", evidence(recordOf(1, nonce1, "old"), noClaim, arrayOf("a", ours("2a", decide.Running, 2, nonce2)), arrayOf("b")), proof.RecordLost, decide.WriteRecord, "old one"},
		{"the same UUID, marked by a later attempt", evidence(recordOf(1, nonce1, "2a"), noClaim, arrayOf("a", ours("2a", decide.Running, 2, nonce2)), arrayOf("b")), proof.RecordLost, decide.WriteRecord, "old one"},
		{"an old record beside both halves running is not written over", bothHalves(recordOf(1, nonce1, "old")), proof.Conflicting, decide.Stop, "both halves run"},
		{"the record under our name is another owner's", evidence(theirRecord(), noClaim, arrayOf("a", running("1a")), arrayOf("b")), proof.Conflicting, decide.Stop, "other/p1"},

		// what is gone
		{"recorded, and nowhere", evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a"), arrayOf("b")), proof.DataLost, decide.Stop, "approve"},
		{"no record, and volumes with our UUID in a shoot", with(evidence(noRecord, noClaim, arrayOf("a"), arrayOf("b")), decide.Trace{Name: "shoot/x/volumes", Finding: proof.Present, UUID: "1a"}), proof.DataLost, decide.Stop, ""},
		{"no record, and volumes of which nobody knows where they lie", with(evidence(noRecord, noClaim, arrayOf("a"), arrayOf("b")), decide.Trace{Name: "shoot/x/volumes", Finding: proof.Present}), proof.DataLost, decide.Stop, ""},
		{"a shoot that cannot be asked", with(evidence(noRecord, noClaim, arrayOf("a"), arrayOf("b")), decide.Trace{Name: "shoot/x/volumes"}), proof.Unproven, decide.Wait, ""},

		// MetroCluster
		{"the twin runs, and its source's site is dead", dead(recordOf(1, nonce1, "s", "t"), decide.Running), proof.Intact, decide.GoOn, ""},
		{"the twin stands still, and its source's site is dead", dead(recordOf(1, nonce1, "s", "t"), decide.Stopped), proof.Unproven, decide.Wait, ""},
		{"both halves run", bothHalves(recordOf(1, nonce1, "s", "t")), proof.Conflicting, decide.Stop, "both halves run"},
	} {
		d := decide.Next(c.e, wanted())
		if d.Verdict.State != c.state || d.Action != c.action {
			t.Errorf("%s: %s, %s (%s), want %s, %s", c.reason, d.Verdict.State, d.Action, d.Why, c.state, c.action)
		}
		told := strings.Join(decide.Explain(d), "\n")
		if !strings.Contains(told, c.says) {
			t.Errorf("%s: it does not say %q:\n%s", c.reason, c.says, told)
		}
		if why := badWords(d); why != "" {
			t.Errorf("%s: %s", c.reason, why)
		}
	}
}

func traced(e decide.Evidence, uuid string) decide.Evidence {
	e.Traces = []decide.Trace{{Name: "volumes", Finding: proof.Present, UUID: uuid}}
	return e
}

func brokenOff(name string) decide.Array {
	a := arrayOf(name)
	a.Answered = false
	return a
}

func unpinned(a decide.Array) decide.Array {
	a.Pin = decide.Pin{Finding: proof.Absent}
	return a
}

func jobsUnknown(a decide.Array) decide.Array {
	a.JobsKnown = false
	return a
}

func withJob(a decide.Array) decide.Array {
	a.Jobs = []string{"POST /api/svm/svms"}
	return a
}

func born(c decide.Claim, uuid string) decide.Claim {
	c.UUID = uuid
	return c
}

func theirRecord() decide.Record {
	r := recordOf(1, nonce1, "1a")
	r.Lineage = stranger.String()
	return r
}

func bothHalves(r decide.Record) decide.Evidence {
	s, t := halves(decide.Running, decide.Running, 2, nonce2)
	return evidence(r, noClaim, metro(arrayOf("a", s), decide.NotNormal), metro(arrayOf("b", t), decide.NotNormal))
}

// dead: the site of the source does not answer.
func dead(r decide.Record, twin decide.SVMState) decide.Evidence {
	_, t := halves(decide.Running, twin, 1, nonce1)
	return evidence(r, noClaim, silentArray("a"), metro(arrayOf("b", t), decide.NotNormal))
}

// TestNextAttempt: the number of an attempt is above every one that was seen,
// wherever that was.
func TestNextAttempt(t *testing.T) {
	blank := func() decide.Evidence { return evidence(noRecord, noClaim, arrayOf("a"), arrayOf("b")) }
	for _, c := range []struct {
		reason string
		change func(*decide.Evidence)
		want   uint64
	}{
		{"none", func(*decide.Evidence) {}, 1},
		{"in the record", func(e *decide.Evidence) { e.Record = recordOf(4, nonce1, "x") }, 5},
		{"in a claim that failed", func(e *decide.Evidence) { e.Claim = claimOf(decide.ClaimFailed, 7, nonce1) }, 8},
		{"in a mark", func(e *decide.Evidence) {
			e.Record, e.Arrays[1].SVMs = recordOf(4, nonce1, "x"), []decide.SVM{ours("y", decide.Deleting, 6, nonce2)}
		}, 7},
		{"in another owner's mark: not ours to count", func(e *decide.Evidence) { e.Arrays[1].SVMs = []decide.SVM{foreign("y")} }, 1},
		{"in a trace", func(e *decide.Evidence) {
			e.Traces = []decide.Trace{{Name: "volumes", Finding: proof.Present, UUID: "x", Generation: 3}}
		}, 4},
	} {
		e := blank()
		c.change(&e)
		if got := decide.NextAttempt(e); got != c.want {
			t.Errorf("%s: %d, want %d", c.reason, got, c.want)
		}
	}
}

// TestWhatIsWritten: what a record is written from.
func TestWhatIsWritten(t *testing.T) {
	marked := evidence(noRecord, noClaim, arrayOf("a", ours("x", decide.Running, 3, nonce1)), arrayOf("b"))
	if d := decide.Next(marked, wanted()); d.Action != decide.WriteRecord || d.Attempt != 3 || d.Identity.Generation != 3 || strings.Join(d.UUIDs, " ") != "x" {
		t.Errorf("from its mark: %+v", d)
	}
	named := traced(evidence(noRecord, claimOf(decide.ClaimFailed, 4, nonce2), arrayOf("a", plain("x", decide.Running)), arrayOf("b")), "x")
	if d := decide.Next(named, wanted()); d.Action != decide.WriteRecord || d.Attempt != 5 {
		t.Errorf("from a trace, which knows no attempt: %+v", d)
	}
	s, twin := halves(decide.Stopped, decide.Running, 1, nonce1)
	over := evidence(noRecord, noClaim, metro(arrayOf("a", s), decide.NotNormal), metro(arrayOf("b", twin), decide.NotNormal))
	if d := decide.Next(over, wanted()); d.Action != decide.WriteRecord || d.UUID != "t" || strings.Join(d.UUIDs, " ") != "s t" {
		t.Errorf("switched over, the source first: %+v", d)
	}
}

// TestFailClaim: a person can always end an attempt that was stopped; what runs
// and bears our mark is recorded then.
func TestFailClaim(t *testing.T) {
	e := evidence(noRecord, claimOf(decide.ClaimOpen, 2, nonce2), arrayOf("a", ours("2a", decide.Running, 2, nonce2)), arrayOf("b"))
	e.Traces = []decide.Trace{{Name: "volumes", Finding: proof.Present}}
	want := wanted()
	if d := decide.Next(e, want); d.Action != decide.Stop || !strings.Contains(d.Command, nonce2) {
		t.Errorf("%s: %s", d.Action, d.Command)
	}
	want.FailClaim = nonce1
	if d := decide.Next(e, want); d.Action != decide.Stop {
		t.Errorf("another attempt was given up: %s", d.Action)
	}
	want.FailClaim = nonce2
	if d := decide.Next(e, want); d.Action != decide.CloseFailed {
		t.Errorf("given up: %s", d.Action)
	}
	e.Claim.State = decide.ClaimFailed
	if d := decide.Next(e, want); d.Action != decide.WriteRecord {
		t.Errorf("after it: %s (%s)", d.Action, d.Why)
	}
}

// TestSeedSecretStory: the SVM was made, writing the Secret failed, and nothing
// is taken for granted. Each look is told what the step before it did.
func TestSeedSecretStory(t *testing.T) {
	e := evidence(recordOf(1, nonce1, "x"), noClaim, arrayOf("a", ours("x", decide.Running, 1, nonce1)), arrayOf("b"))
	e.Site = cell{lifs: "all", manage: "present", account: "absent", secret: "absent"}.site([]string{"x"})
	e.Record.Credentials = 7 // the Secret that is gone was the seventh
	c := &e.Site.Shoots[0].Credentials
	account := &c.Accounts[0]
	pending := decide.Pair{State: decide.Complete, User: "u1", SVM: "x", Generation: 8, Set: decide.NotSent}
	for _, look := range []struct {
		want  decide.CredentialAction
		apply func()
	}{
		{decide.MakePending, func() {
			c.Secret = decide.Secret{Finding: proof.Present, Active: decide.Pair{State: decide.NoPair}, Pending: pending}
		}},
		{decide.CreateAccount, func() {
			*account = decide.Account{Name: "u1", Finding: proof.Present, Owner: decide.AccountOurs, Locked: decide.No, Generation: 8}
			c.Secret.Pending.Set = decide.Confirmed
		}},
		{decide.ProvePending, func() { c.Secret.Pending.Login = decide.Login{VerifiedAt: now} }},
		{decide.Activate, func() {
			c.Secret.Active, c.Secret.Pending, c.Secret.ActivatedAt = c.Secret.Pending, decide.Pair{State: decide.NoPair}, now
		}},
		{decide.CredentialsOK, func() {}},
	} {
		d := decide.Next(e, wanted())
		var credentials, objects decide.Step
		for _, s := range d.Steps {
			switch s.Name {
			case decide.StepCredentials:
				credentials = s
			case decide.StepObjects:
				objects = s
			}
		}
		if credentials.Credential == nil || credentials.Credential.Action != look.want {
			t.Fatalf("%+v, want %s", credentials, look.want)
		}
		if g := credentials.Credential.Generation; look.want == decide.MakePending && g != 8 {
			t.Fatalf("generation %d, and the record knows of 7", g)
		}
		if delivered := objects.State == decide.StepDone; delivered != (look.want == decide.CredentialsOK) {
			t.Fatalf("at %s the objects are %s (%s)", look.want, objects.State, objects.Why)
		}
		look.apply()
	}
}
