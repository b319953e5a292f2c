package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/check"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
	"github.com/seedproof/seedproof/internal/telemetry"
)

const svmNamespace = "seedproof-system"

// svmTarget is how a command was told which SVM, arrays and cluster are meant.
type svmTarget struct {
	files               []string // of StorageVMs
	arrays              string
	kubeconfig, context string
	namespace           string
	verbose             bool
}

func (t *svmTarget) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVarP(&t.files, "file", "f", nil, "file of the StorageVM, or several by a -f each (default $"+svmFileVariable+")")
	f.StringVar(&t.arrays, "arrays", "", "file of the arrays (default $"+svmArraysVariable+")")
	f.StringVar(&t.kubeconfig, "kubeconfig", "", "kubeconfig of the seed (default $KUBECONFIG, ~/.kube/config, or the pod's account)")
	f.StringVar(&t.context, "context", "", "context of the kubeconfig (default its current one)")
	f.StringVar(&t.namespace, "namespace", svmNamespace, "namespace of the records")
	f.BoolVar(&t.verbose, "verbose", false, "log every call on standard error")
}

// again are the flags that find the same things, for commands that are shown.
func (t *svmTarget) again() string {
	var b strings.Builder
	say := func(flag, value, unsaid string) {
		if value != unsaid {
			fmt.Fprintf(&b, " %s %s", flag, quote(value))
		}
	}
	for _, file := range t.files {
		say("-f", file, "")
	}
	say("--arrays", t.arrays, "")
	say("--kubeconfig", t.kubeconfig, "")
	say("--context", t.context, "")
	say("--namespace", t.namespace, svmNamespace)
	return b.String()
}

// svmOptions are what commands differ in.
type svmOptions struct {
	names    []string // of the SVMs that are meant; none: all of the files
	single   bool     // one SVM alone may be meant
	greet    bool     // the arrays are asked first who they are
	observer flow.Observer
}

// with opens what is meant, does something with it, and closes it.
func (t *svmTarget) with(ctx context.Context, g *global, o svmOptions, do func(*svmWorld) error) error {
	w, err := t.open(g, o)
	if err != nil {
		return err
	}
	defer w.close()
	if o.greet {
		if err := w.greet(ctx); err != nil {
			return err
		}
	}
	return do(w)
}

// svmWorld is what a command works on.
type svmWorld struct {
	g      *global
	wishes []svm.Wish
	config []spec.Array
	arrays []look.Array // in the order of config
	seed   *seed.Store
	flow   *svm.Reconciler
	again  string
}

// open reads all files and makes the clients. It asks nobody.
func (t *svmTarget) open(g *global, o svmOptions) (*svmWorld, error) {
	log := slog.New(slog.DiscardHandler)
	if t.verbose {
		var err error
		if log, err = telemetry.NewLogger(g.stderr, "text", slog.LevelDebug); err != nil {
			return nil, err
		}
	}
	w := &svmWorld{g: g, again: t.again()}
	err := w.readFiles(t, o)
	if err == nil {
		err = w.connect(t, o.observer, log)
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *svmWorld) close() {
	for _, a := range w.arrays {
		a.Client.Close()
	}
}

// connect makes the clients of the arrays and of the seed, and the flow.
func (w *svmWorld) connect(t *svmTarget, observer flow.Observer, log *slog.Logger) error {
	for _, a := range w.config {
		client, err := w.clientOf(a, log)
		if err != nil {
			return err
		}
		w.arrays = append(w.arrays, look.Array{Name: a.Name, Client: client, ClusterUUID: a.ClusterUUID})
	}
	config, err := seed.LoadConfig(t.kubeconfig, t.context)
	if err != nil {
		return withNext(err, "kubectl config get-contexts")
	}
	w.seed, err = seed.New(seed.Options{Config: config, Namespace: t.namespace, Log: log})
	if err != nil {
		return &usageError{err: err}
	}
	// A command says by itself when it has waited for long enough.
	policy := svm.Policy{WaitLimit: 24 * time.Hour}
	w.flow, err = svm.New(svm.Options{Arrays: w.arrays, Seed: w.seed, Policy: policy, Observer: observer, Log: log})
	return err
}

// clientOf makes the client of one array. It asks nothing yet.
func (w *svmWorld) clientOf(a spec.Array, log *slog.Logger) (*ontap.Client, error) {
	o, err := a.Options()
	if err != nil {
		return nil, &usageError{err: err}
	}
	if a.Insecure != "" {
		_, _ = fmt.Fprintf(w.g.stderr, "Warning: array %s: its certificate is not verified; whoever answers is given the password\n", a.Name)
	}
	o.DialContext, o.Log = w.g.dialArrays, log
	client, err := ontap.New(o)
	if err != nil {
		return nil, &usageError{err: fmt.Errorf("array %s: %w", a.Name, err)}
	}
	return client, nil
}

// greet asks each array once who it is: whoever does not take our password, or is
// somebody else, ends the command. One that is silent does not.
func (w *svmWorld) greet(ctx context.Context) error {
	var wrong []error
	for i, a := range w.arrays {
		wrong = append(wrong, check.Greet(ctx, a, w.config[i]))
	}
	if err := errors.Join(wrong...); err != nil {
		return withNext(err, "the same command, once that is right")
	}
	return nil
}

// typable completes commands that are shown: with the SVM that is meant, and
// with the flags that find it.
func (w *svmWorld) typable(text, name string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		before, command, found := strings.Cut(line, "seedproof svm ")
		if !found {
			continue
		}
		command, comment, commented := strings.Cut(command, " #")
		if strings.HasPrefix(command, "attest lost ") || strings.HasPrefix(command, "apply --adopt ") {
			command += " " + quote(name)
		}
		command += w.again
		if commented {
			command += " #" + comment
		}
		lines[i] = before + "seedproof svm " + command
	}
	return strings.Join(lines, "\n")
}
