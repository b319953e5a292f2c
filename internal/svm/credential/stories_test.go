package credential_test

import (
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/credential"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// story is one way in which the password of a shoot may stand at first, and how
// it must stand at the end.
type story struct {
	name string
	set  func(t *testing.T, l *life)
	want decide.CredentialAction
	user string // of the pair that is active at the end
	gone string // the account that is not there any more
	real bool   // its faults are run on a real API server each time
	// kept: the password that was there at first works, and is the one at the end.
	kept bool
}

func secretOf(password string) ontap.Secret { return ontap.NewSecret(password) }

// overwrite changes the stored Secret as it is.
func (l *life) overwrite(t *testing.T, change func(*seed.Secret)) {
	t.Helper()
	s := l.secret(t)
	change(&s)
	_, err := l.clean.secrets.WriteSecret(t.Context(), s)
	must(t, "write the Secret", err)
}

// putBack writes what stood in the Secret earlier, as a restored etcd would.
func (l *life) putBack(t *testing.T, earlier seed.Secret) {
	t.Helper()
	l.overwrite(t, func(s *seed.Secret) {
		s.Active, s.Pending, s.Previous, s.ActivatedAt = earlier.Active, earlier.Pending, earlier.Previous, earlier.ActivatedAt
		s.InUseGeneration, s.Rations = earlier.InUseGeneration, earlier.Rations
	})
}

var stories = []story{
	{
		name: "nothing is there", want: decide.CredentialsOK, user: first, real: true,
		set: func(*testing.T, *life) {},
	},
	{
		name: "the account is there, the Secret is not", want: decide.CredentialsOK, user: first,
		set: func(t *testing.T, l *life) { l.makeAccount(t, first, l.marked(7), l.book.hide("forgotten5word")) },
	},
	{
		name: "an empty password", want: decide.CredentialsOK, user: first,
		set: func(t *testing.T, l *life) {
			l.keeper.foreign(t, l.ref, first, "")
			l.makeAccount(t, first, l.marked(1), l.book.hide("forgotten5word"))
		},
	},
	{
		name: "a password that was changed on the array", want: decide.CredentialsOK, user: first,
		set: func(t *testing.T, l *life) {
			l.verify(t)
			l.setPassword(t, first, l.book.hide("somebody5elses"))
			l.clock.Advance(2 * time.Hour)
		},
	},
	{
		name: "a password that was changed, and nothing may be unlocked", want: decide.CredentialsOK, user: first,
		set: func(t *testing.T, l *life) {
			l.verify(t)
			l.setPassword(t, first, l.book.hide("somebody5elses"))
			l.policy.Unlock = false
			l.clock.Advance(2 * time.Hour)
		},
	},
	{
		name: "an account that somebody locked", want: decide.CredentialsOK, user: first, kept: true,
		set: func(t *testing.T, l *life) {
			l.verify(t)
			yes := true
			must(t, "lock", l.clean.array.ChangeAccount(t.Context(), l.uuid, first, ontap.AccountChange{Locked: &yes}))
			l.clock.Advance(2 * time.Hour)
		},
	},
	{
		name: "an account that wrong logins locked", want: decide.CredentialsOK, user: first, kept: true,
		set: func(t *testing.T, l *life) {
			l.verify(t)
			l.clock.Advance(2 * time.Hour)
			for range sim.MaxFailedLogins {
				l.logIn(t, first, secretOf("some5wrongword"))
			}
		},
	},
	{
		name: "a rotation", want: decide.CredentialsOK, user: second, gone: first, real: true,
		set: func(t *testing.T, l *life) {
			l.uses = true
			l.rotate = credential.Seen(l.verify(t))
		},
	},
	{
		name: "no way to the SVM", want: decide.CredentialsInUse, user: first, real: true,
		set: func(_ *testing.T, l *life) { l.cut, l.uses = true, true },
	},
	{
		name: "no way to the SVM, and nobody uses the pair", want: decide.CredentialsUnverified, user: first,
		set: func(_ *testing.T, l *life) { l.cut = true },
	},
	{
		name: "a password against the array's rules", want: decide.CredentialsOK, user: first,
		set: func(_ *testing.T, l *life) { l.weakFirst = true },
	},
	{
		name: "such a password, on an account that is there", want: decide.CredentialsOK, user: first,
		set: func(t *testing.T, l *life) {
			l.weakFirst = true
			l.makeAccount(t, first, l.marked(7), l.book.hide("forgotten5word"))
		},
	},
	{
		name: "a pair and an account that another made", want: decide.CredentialsOK, user: first, kept: true,
		set: func(t *testing.T, l *life) {
			l.keeper.foreign(t, l.ref, first, "legacy5password")
			l.makeAccount(t, first, "made by hand", l.book.hide("legacy5password"))
		},
	},
	{
		name: "such a pair, rotated", want: decide.CredentialsOK, user: second, gone: first,
		set: func(t *testing.T, l *life) {
			l.keeper.foreign(t, l.ref, first, "legacy5password")
			l.makeAccount(t, first, "", l.book.hide("legacy5password"))
			l.uses = true
			l.rotate = credential.Seen(l.verify(t))
			if l.rotate.Generation == 0 {
				t.Fatal("it has no generation")
			}
		},
	},
	{
		name: "such a pair, and no way to the SVM", want: decide.CredentialsInUse, user: first, kept: true,
		set: func(t *testing.T, l *life) {
			l.keeper.foreign(t, l.ref, first, "legacy5password")
			l.makeAccount(t, first, "", l.book.hide("legacy5password"))
			l.cut, l.uses = true, true
		},
	},
	{
		name: "a Secret put back to before a repair", want: decide.CredentialsOK, user: first,
		set: func(t *testing.T, l *life) {
			before := l.verify(t)
			l.setPassword(t, first, l.book.hide("somebody5elses"))
			l.clock.Advance(2 * time.Hour)
			if l.verify(t).Active.Generation <= before.Active.Generation {
				t.Fatal("it was not repaired")
			}
			l.putBack(t, before)
		},
	},
	{
		name: "a Secret put back to before a rotation", want: decide.CredentialsOK, user: first, gone: second,
		set: func(t *testing.T, l *life) {
			l.uses = true
			before := l.verify(t)
			l.rotate = credential.Seen(before)
			l.verify(t)
			l.rotate = decide.SeenPair{}
			l.putBack(t, before)
		},
	},
}

// A Secret with a pair that nobody here made, of a user whom this SVM does not
// know, may be another's: a name that was mistyped must not cost them it.
func TestAPairThatMayBeAnothers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newKube(t), sim.Doubts{})
	l, before := w.begin(t, story{set: func(t *testing.T, l *life) { l.keeper.foreign(t, l.ref, "gone-long-ago", "legacy5password") }})
	i := l.instanceOf(t)
	step, err := l.live(t.Context(), i, l.hear)
	must(t, "live", err)
	if step.Action != decide.CredentialsStop || step.Command == "" {
		t.Errorf("it rests at %s: %s", step.Action, step.Why)
	}
	l.stays(t, i, decide.CredentialsStop)
	if after := l.secret(t); after.Active.User != "gone-long-ago" || !after.Active.Password.Equal(before.Active.Password) || after.Pending.State() != decide.NoPair {
		t.Error("it was written over")
	}
}

// holds checks what must be so at the end of every life, whatever befell it.
func (l *life) holds(t *testing.T, st story, step decide.CredentialStep, before seed.Secret) {
	t.Helper()
	secret := l.secret(t)
	if step.Action != st.want {
		t.Errorf("it rests at %s (%s), want %s", step.Action, step.Why, st.want)
	}
	if secret.Active.User != st.user || secret.Pending.State() != decide.NoPair || secret.Active.Generation == 0 {
		t.Errorf("the active pair is of %q, generation %d, the pending one is %s", secret.Active.User, secret.Active.Generation, secret.Pending.State())
	}
	if st.kept && !secret.Active.Password.Equal(before.Active.Password) {
		t.Error("a password that works was replaced")
	}
	if n := l.failuresInARow(); n > sim.MaxFailedLogins-1 {
		t.Errorf("%d logins failed in a row", n)
	}
	if found := l.logIn(t, secret.Active.User, secret.Active.Password); found != ontap.LoginAccepted {
		t.Errorf("%s, and the active pair is %s", step.Action, found)
	}
	l.accountsHold(t, st, secret)
	_, _ = l.book.Write([]byte(l.keeper.annotations(t, l.ref)))
	if leaked, hidden := l.book.close(); leaked != 0 || hidden == 0 {
		t.Errorf("%d of %d passwords were said aloud", leaked, hidden)
	}
}

// accountsHold: ours bears the mark, those that are not ours are as they were.
func (l *life) accountsHold(t *testing.T, st story, secret seed.Secret) {
	t.Helper()
	accounts, err := ontap.All(l.clean.array.Accounts(t.Context(), l.uuid))
	must(t, "list the accounts", err)
	found := map[string]ontap.Account{}
	for _, a := range accounts {
		found[a.Name] = a
	}
	owned, mark := owner.Read(found[secret.Active.User].Comment)
	if owned != decide.Ours || mark.Shoot != shoot || mark.Credentials > secret.Active.Generation {
		t.Errorf("account %s: %s, generation %d of %d", secret.Active.User, owned, mark.Credentials, secret.Active.Generation)
	}
	if _, is := found[st.gone]; is {
		t.Errorf("account %s is still there", st.gone)
	}
	delete(found, "vsadmin") // which not every array makes
	if len(found) != 2 {     // ours, the neighbour's
		t.Errorf("%d accounts", len(found))
	}
	if found[neighbour].Comment != "another shoot's" || l.logIn(t, neighbour, l.neighbours) != ontap.LoginAccepted {
		t.Error("the neighbour's account was touched")
	}
}

// failuresInARow are the logins that failed one after the other at most, for
// any account of this SVM, since the request log was emptied.
func (l *life) failuresInARow() int {
	most, row := 0, map[string]int{}
	for _, q := range l.sim.Requests() {
		switch {
		case q.SVM != l.svmName:
		case q.Known:
			row[q.User] = 0
		default:
			row[q.User]++
			most = max(most, row[q.User])
		}
	}
	return most
}

// stays: at rest the flow writes nothing, however often it is run.
func (l *life) stays(t *testing.T, i *instance, want decide.CredentialAction) {
	t.Helper()
	before := len(i.in.Calls())
	for range 3 {
		step, err := l.live(t.Context(), i, nil)
		must(t, "run again at rest", err)
		if step.Action != want {
			t.Errorf("run again it rests at %s (%s)", step.Action, step.Why)
		}
	}
	for _, c := range i.in.Calls()[before:] {
		if c.Op != "GET" {
			t.Errorf("at rest: %s", c)
		}
	}
}

// end takes the SVM away where the array lets it, so that the array stays quick.
func (l *life) end(t *testing.T) {
	t.Helper()
	_ = l.clean.array.DeleteSVM(t.Context(), l.uuid)
}

// begin sets a story out, and gives the Secret as it stood then.
func (w *world) begin(t *testing.T, st story) (*life, seed.Secret) {
	t.Helper()
	l := w.newLife(t)
	st.set(t, l)
	before := l.clean.secrets.Secret(t.Context(), l.ref)
	if before.Finding == proof.Unknown {
		t.Fatal(before.Why)
	}
	w.sim.ForgetRequests()
	return l, before
}

func TestEveryStory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newKube(t), sim.Doubts{})
	for _, st := range stories {
		t.Run(st.name, func(t *testing.T) {
			l, before := w.begin(t, st)
			i := l.instanceOf(t)
			step, err := l.live(t.Context(), i, nil)
			must(t, "live", err)
			calls := i.in.Calls()
			intentsFirst(t, calls)
			if previous := l.secret(t).Previous; previous != "" {
				t.Errorf("account %s is still noted as the one before", previous)
			}
			l.holds(t, st, step, before)
			l.stays(t, i, st.want)
			t.Logf("%d calls", len(calls))
		})
	}
}

// intentsFirst: directly before each call that sends a password or deletes an
// account, and before each login, the Secret is written.
func intentsFirst(t *testing.T, calls []fault.Call) {
	t.Helper()
	written := false
	for n, c := range calls {
		login := c.Op == "GET" && c.Target == "/api/svm/svms"
		needs := c.Transport == "ontap" && (c.Op == "POST" || c.Op == "DELETE" || login)
		if needs && !written {
			t.Errorf("call %d (%s), and the Secret was not written before it: %v", n+1, c, calls)
		}
		written = c.Transport == "kube" && c.Op != "GET"
	}
}

// Whatever is not known of an array, each story ends alike.
func TestEveryStoryOnEveryArray(t *testing.T) {
	t.Parallel()
	for name, doubts := range sim.EachDoubt() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newMemory(t), doubts)
			for _, st := range stories {
				l, before := w.begin(t, st)
				i := l.instanceOf(t)
				step, err := l.live(t.Context(), i, nil)
				must(t, st.name, err)
				l.holds(t, st, step, before)
				l.stays(t, i, st.want)
				if t.Failed() {
					t.Fatalf("so it is in the story: %s", st.name)
				}
			}
		})
	}
}
