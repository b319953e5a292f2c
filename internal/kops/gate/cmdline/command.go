package cmdline

import (
	"fmt"
	"slices"
)

// Verb is a guarded kops command. The zero value is any other.
type Verb string

// The guarded commands.
const (
	Create         Verb = "create cluster"
	Update         Verb = "update cluster"
	Reconcile      Verb = "reconcile cluster"
	RollingUpdate  Verb = "rolling-update cluster"
	DeleteInstance Verb = "delete instance"
)

// Verbs are all guarded commands.
func Verbs() []Verb { return []Verb{Create, Update, Reconcile, RollingUpdate, DeleteInstance} }

// WritesSpec reports whether the command writes what etcd-manager reads. The
// others only restart it.
func (v Verb) WritesSpec() bool { return v == Create || v == Update || v == Reconcile }

// Restarts reports whether the command restarts etcd-manager.
func (v Verb) Restarts() bool { return v == Reconcile || v == RollingUpdate || v == DeleteInstance }

// Command is what a kops command line says.
type Command struct {
	// Verb is "" for every command that goes straight to kops: then nothing
	// else is known of it.
	Verb Verb
	// Cluster and State are the kops cluster and the URL of its state store,
	// wherever kops takes them from.
	Cluster, State string
	// Applies: it acts. Otherwise it shows what it would do.
	Applies bool
	// Terraform: it writes files for Terraform in the place of acting itself.
	Terraform bool
}

// Unclear says what of a guarded command was not understood, and what to type
// instead. kops must not be run with it.
type Unclear struct {
	Why  string
	Next string
}

func (e *Unclear) Error() string { return e.Why }

func unclear(next, format string, args ...any) error {
	return &Unclear{Why: fmt.Sprintf(format, args...), Next: next}
}

// nouns of the guarded verbs. kops knows the singular; a plural that a later
// kops may take is guarded too.
var nouns = map[string][]string{
	"create":         {"cluster", "clusters"},
	"update":         {"cluster", "clusters"},
	"reconcile":      {"cluster", "clusters"},
	"rolling-update": {"cluster", "clusters"},
	"rollingupdate":  {"cluster", "clusters"},
	"delete":         {"instance", "instances"},
}

// Parse says what kops would make of its arguments, those after its own name.
func Parse(args []string, around Surroundings) (Command, error) {
	verb, rest, err := find(args)
	if err != nil || verb == "" {
		return Command{}, err
	}
	line, err := read(verb, rest)
	if err != nil {
		return Command{}, err
	}
	if line.help {
		return Command{}, nil // kops prints its help
	}
	c := Command{Verb: verb}
	if c.Cluster, err = line.cluster(verb, around); err != nil {
		return Command{}, err
	}
	if c.State, err = line.state(verb, around); err != nil {
		return Command{}, err
	}
	// kops asks for --yes with the target "direct" alone: for every other one
	// it acts without, and into the state store too.
	target := line.last("target", "direct")
	c.Terraform = target == "terraform"
	c.Applies = line.yes || (verb == Update || verb == Create) && target != "direct" && target != "dryrun"
	if verb == Update && line.reconcile {
		c.Verb = Reconcile // kops then rolls the nodes too
	}
	return c, nil
}

// find finds the guarded command that the line names, and gives the line
// without it. Words are found as cobra finds them: flags that come before are
// passed over, and so are the values of those that have one.
func find(args []string) (Verb, []string, error) {
	var words []string
	rest := make([]string, 0, len(args))
	sure := true // it is certain which words are values of flags
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			// cobra looks for no command behind it.
			return afterDashes(words, args[i:])
		case arg == "" || arg == "-":
			rest = append(rest, arg) // to cobra no word, to the command one
		case arg[0] == '-':
			value, certain := takesNext(arg)
			sure = sure && certain
			rest = append(rest, arg)
			if value && i+1 < len(args) {
				i++
				rest = append(rest, args[i])
			}
		default:
			words = append(words, arg)
			if !sure {
				return maybe(args)
			}
			if len(words) == 2 || nouns[words[0]] == nil {
				return classify(words, append(rest, args[i+1:]...))
			}
		}
	}
	if !sure {
		return maybe(args)
	}
	return "", nil, nil // `kops`, or a verb alone: kops prints its help
}

func classify(words, rest []string) (Verb, []string, error) {
	known := nouns[words[0]]
	switch {
	case known == nil || len(words) < 2:
		return "", nil, nil
	case slices.Contains(known, words[1]):
		return verbOf(words[0]), rest, nil
	case words[0] == "delete" || words[0] == "create":
		return "", nil, nil // kops delete cluster, create secret and the like go to kops
	case words[1] == "help":
		return "", nil, nil
	}
	return "", nil, unclear("kops "+words[0]+" "+known[0], "kops %s %.80q is not a command that is known here, so it cannot be told what it does to etcd", words[0], words[1])
}

func verbOf(word string) Verb {
	switch word {
	case "create":
		return Create
	case "update":
		return Update
	case "reconcile":
		return Reconcile
	case "delete":
		return DeleteInstance
	}
	return RollingUpdate
}

// maybe is for a line that begins with flags of which it cannot be told what
// they take as their values, so neither can the command.
func maybe(args []string) (Verb, []string, error) {
	if !namesGuarded(args) {
		return "", nil, nil
	}
	return "", nil, unclear("write the command first: kops update cluster --FLAG=VALUE …",
		"a flag stands before the command that may take the next word as its value, so it cannot be told which command this is")
}

func afterDashes(words, rest []string) (Verb, []string, error) {
	if !namesGuarded(append(words, rest...)) {
		return "", nil, nil
	}
	return "", nil, unclear("leave out the --", "a -- stands before the command, so it cannot be told which command this is")
}

// namesGuarded: both words of a guarded command are among the arguments.
func namesGuarded(args []string) bool {
	return slices.ContainsFunc(args, func(verb string) bool {
		return slices.ContainsFunc(nouns[verb], func(noun string) bool { return slices.Contains(args, noun) })
	})
}
