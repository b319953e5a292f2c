package svm

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// siteSteps are the steps of what stands on the SVM: what is wanted, and what
// was made once and is wanted no more.
func (s *subject) siteSteps(v *view) []flow.Step {
	steps := []flow.Step{
		s.recordUpkeep(),
		s.siteStep(decide.StepMark, "", s.setMark),
		s.siteStep(decide.StepLimits, "", s.setLimits),
	}
	for _, p := range s.want.Spec.Protocols {
		steps = append(steps, s.siteStep(decide.StepService, p, s.makeService))
	}
	for _, name := range s.objects(v, decide.StepInterface, look.MadeInterface) {
		steps = append(steps, s.siteStep(decide.StepInterface, name, s.interfaceAct))
	}
	steps = append(steps, s.siteStep(decide.StepManagement, s.want.Spec.ManagementLIF.Name, s.interfaceAct))
	for _, name := range s.objects(v, decide.StepRoute, look.MadeRoute) {
		steps = append(steps, s.siteStep(decide.StepRoute, name, s.routeAct))
	}
	return steps
}

// objects are the names of one kind: those wanted, then those made before.
func (s *subject) objects(v *view, step decide.StepName, kind string) []string {
	var names []string
	add := func(name string) {
		if name != s.want.Spec.ManagementLIF.Name && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if kind == look.MadeInterface {
		for _, lif := range s.want.Spec.DataLIFs {
			add(lif.Name)
		}
	} else {
		for _, route := range s.want.Spec.Routes {
			add(look.RouteName(route))
		}
	}
	for _, made := range v.record.Made {
		if made.Kind == kind {
			add(made.Name)
		}
	}
	for _, st := range v.decision.Steps {
		if st.Name == step {
			add(st.Object)
		}
	}
	return names
}

func nothingToDo(context.Context, *view, decide.Step) error {
	return errors.New("there is nothing to do in this step")
}

// siteStep is one step that package decide allows or not.
func (s *subject) siteStep(name decide.StepName, object string, act func(context.Context, *view, decide.Step) error) flow.Step {
	title := string(name)
	if object != "" {
		title += "/" + object
	}
	return flow.Step{
		Name: title, Needs: []string{"record"},
		Look: func(ctx context.Context) (flow.Sight, error) {
			v, err := s.look(ctx)
			if err != nil {
				return flow.Sight{}, err
			}
			return s.sightOf(title, v, name, object)
		},
		Act: func(ctx context.Context) error {
			v, err := s.look(ctx)
			if err != nil {
				return err
			}
			st, found := stepOf(v.decision, name, object)
			if !found || st.State != decide.StepDo {
				return fmt.Errorf("step %s is not allowed any more: %s", title, st.Why)
			}
			s.forget()
			return act(ctx, v, st)
		},
	}
}

// sightOf puts a step of package decide into the words of a flow.
func (s *subject) sightOf(title string, v *view, name decide.StepName, object string) (flow.Sight, error) {
	if v.decision.Action != decide.GoOn {
		return s.heldOnSite(title, v.decision)
	}
	st, found := stepOf(v.decision, name, object)
	if !found {
		// Where the SVM itself is in the way, one step without an object says so.
		whole, held := stepOf(v.decision, decide.StepService, "")
		if !held {
			s.waited(title, "")
			return flow.Sight{Done: true, Why: "it is not wanted, and not there"}, nil
		}
		st = whole
	}
	switch st.State {
	case decide.StepWaits:
		return s.wait(title, st.WaitFor, st.Why)
	case decide.StepStops:
		command := st.Command
		if command == "" {
			command = "seedproof svm explain " + s.name
		}
		return flow.Sight{}, needsPerson(errors.New(st.Why), command)
	}
	s.waited(title, "")
	if st.State == decide.StepDo {
		return flow.Sight{Next: doing(st), Why: st.Why}, nil
	}
	return flow.Sight{Done: true, Why: st.Why}, nil
}

// heldOnSite: the SVM is not, or no longer, what the record names.
func (s *subject) heldOnSite(title string, d decide.Decision) (flow.Sight, error) {
	if d.Action == decide.Wait || d.Action == decide.Stop {
		return s.held(title, d)
	}
	return flow.Sight{Blocked: true, Why: "first: " + d.Why}, nil
}

func doing(st decide.Step) string {
	verb := "make"
	switch {
	case st.Remove:
		verb = "remove"
	case st.Name == decide.StepMark, st.Name == decide.StepLimits:
		verb = "correct"
	}
	if st.Object == "" {
		return verb + " the " + string(st.Name)
	}
	return verb + " " + string(st.Name) + " " + st.Object
}

func stepOf(d decide.Decision, name decide.StepName, object string) (decide.Step, bool) {
	for _, st := range d.Steps {
		if st.Name == name && st.Object == object {
			return st, true
		}
	}
	return decide.Step{}, false
}

// recordUpkeep keeps the record true: the other half, a higher generation of
// credentials, the shoots that use the SVM.
func (s *subject) recordUpkeep() flow.Step {
	stale := func(v *view) (string, bool) {
		st, found := stepOf(v.decision, decide.StepRecord, "")
		shoots := s.withShoots(v.record.Shoots)
		switch {
		case found && st.State == decide.StepStops:
			return "", false // a person looks first
		case found && st.State == decide.StepDo:
			return st.Why, true
		case v.decision.Action == decide.GoOn && len(shoots) != len(v.record.Shoots):
			return "a shoot that uses the SVM is noted before it gets an account", true
		case len(v.decision.Forget) > 0:
			return "what it notes as asked for is nowhere, and nobody asks for it any more", true
		case s.givenBack(v):
			return "what was taken away for a deletion is there again", true
		}
		return "", false
	}
	return flow.Step{
		Name: "record-upkeep", Needs: []string{"record"},
		Look: func(ctx context.Context) (flow.Sight, error) {
			v, err := s.look(ctx)
			if err != nil {
				return flow.Sight{}, err
			}
			if why, is := stale(v); is {
				return flow.Sight{Next: "write the record", Why: why}, nil
			}
			return s.sightOf("record-upkeep", v, decide.StepRecord, "")
		},
		Act: func(ctx context.Context) error {
			v, err := s.look(ctx)
			if err != nil {
				return err
			}
			s.forget()
			record := v.record
			if st, found := stepOf(v.decision, decide.StepRecord, ""); found && st.State == decide.StepDo {
				record.UUIDs = v.decision.UUIDs
			}
			record.Credentials = max(record.Credentials, highestMarked(v))
			record.Shoots = s.withShoots(record.Shoots)
			if s.givenBack(v) {
				record.Cleared = nil
			}
			record.Made = slices.DeleteFunc(slices.Clone(record.Made), func(m seed.Made) bool { return forgotten(v.decision, m) })
			return s.writeBack(ctx, record)
		},
	}
}

// givenBack: the SVM is wanted, and whole again after a deletion that was begun.
func (s *subject) givenBack(v *view) bool {
	return !s.want.Gone && len(v.record.Cleared) > 0 && v.decision.Whole()
}

// forgotten: the note is one of those behind which there is nothing.
func forgotten(d decide.Decision, m seed.Made) bool {
	return slices.ContainsFunc(d.Forget, func(n decide.Note) bool { return n.Kind == m.Kind && n.Name == m.Name && n.Asked.Equal(m.Asked) })
}

// highestMarked is the highest generation of credentials that a mark of ours on
// the SVM bears.
func highestMarked(v *view) uint64 {
	highest := uint64(0)
	for _, a := range v.evidence.Arrays {
		for _, o := range a.SVMs {
			if o.Ownership == decide.Ours && slices.Contains(v.decision.UUIDs, o.UUID) {
				highest = max(highest, o.Mark.Credentials)
			}
		}
	}
	return highest
}

func (s *subject) writeBack(ctx context.Context, record seed.Record) error {
	_, err := s.stored(ctx, record)
	return err
}

// stored writes the record, and gives it as it is then.
func (s *subject) stored(ctx context.Context, record seed.Record) (seed.Record, error) {
	now, err := s.r.o.Seed.WriteRecord(ctx, record)
	if err != nil {
		return record, fmt.Errorf("writing the record of SVM %s: %w", s.name, err)
	}
	return now, nil
}

// setMark writes our mark into the comment, behind what stands there.
func (s *subject) setMark(ctx context.Context, v *view, _ decide.Step) error {
	array, err := s.actOn(v.decision.Array)
	if err != nil {
		return err
	}
	mark := s.markOf(v)
	mark.Credentials = max(highestMarked(v), mark.Credentials)
	now, err := array.Client.SVM(ctx, v.decision.UUID) // somebody may have written into it since
	if err != nil {
		return fmt.Errorf("reading the comment of SVM %s on %s: %w", s.name, array.Name, err)
	}
	comment, err := mark.Put(now.Comment, decide.SVMCommentLimit)
	if err != nil {
		return flow.AsNeedsPerson(fmt.Errorf("marking SVM %s: %w", s.name, err), "vserver show -vserver "+s.name+" -fields comment")
	}
	if err := array.Client.ChangeSVM(ctx, v.decision.UUID, ontap.SVMChange{Comment: &comment}); err != nil {
		return fmt.Errorf("marking SVM %s on %s: %w", s.name, array.Name, err)
	}
	return nil
}

// setLimits corrects the SVM's own limits, those that are wanted alone.
func (s *subject) setLimits(ctx context.Context, v *view, _ decide.Step) error {
	array, err := s.actOn(v.decision.Array)
	if err != nil {
		return err
	}
	change := ontap.SVMChange{MaxVolumes: s.want.Spec.MaxVolumes}
	if limit, wanted := s.want.StorageLimitBytes(); wanted {
		change.StorageLimit = &limit
	}
	if err := array.Client.ChangeSVM(ctx, v.decision.UUID, change); err != nil {
		return fmt.Errorf("changing the limits of SVM %s on %s: %w", s.name, array.Name, err)
	}
	return nil
}

// makeService makes a protocol's service, or switches on one that is there.
func (s *subject) makeService(ctx context.Context, v *view, st decide.Step) error {
	array, err := s.actOn(v.decision.Array)
	if err != nil {
		return err
	}
	protocol := spec.Protocol(st.Object)
	do := array.Client.CreateService
	if v.facts.HasService(protocol) {
		do = func(ctx context.Context, p ontap.Protocol, svm string) error {
			return array.Client.EnableService(ctx, p, svm, true)
		}
	}
	err = do(ctx, protocol, v.decision.UUID)
	if ontap.IsDuplicate(err) {
		err = takeService(ctx, array, protocol, v.decision.UUID, err)
	}
	if err != nil {
		return fmt.Errorf("making service %s of SVM %s on %s: %w", st.Object, s.name, array.Name, err)
	}
	return nil
}

// takeService goes on with a service that came since it was looked at: one that
// is switched off is switched on. Where it does not show yet, that passes.
func takeService(ctx context.Context, array look.Array, protocol ontap.Protocol, svm string, refused error) error {
	there, err := array.Client.Service(ctx, protocol, svm)
	switch {
	case err != nil:
		return flow.AsTransient(errors.Join(refused, err))
	case there.Enabled != nil && !*there.Enabled:
		return array.Client.EnableService(ctx, protocol, svm, true)
	}
	return nil
}

// interfaceAct makes or removes an interface. The record names it before.
func (s *subject) interfaceAct(ctx context.Context, v *view, st decide.Step) error {
	array, err := s.actOn(v.decision.Array)
	if err != nil {
		return err
	}
	if st.Remove {
		return s.removeInterface(ctx, v, array, st.Object)
	}
	i, want := s.wantedInterface(st.Object)
	note := seed.Made{Kind: look.MadeInterface, Name: want.Name}
	if want.Address.IsValid() { // else the subnet gives one
		note.Address = want.Address.String()
	}
	record, err := s.noteMade(ctx, v.record, note)
	if err != nil {
		return err
	}
	node, domain, err := look.Place(ctx, array, want, i)
	if err != nil {
		return fmt.Errorf("placing interface %s of SVM %s: %w", want.Name, s.name, err)
	}
	made, err := array.Client.CreateInterface(ctx, ontap.NewInterface{
		SVMUUID: v.decision.UUID, Name: want.Name, Address: want.Address, Netmask: want.Netmask, Subnet: want.Subnet,
		HomeNode: node, BroadcastDomain: domain, ServicePolicy: want.ServicePolicy, VIP: want.VIP,
	})
	if err != nil {
		return fmt.Errorf("making interface %s of SVM %s on %s: %w", want.Name, s.name, array.Name, err)
	}
	if note.Address != "" || made.UUID == "" {
		return nil
	}
	// By its UUID alone one of a subnet is known again for ours.
	note.UUID = made.UUID
	ctx, cancel := detached(ctx)
	defer cancel()
	_, err = s.noteMade(ctx, record, note)
	return err
}

func (s *subject) wantedInterface(name string) (int, spec.Interface) {
	for i, lif := range s.want.Spec.DataLIFs {
		if lif.Name == name {
			return i, lif
		}
	}
	return 0, s.want.Spec.ManagementLIF
}

// noteMade writes into the record that a thing is going to be asked for, so that
// it is known for ours when it is no longer wanted. It gives the record as it
// then is.
func (s *subject) noteMade(ctx context.Context, record seed.Record, made seed.Made) (seed.Record, error) {
	same := func(m seed.Made) bool { return m.Kind == made.Kind && m.Name == made.Name }
	if i := slices.IndexFunc(record.Made, same); i >= 0 && record.Made[i].Address == made.Address && record.Made[i].UUID == made.UUID {
		return record, nil
	}
	made.Asked = s.r.o.Clock.Now()
	record.Made = append(slices.DeleteFunc(slices.Clone(record.Made), same), made)
	stored, err := s.r.o.Seed.WriteRecord(ctx, record)
	if err != nil {
		return record, fmt.Errorf("noting %s %s of SVM %s: %w", made.Kind, made.Name, s.name, err)
	}
	return stored, nil
}

// removeInterface removes an interface of ours, and then the note of it.
func (s *subject) removeInterface(ctx context.Context, v *view, array look.Array, name string) error {
	if lif, found := v.facts.Interface(name); found {
		now, err := array.Client.Interface(ctx, lif.UUID)
		if err != nil {
			return fmt.Errorf("reading interface %s of SVM %s on %s: %w", name, s.name, array.Name, err)
		}
		if now.SVM.UUID != v.decision.UUID || now.Name != lif.Name || now.IP.Address != lif.Address {
			return flow.AsTransient(fmt.Errorf("interface %s of SVM %s on %s has changed since it was looked at", name, s.name, array.Name))
		}
		if err := removeLIF(ctx, array, lif.UUID); err != nil {
			return fmt.Errorf("interface %s of SVM %s on %s: %w", name, s.name, array.Name, err)
		}
	}
	return s.unnoteMade(ctx, v, look.MadeInterface, name)
}

// removeLIF disables an interface first: some releases demand it.
func removeLIF(ctx context.Context, array look.Array, uuid string) error {
	off := false
	err := array.Client.ChangeInterface(ctx, uuid, ontap.InterfaceChange{Enabled: &off})
	if err != nil && !ontap.IsAbsent(err, ontap.KindInterface) {
		return fmt.Errorf("disabling it: %w", err)
	}
	err = array.Client.DeleteInterface(ctx, uuid)
	if err != nil && !ontap.IsAbsent(err, ontap.KindInterface) {
		return fmt.Errorf("removing it: %w", err)
	}
	return nil
}

func (s *subject) unnoteMade(ctx context.Context, v *view, kind, name string) error {
	record := v.record
	record.Made = slices.DeleteFunc(slices.Clone(record.Made), func(m seed.Made) bool { return m.Kind == kind && m.Name == name })
	return s.writeBack(ctx, record)
}

// routeAct makes or removes a route. A route cannot be changed.
func (s *subject) routeAct(ctx context.Context, v *view, st decide.Step) error {
	array, err := s.actOn(v.decision.Array)
	if err != nil {
		return err
	}
	if st.Remove {
		if route, found := v.facts.Route(st.Object); found {
			if err := array.Client.DeleteRoute(ctx, route.UUID); err != nil && !ontap.IsAbsent(err, ontap.KindRoute) {
				return fmt.Errorf("removing route %s of SVM %s on %s: %w", st.Object, s.name, array.Name, err)
			}
		}
		return s.unnoteMade(ctx, v, look.MadeRoute, st.Object)
	}
	for _, want := range s.want.Spec.Routes {
		if look.RouteName(want) != st.Object {
			continue
		}
		if _, err := s.noteMade(ctx, v.record, seed.Made{Kind: look.MadeRoute, Name: st.Object, Address: want.Gateway.String()}); err != nil {
			return err
		}
		_, err := array.Client.CreateRoute(ctx, ontap.NewRoute{SVMUUID: v.decision.UUID, Gateway: want.Gateway, Destination: want.Destination, Metric: want.Metric})
		if err != nil {
			return fmt.Errorf("making route %s of SVM %s on %s: %w", st.Object, s.name, array.Name, err)
		}
	}
	return nil
}
