package incident

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
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
// it cannot list its directories. What is shown here fits in between.
const (
	etcdLists = 30 * time.Second
	calm      = 15 * time.Second // before the next time
)

func (s *stage) listsSoon(name string) bool {
	for _, pid := range s.processes(name, "etcd") {
		if phase := age(s.t, pid) % etcdLists; phase < time.Second || phase > etcdLists-calm {
			return true
		}
	}
	return false
}

// age is how long a process has been running.
func age(t testing.TB, pid int) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0 // it has ended
	}
	_, fields, _ := strings.Cut(string(stat), ") ") // after the program's name
	started, err := strconv.ParseInt(strings.Fields(fields)[19], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		t.Fatal(err)
	}
	return time.Duration(now.Nano()) - time.Duration(started)*(time.Second/100) // in hundredths, everywhere
}
