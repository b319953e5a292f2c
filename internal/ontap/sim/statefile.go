package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

func (s *Simulator) loadOrBuild() error {
	w, err := load(s.opts.StateFile)
	if err != nil {
		return err
	}
	fresh := w == nil
	if fresh {
		if w, err = s.build(); err != nil {
			return err
		}
	}
	if len(w.Sites) != s.opts.Clusters {
		return fmt.Errorf("state file %s: it holds %d clusters, expected %d", s.opts.StateFile, len(w.Sites), s.opts.Clusters)
	}
	s.world = w
	for _, st := range w.Sites {
		s.setAdministrator(st)
	}
	s.dirty = true
	return s.save()
}

// load reads a kept array; nil where there is no file, or no name of one.
func load(path string) (*world, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read state file: %w", err)
	}
	var w world
	if err := json.Unmarshal(data, &w); err != nil {
		return nil, fmt.Errorf("decode state file %s: %w", path, err)
	}
	if w.Version != worldVersion {
		return nil, fmt.Errorf("state file %s: format %d, expected %d", path, w.Version, worldVersion)
	}
	return &w, nil
}

// save keeps the array, if it has changed and is to be kept. The lock is held.
func (s *Simulator) save() error {
	if !s.dirty || s.opts.StateFile == "" {
		s.dirty = false
		return nil
	}
	data, err := json.Marshal(s.world)
	if err != nil {
		return fmt.Errorf("encode the state: %w", err)
	}
	if err := writeWhole(s.opts.StateFile, data); err != nil {
		return err
	}
	s.dirty = false
	return nil
}

// writeWhole replaces a file so that a crash leaves the old or the new content.
func writeWhole(path string, data []byte) (err error) {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write state file: %w", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()      // the first error is the one to tell
			_ = os.Remove(tmp) // likewise
		}
	}()
	if _, err = f.Write(data); err != nil {
		return fmt.Errorf("write state file: %w", err)
	}
	if err = f.Sync(); err != nil {
		return fmt.Errorf("sync state file: %w", err)
	}
	if err = f.Close(); err != nil {
		return fmt.Errorf("close state file: %w", err)
	}
	if err = os.Rename(tmp, path); err != nil {
		return fmt.Errorf("rename state file: %w", err)
	}
	return syncDirectory(filepath.Dir(path))
}

func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("open directory %s to sync it: %w", dir, err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}
