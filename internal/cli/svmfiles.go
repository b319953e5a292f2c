package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// Where the two kinds of files are found without flags.
const (
	svmFileVariable   = "SEEDPROOF_SVM_FILE"
	svmArraysVariable = "SEEDPROOF_SVM_ARRAYS"
)

// storageVM is an object with the file that it stands in.
type storageVM struct {
	spec.StorageVM
	file string
}

func (v storageVM) String() string { return fmt.Sprintf("StorageVM %s in %s", v.Metadata.Name, v.file) }

// readFiles reads the StorageVMs and the arrays, and chooses those that are meant.
func (w *svmWorld) readFiles(t *svmTarget, o svmOptions) error {
	files, arrays := t.files, t.arrays
	if len(files) == 0 {
		file, err := fromEnvironment("-f", svmFileVariable, "the StorageVM")
		if err != nil {
			return err
		}
		files = []string{file}
	}
	if arrays == "" {
		file, err := fromEnvironment("--arrays", svmArraysVariable, "the arrays")
		if err != nil {
			return err
		}
		arrays = file
	}
	all, err := readStorageVMs(files)
	if err != nil {
		return err
	}
	if w.config, err = spec.LoadArrays(arrays); err != nil {
		return &usageError{err: err}
	}
	chosen, err := chooseSVMs(all, files, o)
	if err != nil {
		return err
	}
	for _, v := range chosen {
		if _, err := v.Among(w.config); err != nil {
			return &usageError{err: fmt.Errorf("%s: %w", v, err)}
		}
		w.wishes = append(w.wishes, svm.Wish{StorageVM: v.StorageVM})
	}
	return nil
}

// fromEnvironment is the file of what no flag names.
func fromEnvironment(flag, variable, what string) (string, error) {
	if file := os.Getenv(variable); file != "" {
		return file, nil
	}
	return "", usagef("no file of %s is named; expected %s FILE, or %s=FILE in the environment", what, flag, variable)
}

// readStorageVMs reads all files. Each object must be right, and no two may be
// one SVM or want the same thing.
func readStorageVMs(files []string) ([]storageVM, error) {
	var all []storageVM
	var wrong []error
	for _, file := range files {
		read, err := readStorageVMFile(file)
		if err != nil {
			return nil, &usageError{err: err}
		}
		for _, v := range read {
			all = append(all, storageVM{v, file})
		}
	}
	for _, v := range all {
		if err := v.Validate(); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", v, err))
		}
	}
	if len(wrong) == 0 {
		wrong = contended(all)
	}
	if len(wrong) > 0 {
		return nil, &usageError{err: errors.Join(wrong...)}
	}
	return all, nil
}

func readStorageVMFile(file string) ([]spec.StorageVM, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the StorageVM: %w", err)
	}
	defer f.Close()
	all, err := spec.Parse(f)
	if err != nil {
		return nil, fmt.Errorf("read the StorageVM from %s: %w", file, err)
	}
	return all, nil
}

// contended are the pairs of objects that want one thing: each would undo what is
// done for the other. Those of one file package spec has told apart already.
func contended(all []storageVM) (wrong []error) {
	first := map[string]int{}
	for i, v := range all {
		var others []int
		for _, thing := range thingsOf(v.StorageVM) {
			other, taken := first[thing]
			if !taken {
				first[thing] = i
				continue
			}
			if other != i && !slices.Contains(others, other) { // one thing says enough of a pair
				others = append(others, other)
				wrong = append(wrong, fmt.Errorf("%s and %s both want %s; each StorageVM needs its own", all[other], v, thing))
			}
		}
	}
	return wrong
}

// thingsOf are what an object wants for itself alone.
func thingsOf(v spec.StorageVM) []string {
	things := []string{"SVM " + v.Spec.SVMName, "the name " + v.Metadata.Name}
	for _, lif := range append(slices.Clone(v.Spec.DataLIFs), v.Spec.ManagementLIF) {
		if lif.Address.IsValid() {
			things = append(things, fmt.Sprintf("address %s in IPspace %s", lif.Address, cmp.Or(v.Spec.IPspace, "Default")))
		}
	}
	for _, c := range v.Spec.Credentials {
		things = append(things, "Secret "+c.SecretNamespace+"/"+c.SecretName)
	}
	return things
}

// chooseSVMs are the objects that are meant: those that are named, in that order
// and each once, else all.
func chooseSVMs(all []storageVM, files []string, o svmOptions) ([]storageVM, error) {
	hold := and(files) + " holds"
	if len(files) > 1 {
		hold = and(files) + " hold"
	}
	chosen := all
	if len(o.names) > 0 {
		chosen = nil
	}
	for _, name := range o.names {
		v, err := svmNamed(all, hold, name)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(chosen, func(c storageVM) bool { return c.Spec.SVMName == v.Spec.SVMName }) {
			chosen = append(chosen, v)
		}
	}
	if o.single && len(chosen) > 1 {
		return nil, usagef("%s %d SVMs; say which is meant: %s", hold, len(all), svmNames(all))
	}
	return chosen, nil
}

// svmNamed is the one object of that name: the SVM's on the array, or its own.
func svmNamed(all []storageVM, hold, name string) (storageVM, error) {
	var meant []storageVM
	for _, v := range all {
		if v.Spec.SVMName == name || v.Metadata.Name == name {
			meant = append(meant, v)
		}
	}
	switch len(meant) {
	case 0:
		return storageVM{}, usagef("%s no SVM %q; known are %s", hold, name, svmNames(all))
	case 1:
		return meant[0], nil
	}
	return storageVM{}, usagef("%q is the name of one SVM and of another's object: %s is SVM %s, %s is SVM %s; type the other name of the one that is meant",
		name, meant[0], meant[0].Spec.SVMName, meant[1], meant[1].Spec.SVMName)
}

func svmNames(all []storageVM) string {
	var names []string
	for _, v := range all {
		names = append(names, v.Spec.SVMName)
	}
	return strings.Join(names, ", ")
}
