package cli

import (
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"
)

// What lies in deploy/ must fit the agent that it starts.

func agentCommand(t *testing.T) *cobra.Command {
	t.Helper()
	root := newRootCommand(&global{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard})
	cmd, _, err := root.Find([]string{"etcd", "agent"})
	if err != nil || cmd.Name() != "agent" {
		t.Fatalf("no command `etcd agent`: %v", err)
	}
	return cmd
}

// checkArgs: every flag exists, none is hidden, none is given twice, and what
// the agent refuses to start without is there.
func checkArgs(t *testing.T, args []string) {
	t.Helper()
	if len(args) < 2 || args[0] != "etcd" || args[1] != "agent" {
		t.Fatalf("it starts %v", args)
	}
	cmd := agentCommand(t)
	var given []string
	for _, arg := range args[2:] {
		name, value, hasValue := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		flag := cmd.Flags().Lookup(name)
		switch {
		case !strings.HasPrefix(arg, "--") || flag == nil || flag.Hidden:
			t.Errorf("%s is no flag that the agent's help shows", arg)
			continue
		case slices.Contains(given, name):
			t.Errorf("--%s is given twice", name)
		case !hasValue && flag.NoOptDefVal == "" || hasValue && value == "":
			t.Errorf("--%s has no value", name)
		}
		given = append(given, name)
	}
	for _, name := range []string{"name", "cluster", "data-dir", "state-dir", "listen", "client-url", "peer-url", "pki-dir", "backup-store", "control-store", "agents", "member-count"} {
		if !slices.Contains(given, name) {
			t.Errorf("--%s is not given", name)
		}
	}
	if cmd.Flags().Lookup("unsafe-no-fsync").Hidden != true {
		t.Error("a flag for tests is shown")
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Usage == "" {
			t.Errorf("--%s has no help", f.Name)
		}
	})
}

func readDeploy(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile("../../deploy/" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// settings are the lines KEY=VALUE of a unit or environment file, continued
// lines joined.
func settings(text string) map[string][]string {
	all := map[string][]string{}
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		line = strings.TrimSpace(line)
		if key, value, found := strings.Cut(line, "="); found && !strings.HasPrefix(line, "#") {
			all[key] = append(all[key], value)
		}
	}
	return all
}

func TestSystemdUnit(t *testing.T) {
	unit := settings(readDeploy(t, "systemd/seedproof-agent.service"))
	env := settings(readDeploy(t, "systemd/seedproof-agent.env"))
	start := strings.Fields(unit["ExecStart"][0])
	checkArgs(t, start[1:])
	var used []string
	for _, m := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(unit["ExecStart"][0], -1) {
		used = append(used, m[1])
		if len(env[m[1]]) != 1 || env[m[1]][0] == "" {
			t.Errorf("the example says nothing of %s", m[1])
		}
	}
	for name := range env {
		if !slices.Contains(used, name) {
			t.Errorf("the unit does not use %s", name)
		}
	}
	for key, want := range map[string]string{"KillMode": "process", "Restart": "always", "RestartSec": "1", "OOMPolicy": "continue", "NoNewPrivileges": "yes"} {
		if !slices.Equal(unit[key], []string{want}) {
			t.Errorf("%s is %v, expected %s", key, unit[key], want)
		}
	}
	// Each of these would give etcd limits, or a mount namespace that it
	// outlives.
	for _, key := range []string{"MemoryMax", "CPUQuota", "PrivateTmp", "ProtectSystem", "ProtectHome", "ReadWritePaths", "RequiresMountsFor", "RuntimeMaxSec"} {
		if unit[key] != nil {
			t.Errorf("%s is set", key)
		}
	}
}

func TestStaticPod(t *testing.T) {
	var pod struct {
		Kind string
		Spec struct {
			HostPID, HostNetwork bool
			Containers           []struct {
				Args            []string
				LivenessProbe   any
				Resources       struct{ Limits any }
				SecurityContext struct {
					AllowPrivilegeEscalation, Privileged, ReadOnlyRootFilesystem *bool
				}
				VolumeMounts []struct{ Name, MountPath string }
			}
			Volumes []struct {
				Name     string
				HostPath struct{ Type string }
			}
		}
	}
	if err := yaml.Unmarshal([]byte(readDeploy(t, "kubernetes/agent.yaml")), &pod); err != nil {
		t.Fatal(err)
	}
	if pod.Kind != "Pod" || !pod.Spec.HostPID || !pod.Spec.HostNetwork || len(pod.Spec.Containers) != 1 {
		t.Fatalf("it is %+v", pod)
	}
	c := pod.Spec.Containers[0]
	checkArgs(t, c.Args)
	if c.LivenessProbe != nil || c.Resources.Limits != nil {
		t.Error("a probe or a limit could kill a healthy etcd")
	}
	s := c.SecurityContext
	if s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.Privileged == nil || *s.Privileged || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem {
		t.Error("it has more rights than it needs")
	}
	if len(pod.Spec.Volumes) != len(c.VolumeMounts) {
		t.Error("volumes and mounts differ in number")
	}
	for _, v := range pod.Spec.Volumes {
		if v.HostPath.Type != "Directory" {
			t.Errorf("volume %s is made where it is missing", v.Name)
		}
	}
}
