package cmdline

import (
	"strconv"
	"strings"
)

// kind is how a flag takes its value.
type kind uint8

const (
	unknown  kind = iota
	boolean       // alone, or with =true or =false
	valued        // with =, or in the next argument
	optional      // alone, or with =
)

// global are the flags of every kops command (its docs/cli, 1.20 to 1.36).
var global = map[string]kind{
	"name": valued, "state": valued, "config": valued, "v": valued,
	"log_backtrace_at": valued, "log_dir": valued, "log_file": valued, "log_file_max_size": valued,
	"stderrthreshold": valued, "vmodule": valued,
	"add_dir_header": boolean, "alsologtostderr": boolean, "logtostderr": boolean, "one_output": boolean,
	"skip_headers": boolean, "skip_log_headers": boolean,
}

// own are the flags of the guarded commands. No name means one thing for one of
// them and another for the next, so one table does for all.
var own = map[string]kind{
	"help": boolean, "yes": boolean,
	// update, reconcile
	"target": valued, "out": valued, "phase": valued, "model": valued, "ssh-public-key": valued,
	"lifecycle-overrides": valued, "user": valued, "admin": optional, "internal": boolean, "prune": boolean, "reconcile": boolean,
	"create-kube-config": boolean, "allow-kops-downgrade": boolean, "ignore-kubelet-version-skew": boolean,
	// rolling-update
	"instance-group": valued, "instance-groups": valued, "ig": valued,
	"instance-group-roles": valued, "instance-group-role": valued, "roles": valued, "role": valued,
	"bastion-interval": valued, "control-plane-interval": valued, "master-interval": valued, "node-interval": valued,
	"drain-timeout": valued, "force": boolean, "interactive": boolean,
	// delete instance, and rolling-update
	"cloudonly": boolean, "surge": boolean, "fail-on-drain-error": boolean, "fail-on-validate-error": boolean,
	"post-drain-delay": valued, "validate-count": valued, "validation-timeout": valued,
}

// letters are the short flags.
var letters = map[byte]string{'y': "yes", 'i': "interactive", 'h': "help", 'v': "v"}

func kindOf(name string) kind {
	if k := global[name]; k != unknown {
		return k
	}
	return own[name]
}

// takesNext reports whether a flag before the command takes the next argument
// as its value, and whether that is certain. There cobra knows the global flags
// alone, and takes every other one without a = for one that has a value, as in
// `kops --yes x update cluster`.
func takesNext(arg string) (value, certain bool) {
	name, long := strings.CutPrefix(arg, "--")
	switch {
	case strings.Contains(arg, "="):
		return false, true
	case long:
		return kindOf(name) == valued, global[name] != unknown || own[name] == valued
	}
	return arg == "-v", arg[1] == 'v'
}

// line is what the arguments of a guarded command hold.
type line struct {
	values      map[string][]string
	positionals []string
	yes, help   bool
	reconcile   bool
	// unsure: it is not known whether some words are values of flags.
	unsure bool
}

// last is the value that counts: that of the last flag of this name.
func (l *line) last(name, otherwise string) string {
	if given := l.values[name]; len(given) > 0 {
		return given[len(given)-1]
	}
	return otherwise
}

// reader reads a line argument by argument, as pflag does.
type reader struct {
	verb Verb
	args []string
	line line
}

func read(verb Verb, args []string) (*line, error) {
	r := &reader{verb: verb, args: args, line: line{values: map[string][]string{}}}
	for len(r.args) > 0 {
		arg := r.args[0]
		r.args = r.args[1:]
		var err error
		switch {
		case arg == "--":
			r.line.positionals = append(r.line.positionals, r.args...)
			r.args = nil
		case strings.HasPrefix(arg, "--"):
			err = r.long(arg[2:])
		case len(arg) > 1 && arg[0] == '-':
			err = r.short(arg[1:])
		default:
			r.line.positionals = append(r.line.positionals, arg)
		}
		if err != nil {
			return nil, err
		}
	}
	return &r.line, nil
}

func (r *reader) long(text string) error {
	name, value, given := strings.Cut(text, "=")
	return r.set(name, "--"+name, value, given)
}

// short reads the letters behind one dash: -y, -yi, -v5, -v=5, -v 5.
func (r *reader) short(text string) error {
	for i := 0; i < len(text); i++ {
		name := letters[text[i]]
		rest := text[i+1:]
		switch {
		case strings.HasPrefix(rest, "="):
			return r.set(name, "-"+text[i:i+1], rest[1:], true)
		case kindOf(name) == valued && rest != "":
			return r.set(name, "-"+text[i:i+1], rest, true)
		}
		if err := r.set(name, "-"+text[i:i+1], "", false); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) set(name, as, value string, given bool) error {
	switch kindOf(name) {
	case boolean:
		return r.setBoolean(name, as, value, given)
	case valued:
		if !given {
			if len(r.args) == 0 {
				return unclear("kops "+string(r.verb)+" --help", "%s needs a value", as)
			}
			value, r.args = r.args[0], r.args[1:]
		}
	case optional:
	case unknown:
		if r.verb == Create { // it has a hundred flags, and only three of them matter here
			r.skipValue(given)
			return nil
		}
		if !given {
			return unclear("write "+as+"=VALUE, with the =, or "+as+"=true", "%.80q is not a flag of kops %s that is known here, so it cannot be told whether the next word belongs to it", as, r.verb)
		}
	}
	r.line.values[name] = append(r.line.values[name], value)
	return nil
}

// skipValue passes over what may be the value of a flag that is not known.
func (r *reader) skipValue(given bool) {
	if !given && len(r.args) > 0 && !strings.HasPrefix(r.args[0], "-") {
		r.args = r.args[1:]
		r.line.unsure = true
	}
}

func (r *reader) setBoolean(name, as, value string, given bool) error {
	is := true
	if given {
		var err error
		if is, err = strconv.ParseBool(value); err != nil {
			return unclear("write "+as+" or "+as+"=false", "%s is neither true nor false: %.80q", as, value)
		}
	}
	switch name {
	case "yes":
		r.line.yes = is
	case "help":
		r.line.help = is
	case "reconcile":
		r.line.reconcile = is
	}
	return nil
}
