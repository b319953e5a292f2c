package testenv

import (
	"bytes"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestBinariesAreThePinnedOnes(t *testing.T) {
	for name, want := range map[string]string{
		"versitygw": "version  : git",
		"etcd":      "etcd Version: 3.6.16",
		"etcdctl":   "etcdctl version: 3.6.16",
		"etcdutl":   "etcdutl version: 3.6.16",
	} {
		args := map[string]string{"etcdctl": "version", "etcdutl": "version"}
		arg, ok := args[name]
		if !ok {
			arg = "--version"
		}
		out, err := exec.Command(Binary(t, name), arg).CombinedOutput()
		if err != nil || !strings.Contains(strings.ToLower(string(out)), strings.ToLower(want)) {
			t.Errorf("%s %s: %v\n%s", name, arg, err, out)
		}
	}
}

func TestUnknownBinary(t *testing.T) {
	_, err := FindOrBuild("etcd9")
	if err == nil || !strings.Contains(err.Error(), "known are etcd, etcdctl") {
		t.Errorf("got %v", err)
	}
}

// fakeModule writes a tools module of one tiny program.
func fakeModule(t *testing.T) (m module, src string) {
	src = t.TempDir()
	for name, content := range map[string]string{
		"go.mod":  "module tiny\n\ngo 1.26.0\n",
		"go.sum":  "",
		"main.go": "package main\n\nfunc main() { println(\"tiny\") }\n",
	} {
		if err := os.WriteFile(filepath.Join(src, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return module{dir: "tiny", version: "v0", cost: "a moment", targets: map[string]string{"tiny": "."}}, src
}

func TestABuildIsPublishedWholeOrNotAtAll(t *testing.T) {
	m, src := fakeModule(t)
	cache := t.TempDir()
	final := filepath.Join(cache, "tiny-1")
	if err := m.buildInto(src, final); err != nil {
		t.Fatal(err)
	}
	if !m.complete(final) {
		t.Error("the program is not where it belongs")
	}
	if err := m.buildInto(src, final); err != nil {
		t.Errorf("a second builder: %v", err)
	}

	m.targets["broken"] = "./nothing"
	broken := filepath.Join(cache, "tiny-2")
	if err := m.buildInto(src, broken); err == nil {
		t.Error("a build that fails gives no error")
	}
	if _, err := os.Stat(broken); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a failed build left something: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(cache, ".*")); len(left) > 0 {
		t.Errorf("temporary directories are left: %v", left)
	}
}

func TestDigestSeesEverything(t *testing.T) {
	_, src := fakeModule(t)
	mod, sum := filepath.Join(src, "go.mod"), filepath.Join(src, "go.sum")
	key := func(flags ...string) string {
		k, err := digest(flags, mod, sum)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	first := key("-a")
	if key("-a") != first {
		t.Error("the same build has two names")
	}
	if key("-b") == first {
		t.Error("other flags, same name")
	}
	if err := os.WriteFile(sum, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if key("-a") == first {
		t.Error("another go.sum, same name")
	}
}

func TestLockedExcludes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var wg sync.WaitGroup
	var inside, entries atomic.Int64
	for range 8 {
		wg.Go(func() {
			for range 50 {
				err := locked(path, func() error {
					if n := inside.Add(1); n != 1 {
						t.Errorf("%d hold the lock at once", n)
					}
					runtime.Gosched()
					entries.Add(1)
					inside.Add(-1)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := entries.Load(); n != 400 {
		t.Errorf("%d of 400 entered", n)
	}
}

func TestVersionsAreThoseOfTheModules(t *testing.T) {
	root, err := repoRoot()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range modules {
		gomod, err := os.ReadFile(filepath.Join(root, "test", "servers", m.dir, "go.mod"))
		if err != nil {
			t.Error(err)
		}
		if !bytes.Contains(gomod, []byte(" "+m.version)) {
			t.Errorf("%s: its go.mod does not pin %s", m.dir, m.version)
		}
	}
}

func TestProgramsAreNamedByContent(t *testing.T) {
	t.Setenv(DirVariable, t.TempDir())
	first, err := buildProgram("./internal/testenv/build")
	if err != nil {
		t.Fatal(err)
	}
	second, err := buildProgram("./internal/testenv/build")
	if err != nil {
		t.Fatal(err)
	}
	if first != second {
		t.Errorf("an unchanged program moved from %s to %s", first, second)
	}
	out, err := exec.Command(first, "nothing").CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("no such foreign program")) {
		t.Errorf("the program does not work: %v\n%s", err, out)
	}
}

func TestFreePorts(t *testing.T) {
	seen := map[int]bool{}
	var given []int
	t.Run("inner", func(t *testing.T) {
		given = FreePorts(t, 120) // more than two blocks
		for _, port := range given {
			if seen[port] {
				t.Errorf("port %d is given twice", port)
			}
			seen[port] = true
			l, err := net.Listen("tcp4", loopback(port))
			if err != nil {
				t.Errorf("port %d: %v", port, err)
				continue
			}
			t.Cleanup(func() { _ = l.Close() })
		}
	})
	again := FreePorts(t, 120)
	for _, port := range again {
		delete(seen, port)
	}
	if len(seen) == len(given) {
		t.Error("ports given back are never used again")
	}
}

func TestFreePortsPassesOverPortsInUse(t *testing.T) {
	var port int
	t.Run("inner", func(t *testing.T) { port = FreePorts(t, 1)[0] })
	l, err := net.Listen("tcp4", loopback(port))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, p := range FreePorts(t, 60) {
		if p == port {
			t.Fatalf("port %d is in use and was given out", port)
		}
	}
}

// TestBlocksAreOfOneProcess takes the place of another process by holding a
// block's first port.
func TestBlocksAreOfOneProcess(t *testing.T) {
	base := freeBlock(t)
	b, err := holdBlock(base)
	if err != nil {
		t.Fatal(err)
	}
	defer b.lock.Close()
	if _, err := holdBlock(base); err == nil {
		t.Error("a block was taken twice")
	}
	for _, p := range FreePorts(t, 100) {
		if p >= base && p < base+blockSize {
			t.Errorf("port %d belongs to a block of somebody else", p)
		}
	}
}

// freeBlock is the base of a block that nobody holds.
func freeBlock(t *testing.T) int {
	for base := lastPort - blockSize; base >= firstPort; base -= blockSize {
		l, err := net.Listen("tcp4", loopback(base))
		if err == nil {
			_ = l.Close()
			return base
		}
	}
	t.Fatal("no free block")
	return 0
}
