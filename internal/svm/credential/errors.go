package credential

import (
	"fmt"
	"net/netip"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// ChangedError says that what the step was decided on has changed since. Nothing
// was done: look again.
type ChangedError struct{ What string }

func (e *ChangedError) Error() string { return e.What + ": it has changed since the step was decided" }

// Refused reports that nothing took effect.
func (e *ChangedError) Refused() bool { return true }

// FlowClass says that it passes with the next look.
func (e *ChangedError) FlowClass() flow.Class { return flow.Transient }

// LoginError says that a login was answered, and not by yes. The answer is noted
// in the Secret; what follows from it is package decide's to say.
type LoginError struct {
	User    string
	Address netip.Addr
	Finding ontap.LoginFinding // LoginRejected or LoginElsewhere
	Err     error              // what the array said, nil where it is LoginElsewhere
}

func (e *LoginError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("log in as %s at %s: the pair opens another SVM", e.User, e.Address)
	}
	return fmt.Sprintf("log in as %s at %s: %v", e.User, e.Address, e.Err)
}

func (e *LoginError) Unwrap() error { return e.Err }

// Refused reports that the other side said no.
func (e *LoginError) Refused() bool { return true }

// FlowClass says that it is tried again: a lock may be the reason.
func (e *LoginError) FlowClass() flow.Class { return flow.Transient }

// ReachError says that no login could be tried, and is what decide.Reach is to
// be at the next look: NoAddress or Unreachable. It says nothing of the pair.
type ReachError struct {
	Reach   decide.Reach
	Address netip.Addr // not valid where there is none
	Err     error
}

func (e *ReachError) Error() string {
	if e.Reach == decide.NoAddress {
		return "log in: the array lists no management interface of the SVM that is up"
	}
	return fmt.Sprintf("log in: %s cannot be reached from here: %v", e.Address, e.Err)
}

func (e *ReachError) Unwrap() error { return e.Err }

// FlowClass says that it is tried again.
func (e *ReachError) FlowClass() flow.Class { return flow.Transient }
