package agent

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/process"
	"github.com/seedproof/seedproof/internal/proof"
)

// trashTraces are the retired directories as witnesses.
func (a *Agent) trashTraces() []decide.Trace {
	witness := "trash/" + a.cfg.Name
	entries, err := os.ReadDir(a.dir.trash())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return []decide.Trace{{Name: witness, Finding: proof.Unknown, Why: "the trash cannot be read: " + err.Error()}}
	}
	var traces []decide.Trace
	for _, entry := range entries {
		if !entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		trace := a.trashTrace(a.dir.entry(entry.Name()))
		trace.Name = witness + "/" + entry.Name()
		traces = append(traces, trace)
	}
	return traces
}

// trashTrace names whose data an entry holds, if that can be told. That it is
// there is certain.
func (a *Agent) trashTrace(dir string) decide.Trace {
	mark, err := readDirMark(filepath.Join(dir, dirMarkName))
	switch {
	case err == nil && mark != nil:
		return decide.Trace{Finding: proof.Present, Identity: mark.Identity, Why: "a retired directory"}
	case err != nil && undecided(err):
		return decide.Trace{Finding: proof.Unknown, Why: "a retired directory whose mark " + err.Error()}
	case err != nil:
		return decide.Trace{Finding: proof.Present, Why: "a retired directory whose mark is damaged"}
	}
	c, err := a.inspector.inspect(dir)
	if err != nil {
		return decide.Trace{Finding: proof.Unknown, Why: err.Error()}
	}
	if c.Class == process.Whole || c.Log.ClusterID != 0 {
		return decide.Trace{Finding: proof.Present, Identity: stockIdentity(c.Log.ClusterID), Why: "a retired directory that bears no mark of ours"}
	}
	return decide.Trace{Finding: proof.Present, Why: "a retired directory without a name"}
}
