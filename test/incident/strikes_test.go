package incident

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/backup"
	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/local/localtest"
	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/testenv"
)

// mode is what a proxy does, made anew for each use.
type mode = func() testenv.Mode

var (
	pass      = testenv.Pass
	blackHole = testenv.BlackHole
	forbidden = func() testenv.Mode { return testenv.Status(403) }
	broken    = func() testenv.Mode { return testenv.Status(500) }
	slow      = func() testenv.Mode { return testenv.Slow(localtest.Interval / 2) }
)

// foreignRecord is another cluster's record, of members with these names.
func (s *stage) foreignRecord(members ...string) string {
	content, there := s.control.get(s.t, record.RecordKey)
	if !there {
		s.fatalf("there is no record")
	}
	r, err := record.ParseRecord([]byte(content))
	if err != nil {
		s.fatalf("the record: %v", err)
	}
	r.Identity.Lineage, r.Identity.Birth, r.Nonce, r.Serial = record.NewLineage(), record.NewNonce(), record.NewNonce(), 7
	r.ClusterID = "f0f0f0f0"
	r.Members = nil
	for i, name := range members {
		r.Members = append(r.Members, decide.MemberRef{ID: uint64(0xf000 + i), Name: name, PeerURL: fmt.Sprintf("https://192.0.2.%d:2380", i+1)})
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// foreign puts another cluster's record in the place of ours. With everybody
// up a person adopts what is whole; else she puts the right record back.
func foreign(members ...string) func(*stage) blow {
	return func(s *stage) blow {
		right, _ := s.control.get(s.t, record.RecordKey)
		other := s.foreignRecord(members...)
		s.control.put(s.t, record.RecordKey, other)
		mend := func() {
			s.adopt(slices.DeleteFunc(slices.Clone(members), func(m string) bool { return slices.Contains(names, m) }))
		}
		if s.held != nil {
			mend = func() { s.control.put(s.t, record.RecordKey, right) }
		}
		return blow{mend: mend, untouched: func() string {
			if now, _ := s.control.get(s.t, record.RecordKey); now != other {
				return "the other cluster's record was written over"
			}
			return ""
		}}
	}
}

// adopt approves what is whole, as a person would: she gives her word first
// for members that only the other cluster's record names. Until all agents
// answer again after a death it is refused.
func (s *stage) adopt(strangers []string) {
	s.t.Helper()
	for _, name := range strangers {
		s.waitTelling(func() string {
			code, out := s.command("etcd", "attest", "lost", name, "--by", "test", "--yes")
			if code != 0 {
				return "the word for " + name + " is taken: " + out
			}
			return ""
		})
	}
	source := fmt.Sprintf("%s/%d", s.identity.Lineage, s.identity.Generation)
	s.waitTelling(func() string {
		code, out := s.command("etcd", "approve", "adopt", "--source", source, "--by", "test", "--yes", "--wait", "1m")
		if code != 0 {
			return "the adoption is approved: " + out
		}
		return ""
	})
}

// replace puts another cluster's place where ours was: its mark, its record, a
// folder of it. A new backup has just been taken, so that none is on its way.
func (s *stage) replace(p place, kind store.Kind) blow {
	other, theirs := p.beside(), map[string]string{
		store.MarkKey:                        string(store.NewMark(kind, "other", time.Now()).Encode()),
		record.RecordKey:                     s.foreignRecord("x", "y", "z"),
		"2026-01-01T00:00:00Z-000001/notes":  "not ours",
		"control/etcd-cluster-somebody-else": "not ours",
	}
	empty(s.t, other)
	fill(s.t, other, theirs)
	backups := s.backups()
	s.wait("there is a new backup", func() bool { return len(newNames(backups, s.backups())) > 0 })
	p.exchange(s.t, other)
	exchanged := time.Now()
	return blow{
		mend:      func() { p.exchange(s.t, other) },
		untouched: func() string { return difference(onItsWay(contents(s.t, p), exchanged), theirs) },
	}
}

// onItsWay leaves out what a backup leaves that was begun before the place was
// exchanged: its claim and its catalogue entry, since between the last look at
// the place and each of those writes no store allows a condition over two
// objects, and a machine may pause there; and the empty lock of the driver for
// files, which is taken before a write is refused. A claim that the other cluster
// had there is not left out: if it is written over, it is missed.
func onItsWay(now map[string]string, exchanged time.Time) map[string]string {
	if now[lockKey] == "" {
		delete(now, lockKey)
	}
	var claim backup.Claim
	if json.Unmarshal([]byte(now[backup.ClaimKey]), &claim) == nil && claim.Started.Before(exchanged) {
		delete(now, backup.ClaimKey)
	}
	for key := range now {
		name, is := managerfiles.ListedAs(key)
		if taken, _, err := managerfiles.ParseName(name); is && err == nil && taken.Before(exchanged) {
			delete(now, key)
		}
	}
	return now
}

// lockKey is what the driver for files locks in the root of a store.
const lockKey = ".seedproof-lock"

// difference says what was written to a place that is not ours.
func difference(now, before map[string]string) string {
	for _, key := range slices.Sorted(maps.Keys(now)) {
		if content, there := before[key]; !there || content != now[key] {
			return key + " was written"
		}
	}
	for _, key := range slices.Sorted(maps.Keys(before)) {
		if _, there := now[key]; !there {
			return key + " was removed"
		}
	}
	return ""
}

func vanish(s *stage) blow {
	s.control.vanish(s.t)
	if s.driver == onFiles {
		s.control.comeBack(s.t) // for good
		return blow{}
	}
	return blow{mend: func() { s.control.comeBack(s.t) }}
}

// wrongPrefix runs `up` again with another control store. The cluster keeps to
// the one that it remembers.
func wrongPrefix(s *stage) blow {
	right, o := s.c, s.o
	var wrong place
	switch p := s.control.(type) {
	case dirPlace:
		wrong = dirPlace{p.dir + "-wrong"}
		o.ControlStore += "-wrong"
	case s3Place:
		wrong = s3Place{p.server, p.bucket, p.prefix + "-wrong"}
		o.ControlStore = strings.Replace(o.ControlStore, p.prefix, p.prefix+"-wrong", 1)
	}
	s.rerun(false, func() { s.c = localtest.New(s.t, o) })
	return blow{
		mend: func() { s.rerun(false, func() { s.c = right }) },
		untouched: func() string {
			if keys := wrong.keys(s.t); len(keys) > 0 {
				return fmt.Sprintf("%q were written to the store that nobody remembers", keys)
			}
			return ""
		},
	}
}
