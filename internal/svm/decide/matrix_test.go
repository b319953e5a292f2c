package decide_test

import (
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// The state matrix of the design's first acceptance point, over every
// combination that an array can be in. "One silent" is told apart by which of
// the two it is: the SVM's own array, or the other one.

var (
	svmWords     = []choice{"absent", "initializing", "running", "stopped", "deleting", "twin running", "both running", "foreign mark", "unmarked", "two of them"}
	answerWords  = []choice{"all answer", "the other silent", "its own silent", "re-pointed"}
	traceWords   = []choice{"none", "with our UUID", "nameless", "silent"}
	recordWords  = []choice{"absent", "right", "older", "twin's UUID", "other UUID"}
	lifWords     = []choice{"none", "some", "all", "wrong address"}
	manageWords  = []choice{"absent", "present", "wrong", "unreachable"}
	accountWords = []choice{"absent", "ours", "other owner's", "unmarked", "locked"}
	secretWords  = []choice{"absent", "pending", "active", "empty password", "wrong password", "other SVM"}
	matrixDims   = [][]choice{svmWords, answerWords, traceWords, recordWords, lifWords, manageWords, accountWords, secretWords}
)

type cell struct{ svm, answers, trace, record, lifs, manage, account, secret choice }

func cellAt(n int) cell {
	d := digitsOf(n, matrixDims)
	return cell{svmWords[d[0]], answerWords[d[1]], traceWords[d[2]], recordWords[d[3]], lifWords[d[4]], manageWords[d[5]], accountWords[d[6]], secretWords[d[7]]}
}

func (c cell) pair() bool { return c.svm == "twin running" || c.svm == "both running" }

// impossible says why no array can be in it, or "".
func (c cell) impossible() string {
	bare := c.lifs == "none" && c.manage == "absent" && c.account == "absent"
	bears := c.svm != "absent" && c.svm != "foreign mark" && c.svm != "unmarked"
	switch {
	case c.svm == "absent" && !bare:
		return "interfaces and accounts stand on an SVM, and go with it"
	case c.svm == "initializing" && !bare:
		return "an SVM that is being created takes neither interfaces nor accounts (13434916)"
	case c.record == "twin's UUID" && !c.pair():
		return "an SVM outside a MetroCluster has no twin whose UUID could be recorded"
	case c.record == "older" && !bears:
		return "there is no mark of ours that the record could be older than"
	}
	return ""
}

func (c cell) evidence() decide.Evidence {
	a, b := arrayOf("a"), arrayOf("b")
	uuid, uuids := "x", []string{"x"}
	switch c.svm {
	case "initializing":
		a.SVMs = []decide.SVM{ours("x", decide.Initializing, 2, nonce2)}
	case "running":
		a.SVMs = []decide.SVM{ours("x", decide.Running, 2, nonce2)}
	case "stopped":
		a.SVMs = []decide.SVM{ours("x", decide.Stopped, 2, nonce2)}
	case "deleting":
		a.SVMs = []decide.SVM{ours("x", decide.Deleting, 2, nonce2)}
	case "foreign mark":
		a.SVMs = []decide.SVM{foreign("x")}
	case "unmarked":
		a.SVMs = []decide.SVM{plain("x", decide.Running)}
	case "two of them":
		a.SVMs, b.SVMs = []decide.SVM{ours("x", decide.Running, 2, nonce2)}, []decide.SVM{ours("y", decide.Running, 1, nonce1)}
	case "twin running", "both running":
		source := decide.Stopped
		if c.svm == "both running" {
			source = decide.Running
		}
		s, t := halves(source, decide.Running, 2, nonce2)
		a.SVMs, b.SVMs, uuid, uuids = []decide.SVM{s}, []decide.SVM{t}, "s", []string{"s", "t"}
		a, b = metro(a, decide.NotNormal), metro(b, decide.NotNormal)
	}
	switch c.answers {
	case "the other silent":
		b = silentArray("b")
	case "its own silent":
		a = silentArray("a")
	case "re-pointed":
		a = repointed(a)
	}
	e := evidence(c.recordNaming(uuids), noClaim, a, b)
	e.Traces = []decide.Trace{c.traceNaming(uuid)}
	e.Site = c.site(uuids)
	return e
}

func (c cell) recordNaming(uuids []string) decide.Record {
	switch c.record {
	case "right":
		return recordOf(2, nonce2, uuids...)
	case "older":
		return recordOf(1, nonce1, "old")
	case "twin's UUID":
		return recordOf(2, nonce2, "t")
	case "other UUID":
		return recordOf(2, nonce3, "zzz")
	}
	return noRecord
}

func (c cell) traceNaming(uuid string) decide.Trace {
	t := decide.Trace{Name: "volumes", Finding: proof.Present}
	switch c.trace {
	case "none":
		t.Finding = proof.Absent
	case "silent":
		t.Finding = proof.Unknown
	case "with our UUID":
		t.UUID = uuid
	}
	return t
}

func (c cell) site(uuids []string) decide.Site {
	things := map[choice][2]decide.Thing{"none": {decide.Missing, decide.Missing}, "some": {decide.InPlace, decide.Missing},
		"all": {decide.InPlace, decide.InPlace}, "wrong address": {decide.InPlace, decide.WrongAddress}}[c.lifs]
	manage := map[choice]decide.Thing{"absent": decide.Missing, "present": decide.InPlace, "wrong": decide.WrongAddress, "unreachable": decide.InPlace}[c.manage]
	reach := map[choice]decide.Reach{"absent": decide.NoAddress, "present": decide.Reachable, "wrong": decide.Reachable, "unreachable": decide.Unreachable}[c.manage]
	return decide.Site{Limits: decide.AsWanted, Mark: decide.AsWanted, Services: []decide.Service{{Name: "nvme", State: decide.InPlace}}, Reach: reach,
		Interfaces: []decide.Interface{{Name: "data0", State: things[0]}, {Name: "data1", State: things[1]}},
		Management: decide.Interface{Name: "management", State: manage},
		Shoots:     []decide.Shoot{{Name: "shoot", Credentials: c.credentials(uuids[0]), Objects: decide.AsWanted}}}
}

func (c cell) credentials(uuid string) decide.Credentials {
	account := decide.Account{Name: "u1", Finding: proof.Present, Owner: decide.AccountOurs, Locked: decide.No, Generation: 1}
	switch c.account {
	case "absent":
		account = decide.Account{Name: "u1", Finding: proof.Absent}
	case "other owner's":
		account.Owner = decide.AccountForeign
	case "unmarked":
		account.Owner = decide.AccountUnmarked
	case "locked":
		account.Locked = decide.Yes
	}
	pair := decide.Pair{State: decide.Complete, User: "u1", SVM: uuid, Generation: 1, Set: decide.Confirmed, Login: decide.Login{VerifiedAt: now.Add(-time.Minute)}}
	secret := decide.Secret{Finding: proof.Present, Active: pair, Pending: decide.Pair{State: decide.NoPair}}
	switch c.secret {
	case "absent":
		secret = decide.Secret{Finding: proof.Absent}
	case "pending":
		secret.Active = decide.Pair{State: decide.NoPair}
		secret.Pending = decide.Pair{State: decide.Complete, User: "u1", SVM: uuid, Generation: 2, Set: decide.NotSent}
	case "empty password":
		secret.Active.State = decide.Incomplete
	case "wrong password":
		secret.Active.Login = refusedTwice()
	case "other SVM":
		secret.Active.SVM = "of another project"
	}
	return decide.Credentials{Users: [2]string{"u1", "u2"}, Secret: secret, Policy: policy(),
		Accounts: []decide.Account{account, {Name: "u2", Finding: proof.Absent}}}
}

func refusedTwice() decide.Login {
	return decide.Login{FirstRefused: now.Add(-10 * time.Minute), Unlocked: now.Add(-9 * time.Minute), LastRefused: now.Add(-8 * time.Minute)}
}

// ruling is what must come of it, and why, in the words of the issue.
func (c cell) ruling() (proof.State, decide.NextAction, string) {
	hidden := c.answers == "its own silent" || c.answers == "re-pointed"
	silentArray := c.answers != "all answer"
	arrayShows := c.svm != "absent" && (!hidden || c.pair() || c.svm == "two of them")
	settled := c.svm != "initializing" && c.svm != "deleting"
	quiet := silentArray || c.trace == "silent"
	conflict := func(why string) (proof.State, decide.NextAction, string) {
		if quiet {
			return proof.Conflicting, decide.Wait, why
		}
		return proof.Conflicting, decide.Stop, why
	}
	switch {
	case c.svm == "foreign mark" && arrayShows && (c.record == "right" || c.record == "absent"):
		return proof.Conflicting, decide.Stop, "another owner's mark on the SVM"
	case c.svm == "both running" && !silentArray && c.record != "other UUID":
		return proof.Conflicting, decide.Stop, "both halves run"
	case !settled && arrayShows:
		return proof.Unproven, decide.Wait, "it is neither there nor gone"
	case !arrayShows && quiet:
		return proof.Unproven, decide.Wait, "nothing is shown, and somebody is silent"
	case !arrayShows && (c.record != "absent" || c.trace != "none"):
		return proof.DataLost, decide.Stop, "no array shows it, and it was there"
	case !arrayShows:
		return proof.NeverExisted, decide.Open, "everybody has answered, and there is none"
	}
	onlyOther := c.svm == "two of them" && hidden // the one on the other array is what is shown
	switch {
	case (c.record == "right" || c.record == "twin's UUID") && !onlyOther:
		return proof.Intact, decide.GoOn, "the record names what is shown, whoever else is silent"
	case c.record != "absent" && silentArray:
		return proof.Unproven, decide.Wait, "a silent array could show what the record names, or another"
	case c.record == "right" || c.record == "other UUID":
		return conflict("the record names another than what is shown")
	case c.svm == "two of them" && !silentArray:
		return conflict("two are shown, and no record says which")
	case silentArray:
		return proof.Unproven, decide.Wait, "a silent array could show another"
	case c.svm == "unmarked" && c.trace == "silent":
		return proof.Unproven, decide.Wait, "who could vouch for it is silent"
	case c.svm == "unmarked" && c.trace != "with our UUID":
		return conflict("nobody vouches for it")
	}
	return proof.RecordLost, decide.WriteRecord, "it is vouched for, and its record is lost or an old one"
}

func TestEveryStateOfTheMatrix(t *testing.T) {
	t.Parallel()
	excluded, classes, states := map[string]int{}, map[string]int{}, map[proof.State]int{}
	decided, failed := 0, 0
	stride := 1
	if raceDetector || testing.Short() {
		stride = 7 // no divisor of any dimension: every value still comes
	}
	for n := 0; n < sizeOf(matrixDims); n += stride {
		c := cellAt(n)
		if why := c.impossible(); why != "" {
			excluded[why]++
			continue
		}
		state, action, reason := c.ruling()
		d := decide.Next(c.evidence(), wanted())
		decided++
		classes[reason]++
		states[state]++
		if d.Verdict.State != state || d.Action != action {
			t.Errorf("%+v: %s, %s (%s), want %s, %s: %s", c, d.Verdict.State, d.Action, d.Why, state, action, reason)
			failed++
		}
		if why := c.wrongSteps(d); why != "" {
			t.Errorf("%+v: %s", c, why)
			failed++
		}
		if n%11 == 0 {
			if why := badWords(d); why != "" {
				t.Errorf("%+v: %s", c, why)
				failed++
			}
		}
		if failed > 10 {
			t.Fatal("and more")
		}
	}
	t.Logf("%d combinations decided: %v", decided, states)
	for why, n := range classes {
		t.Logf("%7d %s", n, why)
	}
	for why, n := range excluded {
		t.Logf("%7d excluded: %s", n, why)
	}
}

// wrongSteps holds the steps of an SVM that goes on to what each of them says
// of its own thing: one thing of another owner stops its own step alone.
func (c cell) wrongSteps(d decide.Decision) string {
	if d.Action != decide.GoOn {
		if len(d.Steps) > 0 {
			return "steps are allowed, and it does not go on"
		}
		return ""
	}
	got := map[string]decide.StepState{}
	var credential decide.CredentialAction
	for _, s := range d.Steps {
		got[string(s.Name)+" "+s.Object] = s.State
		if s.Credential != nil {
			credential = s.Credential.Action
		}
	}
	stands := map[bool]decide.StepState{c.svm == "stopped": decide.StepStops, c.svm == "twin running" && c.answers == "the other silent": decide.StepWaits}[true]
	if stands != "" {
		if len(got) != 2 || got["service "] != stands || credential != "" {
			return "steps on an SVM that is stopped"
		}
		return ""
	}
	if want := c.credential(); credential != want {
		return "credentials: " + string(credential) + ", want " + string(want)
	}
	missing := decide.StepDo
	if c.pair() { // switched over, or not in its normal state
		missing = decide.StepWaits
	}
	lifs := map[choice][2]decide.StepState{"none": {missing, missing}, "some": {decide.StepDone, missing},
		"all": {decide.StepDone, decide.StepDone}, "wrong address": {decide.StepDone, decide.StepStops}}[c.lifs]
	manage := map[choice]decide.StepState{"absent": missing, "present": decide.StepDone, "wrong": decide.StepStops, "unreachable": decide.StepDone}[c.manage]
	if got["interface data0"] != lifs[0] || got["interface data1"] != lifs[1] || got["management-interface management"] != manage {
		return "interfaces: wrong steps"
	}
	return ""
}

// credential is what becomes of the password, whatever becomes of the rest.
func (c cell) credential() decide.CredentialAction {
	switch {
	case c.account == "other owner's":
		return decide.CredentialsStop
	case c.secret == "pending":
		return map[choice]decide.CredentialAction{"absent": decide.CreateAccount, "ours": decide.SetPassword, "unmarked": decide.MarkAccount, "locked": decide.SetPassword}[c.account]
	case c.secret == "active" && c.account != "absent":
		return map[choice]decide.CredentialAction{"ours": decide.CredentialsOK, "unmarked": decide.MarkAccount, "locked": decide.Unlock}[c.account]
	}
	return decide.MakePending
}
