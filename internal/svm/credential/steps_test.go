package credential_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/svm/credential"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// meddler lets somebody else act right before the n-th write, from 1.
type meddler struct {
	credential.Secrets
	n      int
	before map[int]func()
}

func (m *meddler) WriteSecret(ctx context.Context, s seed.Secret) (seed.Secret, error) {
	m.n++
	if act := m.before[m.n]; act != nil {
		act()
	}
	return m.Secrets.WriteSecret(ctx, s)
}

const pendingPassword = "Pending9word8Pending"

// withPending is a life with our account of generation 1 and a pending pair of
// generation 2 for it.
func withPending(t *testing.T, w *world) *life {
	t.Helper()
	l := w.newLife(t)
	l.makeAccount(t, first, l.marked(1), l.book.hide("before9pending"))
	l.overwrite(t, func(s *seed.Secret) {
		s.Pending = seed.Pair{User: first, Password: l.book.hide(pendingPassword), SVM: l.uuid, Generation: 2, Set: decide.NotSent}
	})
	w.sim.ForgetRequests()
	return l
}

func (l *life) do(t *testing.T, i *instance, action decide.CredentialAction, user string) (seed.Secret, error) {
	t.Helper()
	return i.carrier.Do(t.Context(), l.job(i, l.secret(t)), decide.CredentialStep{Action: action, User: user, Generation: 9})
}

// changes are the requests that could have changed something on the array.
func (l *life) changes() []string {
	var all []string
	for _, q := range l.sim.Requests() {
		if q.Method != "GET" {
			all = append(all, q.Method+" "+q.Path)
		}
	}
	return all
}

// What becomes of a password that was sent is noted as the array's word says.
func TestWhatBecameOfAPassword(t *testing.T) {
	t.Parallel()
	const path = "/api/security/authentication/password"
	refuse := func(code int) func(*testing.T, *life) {
		return func(t *testing.T, l *life) {
			_, err := l.sim.Inject(sim.Fault{Kind: sim.Refuse, Method: "POST", Path: path, Status: 400, Code: code, Kth: 1})
			must(t, "inject", err)
		}
	}
	sent := func(t *testing.T, l *life) { l.overwrite(t, func(s *seed.Secret) { s.Pending.Set = decide.Sent }) }
	cases := []struct {
		reason string
		set    func(*testing.T, *life)
		want   decide.SetState
		fails  bool
		class  flow.Class
	}{
		{"it is set", func(*testing.T, *life) {}, decide.Confirmed, false, 0},
		{"it is the current one: an earlier answer was lost", func(t *testing.T, l *life) {
			sent(t, l)
			l.setPassword(t, first, secretOf(pendingPassword))
		}, decide.Confirmed, false, 0},
		{"one of the last six is no password for us", func(t *testing.T, l *life) {
			l.setPassword(t, first, secretOf(pendingPassword))
			l.setPassword(t, first, l.book.hide("somebody9elses"))
		}, decide.RefusedByPolicy, true, flow.Transient},
		{"against the rules", refuse(7077921), decide.RefusedByPolicy, true, flow.Transient},
		{"refused for another reason: nothing happened", refuse(2621576), decide.NotSent, true, flow.Transient},
		{"so refused after an answer was lost: that one may have come through", func(t *testing.T, l *life) {
			sent(t, l)
			refuse(2621576)(t, l)
		}, decide.Sent, true, flow.Transient},
		{"the answer is lost", func(t *testing.T, l *life) {
			_, err := l.sim.Inject(sim.Fault{Kind: sim.ResetAfter, Method: "POST", Path: path, Kth: 1})
			must(t, "inject", err)
		}, decide.Sent, true, flow.Transient},
		{"a code that nobody knows", refuse(12345), decide.Sent, true, flow.Transient},
	}
	w := newWorld(t, newMemory(t), noDoubts)
	for _, c := range cases {
		l := withPending(t, w)
		c.set(t, l)
		i := l.instanceOf(t)
		secret, err := l.do(t, i, decide.SetPassword, first)
		w.sim.ClearFaults()
		stored := l.secret(t)
		if secret.Pending.Set != c.want || stored.Pending.Set != c.want || (err != nil) != c.fails {
			t.Errorf("%s: %s (stored %s), %v; want %s", c.reason, secret.Pending.Set, stored.Pending.Set, err, c.want)
		}
		if err != nil && flow.ClassOf(err) != c.class {
			t.Errorf("%s: %s", c.reason, flow.ClassOf(err))
		}
		a, err := l.clean.array.Account(t.Context(), l.uuid, first)
		must(t, "read the account", err)
		if _, mark := owner.Read(a.Comment); mark.Credentials != 2 {
			t.Errorf("%s: the mark is of generation %d", c.reason, mark.Credentials)
		}
	}
}

// A step that was decided on what is no longer so does nothing.
func TestNothingIsDoneOnWhatHasChanged(t *testing.T) {
	t.Parallel()
	comment := func(text func(*life) string) func(*testing.T, *life) {
		return func(t *testing.T, l *life) {
			s := text(l)
			must(t, "comment", l.clean.array.ChangeAccount(t.Context(), l.uuid, first, ontap.AccountChange{Comment: &s}))
		}
	}
	foreign := comment(func(*life) string { return markOf(decide.Owner{Garden: "garden", Project: "p2"}, shoot, 1) })
	sibling := comment(func(*life) string { return markOf(owner, "other", 1) })
	none := func(*testing.T, *life) {}
	cases := []struct {
		reason string
		action decide.CredentialAction
		user   string
		set    func(*testing.T, *life)
	}{
		{"another owner's account gets no password", decide.SetPassword, first, foreign},
		{"nor does another shoot's", decide.SetPassword, first, sibling},
		{"nor one whose mark is gone", decide.SetPassword, first, comment(func(*life) string { return "" })},
		{"nor one that is gone", decide.SetPassword, first, func(t *testing.T, l *life) {
			must(t, "delete", l.clean.array.DeleteAccount(t.Context(), l.uuid, first))
		}},
		{"a pair that was overtaken is not set", decide.SetPassword, first, comment(func(l *life) string { return l.marked(3) })},
		{"the pending pair is of another user", decide.SetPassword, second, none},
		{"an account that is there is not made", decide.CreateAccount, first, none},
		{"another owner's is not marked", decide.MarkAccount, first, foreign},
		{"another shoot's is not marked, though it is this owner's", decide.MarkAccount, first, sibling},
		{"one that is gone is not marked", decide.MarkAccount, second, none},
		{"another owner's is not unlocked", decide.Unlock, first, foreign},
		{"another shoot's is not unlocked", decide.Unlock, first, sibling},
		{"the pending pair's account is not removed", decide.RemoveOldAccount, first, none},
		{"the neighbour's is not removed", decide.RemoveOldAccount, neighbour, none},
		{"what was not proved does not become active", decide.Activate, first, none},
		{"what was not confirmed is not delivered", decide.DeliverUnverified, first, none},
		{"there is no active pair to try", decide.CheckLogin, first, none},
		{"there is no such pending pair to prove", decide.ProvePending, second, none},
	}
	w := newWorld(t, newMemory(t), noDoubts)
	for _, c := range cases {
		l := withPending(t, w)
		c.set(t, l)
		before := l.secret(t)
		w.sim.ForgetRequests()
		_, err := l.do(t, l.instanceOf(t), c.action, c.user)
		var changed *credential.ChangedError
		if !errors.As(err, &changed) || flow.OutcomeOf(err) != flow.Refused || flow.ClassOf(err) != flow.Transient {
			t.Errorf("%s: %v", c.reason, err)
		}
		if after := l.secret(t); len(l.changes()) != 0 || after.Labels[versionLabel] != before.Labels[versionLabel] {
			t.Errorf("%s: something was changed: %v", c.reason, l.changes())
		}
	}
}

// Every write is one on the Secret that the step was decided on. Where somebody
// else was first, nothing is sent to the array.
func TestAStaleSecretReachesNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newKube(t), noDoubts)
	for _, action := range []decide.CredentialAction{
		decide.SetPassword, decide.CreateAccount, decide.ProvePending, decide.RemoveOldAccount, decide.MakePending, decide.DropPending, decide.Activate,
	} {
		l := withPending(t, w)
		user := first
		l.makeAccount(t, second, l.marked(1), l.book.hide("second9account"))
		l.overwrite(t, func(s *seed.Secret) {
			s.Pending.Login.VerifiedAt = l.clock.Now()
			switch action {
			case decide.CreateAccount:
				s.Pending.User, user = "prod_3", "prod_3"
			case decide.RemoveOldAccount:
				user = second
			}
		})
		i := l.instanceOf(t)
		job := l.job(i, l.secret(t))
		l.overwrite(t, func(s *seed.Secret) { s.Previous = "somebody" })
		before := l.secret(t)
		w.sim.ForgetRequests()
		_, err := i.carrier.Do(t.Context(), job, decide.CredentialStep{Action: action, User: user, Generation: 9})
		if flow.OutcomeOf(err) != flow.Refused {
			t.Errorf("%s: %v", action, err)
		}
		for _, q := range l.changes() {
			if !strings.HasPrefix(q, "PATCH") || action != decide.SetPassword { // the fence, which a stale pair may raise
				t.Errorf("%s: %s", action, q)
			}
		}
		after := l.secret(t)
		if after.Previous != "somebody" || !after.Pending.Password.Equal(before.Pending.Password) || l.failuresInARow() != 0 {
			t.Errorf("%s: the Secret was changed, or a login tried", action)
		}
	}
}

// The outcome is noted beside what somebody else wrote in between, where the
// pair is the same; else it is not.
func TestAnOutcomeIsNotedBesideWhatOthersWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newKube(t), noDoubts)
	cases := []struct {
		reason string
		other  func(*seed.Secret)
		want   decide.SetState
	}{
		{"a note of use", func(s *seed.Secret) { s.InUseGeneration = 1 }, decide.Confirmed},
		{"another password", func(s *seed.Secret) { s.Pending.Password = secretOf("other9password") }, decide.Sent},
		{"another generation", func(s *seed.Secret) { s.Pending.Generation = 5 }, decide.Sent},
		{"no pair any more", func(s *seed.Secret) { s.Pending = seed.Pair{} }, decide.SetUnknown},
	}
	for _, c := range cases {
		l := withPending(t, w)
		i := l.instanceOf(t)
		i.carrier.Secrets = &meddler{Secrets: i.secrets, before: map[int]func(){2: func() { l.overwrite(t, c.other) }}}
		_, err := l.do(t, i, decide.SetPassword, first)
		if got := l.secret(t).Pending.Set; got != c.want || (err == nil) != (c.want == decide.Confirmed) {
			t.Errorf("%s: %s, %v; want %s", c.reason, got, err, c.want)
		}
	}
}

// hearer cancels when the array has answered one kind of call.
type hearer struct {
	name   string
	cancel func()
}

func (h hearer) Called(c ontap.Call) {
	if c.Name == h.name {
		h.cancel()
	}
}

// An outcome is noted although nobody waits for it any more.
func TestAnOutcomeOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newKube(t), noDoubts)
	for _, c := range []struct {
		action decide.CredentialAction
		call   string
		noted  func(seed.Secret) bool
	}{
		{decide.SetPassword, "set password", func(s seed.Secret) bool { return s.Pending.Set == decide.Confirmed }},
		{decide.ProvePending, "check login", func(s seed.Secret) bool { return !s.Pending.Login.LastRefused.IsZero() }},
		{decide.Unlock, "change account", func(s seed.Secret) bool { return !s.Pending.Login.Unlocked.IsZero() }},
	} {
		l := withPending(t, w)
		ctx, cancel := context.WithCancel(t.Context())
		i := l.instanceOf(t)
		if c.action == decide.SetPassword { // the mark is there already
			marked := l.marked(2)
			must(t, "mark", l.clean.array.ChangeAccount(t.Context(), l.uuid, first, ontap.AccountChange{Comment: &marked}))
		}
		i.array = l.client(t, nil, l.dial, func(o *ontap.Options) { o.Observer = hearer{c.call, cancel} })
		_, err := i.carrier.Do(ctx, l.job(i, l.secret(t)), decide.CredentialStep{Action: c.action, User: first})
		if ctx.Err() == nil || !c.noted(l.secret(t)) {
			t.Errorf("%s: it was not noted: %v", c.action, err)
		}
		cancel()
	}
}

func TestWhatCannotBeDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMemory(t), noDoubts)
	l := withPending(t, w)
	i := l.instanceOf(t)
	for _, action := range []decide.CredentialAction{decide.CredentialsWait, decide.CredentialsStop, decide.CredentialsOK, decide.CredentialsInUse, decide.CredentialsUnverified, "", "dance"} {
		if _, err := l.do(t, i, action, first); err == nil || !strings.Contains(err.Error(), "not a step") {
			t.Errorf("%q: %v", action, err)
		}
	}
	job := l.job(i, seed.Secret{Ref: l.ref})
	if _, err := i.carrier.Do(t.Context(), job, decide.CredentialStep{Action: decide.MakePending, User: first}); err == nil || !strings.Contains(err.Error(), "was not read") {
		t.Errorf("a Secret that was not read: %v", err)
	}
	if len(l.changes()) != 0 || l.secret(t).Pending.Password.Reveal() != pendingPassword {
		t.Error("something was done")
	}
}

// An unlocking gives the tries back, and does not hide what an earlier one has
// proved: the active pair was refused after it, and stays disproved.
func TestWhatAnUnlockingTells(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMemory(t), noDoubts)
	l := withPending(t, w)
	began := l.clock.Now()
	l.overwrite(t, func(s *seed.Secret) {
		s.Active = seed.Pair{User: first, Password: secretOf("refused9twice"), SVM: l.uuid, Generation: 1, Set: decide.Confirmed,
			Login: decide.Login{FirstRefused: began, Unlocked: began.Add(time.Minute), LastRefused: began.Add(2 * time.Minute)}}
		s.Pending.Login = decide.Login{FirstRefused: began.Add(3 * time.Minute), LastRefused: began.Add(3 * time.Minute)}
		s.Rations = map[string]decide.Ration{first: {Tries: 3, LastTry: began}}
	})
	l.clock.Advance(4 * time.Minute)
	secret, err := l.do(t, l.instanceOf(t), decide.Unlock, first)
	must(t, "unlock", err)
	if !secret.Active.Login.Disproved(l.policy) || !secret.Pending.Login.Unlocked.Equal(began.Add(4*time.Minute)) {
		t.Errorf("active %+v, pending %+v", secret.Active.Login, secret.Pending.Login)
	}
	if r := secret.Rations[first]; r.Tries != 0 || !r.LastTry.Equal(began) {
		t.Errorf("%+v", r)
	}
}
