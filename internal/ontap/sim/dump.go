package sim

import (
	"fmt"
	"strings"
	"time"
)

// Dump is what the array holds, for tests that look at it from above. It holds
// no password and no hash of one.
type Dump struct{ Clusters []ClusterDump }

// ClusterDump is one cluster of a Dump.
type ClusterDump struct {
	Name, UUID string
	SVMs       []SVMDump
	Jobs       []string // those that are still at work
}

// SVMDump is one SVM with what belongs to it.
type SVMDump struct {
	Name, UUID, State, Subtype, Comment string
	Partner                             string // uuid of the twin
	NVMe                                bool
	StorageLimit                        int64
	LIFs                                []LIFDump
	Accounts                            []AccountDump
	Routes                              []string // "DESTINATION/BITS via GATEWAY"
	Volumes                             []string // all but the root volume
	Recovery                            int
}

// LIFDump is one interface.
type LIFDump struct {
	Name, UUID, Address, Policy, Node string
	Bits                              int
	Enabled, Up, IsHome               bool
}

// AccountDump is one account.
type AccountDump struct {
	Name, Role, Comment string
	Locked, HasPassword bool
	LockedUntil         time.Time
}

// Dump shows all that the array holds now.
func (s *Simulator) Dump() Dump {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.settle()
	var d Dump
	for _, st := range s.world.Sites {
		cd := ClusterDump{Name: st.Name, UUID: st.UUID}
		for _, v := range st.SVMs {
			cd.SVMs = append(cd.SVMs, s.dumpSVM(st, v, now))
		}
		for _, j := range st.Jobs {
			if !j.Done {
				cd.Jobs = append(cd.Jobs, j.String())
			}
		}
		d.Clusters = append(d.Clusters, cd)
	}
	return d
}

func (s *Simulator) dumpSVM(st *site, v *svm, now time.Time) SVMDump {
	out := SVMDump{
		Name: v.Name, UUID: v.UUID, State: s.stateOf(v, now), Subtype: v.Subtype, Comment: v.Comment, Partner: v.Partner,
		NVMe: v.serves("nvme", now), StorageLimit: v.StorageLimit, Recovery: len(v.Recovery),
	}
	for _, l := range st.LIFs {
		if l.SVM == v.UUID {
			out.LIFs = append(out.LIFs, LIFDump{
				Name: l.Name, UUID: l.UUID, Address: l.Address, Policy: l.Policy, Node: l.Node, Bits: l.Bits,
				Enabled: l.Enabled, Up: s.isUp(st, l, now), IsHome: l.Node == l.HomeNode,
			})
		}
	}
	for _, a := range st.Accounts {
		if a.Owner == v.UUID {
			out.Accounts = append(out.Accounts, AccountDump{
				Name: a.Name, Role: a.Role, Comment: a.Comment, Locked: a.locked(now), HasPassword: a.Hash != nil, LockedUntil: a.LockedUntil,
			})
		}
	}
	for _, r := range st.Routes {
		if r.SVM == v.UUID {
			out.Routes = append(out.Routes, fmt.Sprintf("%s/%d via %s", r.Destination, r.Bits, r.Gateway))
		}
	}
	for _, vol := range st.Volumes {
		if vol.SVM == v.UUID && !vol.Root {
			out.Volumes = append(out.Volumes, vol.Name)
		}
	}
	return out
}

// Find gives the SVM of that name or uuid on any cluster.
func (d Dump) Find(name string) (SVMDump, bool) {
	for _, c := range d.Clusters {
		for _, v := range c.SVMs {
			if v.Name == name || v.UUID == name {
				return v, true
			}
		}
	}
	return SVMDump{}, false
}

// Check says whether a password is that of an account of an SVM (name or uuid;
// "": of the first cluster). It is no login: nothing is counted, locks do not
// matter.
func (s *Simulator) Check(svmName, user, password string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	for _, st := range s.world.Sites {
		owner := ""
		if svmName != "" {
			v := find(st.SVMs, func(v *svm) bool { return v.Name == svmName || strings.EqualFold(v.UUID, svmName) })
			if v == nil {
				continue
			}
			owner = v.UUID
		}
		a := st.account(owner, user)
		return a != nil && a.Hash != nil && a.Hash.fits(password)
	}
	return false
}
