package svm

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/credential"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// dueLogin is the hourly login check of one shoot, on an SVM of which nothing
// else is to be done. It is the one thing that is done from what was collected:
// it changes nothing on the array, and the Secret in which it is counted is
// written only if it is still the one that was collected.
type dueLogin struct {
	shoot  spec.Credentials
	step   decide.CredentialStep
	listed credential.Listed
}

// onlyLogins are the logins that are due, where the plan over a collected view
// has nothing else. It gives none where anything at all is unusual: that is
// looked at afresh, and decided then.
func (s *subject) onlyLogins(v *view, plan flow.PlanReport) []dueLogin {
	if v.decision.Action != decide.GoOn || s.want.Gone || v.record.Closed != "" {
		return nil
	}
	var logins []dueLogin
	for _, st := range v.decision.Steps {
		if st.State == decide.StepDone {
			continue
		}
		c, ordinary := s.ordinaryLogin(v, st)
		if !ordinary {
			return nil
		}
		logins = append(logins, c)
	}
	if !onlyOf(plan, logins) {
		return nil
	}
	return logins
}

// onlyOf: whatever the plan has left to do belongs to one of the logins.
func onlyOf(plan flow.PlanReport, logins []dueLogin) bool {
	for _, step := range plan.Steps {
		whose := func(c dueLogin) bool {
			prefix := "credentials/" + c.shoot.Shoot
			return step.Name == prefix+"/check" && step.State == flow.PlanAct || step.Name == prefix && step.State == flow.PlanBlocked
		}
		if step.State != flow.PlanDone && !slices.ContainsFunc(logins, whose) {
			return false
		}
	}
	return plan.Err == nil
}

// ordinaryLogin is the check of a pair that was proved, of which nothing was
// tried since, and whose account bears no later mark. That the proof is old is
// the only doubt about it.
func (s *subject) ordinaryLogin(v *view, st decide.Step) (dueLogin, bool) {
	if st.Name != decide.StepCredentials || st.State != decide.StepDo || st.Credential.Action != decide.CheckLogin || st.Credential.Generation != 0 {
		return dueLogin{}, false
	}
	secret := v.secrets[st.Object]
	active := secret.Active
	known := secret.Finding == proof.Present && !secret.Damaged && secret.Pending.State() == decide.NoPair
	if !known || active.Generation == 0 || !active.Login.Proven() || secret.Rations[active.User].Tries != 0 {
		return dueLogin{}, false
	}
	account, found := accountOf(v, st.Object, active.User)
	address := s.loginAddress(v)
	at := slices.IndexFunc(s.want.Spec.Credentials, func(c spec.Credentials) bool { return c.Shoot == st.Object })
	if !found || account.Generation > active.Generation || !address.IsValid() || at < 0 {
		return dueLogin{}, false
	}
	return dueLogin{s.want.Spec.Credentials[at], *st.Credential, credential.Listed{Address: address, Marked: account.Generation}}, true
}

// accountOf is an account that was listed, and is not shown as locked.
func accountOf(v *view, shoot, user string) (decide.Account, bool) {
	for _, s := range v.evidence.Site.Shoots {
		for _, a := range s.Credentials.Accounts {
			if s.Name == shoot && a.Name == user {
				return a, a.Finding == proof.Present && a.Locked != decide.Yes
			}
		}
	}
	return decide.Account{}, false
}

// loginAddress is one at which the array says that the SVM's users can log in:
// the wanted one, where it is among them.
func (s *subject) loginAddress(v *view) netip.Addr {
	listed := v.facts.LoginAddresses()
	if wanted := s.want.Spec.ManagementLIF.Address; slices.Contains(listed, wanted) {
		return wanted
	}
	if len(listed) == 0 {
		return netip.Addr{}
	}
	return listed[0]
}

// rewritten is a source in which some Secrets are as they were stored since.
type rewritten struct {
	source
	secrets map[seed.SecretRef]seed.Secret
}

func (s rewritten) secret(ctx context.Context, ref seed.SecretRef) seed.Secret {
	if secret, stored := s.secrets[ref]; stored {
		return secret
	}
	return s.source.secret(ctx, ref)
}

// logIn makes the logins that are due, and reports whether all were accepted and
// nothing else is left. What else comes of one leads to a reconcile, which finds
// the try counted in the Secret.
func (r *Reconciler) logIn(ctx context.Context, j *job) bool {
	ctx, cancel := context.WithTimeout(ctx, r.o.Policy.StepTimeout)
	defer cancel()
	s, before := j.subject, j.seen
	after := rewritten{s.from, map[seed.SecretRef]seed.Secret{}}
	for _, c := range j.logins {
		stored, err := s.checkLogin(ctx, before, c)
		if err != nil {
			r.tellTried(ctx, j.svm.Name, c, stored, err)
			return false
		}
		after.secrets[stored.Ref] = stored
	}
	s.from = after
	s.forget()
	v, err := s.look(ctx)
	if err != nil || openOf(flow.Plan(ctx, s.flow(v))).text != "" {
		return false
	}
	j.seen = v
	r.checked(j)
	return true
}

func (s *subject) checkLogin(ctx context.Context, v *view, c dueLogin) (seed.Secret, error) {
	array, err := s.actOn(v.decision.Array)
	if err != nil {
		return seed.Secret{}, err
	}
	job := s.credentialJob(v, array, c.shoot)
	job.Listed = &c.listed
	return s.do(ctx, job, c.step)
}

// tellTried tells of a login that was tried and not accepted, as the step of a
// flow would: the reconcile that follows finds it counted, and does not try it
// again. That an SVM cannot be reached from here, and whatever came before the
// try, is for that reconcile to tell.
func (r *Reconciler) tellTried(ctx context.Context, name string, c dueLogin, stored seed.Secret, err error) {
	var reach *credential.ReachError
	tried := stored.Rations[c.step.User].Tries > 0
	if !tried || errors.As(err, &reach) || errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	r.runner.Observer.StepFailed(context.WithoutCancel(ctx), flow.Event{
		Flow: FlowName, Subject: name, Step: "credentials/" + c.shoot.Shoot + "/check", Outcome: flow.OutcomeOf(err), Class: flow.ClassOf(err),
		Why: "act: " + err.Error(), Err: err, Attempts: 1,
	})
}

// checked notes that all is at rest again.
func (r *Reconciler) checked(j *job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*j.memory = memory{}
	j.memory.saw(j.seen)
	j.show(CycleChecked, strings.TrimSpace(j.open))
}
