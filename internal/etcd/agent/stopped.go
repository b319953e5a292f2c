package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/process"
)

// inspector reads stopped data directories, each state of one but once.
type inspector struct {
	mu   sync.Mutex
	seen map[string]inspected
}

type inspected struct {
	key      string
	contents process.Contents
}

// inspect is process.Inspect. An error is never kept.
func (i *inspector) inspect(dir string) (process.Contents, error) {
	key, own, err := fingerprint(dir)
	if err != nil {
		return process.Contents{}, fmt.Errorf("look at %s: %w", dir, err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if known, ok := i.seen[dir]; ok && known.key == key {
		return known.contents, nil
	}
	contents, err := process.Inspect(dir, own...)
	if err != nil {
		return contents, err
	}
	if i.seen == nil {
		i.seen = map[string]inspected{}
	}
	i.seen[dir] = inspected{key, contents}
	return contents, nil
}

// fingerprint changes whenever a stopped directory does. own are the entries
// beside the member directory that are ours.
func fingerprint(dir string) (key string, own []string, err error) {
	var b strings.Builder
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %d %d %s\n", path, info.Size(), info.ModTime().UnixNano(), info.Mode())
		if filepath.Dir(path) == dir && isOwn(entry.Name()) {
			own = append(own, entry.Name())
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		if _, serr := os.Lstat(dir); errors.Is(serr, fs.ErrNotExist) {
			return "", nil, nil
		}
	}
	return b.String(), own, err
}

// isOwn: our files, and what a crash left of the writing of one.
func isOwn(name string) bool {
	for _, file := range []string{dirMarkName, retiredName} {
		if name == file || strings.HasPrefix(name, "."+file+".tmp-") {
			return true
		}
	}
	return false
}

// lastMembers is the member list at the end of the log: what the database
// holds, with the committed changes that it does not hold yet.
func lastMembers(c process.Contents) []process.Member {
	members := append([]process.Member(nil), c.Store.Members...)
	for _, change := range c.Log.Changes {
		if change.Index <= c.Store.ConsistentIndex || change.Index > c.Log.Commit {
			continue
		}
		members = withChange(members, change)
	}
	return members
}

func withChange(members []process.Member, change process.Change) []process.Member {
	at := -1
	for i, m := range members {
		if m.ID == change.Member.ID {
			at = i
		}
	}
	switch {
	case change.Kind == "ConfChangeRemoveNode" && at >= 0:
		return append(members[:at], members[at+1:]...)
	case change.Kind == "ConfChangeRemoveNode":
	case at < 0:
		m := change.Member
		m.Learner = change.Kind == "ConfChangeAddLearnerNode"
		return append(members, m)
	case change.Kind == "ConfChangeAddNode":
		members[at].Learner = false
	case change.Kind == "ConfChangeUpdateNode" && len(change.Member.PeerURLs) > 0:
		members[at].PeerURLs = change.Member.PeerURLs
	}
	return members
}

// refs puts etcd's members into decide's words. A member that has not started
// yet has no name in etcd; ours has one all the same.
func refs(members []process.Member, own uint64, name string) decide.List {
	list := make(decide.List, 0, len(members))
	for _, m := range members {
		ref := decide.MemberRef{ID: m.ID, Name: m.Name, PeerURL: first(m.PeerURLs), ClientURL: first(m.ClientURLs), Learner: m.Learner}
		if ref.Name == "" && m.ID == own {
			ref.Name = name
		}
		list = append(list, ref)
	}
	return list
}

func first(urls []string) string {
	if len(urls) == 0 {
		return ""
	}
	return urls[0]
}
