package sim

import (
	"errors"
	"fmt"
	"slices"
)

// errNoSuch is the answer of the calls below to a name that nothing bears.
var errNoSuch = errors.New("no such object")

// with runs one change from above the API, at the present of the array.
func (s *Simulator) with(change func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	if err := change(); err != nil {
		return err
	}
	s.dirty = true
	s.settle()
	s.bindLIFs()
	return s.save()
}

func (s *Simulator) withSVM(name string, change func(*site, *svm) error) error {
	return s.with(func() error {
		for _, st := range s.world.Sites {
			for _, v := range st.SVMs {
				if v.Name == name || v.UUID == name {
					return change(st, v)
				}
			}
		}
		return fmt.Errorf("SVM %q: %w", name, errNoSuch)
	})
}

// SetSVMState shows an SVM (name or uuid, on any cluster) in that state, whatever
// it does; "" ends that. A PATCH of its state ends it too.
func (s *Simulator) SetSVMState(name, state string) error {
	return s.withSVM(name, func(_ *site, v *svm) error {
		states := []string{"", "starting", "running", "stopping", "stopped", "deleting", "initializing"}
		if !slices.Contains(states, state) {
			return fmt.Errorf("SVM %q: unknown state %q", name, state)
		}
		v.Forced = state
		return nil
	})
}

// LockSVM has every change of an SVM's configuration refused (2621576), or ends
// that.
func (s *Simulator) LockSVM(name string, locked bool) error {
	return s.withSVM(name, func(_ *site, v *svm) error {
		v.Locked = locked
		return nil
	})
}

// ReplaceCertificate gives an SVM a new certificate, as an administrator would.
func (s *Simulator) ReplaceCertificate(name string) error {
	return s.withSVM(name, func(_ *site, v *svm) error {
		keys, err := newKeyPair(v.Name)
		if err != nil {
			return err
		}
		v.Keys, v.CertUUID = keys, newUUID()
		return nil
	})
}

// StopWithoutSwitchover is a cluster that reboots: its source SVMs come up
// stopped, and nobody else serves them.
func (s *Simulator) StopWithoutSwitchover(cluster int) error {
	return s.withSite(cluster, func(st *site) error {
		for _, v := range st.SVMs {
			v.Stopped = true
		}
		return nil
	})
}

// FillVolume sets how much of a volume is used, in bytes.
func (s *Simulator) FillVolume(svmName, volumeName string, used int64) error {
	return s.withSVM(svmName, func(st *site, v *svm) error {
		vol := find(st.Volumes, func(x *volume) bool { return x.SVM == v.UUID && x.Name == volumeName })
		if vol == nil {
			return fmt.Errorf("volume %q of SVM %q: %w", volumeName, svmName, errNoSuch)
		}
		vol.Used = used
		return nil
	})
}

// Relate gives an SVM a SnapMirror relationship, as its source.
func (s *Simulator) Relate(svmName, destination string) error {
	return s.withSVM(svmName, func(st *site, v *svm) error {
		st.Relations = append(st.Relations, &relation{object: s.world.newObject(), Source: v.Name + ":", Destination: destination, SVM: v.UUID})
		return nil
	})
}

// Unrelate removes the SnapMirror relationships of an SVM.
func (s *Simulator) Unrelate(svmName string) error {
	return s.withSVM(svmName, func(st *site, v *svm) error {
		st.Relations = slices.DeleteFunc(st.Relations, func(r *relation) bool { return r.SVM == v.UUID })
		return nil
	})
}

func (s *Simulator) withSite(cluster int, change func(*site) error) error {
	return s.with(func() error {
		if cluster < 0 || cluster >= len(s.world.Sites) {
			return fmt.Errorf("cluster %d: %w", cluster, errNoSuch)
		}
		return change(s.world.Sites[cluster])
	})
}

// SetLicensed gives or takes the licence of a package, such as nvme_of.
func (s *Simulator) SetLicensed(cluster int, name string, licensed bool) error {
	return s.withSite(cluster, func(st *site) error {
		l := find(st.Licenses, func(l *license) bool { return l.Name == name })
		if l == nil {
			return fmt.Errorf("licence %q: %w", name, errNoSuch)
		}
		l.Licensed = licensed
		return nil
	})
}

// SetPeersUp brings all BGP sessions of a cluster up or down.
func (s *Simulator) SetPeersUp(cluster int, up bool) error {
	return s.withSite(cluster, func(st *site) error {
		for _, p := range st.Peers {
			p.Down = !up
		}
		return nil
	})
}

// SetPort brings a port of a node up or down.
func (s *Simulator) SetPort(cluster int, node, name string, up bool) error {
	return s.withSite(cluster, func(st *site) error {
		p := st.portByName(node, name)
		if p == nil {
			return fmt.Errorf("port %s of node %s: %w", name, node, errNoSuch)
		}
		p.Down = !up
		return nil
	})
}

// Takeover has a node's partner take it over: its LIFs move there, save those
// for NVMe, which go down with their port.
func (s *Simulator) Takeover(cluster int, name string) error {
	return s.withSite(cluster, func(st *site) error {
		n := st.nodeByName(name)
		if n == nil {
			return fmt.Errorf("node %q: %w", name, errNoSuch)
		}
		partner := st.nodeByName(n.Partner)
		if !partner.up() {
			return fmt.Errorf("node %q: its partner %q is not up", name, n.Partner)
		}
		n.State = "taken_over"
		for _, l := range st.LIFs {
			if l.Node == name && !st.isNVMe(l) {
				l.Node = partner.Name
			}
		}
		for _, a := range st.Aggregates {
			if a.Node == name {
				a.Node = partner.Name
			}
		}
		return nil
	})
}

// Giveback ends a takeover: what is the node's own returns to it.
func (s *Simulator) Giveback(cluster int, name string) error {
	return s.withSite(cluster, func(st *site) error {
		n := st.nodeByName(name)
		if n == nil {
			return fmt.Errorf("node %q: %w", name, errNoSuch)
		}
		n.State = "up"
		for _, l := range st.LIFs {
			if l.HomeNode == name && l.AutoRevert {
				l.Node, l.Port = l.HomeNode, l.HomePort
			}
		}
		for _, a := range st.Aggregates {
			if a.Home == name {
				a.Node = name
			}
		}
		return nil
	})
}

// SetNodeState shows a node in a state, such as "down" or "booting".
func (s *Simulator) SetNodeState(cluster int, name, state string) error {
	return s.withSite(cluster, func(st *site) error {
		n := st.nodeByName(name)
		if n == nil {
			return fmt.Errorf("node %q: %w", name, errNoSuch)
		}
		n.State = state
		return nil
	})
}

// SetUnreachable cuts a cluster off from its partner and from every client, or
// ends that. What it serves it goes on serving, for nobody.
func (s *Simulator) SetUnreachable(cluster int, cut bool) error {
	return s.withSite(cluster, func(st *site) error {
		st.Unreachable = cut
		return nil
	})
}

// Switchover lets the surviving cluster serve for both.
func (s *Simulator) Switchover(survivor int) error {
	return s.switchTo(survivor, "switchover")
}

// Switchback gives the other cluster its own back. Both must be reachable.
func (s *Simulator) Switchback() error {
	s.mu.Lock()
	s.settle()
	survivor := s.world.Survivor - 1
	s.mu.Unlock()
	if survivor < 0 {
		return errors.New("switchback: nothing is switched over")
	}
	return s.switchTo(survivor, "switchback")
}

func (s *Simulator) switchTo(cluster int, action string) error {
	return s.withSite(cluster, func(st *site) error {
		if s.partner(st) == nil {
			return fmt.Errorf("%s: there is no MetroCluster", action)
		}
		if no := s.runSwitch(st, action); no != nil {
			return fmt.Errorf("%s: %w", action, no)
		}
		return nil
	})
}

// NodeNames are the names of a cluster's nodes.
func (s *Simulator) NodeNames(cluster int) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, n := range s.world.Sites[cluster].Nodes {
		names = append(names, n.Name)
	}
	return names
}

// AggregateNames are the names of a cluster's data aggregates.
func (s *Simulator) AggregateNames(cluster int) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, a := range s.world.Sites[cluster].Aggregates {
		if !a.Root {
			names = append(names, a.Name)
		}
	}
	return names
}

// SetDoubts changes the doubts while the array runs.
func (s *Simulator) SetDoubts(d Doubts) {
	s.doubts.Store(&d)
}

func (s *Simulator) doubt() Doubts { return *s.doubts.Load() }
