package proof

import "fmt"

// Identity is who a thing is. The zero value is "without a name".
type Identity struct {
	// Lineage is made once, at the first birth, and kept through every restore.
	Lineage string `json:"lineage,omitempty"`
	// Generation grows by one at every restore or re-creation.
	Generation uint64 `json:"generation,omitempty"`
	// Birth is random and new at every creation, restore and re-creation: two
	// attempts at the same generation differ by it.
	Birth string `json:"birth,omitempty"`
}

// Named reports whether the identity says who somebody is.
func (i Identity) Named() bool { return i.Lineage != "" }

// EarlierThan reports whether i is an earlier generation of the same lineage.
func (i Identity) EarlierThan(o Identity) bool {
	return i.Named() && i.Lineage == o.Lineage && i.Generation < o.Generation
}

func (i Identity) String() string {
	if !i.Named() {
		return "without a name"
	}
	return fmt.Sprintf("%s generation %d", i.Lineage, i.Generation)
}
