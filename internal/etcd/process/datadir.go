package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/coreos/go-semver/semver"
	"go.etcd.io/etcd/api/v3/version"
)

// Class is what a data directory is worth. The zero value vouches for nothing.
type Class uint8

const (
	Unreadable Class = iota // an I/O error, or in use: not known; comes with an error
	Empty                   // explicitly not there, or without any entry
	Whole                   // an etcd can start on it and go on where it was
	Damaged                 // something is or was there, and etcd cannot use it
	Newer                   // written by a newer etcd than ours: left alone
)

func (c Class) String() string {
	names := [...]string{"unreadable", "empty", "whole", "damaged", "newer"}
	if int(c) < len(names) {
		return names[c]
	}
	return fmt.Sprintf("class(%d)", uint8(c))
}

// ErrInUse: an etcd (or a tool that writes) has the directory open; the live
// etcd is the one to ask.
var ErrInUse = errors.New("the data directory is in use")

// Contents is what a stopped data directory holds. Beside Class and Reason the
// fields are filled as far as reading came, also when it is damaged.
type Contents struct {
	Class  Class
	Reason string // why it is damaged or newer
	// Hollow is set on a damaged directory in which nothing was ever
	// acknowledged, to a client or a peer: a first start that was cut short.
	// Its member directory has to be moved away before the next start: on a WAL
	// without a term etcd waits for ever, without voters and without an error.
	Hollow bool

	Log   Log
	Store Store
}

// Inspect reads the data directory of a stopped etcd and changes nothing in
// it. ownNames are entries beside "member" that do not count, such as place
// marks. The error is set just when the class is Unreadable; ErrInUse is among
// its causes when an etcd runs there.
//
// It reads the whole WAL, and of the database the pages that it needs: damage
// elsewhere in the database shows when etcd starts, or in InspectDeep.
func Inspect(dataDir string, ownNames ...string) (Contents, error) {
	return inspect(dataDir, ownNames, false)
}

// InspectDeep reads every page of the database as well.
func InspectDeep(dataDir string, ownNames ...string) (Contents, error) {
	return inspect(dataDir, ownNames, true)
}

func inspect(dataDir string, ownNames []string, deep bool) (Contents, error) {
	var c Contents
	present, err := c.classifyEntries(dataDir, ownNames)
	if err == nil && present {
		err = c.read(dataDir, deep)
	}
	if err != nil {
		c.Class = Unreadable
		return c, fmt.Errorf("inspect data directory %s: %w", dataDir, err)
	}
	return c, nil
}

// classifyEntries settles the cases in which there is no member directory.
func (c *Contents) classifyEntries(dataDir string, ownNames []string) (member bool, err error) {
	entries, err := os.ReadDir(dataDir)
	if isMissing(err) {
		c.Class = Empty
		return false, nil
	}
	if err != nil {
		return false, err
	}
	c.Class = Empty
	for _, entry := range entries {
		if entry.Name() == "member" {
			return true, nil
		}
		if !slices.Contains(ownNames, entry.Name()) {
			c.damaged("it holds %q and no member directory", entry.Name())
		}
	}
	return false, nil
}

func (c *Contents) damaged(format string, args ...any) {
	if c.Class == Damaged {
		return // the first reason stands
	}
	c.Class, c.Reason = Damaged, fmt.Sprintf(format, args...)
}

// read keeps the database's shared lock while it reads the WAL, so that no etcd
// can start on the directory meanwhile.
func (c *Contents) read(dataDir string, deep bool) error {
	c.Class = Whole
	db, err := openStore(dbPath(dataDir))
	if err != nil {
		return err
	}
	defer db.close()
	if held, err := walHeld(walPath(dataDir)); err != nil || held != "" {
		return errors.Join(err, inUse(held))
	}
	if db.present && db.bad == "" {
		if err := db.read(&c.Store, deep); err != nil {
			return err
		}
	}
	logBad, err := readLog(walPath(dataDir), &c.Log)
	if err != nil {
		return err
	}
	c.judge(db, logBad)
	if c.Class != Whole {
		return nil
	}
	return c.judgeSnapshots(dataDir)
}

func inUse(held string) error {
	if held == "" {
		return nil
	}
	return fmt.Errorf("%s is locked: %w", held, ErrInUse)
}

// judge puts the two halves together. A newer format comes first: what we do
// not know we cannot call damaged.
func (c *Contents) judge(db *storeFile, logBad string) {
	newer := c.newerThanOurs()
	switch {
	case newer != "":
		c.Class, c.Reason = Newer, newer
	case db.newer:
		c.Class, c.Reason = Newer, db.bad
	case !db.present && c.Log.Files == 0:
		c.damaged("the member directory holds neither database nor WAL")
		c.Hollow = true
	case c.Log.Files == 0:
		// What a refused restore leaves. etcd would start on it, take the lead,
		// and hang for ever, its log being behind its database.
		c.damaged("the database has no WAL")
		c.Hollow = db.unborn(c.Store)
	case logBad == "" && !c.Log.acknowledged && db.unborn(c.Store):
		c.damaged("the WAL holds no term yet: a first start was cut short")
		c.Hollow = true
	case !db.present:
		c.damaged("the WAL has no database")
	case db.bad != "":
		c.damaged("the database is damaged: %s", db.bad)
	case logBad != "":
		c.damaged("the WAL is damaged: %s", logBad)
	case c.Store.ConsistentIndex > max(c.Log.Index, c.Log.SnapshotIndex):
		c.damaged("the database is at index %d, above the end of the WAL at %d", c.Store.ConsistentIndex, c.Log.Index)
	}
}

func (c *Contents) newerThanOurs() string {
	ours := semver.New(version.Version)
	for what, text := range map[string]string{"storage": c.Store.StorageVersion, "cluster": c.Store.ClusterVersion} {
		if text == "" {
			continue
		}
		v, err := semver.NewVersion(text)
		if err != nil {
			return fmt.Sprintf("its %s version %.40q is not known", what, text)
		}
		if v.Major > ours.Major || v.Major == ours.Major && v.Minor > ours.Minor {
			return fmt.Sprintf("its %s version is %d.%d, ours is %d.%d", what, v.Major, v.Minor, ours.Major, ours.Minor)
		}
	}
	return ""
}

// judgeSnapshots asks what etcd asks at its start: which raft snapshot to begin
// with, whether the WAL reaches back to it and whether the database reaches up
// to it.
func (c *Contents) judgeSnapshots(dataDir string) error {
	snapDir := filepath.Join(dataDir, "member", "snap")
	index, err := newestSnapshot(snapDir, c.Log.snapshots)
	if err != nil {
		return err
	}
	if c.Log.firstIndex > index {
		c.damaged("the WAL begins at index %d, the newest usable raft snapshot is at %d", c.Log.firstIndex, index)
		return nil
	}
	if index <= c.Store.ConsistentIndex {
		return nil
	}
	// A leader's snapshot that was received and not yet put in place.
	received := filepath.Join(snapDir, fmt.Sprintf("%016x.snap.db", index))
	_, err = os.Stat(received)
	if isMissing(err) {
		c.damaged("the database is at index %d, behind its raft snapshot at %d", c.Store.ConsistentIndex, index)
		return nil
	}
	return err
}
