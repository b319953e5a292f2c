package look

import (
	"slices"

	"github.com/seedproof/seedproof/internal/svm/decide"
)

// index finds in a reading what concerns one SVM without walking all of it,
// where the same reading is asked for each SVM that it has. It holds positions
// in the reading.
type index struct {
	svm     map[string]int // by UUID
	byName  map[string][]int
	byUUID  map[string][]int // its own, or that of its other half
	byOwner map[decide.Owner][]int
	words   map[string][]string // of a job, by its UUID
}

func (r *reading) makeIndex() {
	x := &index{
		svm: map[string]int{}, byName: map[string][]int{}, byUUID: map[string][]int{}, byOwner: map[decide.Owner][]int{},
		words: map[string][]string{},
	}
	for i, v := range r.svms {
		x.svm[v.UUID] = i
		x.byName[v.Name] = append(x.byName[v.Name], i)
		x.byUUID[v.UUID] = append(x.byUUID[v.UUID], i)
		if v.twin != "" {
			x.byUUID[v.twin] = append(x.byUUID[v.twin], i)
		}
		// To nobody, a mark is another's, and is told. Who owns a thing has the
		// first mark on it, or none.
		if owned, mark := (decide.Owner{}).Read(v.Comment); owned == decide.Foreign {
			x.byOwner[mark.Owner] = append(x.byOwner[mark.Owner], i)
		}
	}
	for _, j := range r.jobs {
		x.words[j.UUID] = jobWords(j)
	}
	r.index = x
}

// candidates are the positions of all that may be the one that is looked for, in
// the order of the reading.
func (x *index) candidates(s Subject) []int {
	all := slices.Concat(x.byName[s.Name], x.byName[decide.TwinName(s.Name)], x.byOwner[s.Owner])
	for _, uuid := range s.UUIDs {
		all = append(all, x.byUUID[uuid]...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// matching are the SVMs that may be the one that is looked for.
func (r reading) matching(s Subject) []identity {
	var found []identity
	if r.index != nil {
		for _, i := range r.index.candidates(s) {
			if s.is(r.svms[i]) {
				found = append(found, r.svms[i])
			}
		}
		return found
	}
	for _, v := range r.svms {
		if s.is(v) {
			found = append(found, v)
		}
	}
	return found
}

func (r reading) lists(uuid string) bool {
	if r.index != nil {
		_, listed := r.index.svm[uuid]
		return listed
	}
	return slices.ContainsFunc(r.svms, func(v identity) bool { return v.UUID == uuid })
}
