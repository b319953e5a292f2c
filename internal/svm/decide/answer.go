package decide

import "fmt"

// Answer is the answer to a question with yes or no. The zero value is "not
// known", which is never a no.
type Answer uint8

const (
	NotKnown Answer = iota
	No
	Yes
)

func (a Answer) String() string { return label("answer", []string{"not known", "no", "yes"}, int(a)) }

// SVMState is the state that the array gives of an SVM.
type SVMState uint8

const (
	StateUnknown SVMState = iota
	Initializing
	Starting
	Running
	Stopping
	Stopped
	Deleting
)

var stateNames = []string{"unknown", "initializing", "starting", "running", "stopping", "stopped", "deleting"}

func (s SVMState) String() string { return label("state", stateNames, int(s)) }

// ParseState reads the array's word; one that is not known is StateUnknown.
func ParseState(word string) SVMState {
	for i, n := range stateNames {
		if n == word {
			return SVMState(i)
		}
	}
	return StateUnknown
}

// Role is what an SVM is in a MetroCluster, by its subtype.
type Role uint8

const (
	RoleUnknown Role = iota
	Plain            // subtype default: not in a MetroCluster
	Source           // sync_source
	Destination      // sync_destination, the twin
)

func (r Role) String() string {
	return label("role", []string{"unknown", "plain", "source", "destination"}, int(r))
}

// ParseRole reads a subtype. A copy of disaster recovery (dp_destination), and
// whatever a later release brings, is RoleUnknown.
func ParseRole(subtype string) Role {
	switch subtype {
	case "default":
		return Plain
	case "sync_source":
		return Source
	case "sync_destination":
		return Destination
	}
	return RoleUnknown
}

// Mode is how an array's MetroCluster stands.
type Mode uint8

const (
	ModeUnknown    Mode = iota
	NoMetroCluster      // the array is in none
	Normal
	NotNormal // switched over, switching, partial, partner not reachable
)

func (m Mode) String() string {
	return label("mode", []string{"unknown", "no MetroCluster", "normal", "not normal"}, int(m))
}

func label(what string, names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("invalid %s %d", what, i)
}
