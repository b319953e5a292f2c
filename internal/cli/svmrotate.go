package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

type svmRotateFlags struct {
	svmChange
	shoots []string
}

func newSVMRotateCommand(g *global) *cobra.Command {
	var f svmRotateFlags
	cmd := &cobra.Command{
		Use:   "rotate [NAME]",
		Short: "Change the passwords of an SVM's shoots now",
		Long: "Change the passwords of an SVM's shoots now, whatever their age. The new pair is of\n" +
			"the other one of two accounts, is proved by a login, and only then takes the place\n" +
			"of the one that others read. The old account keeps working: it goes with a later\n" +
			"apply, once the new pair is in use and the grace time has passed.\n\n" +
			"Exit codes:\n" +
			"  0  the new pairs are active\n" +
			"  3  a person is needed, or the account before the active one is not gone yet\n" +
			"  4  it waits for somebody who is silent" + notesOnFiles,
		Example: "  seedproof svm rotate pteama\n\n  # One shoot alone\n  seedproof svm rotate pteama --shoot shoot--team-a--web",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return f.with(cmd.Context(), g, svmOptions{names: names, single: true}, func(w *svmWorld) error { return w.rotate(cmd.Context(), f) })
		},
	}
	f.addFlags(cmd)
	cmd.Flags().StringSliceVar(&f.shoots, "shoot", nil, "shoots whose passwords are changed (default all of the SVM)")
	return cmd
}

func (w *svmWorld) rotate(ctx context.Context, f svmRotateFlags) error {
	wish := w.wishes[0]
	shoots, err := chooseShoots(wish.StorageVM, f.shoots)
	if err != nil {
		return err
	}
	if err := w.greet(ctx); err != nil {
		return err
	}
	now, err := w.flow.ActivePairs(ctx, wish)
	if err != nil {
		return withNext(err, w.typable("seedproof svm apply "+wish.Spec.SVMName, wish.Spec.SVMName))
	}
	wish.Rotate = map[string]decide.SeenPair{}
	for _, shoot := range shoots {
		wish.Rotate[shoot] = now[shoot]
	}
	w.wishes[0] = wish
	err = w.bring(ctx, f.format, func(wish svm.Wish) error {
		_, err := w.drive(ctx, wish, f.wait, func(res svm.Result) error { return w.rotated(wish, res) })
		return err
	})
	if err == nil {
		w.say(f.format, "\nThe new pairs are active. Each old account works on until its new pair is in use (annotation seedproof.dev/in-use\nof the Secret) and the grace time has passed; then the next apply removes it.")
	}
	return err
}

func chooseShoots(v spec.StorageVM, named []string) ([]string, error) {
	var known []string
	for _, c := range v.Spec.Credentials {
		known = append(known, c.Shoot)
	}
	for _, shoot := range named {
		if !slices.Contains(known, shoot) {
			return nil, usagef("SVM %s has no shoot %q; it has %s", v.Spec.SVMName, shoot, and(known))
		}
	}
	switch {
	case len(known) == 0:
		return nil, usagef("SVM %s has no credentials: spec.credentials is empty", v.Spec.SVMName)
	case len(named) == 0:
		return known, nil
	}
	return named, nil
}

// rotated says why a rotation has not come to its end although the flow rests.
func (w *svmWorld) rotated(wish svm.Wish, res svm.Result) error {
	for _, shoot := range slices.Sorted(maps.Keys(wish.Rotate)) {
		why, changed := "there is nothing to do", false
		for _, s := range res.Decision.Steps {
			if s.Name != decide.StepCredentials || s.Object != shoot || s.Credential == nil {
				continue
			}
			changed = !s.Credential.RotationDue
			if s.WaitFor != "" {
				why = "it waits for " + s.WaitFor
			}
		}
		if !changed {
			return refused(fmt.Errorf("the password of shoot %s is not changed yet: %s", shoot, oneLine(why)), w.typable("seedproof svm status "+wish.Spec.SVMName, wish.Spec.SVMName))
		}
	}
	return nil
}

type svmDeleteFlags struct {
	svmChange
	yes bool
}

func newSVMDeleteCommand(g *global) *cobra.Command {
	var f svmDeleteFlags
	cmd := &cobra.Command{
		Use:   "delete [NAME]",
		Short: "Say that nobody asks for an SVM any more",
		Long: "Say that nobody asks for an SVM any more. With deletionPolicy Retain everything\n" +
			"stays, and is listed. With Delete the SVM goes, and with it what we keep of it, if\n" +
			"the array itself shows that nobody else and nothing is on it: no account but ours, no\n" +
			"data volume, no snapshot, an empty recovery queue, no SnapMirror relation.\n\n" +
			"Exit codes:\n" +
			"  0  it is gone, or stays by its policy\n" +
			"  3  a guard refuses, or a person is needed\n" +
			"  4  it waits for somebody who is silent" + notesOnFiles,
		Example: "  seedproof svm delete pteama -f svm.yaml --arrays arrays.yaml",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			o := svmOptions{names: names, single: true, greet: true}
			return f.with(cmd.Context(), g, o, func(w *svmWorld) error { return w.delete(cmd.Context(), f) })
		},
	}
	f.addFlags(cmd)
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask for a confirmation")
	return cmd
}

// svmDeletion is what delete gives as JSON.
type svmDeletion struct {
	SVM     string   `json:"svm"`
	Deleted bool     `json:"deleted"`
	Why     string   `json:"why"`
	Stays   []string `json:"stays,omitempty"`
}

func (w *svmWorld) delete(ctx context.Context, f svmDeleteFlags) error {
	wish := w.wishes[0]
	wish.Gone = true
	name := wish.Spec.SVMName
	_, d, err := w.flow.Plan(ctx, wish)
	if err != nil {
		return err
	}
	switch d.Action {
	case decide.KeepRecord:
		return w.tellDeletion(f.format, svmDeletion{SVM: name, Why: d.Why, Stays: stays(wish)})
	case decide.DeletionDone:
		return w.tellDeletion(f.format, svmDeletion{SVM: name, Deleted: true, Why: d.Why})
	case decide.Stop:
		return refused(fmt.Errorf("SVM %s: %s", name, oneLine(d.Why)), w.typable(d.Command, name))
	case decide.GoOn:
		if of, held := heldDeletion(d); held { // and what it took away already is to be made again
			return refused(fmt.Errorf("SVM %s: %s", name, oneLine(of)), w.typable("seedproof svm apply "+name, name))
		}
	case decide.Wait: // what comes after it was not shown to anybody yet
		return unproven(fmt.Errorf("SVM %s waits for %s: %s", name, oneLine(d.WaitFor), oneLine(d.Why)), w.typable("seedproof svm explain "+name, name))
	}
	w.say(f.format, "SVM %s (%s) on %s IS DELETED if you go on, with its root volume, interfaces, routes and accounts, its record and its Secrets.", name, orDash(d.UUID), orDash(d.Array))
	if err := w.g.confirm(f.yes, name); err != nil {
		return err
	}
	res, err := w.drive(ctx, wish, f.wait, func(res svm.Result) error {
		_, held := heldDeletion(res.Decision) // at rest: it is kept, and whole again
		if held || res.Decision.Action == decide.DeletionDone || res.Decision.Action == decide.KeepRecord {
			return nil
		}
		return unproven(fmt.Errorf("SVM %s is not gone yet: %s", name, oneLine(res.Decision.Why)), w.typable("seedproof svm delete "+name, name))
	})
	told := w.tellDeletion(f.format, svmDeletion{SVM: name, Deleted: err == nil && res.Decision.Action == decide.DeletionDone, Why: res.Decision.Why})
	return errors.Join(told, err)
}

// heldDeletion says why a deletion that was begun is held up.
func heldDeletion(d decide.Decision) (why string, held bool) {
	for _, s := range d.Steps {
		if s.Name == decide.StepDeletion {
			return s.Why, true
		}
	}
	return "", false
}

// stays is what a deletion leaves by the policy Retain.
func stays(wish svm.Wish) []string {
	all := []string{"the SVM with everything on it", "its record"}
	for _, c := range wish.Spec.Credentials {
		all = append(all, fmt.Sprintf("the account of shoot %s, and Secret %s/%s", c.Shoot, c.SecretNamespace, c.SecretName))
	}
	return all
}

func (w *svmWorld) tellDeletion(format string, d svmDeletion) error {
	return w.g.print(format, d, func(out io.Writer) {
		state := "is not deleted"
		if d.Deleted {
			state = "is gone"
		}
		_, _ = fmt.Fprintf(out, "SVM %s %s: %s.\n", d.SVM, state, oneLine(d.Why))
		for _, s := range d.Stays {
			_, _ = fmt.Fprintf(out, "  stays: %s\n", s)
		}
	})
}
