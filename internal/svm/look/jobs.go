package look

import (
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// whose says which SVM a job is about.
type whose uint8

const (
	another whose = iota
	ours
	unclear // it may make or delete any SVM
)

// svmCollection is where SVMs are made.
const svmCollection = "/api/svm/svms"

// jobsOf are the unfinished jobs that may be a creation or deletion of the
// SVM, in words for people: those that mention it, and those of the SVM
// collection that do not tell for which SVM they are.
func (r reading) jobsOf(s Subject) []string {
	if len(r.jobs) == 0 {
		return nil
	}
	names, known := r.namesOf(s)
	var found []string
	for _, j := range r.jobs {
		switch r.whose(j, names, known) {
		case ours:
			found = append(found, jobText(j))
		case unclear:
			found = append(found, jobText(j)+", for which SVM it does not tell")
		}
	}
	return found
}

// namesOf are all names and UUIDs of the SVM: those looked for, and those of
// what was found by them.
func (r reading) namesOf(s Subject) (names, uuids []string) {
	names, uuids = []string{s.Name, decide.TwinName(s.Name)}, slices.Clone(s.UUIDs)
	for _, v := range r.matching(s) {
		names, uuids = append(names, v.Name), append(uuids, v.UUID, v.twin)
	}
	empty := func(s string) bool { return s == "" }
	return slices.DeleteFunc(names, empty), slices.DeleteFunc(uuids, empty)
}

// whose: facts 1.4 leave open whether a job names its SVM while that is being
// made. Its name may also be that of the cluster, which tells nothing.
func (r reading) whose(j ontap.Job, names, uuids []string) whose {
	words := r.wordsOf(j)
	isName := func(w string) bool { return slices.Contains(names, w) || slices.Contains(uuids, w) }
	if isName(j.SVM.Name) || isName(j.SVM.UUID) || slices.ContainsFunc(words, isName) {
		return ours
	}
	if j.Description != "" && !aboutSVMs(j.Description) {
		return another
	}
	named := j.SVM.Name != "" && j.SVM.Name != r.cluster.Name && j.SVM.UUID != r.cluster.UUID
	if named || r.lists(j.SVM.UUID) || slices.ContainsFunc(words, r.lists) {
		return another
	}
	return unclear
}

func (r reading) wordsOf(j ontap.Job) []string {
	if r.index != nil {
		return r.index.words[j.UUID]
	}
	return jobWords(j)
}

func jobWords(j ontap.Job) []string { return wordsOf(j.Description + " " + j.Message) }

// aboutSVMs: a change of the collection or of one SVM itself, not of what is
// below one.
func aboutSVMs(description string) bool {
	_, target, _ := strings.Cut(description, " ")
	path, _, _ := strings.Cut(target, "?")
	rest, found := strings.CutPrefix(path+"/", svmCollection+"/")
	return found && !strings.Contains(strings.Trim(rest, "/"), "/")
}

// wordsOf cuts a text at everything that stands in no name and in no UUID. The
// path of the collection itself is no name.
func wordsOf(text string) []string {
	text = strings.Replace(text, svmCollection, " ", 1)
	words := strings.FieldsFunc(text, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r > 0x7f
		return !letter && r != '_' && r != '-' && r != '.'
	})
	for i, w := range words {
		words[i] = strings.Trim(w, ".")
	}
	return words
}

func jobText(j ontap.Job) string {
	text := "job " + j.UUID
	if j.Description != "" {
		text += " (" + printable(j.Description) + ")"
	}
	text += " is " + printable(string(j.State))
	if j.SVM.Name != "" {
		text += ", of SVM " + printable(j.SVM.Name)
	}
	return text
}

// printable bounds a text of the array and keeps it in one line.
func printable(s string) string {
	const limit = 200
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "..."
	}
	return s
}
