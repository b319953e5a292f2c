package proof

import "fmt"

// Finding is what one witness says of the thing.
type Finding uint8

const (
	// Unknown is everything that is not one of the others: an error, a
	// timeout, a cut answer, a format newer than ours, another place. It is
	// the zero value, and never an absence.
	Unknown Finding = iota
	// Absent: asked in the right place, answered, not there.
	Absent
	// Unusable: it answers, and what it holds vouches for nothing: a damaged
	// record, a corrupt directory, a place that was emptied. Something is or
	// was there, without a name.
	Unusable
	// Present: it is there, with the identity that was seen.
	Present
)

var findingNames = [...]string{"Unknown", "Absent", "Unusable", "Present"}

func (f Finding) String() string { return name(findingNames[:], int(f)) }

// MarshalText makes findings readable in JSON.
func (f Finding) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads what MarshalText wrote; a name it does not know is an
// error, and the finding stays Unknown.
func (f *Finding) UnmarshalText(b []byte) error {
	*f = Unknown
	for i, n := range findingNames {
		if n == string(b) {
			*f = Finding(i)
			return nil
		}
	}
	return fmt.Errorf("unknown finding %q: expected one of %v", b, findingNames)
}

// Kind is how a witness knows.
type Kind uint8

const (
	// Record: somebody wrote down that the thing exists.
	Record Kind = iota
	// Part: the thing itself, or one part of it.
	Part
	// Memory: what the node of a part remembers of it, kept apart from it.
	Memory
	// Trace: what only the thing can have left behind.
	Trace
)

var kindNames = [...]string{"record", "part", "memory", "trace"}

func (k Kind) String() string { return name(kindNames[:], int(k)) }

// MarshalText makes kinds readable in JSON.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (k *Kind) UnmarshalText(b []byte) error {
	for i, n := range kindNames {
		if n == string(b) {
			*k = Kind(i)
			return nil
		}
	}
	return fmt.Errorf("unknown kind of witness %q: expected one of %v", b, kindNames)
}

func name(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("invalid(%d)", i)
}
