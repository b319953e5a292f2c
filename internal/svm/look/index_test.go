package look

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// A reading with an index says of every SVM what it says without one.
func TestAnIndexFindsWhatAWalkFinds(t *testing.T) {
	owners := []decide.Owner{{Garden: "g", Project: "a"}, {Garden: "g", Project: "b"}, {Garden: "h", Project: "a"}}
	names := []string{"a", "a-mc", "b", "b-mc", "c", ""}
	uuids := []string{"u0", "u1", "u2", "u3", "u4", ""}
	found := 0
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		name := func() string { return names[rnd.IntN(len(names))] }
		uuid := func() string { return uuids[rnd.IntN(len(uuids))] }
		mark := func() string {
			return decide.Mark{Owner: owners[rnd.IntN(len(owners))], Attempt: 1, Nonce: "0123456789abcdef"}.String()
		}
		comment := func() string {
			return []string{"", "by hand", mark(), mark() + mark(), "[seedproof/1 o=g/a", mark() + " [seedproof/9]", "[seedproof/9] " + mark()}[rnd.IntN(7)]
		}
		r := reading{answered: true, jobsKnown: true, cluster: ontap.Cluster{Name: "c", UUID: "u0"}}
		for range rnd.IntN(8) {
			r.svms = append(r.svms, identity{SVM: SVM{UUID: uuid(), Name: name(), Comment: comment()}, twin: uuid()})
		}
		for i := range rnd.IntN(4) {
			path := []string{"POST /api/svm/svms", "POST /api/svm/svms/" + uuid(), "Vserver Create " + name(), "PATCH /api/storage/volumes", ""}[rnd.IntN(5)]
			r.jobs = append(r.jobs, ontap.Job{UUID: fmt.Sprint("job", i), Description: path, Message: name(), SVM: ontap.Ref{Name: name(), UUID: uuid()}})
		}
		indexed := r
		indexed.makeIndex()
		for _, s := range []Subject{
			{Name: name(), Owner: owners[rnd.IntN(len(owners))], UUIDs: []string{uuid(), uuid()}},
			{Name: name(), Owner: owners[rnd.IntN(len(owners))]}, {}, {Name: "nobody"},
		} {
			got, want := indexed.array(s), r.array(s)
			if found += len(want.SVMs) + len(want.Jobs); !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d: %+v: got %+v, want %+v", seed, s, got, want)
			}
		}
	}
	if found < 300 {
		t.Errorf("only %d things were found", found)
	}
}
