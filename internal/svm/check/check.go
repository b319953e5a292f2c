package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// Answer is what an array says of what is wanted. Its texts may hold names as
// the array gave them.
type Answer struct {
	Array string // who was asked; "" where no array is known
	// Problems are what the array cannot have: each names the field, its value
	// and what the array has instead.
	Problems []string
	// Unknown are the questions that were not answered, and why.
	Unknown []string
}

// Planned asks the array on which the SVM is by the decision, or would be made.
// Of an array that the verdict calls silent nothing is asked.
func Planned(ctx context.Context, arrays []look.Array, config []spec.Array, want spec.StorageVM, d decide.Decision) Answer {
	name := d.Array
	if name == "" {
		name = target(config, want)
	}
	i := slices.IndexFunc(arrays, func(a look.Array) bool { return a.Name == name })
	if i < 0 {
		return Answer{Unknown: []string{"no array is known on which it would be made"}}
	}
	if slices.ContainsFunc(d.Verdict.Missing, func(w proof.Witness) bool { return w.Name == decide.ArrayWitness(name) }) {
		return Answer{Array: name, Unknown: []string{"what array " + name + " has could not be asked: it is silent"}}
	}
	return Ask(ctx, arrays[i], want, d.UUIDs)
}

// target is the array on which a new SVM would be made; "" where what is wanted
// names one that is not configured.
func target(config []spec.Array, want spec.StorageVM) string {
	among, err := want.Among(config)
	if err != nil {
		return ""
	}
	var names []string
	for _, a := range among {
		names = append(names, a.Name)
	}
	return decide.Target(want.Spec.SVMName, names, want.Spec.Array)
}

// Ask asks an array everything that can be known before anything is made. ours
// are the UUIDs of the SVM where it is there already: an address that it has is
// not taken by somebody else.
func Ask(ctx context.Context, a look.Array, want spec.StorageVM, ours []string) Answer {
	q := &questions{array: a, want: want, ours: ours}
	for _, ask := range []func(context.Context){
		q.ipspaces, q.domains, q.subnets, q.nodes, q.aggregates, q.licences, q.addresses, q.metroCluster, q.peers,
	} {
		ask(ctx)
	}
	return Answer{Array: a.Name, Problems: q.problems, Unknown: summed(q.unknown)}
}

// summed keeps one silent array from filling the page.
func summed(unknown []string) []string {
	const shown = 3
	if len(unknown) <= shown {
		return unknown
	}
	return append(slices.Clone(unknown[:shown]), fmt.Sprintf("and %d questions more", len(unknown)-shown))
}

// questions are those to one array about one SVM, and what came of them.
type questions struct {
	array    look.Array
	want     spec.StorageVM
	ours     []string
	problems []string
	unknown  []string
}

func (q *questions) wrong(field, value, format string, args ...any) {
	q.problems = append(q.problems, fmt.Sprintf("%s %q: %s", field, value, fmt.Sprintf(format, args...)))
}

// among notes a name that the array does not have.
func (q *questions) among(field, name, what string, there []string) {
	if slices.Contains(there, name) {
		return
	}
	has := "none"
	if len(there) > 0 {
		has = strings.Join(slices.Compact(slices.Sorted(slices.Values(there))), ", ")
	}
	q.wrong(field, name, "array %s has no such %s; it has %s", q.array.Name, what, has)
}

// failed notes what could not be asked, and reports whether it was so.
func (q *questions) failed(what string, err error) bool {
	if err != nil {
		q.unknown = append(q.unknown, fmt.Sprintf("%s could not be asked: %v", what, err))
	}
	return err != nil
}

// placed is an interface with its field, as errors name it.
type placed struct {
	spec.Interface
	field string
}

func (q *questions) interfaces() []placed {
	var all []placed
	for i, lif := range q.want.Spec.DataLIFs {
		all = append(all, placed{lif, fmt.Sprintf("spec.dataLIFs[%d]", i)})
	}
	return append(all, placed{q.want.Spec.ManagementLIF, "spec.managementLIF"})
}

// ipspace is that of the SVM. One that is not named is the array's own.
func (q *questions) ipspace() string {
	if q.want.Spec.IPspace != "" {
		return q.want.Spec.IPspace
	}
	return "Default"
}
