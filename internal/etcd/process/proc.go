package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// identity tells one process from every other, recycled ids and reboots
// included.
type identity struct {
	pid   int
	ticks uint64
	boot  string
}

func identify(pid int) (identity, error) {
	stat, err := os.ReadFile(procPath(pid, "stat"))
	if err != nil {
		return identity{}, fmt.Errorf("read the start time of process %d: %w", pid, err)
	}
	ticks, err := startTicks(stat)
	if err != nil {
		return identity{}, fmt.Errorf("read the start time of process %d: %w", pid, err)
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return identity{}, fmt.Errorf("read the boot id: %w", err)
	}
	return identity{pid: pid, ticks: ticks, boot: strings.TrimSpace(string(boot))}, nil
}

// startTicks is field 22 of /proc/PID/stat. The second field is a name in
// parentheses that may itself hold blanks and parentheses.
func startTicks(stat []byte) (uint64, error) {
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
		return 0, errors.New("no command in the stat line")
	}
	fields := strings.Fields(string(stat[end+1:])) // the first of them is field 3
	if len(fields) < 20 {
		return 0, errors.New("stat line is too short")
	}
	return strconv.ParseUint(fields[19], 10, 64)
}

func procPath(pid int, name string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), name)
}

// gone says that a process ended while we read about it.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH)
}

// runsOn says whether process pid is an etcd on dataDir: by its command line,
// which it has before it opens anything, or by the database that it holds open
// for writing, whatever its command line.
func runsOn(pid int, dataDir string) (bool, error) {
	named, err := namesDir(pid, dataDir)
	if err != nil || named {
		return named, err
	}
	return writesDatabase(pid, dbPath(dataDir))
}

// namesDir says whether process pid is an etcd on dataDir by its command line.
func namesDir(pid int, dataDir string) (bool, error) {
	cmdline, err := os.ReadFile(procPath(pid, "cmdline"))
	if gone(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the command line of process %d: %w", pid, err)
	}
	args := strings.Split(strings.TrimRight(string(cmdline), "\x00"), "\x00")
	named, ok := dataDirOf(args)
	return ok && sameDir(pid, named, dataDir), nil
}

// dataDirOf is the data directory on the command line of an etcd server, ours
// or a stock one.
func dataDirOf(args []string) (string, bool) {
	ours := len(args) > 1 && args[1] == ServerCommand
	if !ours && filepath.Base(args[0]) != "etcd" {
		return "", false
	}
	for i, arg := range args[1:] {
		flag, value, joined := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-"), "=")
		if flag != "data-dir" || arg == flag {
			continue
		}
		if joined {
			return value, true
		}
		if i+2 < len(args) {
			return args[i+2], true
		}
	}
	return "", false
}

// sameDir compares a path as process pid sees it, by its root and working
// directory, with one as we see it.
func sameDir(pid int, theirs, ours string) bool {
	if !filepath.IsAbs(theirs) {
		cwd, err := os.Readlink(procPath(pid, "cwd"))
		if err != nil {
			return false
		}
		theirs = filepath.Join(cwd, theirs)
	}
	a, errA := os.Stat(filepath.Join(procPath(pid, "root"), theirs))
	b, errB := os.Stat(ours)
	if errA != nil || errB != nil {
		// Not to be seen from here: the same name is then taken for the same
		// place, which can only hold a start back.
		return filepath.Clean(theirs) == filepath.Clean(ours)
	}
	return os.SameFile(a, b)
}

// writesDatabase says whether process pid has the database open for writing.
// Processes of other users cannot be looked into; their locks still speak.
func writesDatabase(pid int, db string) (bool, error) {
	want, err := os.Stat(db)
	if isMissing(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at the database: %w", err)
	}
	fds, err := os.ReadDir(procPath(pid, "fd"))
	if err != nil {
		return false, nil //nolint:nilerr // it is gone, or another user's, whose lock on the directory is asked apart
	}
	for _, fd := range fds {
		have, err := os.Stat(procPath(pid, "fd/"+fd.Name()))
		if err != nil || !os.SameFile(want, have) {
			continue
		}
		info, err := os.ReadFile(procPath(pid, "fdinfo/"+fd.Name()))
		if err == nil && opensForWriting(info) {
			return true, nil
		}
	}
	return false, nil
}

func opensForWriting(fdinfo []byte) bool {
	for line := range strings.Lines(string(fdinfo)) {
		text, ok := strings.CutPrefix(line, "flags:")
		if !ok {
			continue
		}
		flags, err := strconv.ParseUint(strings.TrimSpace(text), 8, 64)
		return err == nil && flags&unix.O_ACCMODE != unix.O_RDONLY
	}
	return false
}

// processes are the ids of all but ourselves.
func processes() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var all []int
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil && pid != os.Getpid() {
			all = append(all, pid)
		}
	}
	return all, nil
}

// among gives those of pids for which is says yes.
func among(pids []int, is func(pid int, path string) (bool, error), path string) ([]int, error) {
	var found []int
	for _, pid := range pids {
		yes, err := is(pid, path)
		if err != nil {
			return nil, err
		}
		if yes {
			found = append(found, pid)
		}
	}
	return found, nil
}
