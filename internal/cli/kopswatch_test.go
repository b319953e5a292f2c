package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"

	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/testenv"
)

// watchArguments makes a child of this test binary run a command line.
const watchArguments = "SEEDPROOF_TEST_WATCH_ARGUMENTS"

// TestKopsWatchChild is the program itself, for TestKopsWatchProcess.
func TestKopsWatchChild(*testing.T) {
	arguments := os.Getenv(watchArguments)
	if arguments == "" {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	code := Run(ctx, strings.Split(arguments, "\n"), strings.NewReader(""), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// watching is a running `seedproof kops watch`.
type watching struct {
	*testing.T
	cmd   *exec.Cmd
	lines chan string
	url   string
}

func startWatch(t *testing.T, args ...string) *watching {
	t.Helper()
	addr := fmt.Sprintf("127.0.0.1:%d", testenv.FreePorts(t, 1)[0])
	args = append([]string{"kops", "watch", "--listen", addr, "--log-format", "json"}, args...)
	w := &watching{T: t, lines: make(chan string, 1000), url: "http://" + addr}
	w.cmd = exec.Command(os.Args[0], "-test.run=^TestKopsWatchChild$")
	w.cmd.Env = append(os.Environ(), watchArguments+"="+strings.Join(args, "\n"))
	out, err := w.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = w.cmd.Process.Kill() // it may have ended
		_ = w.cmd.Wait()
	})
	go func() {
		defer close(w.lines)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			w.lines <- lines.Text()
		}
	}()
	return w
}

// line waits for a line of the log that holds all the texts.
func (w *watching) line(texts ...string) map[string]any {
	w.Helper()
	deadline := time.After(time.Minute)
	for {
		select {
		case line, more := <-w.lines:
			if !more {
				w.Fatalf("it ended without a line with %q", texts)
			}
			if slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(line, text) }) {
				continue
			}
			var fields map[string]any
			if err := json.Unmarshal([]byte(line), &fields); err != nil {
				w.Fatalf("%v in %q", err, line)
			}
			return fields
		case <-deadline:
			w.Fatalf("no line with %q", texts)
		}
	}
}

func (w *watching) get(path string) (int, string) {
	w.Helper()
	answer, err := http.Get(w.url + path)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		w.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// gauge is the value of one series of a scrape.
func (w *watching) gauge(name string, labels map[string]string) float64 {
	w.Helper()
	_, body := w.get("/metrics")
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	for _, m := range families[name].GetMetric() {
		if fits(m, labels) {
			return m.GetGauge().GetValue()
		}
	}
	w.Fatalf("no %s with %v in\n%s", name, labels, body)
	return 0
}

func fits(m *dto.Metric, labels map[string]string) bool {
	n := 0
	for _, l := range m.GetLabel() {
		if want, named := labels[l.GetName()]; named && want == l.GetValue() {
			n++
		}
	}
	return n == len(labels)
}

// TestKopsWatchProcess is the program on files, from its start to SIGTERM: what
// it serves, what it says when the files go, and that it writes nothing.
func TestKopsWatchProcess(t *testing.T) {
	url := stateStore(t, healthyProd(), kopstest.New("new.k8s.local", 1))
	before := treeOf(t, url)
	w := startWatch(t, "--state", url, "--interval", "1s", "--verify-every", "1s", "--scratch-dir", t.TempDir())
	w.line("first look", `"etcd_clusters":4`)
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ok", "/status": `"clusters"`} {
		if code, body := w.get(path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d, %s", path, code, body)
		}
	}
	main := map[string]string{"cluster": "prod.example.com", "etcd": "main", "state_store": url}
	if v := w.gauge("seedproof_kops_exit_code", main); v != 0 {
		t.Errorf("the exit code is %v", v)
	}
	if v := w.gauge("seedproof_kops_action", map[string]string{"cluster": "new.k8s.local", "etcd": "main", "action": "seed-new"}); v != 1 {
		t.Errorf("the new one: %v", v)
	}
	// What these backups hold is no snapshot, and a watch that opens them says so.
	w.line(`"what":"threat"`, `"to":"backup-damaged"`, "prod.example.com")
	if after := treeOf(t, url); after != before {
		t.Errorf("it wrote: before\n%s\nafter\n%s", before, after)
	}
	lose(t, url, prodMarker)
	line := w.line(`"what":"state"`, `"cluster":"prod.example.com"`, "seed-imminent")
	if line["level"] != "ERROR" || !strings.HasPrefix(line["sentence"].(string), "ACT NOW") || !strings.Contains(line["next"].(string), prodMarker) || line["pass"] == nil {
		t.Errorf("the line is %v", line)
	}
	if v := w.gauge("seedproof_kops_action", map[string]string{"cluster": "prod.example.com", "etcd": "main", "action": "seed-imminent"}); v != 1 {
		t.Errorf("the action is shown as %v", v)
	}
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for range w.lines { // until it ends
	}
	if err := w.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// TestKopsWatchWrongCommandLines: what cannot be is said before anything runs.
func TestKopsWatchWrongCommandLines(t *testing.T) {
	t.Setenv(stateVariable, "")
	url := "file://" + t.TempDir()
	for _, c := range []struct {
		args []string
		says []string
	}{
		{nil, []string{"no state store is named", "seedproof kops watch --state s3://BUCKET"}},
		{[]string{"--state", "bucket"}, []string{"no URL scheme"}},
		{[]string{"--state", url, "--interval", "10ms"}, []string{"--interval is 10ms"}},
		{[]string{"--state", url, "--verify-every", "10s"}, []string{"no less than --interval (1m0s)"}},
		{[]string{"--state", url, "--verify-bandwidth", "-1"}, []string{"--verify-bandwidth is -1"}},
		{[]string{"--state", url, "--max-backup-age", "0"}, []string{"--max-backup-age is 0s"}},
		{[]string{"--state", url, "--timeout", "-1s"}, []string{"--timeout is -1s"}},
		{[]string{"--state", url, "--scratch-dir", "/does/not/exist"}, []string{"--scratch-dir"}},
		{[]string{"--state", url, "--log-format", "xml"}, []string{"want text or json"}},
		{[]string{"--state", url, "--log-level", "loud"}, []string{"--log-level"}},
		{[]string{"--state", url, "more"}, []string{"unknown command"}},
	} {
		typeIn(t, append([]string{"kops", "watch"}, c.args...)...).says(t, exitUsage, c.says...)
	}
	typeIn(t, "kops", "watch", "--state", url, "--listen", "256.0.0.1:1").says(t, exitError, "listen for metrics and status")
}

// checkWatchArgs: every flag exists and has a value, and none is given twice.
func checkWatchArgs(t *testing.T, args []string) {
	t.Helper()
	root := newRootCommand(&global{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard})
	cmd, rest, err := root.Find(args)
	if err != nil || cmd.CommandPath() != "seedproof kops watch" {
		t.Fatalf("it starts %v: %v", args, err)
	}
	var given []string
	for _, arg := range rest {
		name, value, hasValue := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		if cmd.Flags().Lookup(name) == nil || !strings.HasPrefix(arg, "--") || !hasValue || value == "" || slices.Contains(given, name) {
			t.Errorf("%s is no flag of the watch with a value, or is given twice", arg)
		}
		given = append(given, name)
	}
	for _, name := range []string{"state", "listen", "scratch-dir", "acknowledged", "log-format"} {
		if !slices.Contains(given, name) {
			t.Errorf("--%s is not given", name)
		}
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Usage == "" {
			t.Errorf("--%s has no help", f.Name)
		}
	})
}

func TestKopsWatchUnit(t *testing.T) {
	unit := settings(readDeploy(t, "systemd/seedproof-kops-watch.service"))
	env := settings(readDeploy(t, "systemd/seedproof-kops-watch.env"))
	checkWatchArgs(t, strings.Fields(unit["ExecStart"][0])[1:])
	var used []string
	line := unit["ExecStart"][0]
	for _, m := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(line, -1) {
		used = append(used, m[1])
		if len(env[m[1]]) != 1 || env[m[1]][0] == "" {
			t.Errorf("the example says nothing of %s", m[1])
			continue
		}
		line = strings.ReplaceAll(line, m[0], env[m[1]][0])
	}
	for name := range env {
		if !slices.Contains(used, name) {
			t.Errorf("the unit does not use %s", name)
		}
	}
	for key, want := range map[string]string{
		"DynamicUser": "yes", "Restart": "always", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes",
		"PrivateDevices": "yes", "CapabilityBoundingSet": "", "MemoryDenyWriteExecute": "yes", "RestrictNamespaces": "yes", "UMask": "0077",
	} {
		if !slices.Equal(unit[key], []string{want}) {
			t.Errorf("%s is %v, expected %q", key, unit[key], want)
		}
	}
	if unit["ReadWritePaths"] != nil || !slices.Contains(strings.Fields(line), "--scratch-dir=/var/cache/"+unit["CacheDirectory"][0]) {
		t.Error("it may write elsewhere than where backups are unpacked")
	}
}

// watchPod is what is looked at of the Deployment.
type watchPod struct {
	ServiceAccountName           string
	AutomountServiceAccountToken *bool
	HostNetwork, HostPID         bool
	SecurityContext              struct {
		RunAsNonRoot   *bool
		SeccompProfile struct{ Type string }
	}
	Containers []struct {
		Args                          []string
		LivenessProbe, ReadinessProbe struct{ HTTPGet struct{ Path, Port string } }
		Ports                         []struct {
			Name          string
			ContainerPort int
		}
		Resources       struct{ Limits, Requests map[string]string }
		SecurityContext struct {
			AllowPrivilegeEscalation, Privileged, ReadOnlyRootFilesystem *bool
			Capabilities                                                 struct{ Drop []string }
		}
		VolumeMounts []struct {
			Name, MountPath string
			ReadOnly        bool
		}
	}
	Volumes []struct {
		Name     string
		HostPath any
	}
}

func TestKopsWatchDeployment(t *testing.T) {
	kinds := map[string]string{}
	for _, text := range strings.Split(readDeploy(t, "kubernetes/kops-watch.yaml"), "\n---\n") {
		var object struct{ Kind string }
		if err := yaml.Unmarshal([]byte(text), &object); err != nil {
			t.Fatal(err)
		}
		kinds[object.Kind] = text
	}
	for _, kind := range []string{"ServiceAccount", "ConfigMap", "Deployment", "Service", "NetworkPolicy"} {
		if kinds[kind] == "" {
			t.Errorf("there is no %s", kind)
		}
	}
	if kinds["Role"]+kinds["ClusterRole"]+kinds["Secret"] != "" {
		t.Error("it asks for rights in the cluster")
	}
	var deployment struct {
		Spec struct{ Template struct{ Spec watchPod } }
	}
	if err := yaml.Unmarshal([]byte(kinds["Deployment"]), &deployment); err != nil {
		t.Fatal(err)
	}
	pod := deployment.Spec.Template.Spec
	if off := pod.AutomountServiceAccountToken; off == nil || *off || !strings.Contains(kinds["ServiceAccount"], "automountServiceAccountToken: false") {
		t.Error("it gets a token of the API")
	}
	if pod.HostNetwork || pod.HostPID || pod.SecurityContext.RunAsNonRoot == nil || !*pod.SecurityContext.RunAsNonRoot || pod.SecurityContext.SeccompProfile.Type != "RuntimeDefault" {
		t.Error("the pod has more rights than it needs")
	}
	for _, v := range pod.Volumes {
		if v.HostPath != nil {
			t.Errorf("volume %s is the host's", v.Name)
		}
	}
	checkWatchContainer(t, pod)
}

func checkWatchContainer(t *testing.T, pod watchPod) {
	t.Helper()
	if len(pod.Containers) != 1 {
		t.Fatalf("it has %d containers", len(pod.Containers))
	}
	c := pod.Containers[0]
	checkWatchArgs(t, c.Args)
	no := func(b *bool) bool { return b != nil && !*b }
	s := c.SecurityContext
	if !no(s.AllowPrivilegeEscalation) || !no(s.Privileged) || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []string{"ALL"}) {
		t.Error("the container has more rights than it needs")
	}
	for _, what := range []string{"cpu", "memory", "ephemeral-storage"} {
		if c.Resources.Limits[what] == "" || c.Resources.Requests[what] == "" {
			t.Errorf("%s is not bounded", what)
		}
	}
	if c.LivenessProbe.HTTPGet.Path != "/healthz" || c.ReadinessProbe.HTTPGet.Path != "/readyz" || len(c.Ports) != 1 || c.Ports[0].Name != c.LivenessProbe.HTTPGet.Port {
		t.Errorf("the probes are %+v, %+v", c.LivenessProbe, c.ReadinessProbe)
	}
	if !slices.Contains(c.Args, fmt.Sprintf("--listen=:%d", c.Ports[0].ContainerPort)) {
		t.Error("it listens on another port than the probes ask")
	}
	mounts := map[string]bool{}
	for _, m := range c.VolumeMounts {
		mounts[m.MountPath] = m.ReadOnly
	}
	if writable, found := mounts["/scratch"]; !found || writable || !mounts["/etc/seedproof"] || len(mounts) != len(pod.Volumes) {
		t.Errorf("the mounts are %v", mounts)
	}
}

// TestKopsPoliciesOnlyRead: no policy that is delivered lets anything be
// changed, or reaches another bucket.
func TestKopsPoliciesOnlyRead(t *testing.T) {
	files, err := filepath.Glob("../../deploy/policies/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("the policies: %v, %v", files, err)
	}
	readOnly := regexp.MustCompile(`^s3:(Get|List)[A-Za-z]+$`)
	for _, file := range files {
		var policy struct {
			Version   string
			Statement []struct {
				Sid, Effect string
				Action      []string
				Resource    any
			}
		}
		if err := yaml.UnmarshalStrict([]byte(readDeploy(t, "policies/"+filepath.Base(file))), &policy); err != nil {
			t.Fatal(err)
		}
		for _, s := range policy.Statement {
			for _, action := range s.Action {
				if !readOnly.MatchString(action) {
					t.Errorf("%s allows %s", file, action)
				}
			}
			for _, resource := range regexp.MustCompile(`arn:[^\s\]]+`).FindAllString(fmt.Sprint(s.Resource), -1) {
				if !strings.HasPrefix(resource, "arn:aws:s3:::my-state") || s.Effect != "Allow" {
					t.Errorf("%s: %s reaches %s", file, s.Sid, resource)
				}
			}
		}
	}
	var role struct{ IncludedPermissions []string }
	if err := yaml.Unmarshal([]byte(readDeploy(t, "policies/kops-check.gcs.yaml")), &role); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(role.IncludedPermissions, []string{"storage.buckets.get", "storage.objects.get", "storage.objects.list"}) {
		t.Errorf("the role has %v", role.IncludedPermissions)
	}
}
