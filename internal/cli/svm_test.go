package cli

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/testenv"
)

// A plan tells everything and changes nothing, whatever there is.
func TestSVMPlanWritesNothing(t *testing.T) {
	s := newSVMStage(t)
	for _, stands := range []string{"nothing", "everything"} {
		if stands == "everything" {
			s.want(exitOK, nil, "apply")
		}
		s.sim.ForgetRequests()
		before := s.objects()
		out := s.want(exitOK, []string{"SVM pteam on a1", "STEP", "Network paths that the checks need", "192.0.2.10:443", "Network paths that its users need", "192.0.2.20:4420"}, "plan")
		if stands == "nothing" {
			inOrder(t, out, "NeverExisted", "arrays", "would act", "note that a1 is cluster")
			if before != "" {
				t.Errorf("something lies in the namespace: %s", before)
			}
		} else {
			inOrder(t, out, "Intact", "management-interface/managementlif", "done", "in place")
		}
		_, text := s.svm("plan", "-o", "json")
		var plans struct{ SVMs []svmPlan }
		if err := json.Unmarshal([]byte(text), &plans); err != nil || len(plans.SVMs) != 1 || len(plans.SVMs[0].Paths) == 0 {
			t.Errorf("%v: %s", err, text)
		}
		s.want(exitOK, []string{"SVM pteam"}, "explain")
		s.want(exitOK, []string{"SVM pteam"}, "status")
		if written := s.writes(); len(written) > 0 {
			t.Errorf("%s there: it wrote to the array: %q", stands, written)
		}
		if after := s.objects(); after != before {
			t.Errorf("%s there: it wrote to the seed:\n%s\n%s", stands, before, after)
		}
	}
}

// From nothing to a pair that opens the SVM; then there is nothing to do.
func TestSVMApply(t *testing.T) {
	s := newSVMStage(t)
	s.want(exitOK, []string{"done", "claim", "done", "create", "done", "interface/datalif+0", "activate", "SVM pteam on a1: Intact", "SHOOT", "verified"}, "apply", "--verbose")
	secret := s.secret()
	if !s.sim.Check("pteam", secret["username"], secret["password"]) {
		t.Error("the pair of the Secret does not open the SVM")
	}
	before := s.objects()
	if out := s.want(exitOK, nil, "apply"); strings.Contains(out, "done     ") {
		t.Errorf("it did something although nothing was left to do:\n%s", out)
	}
	if after := s.objects(); after != before {
		t.Errorf("it wrote to the seed:\n%s\n%s", before, after)
	}
	_, text := s.svm("status", "-o", "json")
	var all struct{ SVMs []svmStatus }
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	c := all.SVMs[0].Credentials[0]
	if c.Verified.IsZero() || c.User != "prod" || c.State != "verified" || c.Pending {
		t.Errorf("%+v", c)
	}
	for _, step := range all.SVMs[0].Steps {
		if step.Verified.IsZero() || step.State != "done" {
			t.Errorf("step %s is %s, verified %v", step.Name, step.State, step.Verified)
		}
		if step.Name == "credentials/shoot--team--prod" && !step.Verified.Equal(c.Verified) {
			t.Errorf("a password counts as verified without a login: %v, the login was at %v", step.Verified, c.Verified)
		}
	}
}

// What people see, to the letter.
func TestSVMGolden(t *testing.T) {
	s := newSVMStage(t)
	golden(t, "svm/plan-new.txt", s.settled(s.want(exitOK, nil, "plan")))
	s.want(exitOK, nil, "apply")
	// Somebody moved an interface: that is a person's to decide.
	s.object(svmObject, "192.0.2.21", "192.0.2.22")
	golden(t, "svm/plan-drift.txt", s.settled(s.printed(exitRefused, "plan")))
	golden(t, "svm/status-drift.txt", s.settled(s.printed(exitRefused, "status")))
	s.object(svmObject)
	golden(t, "svm/status.txt", s.settled(s.printed(exitOK, "status")))
	golden(t, "svm/explain.txt", s.settled(s.printed(exitOK, "explain")))
}

// printed is what a command says without the error and the flags in it, which
// name this test's directory.
func (s *svmStage) printed(code int, args ...string) string {
	s.t.Helper()
	out, _, _ := strings.Cut(s.want(code, nil, args...), "Error: ")
	return strings.ReplaceAll(out, " "+strings.Join(s.flags(), " "), " FLAGS")
}

// The seed story by hand: the API server refuses the Secret, and says so. Once
// it does not, the same command heals it. These rights are all that is needed.
func TestSVMSecretRefused(t *testing.T) {
	s := newSVMStage(t)
	s.config = s.kube.KubeconfigOf(t, testenv.KubePlain)
	s.want(exitUnproven, []string{"record is silent", "Forbidden"}, "plan")
	s.grant("records", rights("configmaps", "get", "list", "create", "update", "delete"), rights("events", "create", "patch"), rights("secrets", "get"))
	s.want(exitRefused, []string{"failed", "credentials/shoot--team--prod/pending", "Intact", "cannot create resource", "Next:  kubectl auth can-i create secrets --namespace " + s.namespace}, "apply")
	v, found := s.sim.Dump().Find("pteam")
	if !found || len(v.LIFs) != 3 {
		t.Errorf("what does not need the Secret was not done: %+v", v)
	}
	s.grant("credentials", rights("secrets", "create", "update", "delete"))
	s.want(exitOK, []string{"done", "activate", "Intact", "verified"}, "apply")
	if secret := s.secret(); !s.sim.Check("pteam", secret["username"], secret["password"]) {
		t.Error("the pair of the Secret does not open the SVM")
	}
	if again, _ := s.sim.Dump().Find("pteam"); again.UUID != v.UUID {
		t.Error("another SVM was made")
	}
}

// What cannot be is told before anything is made.
func TestSVMBadInput(t *testing.T) {
	other := func(s *svmStage) {
		made, err := s.client().CreateSVM(t.Context(), ontap.NewSVM{Name: "other", NVMe: true})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.client().CreateInterface(t.Context(), ontap.NewInterface{SVMUUID: made.UUID, Name: "theirs", Address: seedWish().Spec.DataLIFs[0].Address,
			Netmask: 24, BroadcastDomain: "Default", ServicePolicy: ontap.PolicyDataNVMeTCP})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		reason  string
		replace []string
		change  func(*svmStage)
		code    int
		says    []string
	}{
		{"a broadcast domain that is not there", []string{"192.0.2.20, netmask: 24, broadcastDomain: Default", "192.0.2.20, netmask: 24, broadcastDomain: Tenants"}, nil,
			exitRefused, []string{`spec.dataLIFs[0].broadcastDomain "Tenants"`, "array a1 has no such broadcast domain in IPspace Default; it has", "Default"}},
		{"a subnet that is not there", []string{"address: 192.0.2.10, netmask: 24, broadcastDomain: Default", "subnet: nowhere"}, nil,
			exitRefused, []string{`spec.managementLIF.subnet "nowhere"`, "no such subnet"}},
		{"a node that is not there", []string{"192.0.2.21, netmask: 24, broadcastDomain: Default", "192.0.2.21, netmask: 24, homeNode: n9"}, nil,
			exitRefused, []string{`spec.dataLIFs[1].homeNode "n9"`, "no such node"}},
		{"an aggregate that is not there", []string{"project: team\n", "project: team\n  aggregates: [aggr9]\n"}, nil,
			exitRefused, []string{`spec.aggregates[0] "aggr9"`, "no such aggregate"}},
		{"an IPspace that is not there", []string{"project: team\n", "project: team\n  ipspace: tenants\n"}, nil,
			exitRefused, []string{`spec.ipspace "tenants"`, "no such IPspace"}},
		{"no licence for NVMe", nil, func(s *svmStage) {
			if err := s.sim.SetLicensed(0, "nvme_of", false); err != nil {
				t.Fatal(err)
			}
		}, exitRefused, []string{`spec.protocols[0] "nvme"`, "no licence nvme_of"}},
		{"an address that another SVM has", nil, other, exitRefused, []string{`spec.dataLIFs[0].address "192.0.2.20"`, "interface theirs of SVM other has it"}},
		{"an address of another family", []string{"gateway: 192.0.2.1", "gateway: 2001:db8::1"}, nil, exitUsage, []string{"spec.routes[0].gateway", "family"}},
		{"a name that is too long", []string{"project: team\n", "project: team\n  svmName: " + strings.Repeat("x", 48) + "\n"}, nil, exitUsage, []string{"spec.svmName"}},
		{"a field that there is not", []string{"project: team\n", "project: team\n  projekt: team\n"}, nil, exitUsage, []string{"projekt"}},
		{"an array that is not configured", []string{"project: team\n", "project: team\n  array: a9\n"}, nil, exitUsage, []string{`spec.array "a9"`, "there are a1"}},
	} {
		t.Run(c.reason, func(t *testing.T) {
			s := newSVMStage(t)
			s.object(svmObject, c.replace...)
			if c.change != nil {
				c.change(s)
			}
			s.sim.ForgetRequests()
			s.want(c.code, c.says, "plan")
			if written := s.writes(); len(written) > 0 {
				t.Errorf("it wrote to the array: %q", written)
			}
		})
	}
}

// A wrong password is tried once: the array locks after five failures.
func TestSVMWrongPassword(t *testing.T) {
	s := newSVMStage(t)
	s.write("a1.password", "not-the-password-1\n")
	for i, command := range []string{"plan", "apply"} {
		s.want(exitError, []string{"array a1 does not accept user", "a1.password", "tried once"}, command)
		tried := 0
		for _, q := range s.sim.Requests() {
			if q.Status == http.StatusUnauthorized {
				tried++
			}
		}
		if tried != i+1 {
			t.Errorf("%s: %d tries in all, want %d", command, tried, i+1)
		}
	}
	if s.objects() != "" {
		t.Errorf("something was written: %s", s.objects())
	}
}

// A certificate that does not fit is shown, with what to put into the file; and
// that helps.
func TestSVMForeignCertificate(t *testing.T) {
	s := newSVMStage(t)
	wrong := "fingerprints: [\"" + strings.Repeat("00", 32) + "\"]"
	foreign, err := sim.New(sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	s.write("foreign.pem", string(foreign.Cluster(0).CA()))
	for _, trust := range []string{wrong, "caFile: foreign.pem"} {
		s.arrays(trust, "")
		out := s.want(exitError, []string{"array a1", "presents a certificate", "no password was sent", "presented: sha256:"}, "plan")
		for _, q := range s.sim.Requests() {
			if q.User != "" {
				t.Errorf("%s: a user was sent: %+v", trust, q)
			}
		}
		entry := regexp.MustCompile(`fingerprints: \["sha256:[0-9a-f]{64}"\]`).FindString(out)
		s.arrays(entry, "")
		s.want(exitOK, []string{"NeverExisted"}, "plan")
		s.sim.ForgetRequests()
	}
	s.arrays("insecure: insecure-skip-tls-verify", "")
	s.want(exitOK, []string{"Warning: array a1: its certificate is not verified"}, "plan")
}

// While one array is silent nothing is made, and who is silent is named.
func TestSVMSilentArray(t *testing.T) {
	s := newSVMStage(t)
	s.arrays("caFile: a1.pem", "- {name: a2, url: \"https://192.0.2.200\", user: admin, passwordFile: a1.password, caFile: a1.pem}\n")
	s.object(svmObject, "project: team\n", "project: team\n  array: a1\n")
	s.want(exitUnproven, []string{"Not known:", "array/a2 is silent", "Next:  seedproof svm explain pteam -f "}, "plan")
	s.want(exitUnproven, []string{"waits for array/a2"}, "apply", "--wait", "0")
	s.want(exitUnproven, []string{"array/a2", "Unknown", "Unproven"}, "status")
	for _, w := range s.writes() {
		if strings.HasPrefix(w, "POST /api/svm") {
			t.Errorf("something was made while an array is silent: %s", w)
		}
	}
	out := s.want(exitOK, []string{"seedproof svm attest lost array/a2 pteam -f "}, "explain")
	if code, said := s.typed(out, "seedproof svm attest lost"); code != exitUsage || !strings.Contains(said, "needs a confirmation") {
		t.Errorf("exit code %d: %s", code, said)
	}
	if code, said := s.typed(out, "seedproof svm attest lost", "--yes", "--reason", "burnt"); code != exitOK || !strings.Contains(said, "attested lost") {
		t.Errorf("exit code %d: %s", code, said)
	}
	// A word for the silent never lets an SVM be made.
	code, said := s.svm("apply", "--wait", "0")
	if code != exitRefused && code != exitUnproven || !strings.Contains(said, "Unproven") {
		t.Errorf("exit code %d: %s", code, said)
	}
	if v, found := s.sim.Dump().Find("pteam"); found {
		t.Errorf("an SVM was made: %+v", v)
	}
	s.want(exitRefused, []string{"nobody's word is taken for who speaks for itself"}, "attest", "lost", "array/a1", "pteam", "--yes")
	s.want(exitUsage, []string{"nobody is called", "known are"}, "attest", "lost", "array/a9", "--yes")
}

// An SVM that is gone is made again only when a person approves it, by the
// command that is printed.
func TestSVMRecreate(t *testing.T) {
	s := newSVMStage(t)
	s.want(exitOK, nil, "apply")
	v, _ := s.sim.Dump().Find("pteam")
	if err := s.client().DeleteSVM(t.Context(), v.UUID); err != nil {
		t.Fatal(err)
	}
	out := s.want(exitRefused, []string{"DataLost", "Next:  seedproof svm approve recreate pteam -f "}, "apply")
	s.want(exitRefused, []string{"! ", "type: seedproof svm approve recreate pteam", "DataLost"}, "status")
	if code, said := s.typed(out, "seedproof svm approve recreate"); code != exitUsage || !strings.Contains(said, "EVERYTHING THAT WAS ON SVM pteam IS GIVEN UP") {
		t.Errorf("exit code %d: %s", code, said)
	}
	s.want(exitRefused, []string{"DataLost"}, "apply", "--wait", "0")
	if code, said := s.typed(out, "seedproof svm approve recreate", "--yes"); code != exitOK {
		t.Fatalf("exit code %d: %s", code, said)
	}
	// The new pair waits for its login: the account of that name had one a moment ago.
	if code, out := s.svm("apply", "--wait", "0"); code != exitOK && (code != exitUnproven || !strings.Contains(out, "logins are rationed")) {
		t.Errorf("exit code %d: %s", code, out)
	}
	s.want(exitOK, []string{"Intact"}, "status")
	if again, found := s.sim.Dump().Find("pteam"); !found || again.UUID == v.UUID {
		t.Errorf("it was not made anew: %+v", again)
	}
	s.want(exitRefused, nil, "approve", "recreate", "pteam", "--yes")
}

// An SVM of somebody else is taken only by its UUID.
func TestSVMAdopt(t *testing.T) {
	s := newSVMStage(t)
	made, err := s.client().CreateSVM(t.Context(), ontap.NewSVM{Name: "pteam", NVMe: true})
	if err != nil {
		t.Fatal(err)
	}
	out := s.want(exitRefused, []string{"Conflicting", "seedproof svm apply --adopt " + made.UUID + " pteam -f "}, "apply")
	if v, _ := s.sim.Dump().Find("pteam"); v.Comment != "" || len(v.LIFs) > 0 {
		t.Errorf("it was touched: %+v", v)
	}
	s.want(exitUsage, []string{"no array shows an SVM of that UUID", made.UUID}, "apply", "--adopt", "00000000-1111-2222-3333-444444444444", "--yes")
	if code, said := s.typed(out, "seedproof svm apply --adopt"); code != exitUsage {
		t.Errorf("exit code %d without a confirmation: %s", code, said)
	}
	if code, said := s.typed(out, "seedproof svm apply --adopt", "--yes"); code != exitOK || !strings.Contains(said, "Intact") {
		t.Errorf("exit code %d: %s", code, said)
	}
}

func TestSVMRotate(t *testing.T) {
	s := newSVMStage(t)
	s.want(exitError, []string{"Next:  seedproof svm apply pteam"}, "rotate")
	s.want(exitOK, nil, "apply")
	before := s.secret()
	s.want(exitOK, []string{"done", "pending", "done", "activate", "The new pairs are active", "in use"}, "rotate")
	after := s.secret()
	if after["username"] == before["username"] || !s.sim.Check("pteam", after["username"], after["password"]) {
		t.Errorf("user %s, then %s", before["username"], after["username"])
	}
	if !s.sim.Check("pteam", before["username"], before["password"]) {
		t.Error("the old pair does not work any more, and nobody has the new one yet")
	}
	s.want(exitRefused, []string{"is not changed yet", "in use"}, "rotate", "--wait", "0")
	s.want(exitUsage, []string{`no shoot "other"`}, "rotate", "--shoot", "other")
}

func TestSVMDelete(t *testing.T) {
	s := newSVMStage(t)
	s.want(exitOK, nil, "apply")
	s.want(exitOK, []string{"SVM pteam is not deleted", "Retain", "stays: the SVM", "stays: the account of shoot shoot--team--prod"}, "delete", "--yes")
	s.object(svmObject, "project: team\n", "project: team\n  deletionPolicy: Delete\n")
	v, _ := s.sim.Dump().Find("pteam")
	theirs := ontap.NewAccount{SVMUUID: v.UUID, Name: "theirs", Password: ontap.NewSecret("of-somebody-else-1")}
	if err := s.client().CreateAccount(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	s.want(exitRefused, []string{"it has accounts of others"}, "delete", "--yes")
	if err := s.client().DeleteAccount(t.Context(), v.UUID, "theirs"); err != nil {
		t.Fatal(err)
	}
	s.want(exitUsage, []string{"IS DELETED", "needs a confirmation"}, "delete")
	s.want(exitOK, []string{"SVM pteam is gone"}, "delete", "--yes")
	if _, found := s.sim.Dump().Find("pteam"); found {
		t.Error("it is still there")
	}
	s.want(exitOK, []string{"NeverExisted"}, "status")
	s.want(exitOK, []string{"SVM pteam is gone: it never existed"}, "delete", "--yes")
}

// An SVM that is retained by its policy goes when a person approves it.
func TestSVMDestroy(t *testing.T) {
	s := newSVMStage(t)
	s.want(exitOK, nil, "apply")
	out := s.want(exitOK, []string{"IS DELETED by the next", "seedproof svm delete pteam -f "}, "approve", "destroy", "pteam", "--yes")
	if code, said := s.typed(out, "seedproof svm delete pteam", "--yes"); code != exitOK || !strings.Contains(said, "is gone") {
		t.Errorf("exit code %d: %s", code, said)
	}
}

// An attempt that comes to no end is given up by its nonce.
func TestSVMFailClaim(t *testing.T) {
	s := newSVMStage(t)
	if _, err := s.sim.Inject(sim.Fault{Kind: sim.Refuse, Method: http.MethodPost, Path: "/api/svm/svms", Status: http.StatusInternalServerError, Code: 13434914, Message: "no space"}); err != nil {
		t.Fatal(err)
	}
	if code, out := s.svm("apply", "--wait", "0"); code == exitOK {
		t.Fatalf("it was made: %s", out)
	}
	s.want(exitUsage, []string{"--attempt"}, "approve", "fail-claim", "pteam", "--yes")
	s.want(exitRefused, []string{"no such attempt is open"}, "approve", "fail-claim", "pteam", "--attempt", "0000000000000000", "--yes")
	nonce := s.attempt()
	s.want(exitOK, []string{"Given up by"}, "approve", "fail-claim", "pteam", "--attempt", nonce, "--yes")
	s.sim.ClearFaults()
	s.want(exitOK, []string{"Intact"}, "apply")
	if s.attempt() == nonce {
		t.Error("the attempt that was given up went on")
	}
}

// attempt is the nonce of the claim, as it lies in the seed.
func (s *svmStage) attempt() string {
	s.t.Helper()
	_, body := s.kube.Do(s.t, testenv.KubeAdmin, http.MethodGet, "/api/v1/namespaces/"+s.namespace+"/configmaps/svm-claim-pteam", nil)
	found := regexp.MustCompile(`\\"nonce\\":\s*\\"([0-9a-f]+)\\"`).FindSubmatch(body)
	if found == nil {
		s.t.Fatalf("no attempt in %s", body)
	}
	return string(found[1])
}

// The commands find their files by the environment too, as the printed ones do.
func TestSVMFiles(t *testing.T) {
	s := newSVMStage(t)
	code, out := s.run("svm", "plan")
	if code != exitUsage || !strings.Contains(out, "-f FILE, or SEEDPROOF_SVM_FILE=FILE") {
		t.Errorf("exit code %d: %s", code, out)
	}
	t.Setenv("SEEDPROOF_SVM_FILE", s.path("svm.yaml"))
	code, out = s.run("svm", "plan")
	if code != exitUsage || !strings.Contains(out, "--arrays FILE, or SEEDPROOF_SVM_ARRAYS=FILE") {
		t.Errorf("exit code %d: %s", code, out)
	}
	t.Setenv("SEEDPROOF_SVM_ARRAYS", s.path("arrays.yaml"))
	t.Setenv("KUBECONFIG", s.config)
	code, out = s.run("svm", "status", "pteam", "--namespace", s.namespace)
	if code != exitOK || !strings.Contains(out, "NeverExisted") {
		t.Errorf("exit code %d: %s", code, out)
	}
	for _, args := range [][]string{{"plan", "nobody"}, {"plan", "-o", "xml"}, {"attest", "lost"}, {"approve", "recreate", "--by", ""}} {
		if code, out := s.svm(args...); code != exitUsage {
			t.Errorf("%v: exit code %d: %s", args, code, out)
		}
	}
}

// Of several SVMs in a file one is named where one alone can be meant.
func TestSVMSeveral(t *testing.T) {
	s := newSVMStage(t)
	second := strings.NewReplacer("team", "crew", "192.0.2.10", "192.0.2.110", "192.0.2.20", "192.0.2.120", "192.0.2.21", "192.0.2.121").Replace(svmObject)
	s.object(svmObject + "---\n" + second)
	s.want(exitUsage, []string{"holds 2 SVMs", "pteam, pcrew"}, "delete", "--yes")
	s.want(exitOK, []string{"SVM pteam on a1: Intact", "SVM pcrew on a1: Intact"}, "apply")
	out := s.want(exitOK, []string{"SVM pcrew on a1: Intact"}, "status", "crew")
	if strings.Contains(out, "SVM pteam") {
		t.Errorf("it shows one that was not asked for:\n%s", out)
	}
	// The files are read in the order in which they are named.
	s.write("brew.yaml", strings.NewReplacer("team", "brew", "192.0.2.10", "192.0.2.210", "192.0.2.20", "192.0.2.220", "192.0.2.21", "192.0.2.221", "NAMESPACE", s.namespace).Replace(svmObject))
	s.want(exitOK, []string{"SVM pbrew", "NeverExisted", "SVM pteam on a1: Intact", "SVM pcrew on a1: Intact"}, "status", "-f", s.path("brew.yaml"))
}

func TestSVMTypable(t *testing.T) {
	w := &svmWorld{again: " -f x.yaml"}
	for _, c := range []struct{ reason, text, want string }{
		{"a plain command", "seedproof svm explain p1", "seedproof svm explain p1 -f x.yaml"},
		{"a command within a sentence", "To type: seedproof svm approve recreate p1", "To type: seedproof svm approve recreate p1 -f x.yaml"},
		{"the SVM that a word is about is added", "Only if a is lost for good: seedproof svm attest lost array/a", "Only if a is lost for good: seedproof svm attest lost array/a p1 -f x.yaml"},
		{"one of two", "seedproof svm apply --adopt u1 # or\nseedproof svm apply --adopt u2", "seedproof svm apply --adopt u1 p1 -f x.yaml # or\nseedproof svm apply --adopt u2 p1 -f x.yaml"},
		{"a command of the array", "vserver show", "vserver show"},
		{"none", "", ""},
	} {
		if got := w.typable(c.text, "p1"); got != c.want {
			t.Errorf("%s: %q, want %q", c.reason, got, c.want)
		}
	}
}

// The worst of several SVMs gives the exit code.
func TestExitCodeOfSeveral(t *testing.T) {
	w := &svmWorld{wishes: []svm.Wish{{}, {}}}
	for _, c := range []struct {
		reason string
		errs   []error
		want   int
	}{
		{"both are well", []error{nil, nil}, exitOK},
		{"one waits", []error{nil, unproven(errors.New("x"), "")}, exitUnproven},
		{"one needs a person, one waits", []error{unproven(errors.New("x"), ""), refused(errors.New("x"), "")}, exitRefused},
		{"one failed", []error{refused(errors.New("x"), ""), errors.New("x")}, exitError},
	} {
		i := 0
		err := w.each(func(svm.Wish) error { i++; return c.errs[i-1] })
		if exitCode(err) != c.want {
			t.Errorf("%s: exit code %d, want %d", c.reason, exitCode(err), c.want)
		}
	}
}
