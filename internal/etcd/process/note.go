package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/seedproof/seedproof/internal/atomicfile"
)

// The files of an agent's state directory that belong to this package.
const (
	noteFile = "process.json"
	// lockFile is locked by the starter before the fork and inherited by etcd,
	// so that it stays locked, without a gap, as long as either lives. It is
	// what makes "not running" provable between fork and exec, before the
	// database is there, and while a defrag swaps the database.
	lockFile = "process.lock"
)

const maxNote = 64 << 10

// Note is what the starter wrote down of a process (process.json). It is never
// needed to find a process, for a crash may come between the fork and its
// writing; it tells which start the process that was found came from.
type Note struct {
	PID        int    `json:"pid"`        // zero: a start was begun and not noted as done
	StartTicks uint64 `json:"startTicks"` // field 22 of /proc/PID/stat
	BootID     string `json:"bootID"`
	Binary     string `json:"binary"`
	Name       string `json:"name"`
	DataDir    string `json:"dataDir"`
	Token      string `json:"token"`
}

// ReadNote reads the note of a state directory; fs.ErrNotExist if there is none.
func ReadNote(stateDir string) (Note, error) {
	text, err := atomicfile.Read(filepath.Join(stateDir, noteFile), maxNote)
	if err != nil {
		return Note{}, err
	}
	return parseNote(text)
}

func parseNote(text []byte) (Note, error) {
	var note Note
	if err := json.Unmarshal(text, &note); err != nil {
		return Note{}, fmt.Errorf("parse %s: %w", noteFile, err)
	}
	if note.PID < 0 {
		return Note{}, fmt.Errorf("parse %s: process id %d", noteFile, note.PID)
	}
	return note, nil
}

func (n Note) write(stateDir string) error {
	text, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", noteFile, err)
	}
	return atomicfile.Write(filepath.Join(stateDir, noteFile), append(text, '\n'), 0o600)
}

// noted returns the note if it is of this very process of this very boot: a
// process id alone is recycled.
func noted(stateDir string, id identity) (Note, bool) {
	note, err := ReadNote(stateDir)
	if err != nil || note.PID != id.pid || note.StartTicks != id.ticks || note.BootID != id.boot {
		return Note{}, false
	}
	return note, true
}

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
