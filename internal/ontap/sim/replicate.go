package sim

import (
	"maps"
	"slices"
	"time"
)

// replicateDue brings twins up to date, where both sites see each other and
// neither serves for both.
func (s *Simulator) replicateDue(now time.Time) {
	if s.world.Survivor != 0 {
		return
	}
	for _, st := range s.world.Sites {
		p := s.partner(st)
		if p == nil || !s.joined(st) {
			continue
		}
		for _, v := range slices.Clone(st.SVMs) {
			if v.DeletedHot { // its other half went while nobody could tell it
				st.drop(v)
				s.dirty = true
			}
		}
		for _, v := range st.SVMs {
			if v.Dirty && v.Subtype == "sync_source" && !now.Before(v.Replicate) {
				s.replicate(st, v, p, now)
			}
		}
	}
}

func (s *Simulator) replicate(st *site, v *svm, p *site, now time.Time) {
	twin := p.svmByID(v.Partner)
	if twin == nil {
		twin = &svm{object: s.world.newObject(), Subtype: "sync_destination", Stopped: true, Born: now.Add(-24 * time.Hour), Partner: v.UUID, CertUUID: newUUID()}
		keys, err := newKeyPair(twinName(v.Name))
		if err != nil {
			s.opts.Log.Error("no certificate for a twin", "svm", v.Name, "error", err)
			return
		}
		if twin.Keys = keys; s.doubt().TwinSharesCertificate {
			twin.Keys = v.Keys
		}
		v.Partner = twin.UUID
		p.SVMs = append(p.SVMs, twin)
	}
	s.copyTo(st, v, p, twin)
	v.Dirty = false
	s.dirty = true
}

// copyTo makes one half of a pair, with all that is its own, like the other.
// Identities stay as they are.
func (s *Simulator) copyTo(from *site, a *svm, to *site, b *svm) {
	kept := *b
	*b = *a
	b.object, b.Subtype, b.Partner, b.Keys, b.CertUUID = kept.object, kept.Subtype, kept.Partner, kept.Keys, kept.CertUUID
	b.Name, b.Stopped, b.Born, b.Forced, b.Pending = kept.Name, kept.Stopped, kept.Born, kept.Forced, ""
	b.Dirty, b.Stuck, b.Deleting, b.DeletedHot = false, false, false, false
	if b.Subtype == "sync_destination" {
		b.Name = twinName(a.Name)
	}
	b.Allowed, b.Services = maps.Clone(a.Allowed), map[string]*service{}
	for p, sv := range a.Services {
		same := *sv
		b.Services[p] = &same
	}
	b.Aggregates, b.Recovery = slices.Clone(a.Aggregates), slices.Clone(a.Recovery)
	s.copyLIFs(from, a, to, b)
	s.copyRoutes(from, a, to, b)
	s.copyAccounts(from, a, to, b)
}

func (s *Simulator) copyLIFs(from *site, a *svm, to *site, b *svm) {
	old := map[string]*lif{}
	to.LIFs = slices.DeleteFunc(to.LIFs, func(l *lif) bool {
		if l.SVM == b.UUID {
			old[l.Name] = l
		}
		return l.SVM == b.UUID
	})
	for _, l := range from.LIFs {
		if l.SVM != a.UUID {
			continue
		}
		same := *l
		same.SVM = b.UUID
		if o := old[l.Name]; o != nil {
			same.object = o.object
		} else {
			same.object = s.world.newObject()
		}
		same.HomeNode, same.Node = opposite(from, to, l.HomeNode), opposite(from, to, l.HomeNode)
		same.Port = same.HomePort
		to.LIFs = append(to.LIFs, &same)
	}
	slices.SortFunc(to.LIFs, func(x, y *lif) int { return int(int64(x.Seq) - int64(y.Seq)) })
}

// opposite is the DR partner of a node.
func opposite(from, to *site, name string) string {
	for i, n := range from.Nodes {
		if n.Name == name && i < len(to.Nodes) {
			return to.Nodes[i].Name
		}
	}
	return to.Nodes[0].Name
}

func (s *Simulator) copyRoutes(from *site, a *svm, to *site, b *svm) {
	key := func(r *route) string { return r.Destination + "/" + itoa(r.Bits) + " " + r.Gateway }
	old := map[string]*route{}
	to.Routes = slices.DeleteFunc(to.Routes, func(r *route) bool {
		if r.SVM == b.UUID {
			old[key(r)] = r
		}
		return r.SVM == b.UUID
	})
	for _, r := range from.Routes {
		if r.SVM != a.UUID {
			continue
		}
		same := *r
		same.SVM = b.UUID
		if o := old[key(r)]; o != nil {
			same.object = o.object
		} else {
			same.object = s.world.newObject()
		}
		to.Routes = append(to.Routes, &same)
	}
	slices.SortFunc(to.Routes, func(x, y *route) int { return int(int64(x.Seq) - int64(y.Seq)) })
}

func (s *Simulator) copyAccounts(from *site, a *svm, to *site, b *svm) {
	old := map[string]*account{}
	to.Accounts = slices.DeleteFunc(to.Accounts, func(x *account) bool {
		if x.Owner == b.UUID {
			old[x.Name] = x
		}
		return x.Owner == b.UUID
	})
	for _, x := range from.Accounts {
		if x.Owner != a.UUID {
			continue
		}
		same := *x
		same.Owner = b.UUID
		if o := old[x.Name]; o != nil {
			same.object = o.object
			if s.doubt().TwinLockSeparate {
				same.Failures, same.LockedUntil = o.Failures, o.LockedUntil
			}
		} else {
			same.object = s.world.newObject()
		}
		to.Accounts = append(to.Accounts, &same)
	}
	slices.SortFunc(to.Accounts, func(x, y *account) int { return int(int64(x.Seq) - int64(y.Seq)) })
}

// twinAccount is the same account on the other half of its SVM's pair.
func (s *Simulator) twinAccount(st *site, a *account) *account {
	p, v := s.partner(st), st.svmByID(a.Owner)
	if p == nil || v == nil || v.Partner == "" {
		return nil
	}
	return p.account(v.Partner, a.Name)
}

// dropTwin takes away the other half with its SVM: at once where both sites see
// each other, at the switchback where the survivor deletes what is the other's.
func (s *Simulator) dropTwin(st *site, v *svm) {
	p := s.partner(st)
	if p == nil || v.Partner == "" {
		return
	}
	other := p.svmByID(v.Partner)
	switch {
	case other == nil:
	case s.world.Survivor == 0 && s.joined(st):
		p.drop(other)
	default:
		other.DeletedHot = true
	}
}
