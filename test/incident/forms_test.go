package incident

import (
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/store"
)

// form is one form of the incident.
type form struct {
	name string
	// why somebody's cluster may come into it.
	why     string
	driver  string // the only one that has it; empty: both
	mounts  bool   // needs root
	strike  func(*stage) blow
	want    func(row) want      // zero: it mends itself and is Intact
	healed  func(*stage) string // what is still missing of what it puts back, or ""
	victim  func(*stage) string // whose agent dies; nil: the leader's
	serves  func(row) bool      // nil: it always serves
	lost    bool                // the record is lost: the passes until it is back are counted
	lasts   bool                // for 30 intervals
	restart bool                // the strike itself stops etcds
	silent  bool                // no backup can be taken: its store is not to be written to
}

// blow is what a strike leaves behind.
type blow struct {
	mend      func()        // nil: the cluster mends itself
	untouched func() string // what was written where nothing may be, or ""
}

// want is what the status says meanwhile: the state and what to type.
type want struct{ state, advice string }

func always(state, advice string) func(row) want {
	return func(row) want { return want{state, advice} }
}

// forms are all of them: the files of etcd-manager, the record and its place,
// the store's silence, and what is mounted.
func forms() []form { return slices.Concat(fileForms(), recordForms(), silentForms(), mountForms()) }

func fileForms() []form {
	remove := func(keys ...string) func(*stage) blow {
		return func(s *stage) blow {
			for _, key := range keys {
				s.backup.remove(s.t, key)
			}
			return blow{}
		}
	}
	back := func(s *stage) string {
		for _, key := range []string{managerfiles.CreatedKey, managerfiles.SpecKey} {
			if !has(s.t, s.backup, key) {
				return key + " is there again"
			}
		}
		return ""
	}
	return []form{
		{name: "created marker deleted", why: "a lifecycle rule took it; a stock etcd-manager would wipe the cluster within 10 s",
			strike: remove(managerfiles.CreatedKey), healed: back},
		{name: "spec deleted", why: "a lifecycle rule took it", strike: remove(managerfiles.SpecKey), healed: back},
		{name: "marker and spec deleted", why: "kops 16416, the first half", strike: remove(managerfiles.CreatedKey, managerfiles.SpecKey), healed: back},
		{name: "marker and spec deleted, spec written again", why: "kops 16416 to its end: an update wrote the spec anew", healed: back,
			strike: func(s *stage) blow {
				spec, _ := s.backup.get(s.t, managerfiles.SpecKey)
				remove(managerfiles.CreatedKey, managerfiles.SpecKey)(s)
				s.backup.put(s.t, managerfiles.SpecKey, spec)
				return blow{}
			}},
	}
}

// recordBack: the record is in its place and is the cluster's.
func recordBack(s *stage) string {
	content, there := s.control.get(s.t, record.RecordKey)
	if !there {
		return "the record is there again"
	}
	if r, err := record.ParseRecord([]byte(content)); err != nil || r.Identity != s.identity {
		return "the record is the cluster's again"
	}
	return ""
}

func recordForms() []form {
	write := func(change func(content string) string) func(*stage) blow {
		return func(s *stage) blow {
			content, _ := s.control.get(s.t, record.RecordKey)
			s.control.put(s.t, record.RecordKey, change(content))
			return blow{}
		}
	}
	lost := func(name, why string, strike func(*stage) blow) form {
		return form{name: name, why: why, strike: strike, healed: recordBack, lost: true}
	}
	adopt := always("Conflicting", "seedproof etcd approve adopt --source ")
	return []form{
		lost("record deleted", "somebody cleaned up", func(s *stage) blow {
			s.control.remove(s.t, record.RecordKey)
			return blow{}
		}),
		lost("control store emptied", "the whole prefix was cleaned up, its mark and the lease too", func(s *stage) blow {
			empty(s.t, s.control)
			return blow{}
		}),
		lost("control store and backups emptied", "a rule for the whole bucket: only the members and the agents' memories are left", func(s *stage) blow {
			empty(s.t, s.control)
			empty(s.t, s.backup)
			return blow{}
		}),
		lost("record empty", "a full disk, a broken writer", write(func(string) string { return "" })),
		lost("record truncated", "half of an upload", write(func(c string) string { return c[:len(c)/2] })),
		lost("record not JSON", "somebody's redirect page", write(func(string) string { return "<html>moved</html>" })),
		{name: "record of another cluster", why: "two clusters' stores were mixed up", want: adopt, strike: foreign("x", "y", "z")},
		{name: "record of another cluster, same member names", why: "all clusters call their members a, b, c", want: adopt, strike: foreign(names...)},
		{name: "control store replaced by another cluster's", why: "another bucket was mounted or restored under this name",
			want:   always("Unproven", "Make the control store answer"),
			strike: func(s *stage) blow { return s.replace(s.control, store.ControlStore) }},
		{name: "backup store replaced by another cluster's", why: "backups must not mix with another cluster's", silent: true, lasts: true, healed: tellsOther,
			strike: func(s *stage) blow { return s.replace(s.backup, store.BackupStore) }},
	}
}

// tellsOther: the status says that the backup store is another place.
func tellsOther(s *stage) string {
	r, _ := s.c.Newest()
	other := slices.ContainsFunc(r.Stores, func(st controller.StoreReport) bool {
		return st.Kind == string(store.BackupStore) && st.State == store.PlaceOther.String() && st.Why != ""
	})
	if !other || !strings.Contains(strings.Join(r.Advice, "\n"), "Make the backup store answer") {
		return "the status says that the backup store is another place, and what to do"
	}
	return ""
}

// silentForms: the store does not answer, or not as it should.
func silentForms() []form {
	control := func(mode mode) func(*stage) blow {
		return func(s *stage) blow {
			s.controlProxy.Set(mode())
			return blow{mend: func() { s.controlProxy.Set(pass()) }}
		}
	}
	unproven := always("Unproven", "Make the control store answer")
	silent := func(name, why string, strike func(*stage) blow) form {
		return form{name: name, why: why, driver: onS3, strike: strike, want: unproven, lasts: true}
	}
	both := silent("both stores silent", "the network to the stores is gone", func(s *stage) blow {
		s.controlProxy.Set(blackHole())
		s.backupProxy.Set(blackHole())
		return blow{mend: func() { s.controlProxy.Set(pass()); s.backupProxy.Set(pass()) }}
	})
	both.silent = true
	slow := silent("control store slow", "a throttled bucket still answers", control(slow))
	slow.want = nil
	return []form{
		silent("control store answers 403", "a policy was changed; some stores say so of what is missing", control(forbidden)),
		silent("control store answers 500", "an outage", control(broken)),
		silent("control store does not answer", "a firewall rule", control(blackHole)),
		slow, both,
		{name: "bucket missing", why: "the bucket was deleted: no answer about what was in it", driver: onS3, want: unproven, strike: vanish},
		{name: "directory removed", why: "the right filesystem without the directory: it was emptied", driver: onFiles,
			strike: vanish, healed: recordBack, lost: true},
		{name: "wrong prefix", why: "up is run again with another --control-store", strike: wrongPrefix,
			healed: func(s *stage) string {
				r, ok := s.c.Newest()
				if !ok || !strings.Contains(strings.Join(r.Troubles, "\n"), "seedproof etcd move-store") {
					return "the status says that a store is moved with move-store"
				}
				return ""
			}},
	}
}
