package backup

import (
	"errors"
	"fmt"
)

var (
	// ErrTrailer: the stream is not what the member sent: cut short, altered
	// or followed by something.
	ErrTrailer = errors.New("the snapshot's sha256 trailer does not match its content")
	// ErrHeld: the snapshot would have held the member's read transaction
	// longer than allowed.
	ErrHeld = errors.New("the snapshot took too long and was ended, to spare the member")
	// ErrGrowth: the member's database grew too much, or its size could not be
	// asked, while the snapshot held its read transaction.
	ErrGrowth = errors.New("the member's database grew too much during the snapshot, which was ended to spare it")
	// ErrStalled: the store did not finish the upload after all was sent.
	ErrStalled = errors.New("the store did not finish the upload in time")
	// ErrClaimed: another taker is at work, or may be. Ask again later.
	ErrClaimed = errors.New("another taker holds the backup claim")
	// ErrSlotDone: this slot has its backup already.
	ErrSlotDone = errors.New("the slot has its backup")
	// ErrClaimLost: another taker took the claim over, or may have.
	ErrClaimLost = errors.New("the backup claim was lost")
	// ErrNameTaken: another taker's backup has this name.
	ErrNameTaken = errors.New("the name is taken by another backup")
	// ErrForeignStore: the store belongs to another lineage. Nothing is
	// written there.
	ErrForeignStore = errors.New("the backup store belongs to another cluster")
	// ErrFormat: the store's format object cannot be used, or names a format
	// that this version does not know.
	ErrFormat = errors.New("the backup store's format is not usable")
	// ErrWrongCluster: the member is not one of the cluster that was named.
	ErrWrongCluster = errors.New("the member belongs to another cluster")
	// ErrReadBack: the backup was written, but what the store shows is not
	// what was written. It is left as it is.
	ErrReadBack = errors.New("the stored backup is not what was written")
)

// Step is a part of taking a backup.
type Step string

// The steps in their order.
const (
	StepFormat   Step = "format"   // the store is ours, or new
	StepClaim    Step = "claim"    // nobody else is at it
	StepSource   Step = "source"   // the member answers and is the right one
	StepStream   Step = "stream"   // snapshot, check, gzip, upload
	StepProof    Step = "proof"    // our own object
	StepConfirm  Step = "confirm"  // the claim is still ours
	StepMeta     Step = "meta"     // from here on it is listed
	StepReadBack Step = "readback" // what is stored is what was sent
)

// TakeError is a failed attempt to take a backup.
type TakeError struct {
	Step Step
	Name string   // of the backup, once it had one
	Left []string // keys that may have been left; none of them is listed unless Step is StepMeta or later
	Err  error
}

func (e *TakeError) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("take a backup (step %s): %v", e.Step, e.Err)
	}
	return fmt.Sprintf("take backup %s (step %s): %v", e.Name, e.Step, e.Err)
}

func (e *TakeError) Unwrap() error { return e.Err }
