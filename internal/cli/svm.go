package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
	"github.com/seedproof/seedproof/internal/telemetry"
)

// Where the two files of an SVM are found without flags.
const (
	svmFileVariable   = "SEEDPROOF_SVM_FILE"
	svmArraysVariable = "SEEDPROOF_SVM_ARRAYS"
	svmNamespace      = "seedproof-system"
)

// notesOnFiles ends the help of every command of the group.
const notesOnFiles = "\n\nThe files may be named by " + svmFileVariable + " and " + svmArraysVariable + " instead of -f and\n" +
	"--arrays. Records lie in the cluster of the kubeconfig. See docs/svm/commands.md."

// newSVMCommand is the parent of everything about storage VMs.
func newSVMCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "svm",
		Short: "Make, look at and change ONTAP storage VMs and their seed secrets",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newSVMPlanCommand(g), newSVMApplyCommand(g), newSVMStatusCommand(g), newSVMExplainCommand(g),
		newSVMApproveCommand(g), newSVMAttestCommand(g), newSVMRotateCommand(g), newSVMDeleteCommand(g),
	)
	return cmd
}

// svmTarget is how a command was told which SVM, arrays and cluster are meant.
type svmTarget struct {
	file, arrays        string
	kubeconfig, context string
	namespace           string
	verbose             bool
}

func (t *svmTarget) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&t.file, "file", "f", "", "file of the StorageVM (default $"+svmFileVariable+")")
	f.StringVar(&t.arrays, "arrays", "", "file of the arrays (default $"+svmArraysVariable+")")
	f.StringVar(&t.kubeconfig, "kubeconfig", "", "kubeconfig of the seed (default $KUBECONFIG, ~/.kube/config, or the pod's account)")
	f.StringVar(&t.context, "context", "", "context of the kubeconfig (default its current one)")
	f.StringVar(&t.namespace, "namespace", svmNamespace, "namespace of the records")
	f.BoolVar(&t.verbose, "verbose", false, "log every call on standard error")
}

// again are the flags that find the same things, for commands that are shown.
func (t *svmTarget) again() string {
	var b strings.Builder
	for _, f := range []struct{ flag, value, unsaid string }{
		{"-f", t.file, ""}, {"--arrays", t.arrays, ""}, {"--kubeconfig", t.kubeconfig, ""}, {"--context", t.context, ""}, {"--namespace", t.namespace, svmNamespace},
	} {
		if f.value != f.unsaid {
			fmt.Fprintf(&b, " %s %s", f.flag, quote(f.value))
		}
	}
	return b.String()
}

// svmWorld is what a command works on.
type svmWorld struct {
	g      *global
	wishes []svm.Wish
	config []spec.Array
	arrays []look.Array
	seed   *seed.Store
	flow   *svm.Reconciler
	again  string
}

// svmOptions are what commands differ in.
type svmOptions struct {
	names    []string // of the SVMs that are meant; none: all of the file
	single   bool     // one SVM alone may be meant
	observer flow.Observer
}

// open reads all files and makes the clients. It asks nobody.
func (t *svmTarget) open(g *global, o svmOptions) (*svmWorld, error) {
	w := &svmWorld{g: g, again: t.again()}
	log := slog.New(slog.DiscardHandler)
	if t.verbose {
		var err error
		if log, err = telemetry.NewLogger(g.stderr, "text", slog.LevelDebug); err != nil {
			return nil, err
		}
	}
	if err := w.readFiles(*t, o); err != nil {
		return nil, err
	}
	for _, a := range w.config {
		client, err := w.connect(a, log)
		if err != nil {
			w.close()
			return nil, err
		}
		w.arrays = append(w.arrays, look.Array{Name: a.Name, Client: client, ClusterUUID: a.ClusterUUID})
	}
	config, err := seed.LoadConfig(t.kubeconfig, t.context)
	if err != nil {
		w.close()
		return nil, withNext(err, "kubectl config get-contexts")
	}
	w.seed, err = seed.New(seed.Options{Config: config, Namespace: t.namespace, Log: log})
	if err != nil {
		w.close()
		return nil, &usageError{err: err}
	}
	// A command says by itself when it has waited for long enough.
	policy := svm.Policy{WaitLimit: 24 * time.Hour}
	w.flow, err = svm.New(svm.Options{Arrays: w.arrays, Seed: w.seed, Policy: policy, Observer: o.observer, Log: log})
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

// readFiles reads the StorageVMs and the arrays, and chooses those that are meant.
func (w *svmWorld) readFiles(t svmTarget, o svmOptions) error {
	file, err := svmFile(t.file, "-f", svmFileVariable, "the StorageVM")
	if err != nil {
		return err
	}
	arrays, err := svmFile(t.arrays, "--arrays", svmArraysVariable, "the arrays")
	if err != nil {
		return err
	}
	all, err := readStorageVMs(file)
	if err != nil {
		return err
	}
	if w.config, err = spec.LoadArrays(arrays); err != nil {
		return &usageError{err: err}
	}
	chosen, err := chooseSVMs(all, file, o)
	if err != nil {
		return err
	}
	for _, v := range chosen {
		if _, err := v.Among(w.config); err != nil {
			return &usageError{err: fmt.Errorf("%s: StorageVM %s: %w", file, v.Metadata.Name, err)}
		}
		w.wishes = append(w.wishes, svm.Wish{StorageVM: v})
	}
	return nil
}

func svmFile(flag, name, variable, what string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	if file := os.Getenv(variable); file != "" {
		return file, nil
	}
	return "", usagef("no file of %s is named; expected %s FILE, or %s=FILE in the environment", what, name, variable)
}

func readStorageVMs(file string) ([]spec.StorageVM, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, &usageError{err: fmt.Errorf("read the StorageVM: %w", err)}
	}
	defer f.Close()
	all, err := spec.Parse(f)
	if err != nil {
		return nil, &usageError{err: fmt.Errorf("read the StorageVM from %s: %w", file, err)}
	}
	var wrong []error
	for _, v := range all {
		if err := v.Validate(); err != nil {
			wrong = append(wrong, fmt.Errorf("StorageVM %s in %s: %w", v.Metadata.Name, file, err))
		}
	}
	if len(wrong) > 0 {
		return nil, &usageError{err: errors.Join(wrong...)}
	}
	return all, nil
}

// chooseSVMs are the objects that are meant: an SVM is named by its name on the
// array, or by that of its object.
func chooseSVMs(all []spec.StorageVM, file string, o svmOptions) ([]spec.StorageVM, error) {
	var known []string
	for _, v := range all {
		known = append(known, v.Spec.SVMName)
	}
	if len(o.names) == 0 {
		if o.single && len(all) > 1 {
			return nil, usagef("%s holds %d SVMs; say which is meant: %s", file, len(all), strings.Join(known, ", "))
		}
		return all, nil
	}
	var chosen []spec.StorageVM
	for _, name := range o.names {
		i := slices.IndexFunc(all, func(v spec.StorageVM) bool { return v.Spec.SVMName == name || v.Metadata.Name == name })
		if i < 0 {
			return nil, usagef("%s holds no SVM %q; it holds %s", file, name, strings.Join(known, ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// connect makes the client of one array. It asks nothing yet.
func (w *svmWorld) connect(a spec.Array, log *slog.Logger) (*ontap.Client, error) {
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

// greet asks each array once who it is. A password that is wrong is tried only
// here, and only once; a certificate that does not fit ends the command, too.
// An array that does not answer is no error here: it is a silent witness.
func (w *svmWorld) greet(ctx context.Context) error {
	var wrong []error
	for i, a := range w.arrays {
		if _, err := a.Client.Cluster(ctx); err != nil {
			wrong = append(wrong, notOurs(w.config[i], err))
		}
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

// each runs a command for every SVM that is meant, and gives the worst error: a
// failure before what a person must do, and that before a wait.
func (w *svmWorld) each(do func(svm.Wish) error) error {
	var worst error
	for _, wish := range w.wishes {
		if err := do(wish); err != nil && (worst == nil || exitCode(err) < exitCode(worst)) {
			worst = err
		}
	}
	return worst
}
