package cmdline

import (
	"errors"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// around are surroundings with these variables and files.
func around(variables map[string]string, files map[string]string) Surroundings {
	return Surroundings{
		Home:   "/home/me",
		Getenv: func(name string) string { return variables[name] },
		ReadFile: func(path string) ([]byte, error) {
			content, there := files[path]
			switch {
			case content == "unreadable":
				return nil, fs.ErrPermission
			case !there:
				return nil, fs.ErrNotExist
			}
			return []byte(content), nil
		},
	}
}

var store = map[string]string{StateVariable: "s3://state"}

// TestGuarded: what is seen of command lines that are guarded.
func TestGuarded(t *testing.T) {
	for _, c := range []struct {
		reason, line string
		want         Command
	}{
		{"a dry run", "update cluster --name a.example.com", Command{Verb: Update}},
		{"it acts", "update cluster --name a.example.com --yes", Command{Verb: Update, Applies: true}},
		{"the short flag", "update cluster --name=a.example.com -y", Command{Verb: Update, Applies: true}},
		{"a word names the cluster", "update cluster a.example.com --yes", Command{Verb: Update, Applies: true}},
		{"the word stands behind --", "update cluster --yes -- a.example.com", Command{Verb: Update, Applies: true}},
		{"the word and the flag agree", "update cluster a.example.com --name a.example.com", Command{Verb: Update}},
		{"global flags before", "--name a.example.com --state s3://state -v 5 update cluster --yes", Command{Verb: Update, Applies: true}},
		{"global flags between", "update --name a.example.com -v5 cluster --yes", Command{Verb: Update, Applies: true}},
		{"a flag of the command before it, with its value", "--target terraform update cluster a.example.com", Command{Verb: Update, Applies: true, Terraform: true}},
		{"terraform needs no --yes", "update cluster a.example.com --target=terraform --out=.", Command{Verb: Update, Applies: true, Terraform: true}},
		{"direct is what it is without", "update cluster a.example.com --target direct", Command{Verb: Update}},
		{"a dry run by its target", "update cluster a.example.com --target=dryrun", Command{Verb: Update}},
		{"a target that comes later acts", "update cluster a.example.com --target=cloudformation", Command{Verb: Update, Applies: true}},
		{"--yes is a value here", "update cluster a.example.com --out --yes", Command{Verb: Update}},
		{"--yes is taken back", "update cluster a.example.com --yes --yes=false", Command{Verb: Update}},
		{"--yes=1", "update cluster a.example.com --yes=1", Command{Verb: Update, Applies: true}},
		{"-y=true", "update cluster a.example.com -y=true", Command{Verb: Update, Applies: true}},
		{"the last name counts", "update cluster --name b.example.com --name a.example.com", Command{Verb: Update}},
		{"a flag with or without value", "update cluster a.example.com --admin --yes", Command{Verb: Update, Applies: true}},
		{"the same with its value", "update cluster --admin=1h a.example.com --yes", Command{Verb: Update, Applies: true}},
		{"an unknown flag with its value", "update cluster a.example.com --of-tomorrow=5 --yes", Command{Verb: Update, Applies: true}},
		{"a flag may come twice", "update cluster a.example.com --instance-group a --instance-group b -y", Command{Verb: Update, Applies: true}},
		{"reconcile", "reconcile cluster a.example.com --yes", Command{Verb: Reconcile, Applies: true}},
		{"rolling-update", "rolling-update cluster a.example.com --yes --ig control-plane-a", Command{Verb: RollingUpdate, Applies: true}},
		{"rolling-update, letters together", "rolling-update cluster a.example.com -iy", Command{Verb: RollingUpdate, Applies: true}},
		{"rolling-update, a dry run", "rolling-update cluster a.example.com --control-plane-interval 1m --force", Command{Verb: RollingUpdate}},
		{"an instance is no cluster", "delete instance i-0a5ed581 --name a.example.com --yes", Command{Verb: DeleteInstance, Applies: true}},
		{"kops then rolls the nodes too", "update cluster a.example.com --reconcile --yes", Command{Verb: Reconcile, Applies: true}},
		{"and does not", "update cluster a.example.com --reconcile=false --yes", Command{Verb: Update, Applies: true}},
		{"create, which only writes the config", "create cluster --name a.example.com --cloud aws --zones eu-central-1a", Command{Verb: Create}},
		{"create, which applies", "create cluster --name a.example.com --cloud aws --zones=eu-central-1a --node-count 3 --yes", Command{Verb: Create, Applies: true}},
		{"create by a word", "create cluster a.example.com --zones=eu-central-1a -y", Command{Verb: Create, Applies: true}},
		{"create for terraform", "create cluster --cloud aws --name a.example.com --target terraform", Command{Verb: Create, Applies: true, Terraform: true}},
		{"create: --yes may be a value, and may not", "create cluster --name a.example.com --of-tomorrow --yes", Command{Verb: Create, Applies: true}},
		{"help that is a value", "update cluster a.example.com --out --help", Command{Verb: Update}},
		{"help that is taken back", "update cluster a.example.com --help=false -y", Command{Verb: Update, Applies: true}},
	} {
		c.want.Cluster, c.want.State = "a.example.com", "s3://state"
		got, err := Parse(strings.Fields(c.line), around(store, nil))
		if err != nil || got != c.want {
			t.Errorf("%s: kops %s: %+v, %v; want %+v", c.reason, c.line, got, err, c.want)
		}
	}
}

// TestPassed: what goes straight to kops.
func TestPassed(t *testing.T) {
	for _, line := range []string{
		"", "version", "--help", "-h", "--version", "help update cluster", "get clusters", "get cluster a -o yaml", "list", "toolbox dump --name a",
		"completion bash", "__complete update cluster ", "create -f update.yaml", "create instancegroup nodes --name a", "create secret dockerconfig --name a -f x", "create", "create cluster --help", "edit cluster a", "validate cluster --wait 10m",
		"delete cluster a --yes", "delete instancegroup nodes --yes", "delete", "update", "rolling-update", "update --help", "reconcile -h",
		"update cluster --help", "update cluster -h", "update cluster --yes -yh", "rolling-update cluster a --help", "delete instance --help",
		"upgrade cluster a --yes", "replace -f update", "--state s3://x get update cluster", "update help", "--of-tomorrow get clusters", "-- get", "get -- update cluster",
	} {
		got, err := Parse(strings.Fields(line), around(nil, nil))
		if err != nil || got != (Command{}) {
			t.Errorf("kops %s: %+v, %v", line, got, err)
		}
	}
}

// TestUnclear: what is refused, with the words to type.
func TestUnclear(t *testing.T) {
	for _, c := range []struct{ reason, line, why string }{
		{"nobody says which cluster", "update cluster --yes", "no cluster is named"},
		{"an empty name is kubectl's", "update cluster --name= --yes", "--name is empty"},
		{"two clusters", "update cluster a --name b", "two clusters are named"},
		{"two words", "update cluster a b", "kops takes one cluster"},
		{"a value or a cluster?", "update cluster --of-tomorrow a --yes", "not a flag of kops update cluster"},
		{"an unknown letter", "update cluster a -x", `"-x" is not a flag`},
		{"a value is missing", "update cluster a --state", "--state needs a value"},
		{"neither yes nor no", "update cluster a --yes=maybe", "neither true nor false"},
		{"a command of tomorrow", "update nodes a --yes", "not a command that is known"},
		{"cobra takes x for the value of --yes", "--yes x update cluster", "it cannot be told which command"},
		{"and of -y", "-y x update cluster a", "it cannot be told which command"},
		{"and of --help", "--help update cluster", "it cannot be told which command"},
		{"an unknown flag before", "--of-tomorrow rolling-update cluster a --yes", "it cannot be told which command"},
		{"or between", "update --of-tomorrow cluster", "it cannot be told which command"},
		{"dashes before", "-- update cluster", "a -- stands before"},
		{"dashes between", "update -- cluster", "a -- stands before"},
		{"a value or the cluster?", "create cluster --dry-run a.example.com --yes", "which of the words is the cluster"},
		{"create, and nobody says which", "create cluster --yes", "no cluster is named"},
		{"two instances", "delete instance a b --name c", "one instance at a time"},
		{"an instance names no cluster", "delete instance i-0a5ed581 --yes", "no cluster is named"},
	} {
		got, err := Parse(strings.Fields(c.line), around(store, nil))
		var said *Unclear
		if !errors.As(err, &said) || !strings.Contains(said.Why, c.why) || said.Next == "" || got != (Command{}) {
			t.Errorf("%s: kops %s: %+v, %v", c.reason, c.line, got, err)
		}
	}
}

// TestAround: where the cluster and the state store come from, in kops's order.
func TestAround(t *testing.T) {
	const line = "update cluster --yes"
	for _, c := range []struct {
		reason, line     string
		variables, files map[string]string
		cluster, state   string // "" for an error
	}{
		{"variables", line, map[string]string{StateVariable: "s3://v/", ClusterVariable: "v"}, nil, "v", "s3://v"},
		{"flags come before variables", line + " --name f --state s3://f/", map[string]string{StateVariable: "s3://v", ClusterVariable: "v"}, nil, "f", "s3://f"},
		{"the variable and the word differ", line + " w", map[string]string{StateVariable: "s3://v", ClusterVariable: "v"}, nil, "", ""},
		{"kops's own file", line + " w", nil, map[string]string{"/home/me/.kops.yaml": "kops_state_store: s3://c/\n"}, "w", "s3://c"},
		{"its keys are in any case", line + " w", nil, map[string]string{"/home/me/.kops.yaml": "KOPS_STATE_STORE: s3://c\n"}, "w", "s3://c"},
		{"its older place", line + " w", nil, map[string]string{"/home/me/.kops/config": "kops_state_store: s3://c\n"}, "w", "s3://c"},
		{"the first one counts", line + " w", nil, map[string]string{"/home/me/.kops.yaml": "x: y\n", "/home/me/.kops/config": "kops_state_store: s3://c\n"}, "", ""},
		{"another file", line + " w --config /etc/kops.yaml", nil, map[string]string{"/etc/kops.yaml": "kops_state_store: s3://o\n", "/home/me/.kops.yaml": "kops_state_store: s3://c\n"}, "w", "s3://o"},
		{"another file that is not there", line + " w --config /etc/kops.yaml", nil, map[string]string{"/home/me/.kops.yaml": "kops_state_store: s3://c\n"}, "", ""},
		{"the variable comes before the file", line + " w", map[string]string{StateVariable: "s3://v"}, map[string]string{"/home/me/.kops.yaml": "kops_state_store: s3://c\n"}, "w", "s3://v"},
		{"a file that cannot be read is no absence", line + " w", nil, map[string]string{"/home/me/.kops.yaml": "unreadable", "/home/me/.kops/config": "kops_state_store: s3://c\n"}, "", ""},
		{"a file that is not YAML", line + " w", nil, map[string]string{"/home/me/.kops.yaml": "\x00{"}, "", ""},
		{"a state store that is no text", line + " w", nil, map[string]string{"/home/me/.kops.yaml": "kops_state_store: [1]"}, "", ""},
		{"nothing names one", line + " w", nil, nil, "", ""},
	} {
		got, err := Parse(strings.Fields(c.line), around(c.variables, c.files))
		if got.Cluster != c.cluster || got.State != c.state || (err == nil) != (c.cluster != "") {
			t.Errorf("%s: %+v, %v", c.reason, got, err)
		}
	}
	if _, err := Parse(strings.Fields(line+" w"), Surroundings{}); err == nil {
		t.Error("a state store out of nowhere")
	}
}

// FuzzParse: a line in which kops would find a guarded command is never passed
// on as another one. kops's own way of finding is written a second time here,
// after cobra.
func FuzzParse(f *testing.F) {
	for _, line := range []string{"update cluster a --yes", "--yes x update cluster", "--name update cluster", "-v 5 delete instance i --name a", "-- update cluster", "update -h cluster", "update cluster a --out -h", "update cluster --target\nterraform a"} {
		f.Add(strings.ReplaceAll(line, " ", "\n"))
	}
	f.Add("\ndelete\ninstance")
	f.Add("-\nupdate\ncluster\na")
	f.Fuzz(func(t *testing.T, text string) {
		args := strings.Split(text, "\n")
		got, err := Parse(args, around(store, nil))
		if err != nil {
			var said *Unclear
			if !errors.As(err, &said) || said.Next == "" || !reflect.ValueOf(got).IsZero() {
				t.Fatalf("kops %q: %+v, %v", args, got, err)
			}
			return
		}
		verb, noun := asCobra(args)
		guarded := verb == "delete" && noun == "instance" || noun == "cluster" && (verb == "update" || verb == "reconcile" || verb == "rolling-update")
		if guarded && got.Verb == "" && !asksForHelp(args) {
			t.Fatalf("kops %q was passed on", args)
		}
		if got.Verb != "" && (got.Cluster == "" || got.State == "") {
			t.Fatalf("kops %q: %+v", args, got)
		}
		if got.Verb != "" && !got.Applies && slices.Contains(args, "--yes") && !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "-") && a != "--yes" || a == "--" }) {
			t.Fatalf("kops %q acts", args)
		}
	})
}

func asksForHelp(args []string) bool {
	return slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "-") && strings.Contains(a, "h") })
}

// asCobra finds the first two words as cobra does: at each level it passes over
// flags, and takes the next argument with those of which it does not know that
// they need none.
func asCobra(args []string) (verb, noun string) {
	var words []string
	for len(args) > 0 && len(words) < 2 {
		arg := args[0]
		args = args[1:]
		name := strings.TrimLeft(arg, "-")
		switch {
		case arg == "--":
			args = nil
		case strings.HasPrefix(arg, "-") && strings.Contains(arg, "="):
		case strings.HasPrefix(arg, "--") && global[name] != boolean, strings.HasPrefix(arg, "-") && len(arg) == 2 && arg != "--":
			if len(args) <= 1 {
				return words2(words)
			}
			args = args[1:]
		case arg != "" && !strings.HasPrefix(arg, "-"):
			words = append(words, arg)
		}
	}
	return words2(words)
}

func words2(words []string) (string, string) {
	return append(words, "", "")[0], append(words, "", "")[1]
}

// FuzzStateIn: kops's own file is a person's.
func FuzzStateIn(f *testing.F) {
	f.Add([]byte("kops_state_store: s3://c\n"))
	f.Add([]byte("KOPS_STATE_STORE: {a: b}\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("- 1\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if url, err := stateIn(content); err != nil && url != "" {
			t.Fatalf("%q, %v", url, err)
		}
	})
}
