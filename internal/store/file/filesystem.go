package file

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/seedproof/seedproof/internal/store"
)

// FilesystemOf says what lies under path. For a path that is missing the
// nearest ancestor that exists is asked. A filesystem that does not answer
// (a dead NFS server) hangs this call, as it hangs every other.
//
// The ID comes from statfs(2). For ext4 it is made of the volume's UUID and is
// the same on every mount; XFS makes it of the device number, which can change
// when a volume is attached anew: then it reads as another filesystem.
func FilesystemOf(path string) (store.Filesystem, error) {
	base, err := nearest(path)
	if err != nil {
		return store.Filesystem{}, fmt.Errorf("ask what lies under %s: %w", path, err)
	}
	fd, err := unix.Open(base, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return store.Filesystem{}, fmt.Errorf("ask what lies under %s: %w", path, err)
	}
	defer func() { _ = unix.Close(fd) }()
	id, err := filesystemID(fd)
	if err != nil {
		return store.Filesystem{}, fmt.Errorf("ask what lies under %s: %w", path, err)
	}
	seen := store.Filesystem{ID: id, Exists: base == path}
	if !seen.Exists {
		return seen, nil
	}
	seen.MountPoint, err = isMountPoint(fd)
	if err != nil {
		return store.Filesystem{}, fmt.Errorf("ask whether something is mounted at %s: %w", path, err)
	}
	return seen, nil
}

func filesystemID(fd int) (string, error) {
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x-%08x%08x", uint32(st.Type), uint32(st.Fsid.Val[0]), uint32(st.Fsid.Val[1])), nil
}

// isMountPoint asks statx(2), which knows bind mounts too (Linux 5.8).
func isMountPoint(fd int) (bool, error) {
	var st unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_BASIC_STATS, &st); err != nil {
		return false, err
	}
	if st.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT == 0 {
		return false, fmt.Errorf("this kernel does not say: %w", unix.ENOSYS)
	}
	return st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0, nil
}
