package incident

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
