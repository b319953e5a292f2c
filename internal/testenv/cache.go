package testenv

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// DirVariable names the environment variable that puts the built servers
// elsewhere than into the user's cache directory.
const DirVariable = "SEEDPROOF_SERVERS_DIR"

// cacheDir is where built servers and programs live.
func cacheDir() (string, error) {
	dir := os.Getenv(DirVariable)
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find a place for built servers (set %s): %w", DirVariable, err)
		}
		dir = filepath.Join(user, "seedproof", "servers")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the place for built servers: %w", err)
	}
	return filepath.Abs(dir)
}

// locked runs act while this process alone holds the lock file at path. The
// kernel releases the lock when the process dies.
func locked(path string, act func() error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fmt.Errorf("open lock file: %w", err)
	}
	defer f.Close()
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	return act()
}

// digest names a build by all that goes into it.
func digest(flags []string, files ...string) (string, error) {
	h := sha256.New()
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("hash a tools module: %w", err)
		}
		fmt.Fprintf(h, "%s %d\n%s", filepath.Base(name), len(content), content)
	}
	fmt.Fprintf(h, "%q", flags)
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

// publish moves a finished directory to its final name in one step, so that
// nobody ever finds half of it.
func publish(tmp, final string) error {
	err := os.Rename(tmp, final)
	if errors.Is(err, fs.ErrExist) {
		return os.RemoveAll(tmp)
	}
	return err
}
