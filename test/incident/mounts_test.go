package incident

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// mountForms: what lies on a filesystem of its own is unmounted.
func mountForms() []form {
	unproven := always("Unproven", "Make the control store answer")
	return []form{
		{name: "store unmounted", why: "an NFS server went away", driver: onFiles, mounts: true, want: unproven,
			strike: func(s *stage) blow {
				s.controlVolume.unmountLazily()
				return s.remounts(s.controlVolume)
			}},
		{name: "store unmounted while stopped", why: "after a reboot a mount is missing", driver: onFiles, mounts: true, want: unproven, restart: true,
			strike: func(s *stage) blow {
				s.rerun(true, s.controlVolume.unmountLazily)
				return s.remounts(s.controlVolume)
			}},
		{name: "data volume of one unmounted", why: "a volume was detached: a lost disk looks the same", mounts: true,
			strike: func(s *stage) blow { return s.unmountData("b") }, victim: memberB,
			want: func(r row) want {
				if r.kill == killAll && r.down {
					return want{"Unproven", "seedproof etcd attest lost b"}
				}
				if r.kill == killNobody {
					return want{"Intact", ""}
				}
				return want{"Intact", "seedproof etcd attest lost b"}
			},
			serves: func(r row) bool { return r.kill != killAll || !r.down }},
		{name: "data volumes of all unmounted", why: "the storage system is gone", mounts: true,
			strike: func(s *stage) blow { return s.unmountData(s.up()...) }, victim: memberB,
			want: func(r row) want {
				switch r.kill {
				case killAll:
					return want{"Unproven", "seedproof etcd attest lost a"}
				case killAgent:
					return want{"Intact", "seedproof etcd attest lost b"}
				}
				return want{"Intact", ""}
			},
			serves: func(r row) bool { return r.kill != killAll }},
	}
}

func memberB(*stage) string { return "b" }

// unmountData unmounts the data volumes of members, under their running etcds.
func (s *stage) unmountData(members ...string) blow {
	var volumes []*volume
	s.wait("no etcd is about to list its directories", func() bool {
		return !slices.ContainsFunc(members, func(name string) bool { return s.listsSoon(name) })
	})
	for _, name := range members {
		s.data[name].unmountLazily()
		volumes = append(volumes, s.data[name])
	}
	return s.remounts(volumes...)
}

// remounts: nothing may be written under the mount point, and then the volume
// comes back.
func (s *stage) remounts(volumes ...*volume) blow {
	return blow{
		mend: func() {
			for _, v := range volumes {
				v.mount()
			}
		},
		untouched: func() string {
			for _, v := range volumes {
				if found := v.underneath(); len(found) > 0 {
					return found[0] + " was written under the mount point"
				}
			}
			return ""
		},
	}
}

// etcd looks for old files every 30 s from its start on, and ends itself when
// it cannot list its directories: no volume is missed for longer than that.
// What is shown here fits in between.
const (
	etcdLists = 30 * time.Second
	calm      = 18 * time.Second // before the next time
)

// listsSoon goes by what etcd logs when that begins.
func (s *stage) listsSoon(name string) bool {
	text, err := os.ReadFile(filepath.Join(s.o.Dir, "members", name, "state", "etcd.log"))
	if err != nil {
		s.t.Fatal(err)
	}
	at := bytes.LastIndex(text, []byte(`"msg":"starting etcd server"`))
	if at < 0 {
		s.fatalf("etcd's log does not tell of its start")
	}
	line, _, _ := bytes.Cut(text[bytes.LastIndexByte(text[:at], '\n')+1:], []byte("\n"))
	var entry struct {
		TS time.Time `json:"ts"`
	}
	if err := json.Unmarshal(line, &entry); err != nil {
		s.fatalf("etcd's log: %v in %s", err, line)
	}
	phase := time.Since(entry.TS) % etcdLists
	return phase < time.Second || phase > etcdLists-calm
}
