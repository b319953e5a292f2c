package file

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"

	"github.com/seedproof/seedproof/internal/store"
)

// hashLimit is the size in bytes up to which a version is the sha256 of the
// content. Reading whole backups for each listing would cost too much: above
// it the version is made of inode, size, and mtime and ctime in nanoseconds.
// Since every write of ours is a new inode, two contents share one only if an
// inode is used again within a tick of the clock for the same size.
const hashLimit = 1 << 20

// object is one file, open.
type object struct {
	*os.File
	info  store.Info
	small []byte // the content, up to hashLimit
}

// openObject opens a file and finds its version.
func openObject(root *os.Root, key string) (*object, error) {
	// Without O_NONBLOCK a pipe that somebody put there would hang the call.
	f, err := root.OpenFile(key, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, absence(root, key)
	}
	if err != nil {
		return nil, classed(err)
	}
	o := &object{File: f}
	if err := o.inspect(key); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return o, nil
}

// absence tells a name that is not there from a link into nothing.
func absence(root *os.Root, key string) error {
	for name := key; name != "."; name = path.Dir(name) {
		fi, err := root.Lstat(name)
		if err == nil && fi.Mode()&fs.ModeSymlink != 0 {
			return fmt.Errorf("%s is a link to what is not there", name)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return classed(err)
		}
	}
	return store.ErrNotFound
}

func (o *object) inspect(key string) error {
	fi, err := o.File.Stat()
	if err != nil {
		return err
	}
	if fi.IsDir() {
		return store.ErrNotFound // a folder is no object
	}
	if !fi.Mode().IsRegular() {
		return fmt.Errorf("%s is not a plain file (%s)", key, fi.Mode())
	}
	o.info = store.Info{Key: key, Size: fi.Size(), Modified: fi.ModTime()}
	if fi.Size() > hashLimit {
		o.info.Version = statVersion(fi)
		return nil
	}
	o.small, err = io.ReadAll(io.LimitReader(o.File, hashLimit+1))
	if err != nil {
		return err
	}
	if int64(len(o.small)) != fi.Size() {
		return errors.New("the file changed while it was read")
	}
	o.info.Version = hashVersion(sha256.Sum256(o.small))
	return nil
}

// part gives the body of a read. Closing it closes the file.
func (o *object) part(r store.Range) (io.ReadCloser, error) {
	offset, length, err := r.Clip(o.info.Size)
	if err != nil {
		return nil, err
	}
	if o.info.Size <= hashLimit {
		return io.NopCloser(bytes.NewReader(o.small[offset : offset+length])), o.File.Close()
	}
	if _, err := o.File.Seek(offset, io.SeekStart); err != nil {
		return nil, err
	}
	return store.Exactly(o.File, length), nil
}

func statVersion(fi fs.FileInfo) store.Version {
	st := fi.Sys().(*syscall.Stat_t) //nolint:errcheck // as os promises on Linux
	return store.Version(fmt.Sprintf("stat-%x-%x-%x.%x-%x.%x", st.Ino, st.Size,
		st.Mtim.Sec, st.Mtim.Nsec, st.Ctim.Sec, st.Ctim.Nsec))
}

func hashVersion(sum [sha256.Size]byte) store.Version {
	return store.Version("sha256-" + hex.EncodeToString(sum[:]))
}

// versioner hashes what is written, as long as a hash may be its version.
type versioner struct {
	hash hash.Hash
	size int64
}

func (v *versioner) Write(p []byte) (int, error) {
	v.size += int64(len(p))
	if v.size <= hashLimit {
		_, _ = v.hash.Write(p)
	}
	return len(p), nil
}

func (v *versioner) version(fi fs.FileInfo) store.Version {
	if v.size > hashLimit {
		return statVersion(fi)
	}
	return hashVersion([sha256.Size]byte(v.hash.Sum(nil)))
}
