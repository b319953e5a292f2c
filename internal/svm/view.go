package svm

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/credential"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// Wish is what is wanted of one SVM now.
type Wish struct {
	spec.StorageVM
	// Gone: nobody asks for it any more.
	Gone bool
	// Rotate names, by shoot, the pair that a person wants replaced, whatever its
	// age. See ActivePairs. Once another one is active it asks for nothing.
	Rotate map[string]decide.SeenPair
}

// view is one look at everything that is known of an SVM, and what follows.
// It is never changed; after an act a new one is taken.
type view struct {
	at       time.Time
	record   seed.Record
	claim    seed.Claim
	words    seed.Words
	wordsErr error
	evidence decide.Evidence
	decision decide.Decision
	facts    look.Facts
	secrets  map[string]seed.Secret         // by shoot
	left     map[seed.SecretRef]seed.Secret // of shoots that left
}

// subject is one SVM during one reconcile.
type subject struct {
	r    *Reconciler
	want Wish
	name string
	from source
	seen *view // nil: everything has to be looked at
}

func (r *Reconciler) subject(want Wish) *subject {
	return &subject{r: r, want: want, name: want.Spec.SVMName, from: fresh{r}}
}

// forget makes the next look a real one.
func (s *subject) forget() { s.seen = nil }

// look is the view of this moment, or the one that was taken since the last act.
func (s *subject) look(ctx context.Context) (*view, error) {
	if s.seen != nil {
		return s.seen, nil
	}
	v := s.witnesses(ctx)
	guards := decide.Guards{}
	v.decision = decide.Next(v.evidence, s.desired(v, guards))
	if s.want.Gone || v.record.Closed != "" {
		guards = s.lookToDelete(ctx, v)
	}
	if array, known := s.r.array(v.decision.Array); known && v.decision.Action == decide.GoOn {
		s.readSite(ctx, v, array)
		v.decision = decide.Next(v.evidence, s.desired(v, guards))
	}
	s.leaveFirst(ctx, v)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("looking at SVM %s: %w", s.name, err)
	}
	s.seen = v
	return v, nil
}

// witnesses asks everybody who can know whether the SVM exists. The record is
// read before the arrays: what is born in between is only found too early.
func (s *subject) witnesses(ctx context.Context) *view {
	v := &view{at: s.r.o.Clock.Now(), secrets: map[string]seed.Secret{}}
	v.record = s.from.record(ctx, s.name)
	v.claim = s.from.claim(ctx, s.name)
	v.words, v.wordsErr = s.from.words(ctx, s.name)
	e := decide.Evidence{
		Name: s.name, Owner: s.want.Owner(), At: v.at,
		Record: v.record.Record, Claim: v.claim.Claim, Attestations: v.words.Attestations,
	}
	if s.r.o.Traces != nil {
		e.Traces = s.r.o.Traces(ctx, s.name)
	}
	e.Arrays = s.from.arrays(ctx, s.r.o.Arrays, s.looksFor(v, e.Traces))
	e.Arrays = append(e.Arrays, s.unconfigured(v)...)
	for i := range e.Arrays {
		e.Arrays[i].Pin = s.pin(ctx, e.Arrays[i].Name)
	}
	v.evidence = e
	return v
}

// looksFor is by what the SVM is known on an array.
func (s *subject) looksFor(v *view, traces []decide.Trace) look.Subject {
	uuids := slices.Clone(v.record.UUIDs)
	uuids = append(uuids, v.claim.UUID)
	for _, t := range traces {
		uuids = append(uuids, t.UUID)
	}
	uuids = slices.DeleteFunc(uuids, func(u string) bool { return u == "" })
	return look.Subject{Name: s.name, Owner: s.want.Owner(), UUIDs: uuids, AskedAt: v.claim.AskedAt, StuckAfter: s.r.o.Policy.StuckAfter, At: v.at}
}

// mayBeOn reports whether it may be made on the array. Every array that is
// configured is a witness, whether it may be or not.
func (s *subject) mayBeOn(array string) bool {
	return len(s.want.Spec.Arrays) == 0 || slices.Contains(s.want.Spec.Arrays, array)
}

// unconfigured are arrays that somebody names and that cannot be asked. They
// are witnesses all the same, and silent.
func (s *subject) unconfigured(v *view) []decide.Array {
	var all []decide.Array
	named := append(slices.Clone(s.want.Spec.Arrays), v.record.Array, v.claim.Array)
	for _, name := range named {
		if _, known := s.r.array(name); known || name == "" {
			continue
		}
		if !slices.ContainsFunc(all, func(a decide.Array) bool { return a.Name == name }) {
			all = append(all, decide.Array{Name: name, Why: "it is not among the arrays that are configured"})
		}
	}
	return all
}

// pin is the cluster UUID that the array is remembered by. What stands in the
// configuration needs no note.
func (s *subject) pin(ctx context.Context, array string) decide.Pin {
	if a, known := s.r.array(array); known && a.ClusterUUID != "" {
		return decide.Pin{Finding: proof.Present, UUID: a.ClusterUUID}
	}
	return s.from.pin(ctx, array)
}

// desired is what is wanted, in the words of package decide.
func (s *subject) desired(v *view, guards decide.Guards) decide.Desired {
	var names []string
	for _, a := range v.evidence.Arrays {
		if s.mayBeOn(a.Name) {
			names = append(names, a.Name)
		}
	}
	d := decide.Desired{
		Gone: s.want.Gone, Policy: s.want.Spec.DeletionPolicy, Guards: guards,
		Target:   decide.Target(s.name, names, s.want.Spec.Array),
		TakeOver: v.words.TakeOver, FailClaim: v.words.FailClaim,
	}
	if a := v.words.Approval; a != nil && !used(v, a.Nonce) {
		d.Approval = a
	}
	return d
}

// used: an approval is a person's word for one intent, which names its nonce.
func used(v *view, nonce string) bool {
	return nonce == v.claim.Approval || slices.Contains(v.record.UsedApprovals, nonce)
}

// readSite reads what stands on the SVM and beside it.
func (s *subject) readSite(ctx context.Context, v *view, array look.Array) {
	v.facts = s.from.site(ctx, array, v.decision.UUID, s.protocols())
	s.want.Spec.DataLIFs = v.facts.Named(s.want.Spec, v.record.Made)
	v.evidence.Site = v.facts.Judge(s.want.StorageVM, v.record.Made, s.markOf(v), s.isUnreachable(v.decision.UUID, v.at))
	for _, c := range s.want.Spec.Credentials {
		secret := s.from.secret(ctx, seed.SecretRef{Namespace: c.SecretNamespace, Name: c.SecretName})
		v.secrets[c.Shoot] = secret
		v.evidence.Site.Shoots = append(v.evidence.Site.Shoots, decide.Shoot{
			Name: c.Shoot, Objects: decide.AsWanted, Credentials: credential.Evidence(s.credentialInput(v, c)),
		})
	}
	s.readLeaving(ctx, v)
}

func (s *subject) protocols() []ontap.Protocol {
	var all []ontap.Protocol
	for _, p := range s.want.Spec.Protocols {
		all = append(all, spec.Protocol(p))
	}
	return all
}

// markOf is the mark that everything of this SVM bears.
func (s *subject) markOf(v *view) decide.Mark {
	return decide.Mark{Owner: s.want.Owner(), Attempt: v.record.Generation, Nonce: v.record.Nonce, Credentials: 0}
}

// lookToDelete asks the array whether the SVM that the record names may be
// deleted. What is decided from that counts for this SVM alone. It gives what the
// decision goes by.
func (s *subject) lookToDelete(ctx context.Context, v *view) decide.Guards {
	for _, a := range v.evidence.Arrays {
		array, known := s.r.array(a.Name)
		for _, shown := range a.SVMs {
			if !known || !v.record.Names(shown.UUID) {
				continue
			}
			guards := s.from.guards(ctx, array, shown.UUID, s.isOurs(v), s.otherShoots(v))
			d := decide.Next(v.evidence, s.desired(v, guards))
			if d.UUID == shown.UUID {
				v.decision = d
				return guards
			}
		}
	}
	return decide.Guards{}
}

// isOurs tells an account of a recorded shoot by its mark. A name alone shows
// nothing: another seed may have a shoot of that name.
func (s *subject) isOurs(v *view) look.Mine {
	return func(a ontap.Account) bool {
		owned, mark := s.want.Owner().Read(a.Comment)
		return owned == decide.Ours && slices.Contains(v.record.Shoots, mark.Shoot)
	}
}

// otherShoots reports whether the record names a shoot that this object does
// not: somebody else uses the SVM.
func (s *subject) otherShoots(v *view) bool {
	return slices.ContainsFunc(v.record.Shoots, func(shoot string) bool {
		return !slices.ContainsFunc(s.want.Spec.Credentials, func(c spec.Credentials) bool { return c.Shoot == shoot })
	})
}

func (s *subject) isUnreachable(uuid string, at time.Time) bool {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	since, noted := s.r.unreachable[uuid]
	return noted && at.Sub(since) < s.r.o.Policy.UnreachableFor
}

func (s *subject) noteUnreachable(uuid string, is bool) {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	if is {
		s.r.unreachable[uuid] = s.r.o.Clock.Now()
		return
	}
	delete(s.r.unreachable, uuid)
}
