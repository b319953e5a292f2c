package controller

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

var standin struct {
	once sync.Once
	dir  string
	err  error
}

// standinDir holds the stand-in for an etcd process under the name "etcd". It
// is built once in a run of the tests.
func standinDir(t *testing.T) string {
	t.Helper()
	standin.once.Do(func() {
		if standin.dir, standin.err = os.MkdirTemp("", "standin-etcd-"); standin.err != nil {
			return
		}
		build := exec.Command("go", "build", "-o", filepath.Join(standin.dir, "etcd"), "github.com/seedproof/seedproof/test/standins/etcd")
		if out, err := build.CombinedOutput(); err != nil {
			standin.err = fmt.Errorf("build the stand-in: %w: %s", err, out)
		}
	})
	if standin.err != nil {
		t.Fatal(standin.err)
	}
	return standin.dir
}

// removeStandin is for the end of the run.
func removeStandin() {
	if standin.dir != "" {
		_ = os.RemoveAll(standin.dir)
	}
}
