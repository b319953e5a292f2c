package svm_test

import (
	"strings"
	"sync"
)

// The state matrix of the first acceptance point, against real things: what an
// SVM, its arrays and its objects in the seed can be in when a controller comes
// that remembers nothing. "One silent" is told apart by which of the two it is.

type stateDim struct {
	name   string
	values []string
}

var stateDims = []stateDim{
	{"svm", []string{"absent", "initializing", "running", "stopped", "deleting", "twin running", "both running", "foreign mark", "unmarked", "two of them"}},
	{"arrays", []string{"all answer", "the other silent", "its own silent", "re-pointed"}},
	{"trace", []string{"none", "with our UUID", "nameless", "silent"}},
	{"record", []string{"absent", "right", "older", "twin's UUID", "other UUID"}},
	{"lifs", []string{"none", "some", "all", "wrong address"}},
	{"management", []string{"absent", "present", "wrong", "unreachable"}},
	{"account", []string{"absent", "ours", "other owner's", "unmarked", "locked"}},
	{"secret", []string{"absent", "pending", "active", "empty password", "wrong password", "other SVM"}},
}

// stateCell is one combination: a value of each dimension, by its number.
type stateCell [8]int

const (
	dimSVM = iota
	dimArrays
	dimTrace
	dimRecord
	dimLIFs
	dimManagement
	dimAccount
	dimSecret
)

func (c stateCell) word(dim int) string { return stateDims[dim].values[c[dim]] }

func (c stateCell) svm() string        { return c.word(dimSVM) }
func (c stateCell) arrays() string     { return c.word(dimArrays) }
func (c stateCell) trace() string      { return c.word(dimTrace) }
func (c stateCell) record() string     { return c.word(dimRecord) }
func (c stateCell) lifs() string       { return c.word(dimLIFs) }
func (c stateCell) management() string { return c.word(dimManagement) }
func (c stateCell) account() string    { return c.word(dimAccount) }
func (c stateCell) secret() string     { return c.word(dimSecret) }

func (c stateCell) String() string {
	var words []string
	for dim := range stateDims {
		words = append(words, stateDims[dim].name+" "+c.word(dim))
	}
	return strings.Join(words, " | ")
}

// pair: the SVM is of a MetroCluster, and two.
func (c stateCell) pair() bool { return c.svm() == "twin running" || c.svm() == "both running" }

// stands: there is an SVM that interfaces and accounts can stand on.
func (c stateCell) stands() bool { return c.svm() != "absent" && c.svm() != "initializing" }

// ownHidden: what the SVM's own array shows does not count.
func (c stateCell) ownHidden() bool {
	return c.arrays() == "its own silent" || c.arrays() == "re-pointed"
}

// impossible says why no array can be in it, or "".
func (c stateCell) impossible() string {
	bare := c.lifs() == "none" && c.management() == "absent" && c.account() == "absent"
	bears := c.svm() != "absent" && c.svm() != "foreign mark" && c.svm() != "unmarked"
	switch {
	case c.svm() == "absent" && !bare:
		return "interfaces and accounts stand on an SVM, and go with it"
	case c.svm() == "initializing" && !bare:
		return "an SVM that is being created takes neither interfaces nor accounts (13434916)"
	case c.record() == "twin's UUID" && !c.pair():
		return "an SVM outside a MetroCluster has no twin whose UUID could be recorded"
	case c.record() == "older" && !bears:
		return "there is no mark of ours that the record could be older than"
	}
	return ""
}

// everyCell gives all combinations, one after the other.
func everyCell(yield func(stateCell) bool) {
	var c stateCell
	for {
		if !yield(c) {
			return
		}
		dim := 0
		for ; dim < len(c); dim++ {
			if c[dim]++; c[dim] < len(stateDims[dim].values) {
				break
			}
			c[dim] = 0
		}
		if dim == len(c) {
			return
		}
	}
}

// onSite: it comes to steps on an SVM that was there before.
func (c stateCell) onSite() bool {
	return c.stands() && c.verdict().goesOn() && c.whole() == ""
}

// possibleCells are those that an array can be in.
var possibleCells = sync.OnceValue(func() []stateCell {
	var possible []stateCell
	for c := range everyCell {
		if c.impossible() == "" {
			possible = append(possible, c)
		}
	}
	return possible
})
