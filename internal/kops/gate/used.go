package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/seedproof/seedproof/internal/atomicfile"
	"github.com/seedproof/seedproof/internal/store"
)

// ErrUsed: the approval was used before.
var ErrUsed = errors.New("the approval was used before")

// usedPrefix is where a state store keeps the notes: beside the clusters, since
// `kops delete cluster` refuses a folder with files that it does not know.
const usedPrefix = "seedproof/used-approvals/"

// Used notes that approvals were used: in a directory of the person, and in the
// state store where that may be written.
type Used struct {
	// Dir is the directory of the person; required.
	Dir string
	// Open opens the state store; nil: it is not written.
	Open func(ctx context.Context, url string) (store.Store, error)
	// Timeout is how long the state store may take; 0 is 30 s.
	Timeout time.Duration
}

// use is one note.
type use struct {
	Nonce   string    `json:"nonce"`
	Cluster string    `json:"cluster"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Attempt string    `json:"attempt"` // tells this use from another one
}

// Consume uses an approval up, before what it allows is begun. It gives a
// sentence about where that was noted. ErrUsed and every other error mean that
// nothing may be begun.
//
// "Once" is as good as the places that took the note: the directory stops a
// second use on this machine by this person, the state store one anywhere.
func (u Used) Consume(ctx context.Context, a Approval, now time.Time) (string, error) {
	note := use{Nonce: a.Nonce, Cluster: a.Cluster, By: a.By, At: now.UTC(), Attempt: newNonce()}
	content, err := json.Marshal(note)
	if err != nil {
		return "", fmt.Errorf("note that the approval is used: %w", err)
	}
	if err := u.here(a.Nonce, content); err != nil {
		return "", err
	}
	switch why, err := u.there(ctx, a, content); {
	case err != nil:
		return "", err
	case why != "":
		return "The approval is used up, noted on this machine only: " + why + ".", nil
	}
	return "The approval is used up, noted on this machine and in the state store.", nil
}

// here makes a file that must not be there yet.
func (u Used) here(nonce string, content []byte) error {
	if err := os.MkdirAll(u.Dir, 0o700); err != nil {
		return fmt.Errorf("note that the approval is used: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(u.Dir, nonce+".json"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%w, on this machine", ErrUsed)
	case err != nil:
		return fmt.Errorf("note that the approval is used: %w", err)
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = atomicfile.SyncDir(u.Dir)
	}
	if err != nil {
		return fmt.Errorf("note that the approval is used: %w", err)
	}
	return nil
}

// there makes an object that must not be there yet. why says why it could not
// be made, which stops nobody: many may read a state store and not write it.
func (u Used) there(ctx context.Context, a Approval, content []byte) (why string, err error) {
	if u.Open == nil {
		return "the state store is not written", nil
	}
	timeout := u.Timeout
	if timeout <= 0 {
		timeout = 30 * time.Second
	}
	within, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s, err := u.Open(within, a.State)
	if err != nil {
		return "the state store could not be opened", nil
	}
	defer func() { _ = s.Close() }()
	_, err = store.Create(within, s, usedPrefix+a.Nonce+".json", content)
	var refused *store.Refused
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err == nil:
		return "", nil
	case errors.As(err, &refused):
		return "", fmt.Errorf("%w, elsewhere", ErrUsed)
	case errors.Is(err, store.ErrDenied):
		return "the state store may not be written from here", nil
	}
	return "whether the state store took the note is not known", nil
}
