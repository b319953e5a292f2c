// Package fault is the one vocabulary of injected faults. An Injector counts
// the calls that cross a transport (store, HTTP, gRPC, a process, a data
// directory) and strikes the k-th. Each transport's wrapper sits beside the
// transport and asks the injector before and after the real call.
//
// It imports nothing of Seedproof, holds no policy, and is never active in a
// running program: only tests make an Injector.
package fault

import (
	"errors"
	"fmt"
	"sync"
)

// Mode is what happens to the struck call.
type Mode uint8

const (
	None          Mode = iota
	Refused            // the other side says no, understandably; nothing took effect
	FailedBefore       // an error before any effect
	LostReply          // the effect takes place, the answer is lost
	Hung               // no answer until the caller's deadline; no effect
	CrashedBefore      // the process dies before the call
	CrashedAfter       // the process dies after the call took effect
)

// Modes are all faults, in the order in which matrices run them.
var Modes = []Mode{Refused, FailedBefore, LostReply, Hung, CrashedBefore, CrashedAfter}

func (m Mode) String() string {
	names := [...]string{"none", "refused", "failed-before", "lost-reply", "hung", "crashed-before", "crashed-after"}
	if int(m) < len(names) {
		return names[m]
	}
	return fmt.Sprintf("mode(%d)", uint8(m))
}

// ErrInjected is wrapped by every error an injector makes, so that a test can
// tell its own faults from real ones.
var ErrInjected = errors.New("injected fault")

// RefusedError is the error of a struck call of mode Refused. It says so to
// flow.OutcomeOf through the Refused method.
type RefusedError struct{ Call Call }

func (e *RefusedError) Error() string { return "refused by the other side: " + e.Call.String() }
func (e *RefusedError) Unwrap() error { return ErrInjected }

// Refused marks the outcome as an understood refusal.
func (e *RefusedError) Refused() bool { return true }

// Call is one crossing of a transport.
type Call struct {
	Transport string // "store", "grpc", "process", "datadir"
	Op        string // "put", "Start", "rename"
	Target    string // key, member, path
}

func (c Call) String() string { return c.Transport + " " + c.Op + " " + c.Target }

// Injector strikes one call, the k-th (from 1), with one mode. After a crash
// the whole instance is dead: each of its goroutines that makes another call
// is parked for ever, so that not even its defers run.
type Injector struct {
	mu     sync.Mutex
	k      int
	mode   Mode
	count  int
	struck *Call
	calls  []Call
	dead   chan struct{}
	isDead bool
}

// NewInjector strikes the k-th call with mode. With k 0 it only counts.
func NewInjector(k int, mode Mode) *Injector {
	return &Injector{k: k, mode: mode, dead: make(chan struct{})}
}

// Next counts a call and says what shall happen to it. It parks the caller for
// ever when the instance has crashed. A nil injector strikes nothing.
func (i *Injector) Next(c Call) Mode {
	if i == nil {
		return None
	}
	i.mu.Lock()
	if i.isDead {
		i.mu.Unlock()
		park()
	}
	i.count++
	i.calls = append(i.calls, c)
	if i.count != i.k {
		i.mu.Unlock()
		return None
	}
	i.struck = &c
	i.mu.Unlock()
	return i.mode
}

// Crash kills the instance in the middle of a call: it does not return.
func (i *Injector) Crash() {
	i.mu.Lock()
	if !i.isDead {
		i.isDead = true
		close(i.dead)
	}
	i.mu.Unlock()
	park()
}

// Dead is closed when the instance has crashed.
func (i *Injector) Dead() <-chan struct{} { return i.dead }

// Count is the number of calls seen.
func (i *Injector) Count() int { i.mu.Lock(); defer i.mu.Unlock(); return i.count }

// Struck is the call that was struck, or nil if the k-th call never came.
func (i *Injector) Struck() *Call { i.mu.Lock(); defer i.mu.Unlock(); return i.struck }

// Calls are all calls seen, in order.
func (i *Injector) Calls() []Call {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]Call(nil), i.calls...)
}

func park() { select {} }
