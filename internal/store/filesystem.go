package store

import "context"

// Filesystem is what can be said of the filesystem under a path, to tell a
// place that was emptied from one that is not mounted.
type Filesystem struct {
	// ID names the filesystem: its type and statfs(2)'s f_fsid, in hex. For a
	// path that is missing it is that of the nearest ancestor that exists.
	ID string `json:"id"`
	// MountPoint: something is mounted at the path itself.
	MountPoint bool `json:"mountPoint"`
	// Exists: the path is there.
	Exists bool `json:"-"`
}

// Same reports whether f and g can be the same filesystem at the same path.
func (f Filesystem) Same(g Filesystem) bool {
	return f.ID == g.ID && f.MountPoint == g.MountPoint
}

// OnFilesystem is implemented by drivers whose place is a path.
type OnFilesystem interface {
	// Filesystem says what lies under the place now.
	Filesystem(ctx context.Context) (Filesystem, error)
}

// onFilesystem finds OnFilesystem under wrappers such as WithFaults.
func onFilesystem(s Store) (OnFilesystem, bool) {
	for {
		if on, ok := s.(OnFilesystem); ok {
			return on, true
		}
		wrapper, ok := s.(interface{ Unwrap() Store })
		if !ok {
			return nil, false
		}
		s = wrapper.Unwrap()
	}
}
