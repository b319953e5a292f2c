package svm_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/credential"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// unwanted is a person's wish to have the pair that is active now replaced.
func (w *world) unwanted() map[string]decide.SeenPair {
	w.t.Helper()
	return map[string]decide.SeenPair{"prod": credential.Seen(w.secret())}
}

// testRef is the Secret of the second shoot, which comes and goes.
func (w *world) testRef() seed.SecretRef {
	return seed.SecretRef{Namespace: w.namespace, Name: "p1-test-credentials"}
}

// withTest is a wish with a second shoot.
func (w *world) withTest() svm.Wish {
	w.t.Helper()
	return w.wish(func(v *spec.StorageVM) {
		v.Spec.Credentials = append(v.Spec.Credentials, spec.Credentials{Shoot: "test", SecretName: w.testRef().Name, SecretNamespace: w.namespace})
	})
}

// shared is an SVM that both shoots use.
func (w *world) shared() {
	w.t.Helper()
	want := w.withTest()
	w.toRest(w.controller(nil), want)
	w.holds(want)
	w.clock.advance(30 * time.Minute)
}

// accountComment is what stands in the comment of an account of the SVM.
func (w *world) accountComment(name string) (comment string, there bool) {
	w.t.Helper()
	v, _ := w.sim.Dump().Find("p1")
	for _, a := range v.Accounts {
		if a.Name == name {
			return a.Comment, true
		}
	}
	return "", false
}

func (w *world) comment(name, comment string) {
	w.t.Helper()
	must(w.t, w.array(0, nil).Client.ChangeAccount(w.t.Context(), w.uuid(), name, ontap.AccountChange{Comment: &comment}))
}

// leftNothing: the second shoot has no account, no Secret, and no note.
func (w *world) leftNothing() {
	w.t.Helper()
	for _, name := range []string{"test", "test_2"} {
		if _, there := w.accountComment(name); there {
			w.t.Errorf("account %s is left", name)
		}
	}
	store := w.store(nil)
	if s := store.Secret(w.t.Context(), w.testRef()); s.Finding != proof.Absent {
		w.t.Errorf("its Secret is %s: %s", s.Finding, s.Why)
	}
	record := store.Record(w.t.Context(), "p1")
	if _, noted := record.NoteOf("test"); noted || slices.Contains(record.Shoots, "test") {
		w.t.Errorf("the record still names it: %q, %+v", record.Shoots, record.ShootNotes)
	}
}

// tries reconciles a few times, and gives what is told of a step that needs a
// person.
func (w *world) tries(r *svm.Reconciler, want svm.Wish, step string) string {
	w.t.Helper()
	for range 5 {
		r.Reconcile(w.t.Context(), want)
	}
	for _, e := range r.Escalations() {
		if e.Step == step {
			return e.Why
		}
	}
	return ""
}

// A shoot that is taken out of the object goes with its accounts, its Secret and
// the record's note of it, which the plan names before and Events after; the one
// that stays is not touched.
func TestAShootLeaves(t *testing.T) {
	w := newWorld(t)
	w.shared()
	kept, want := w.secret().Active, w.wish()
	plan, _, err := w.controller(nil).Plan(t.Context(), want)
	must(t, err)
	i := slices.IndexFunc(plan.Steps, func(s flow.PlannedStep) bool { return s.Name == "leave/test/accounts" })
	if i < 0 || plan.Steps[i].State != flow.PlanAct || plan.Steps[i].Next != "remove account test" {
		t.Errorf("the plan does not name it:\n%s", plan)
	}
	r := w.controller(nil)
	w.toRest(r, want)
	w.holds(want)
	w.leftNothing()
	w.staysAtRest(r, want)
	w.staysAtRest(w.controller(nil), want)
	for _, says := range []string{"leave/test/accounts: remove account test", "leave/test/secrets: remove what is ours of Secret " + w.testRef().String(), "leave/test/record: forget the shoot"} {
		w.hears("StepDone", says)
	}
	if now := w.secret().Active; now.Generation != kept.Generation || !now.Password.Equal(kept.Password) {
		t.Error("the pair of the shoot that stays was changed")
	}
	w.noSecrets()
}

// In the grace time of a rotation there are two accounts, and both go.
func TestAShootLeavesWhileItsPasswordIsRotated(t *testing.T) {
	w := newWorld(t)
	w.shared()
	want := w.withTest()
	want.Rotate = map[string]decide.SeenPair{"test": credential.Seen(w.store(nil).Secret(t.Context(), w.testRef()))}
	w.toRest(w.controller(nil), want)
	if _, there := w.accountComment("test_2"); !there {
		t.Fatal("it was not rotated")
	}
	want = w.wish()
	w.toRest(w.controller(nil), want)
	w.holds(want)
	w.leftNothing()
}

// The last shoot leaves, and the SVM stays: Retain is about the SVM.
func TestTheLastShootLeaves(t *testing.T) {
	w := newWorld(t)
	w.toRest(w.controller(nil), w.wish())
	want := w.wish(func(v *spec.StorageVM) { v.Spec.Credentials = []spec.Credentials{} })
	w.toRest(w.controller(nil), want)
	w.holds(want)
	if s := w.secret(); s.Finding != proof.Absent {
		t.Errorf("its Secret is %s", s.Finding)
	}
	w.staysAtRest(w.controller(nil), want)
	want = w.wish()
	w.toRest(w.controller(nil), want)
	w.holds(want)
}

// A shoot leaves an SVM that is to be deleted at the same time: the deletion is
// not held up by it. Under Retain nothing of either is touched.
func TestAShootLeavesAnSVMThatGoes(t *testing.T) {
	w := newWorld(t)
	w.shared()
	want := w.wish()
	want.Gone = true
	before := w.objects()
	w.toRest(w.controller(nil), want)
	if _, there := w.accountComment("test"); !there || w.objects() != before {
		t.Error("under Retain something was changed")
	}
	want.Spec.DeletionPolicy = decide.Delete
	w.toRest(w.controller(nil), want)
	w.nothingLeft()
	if s := w.store(nil).Secret(t.Context(), w.testRef()); s.Finding != proof.Absent {
		t.Errorf("the Secret of the shoot that left is %s", s.Finding)
	}
	w.staysAtRest(w.controller(nil), want)
}

// What may not go stays, and is told to a person; everything else goes on. Once a
// person has settled it, the rest goes too.
func TestWhatAShootLeavesBehindThatIsDoubtful(t *testing.T) {
	stranger := decide.Mark{Owner: decide.Owner{Garden: "garden", Project: "p9"}, Shoot: "test", Attempt: 1, Nonce: "0123456789abcdef", Credentials: 1}.String()
	for _, c := range []struct {
		reason  string
		damage  func(*world)
		says    string
		account bool // is left
		settle  func(*world)
	}{
		{"another owner's mark on its account", func(w *world) { w.comment("test", stranger) }, "it bears the mark of garden/p9", true, func(w *world) {
			must(w.t, w.array(0, nil).Client.DeleteAccount(w.t.Context(), w.uuid(), "test"))
		}},
		{"no mark on its account any more", func(w *world) { w.comment("test", "kept by the storage team") }, "bears no mark any more", true, func(w *world) {
			must(w.t, w.array(0, nil).Client.DeleteAccount(w.t.Context(), w.uuid(), "test"))
		}},
		{"a password that somebody else has set on its account", func(w *world) {
			was, _ := w.accountComment("test")
			_, mark := w.wish().Owner().Read(was)
			mark.Credentials += 5
			w.comment("test", mark.String())
		}, "somebody else uses it", true, func(w *world) {
			must(w.t, w.array(0, nil).Client.DeleteAccount(w.t.Context(), w.uuid(), "test"))
		}},
		{"a pair of another SVM in its Secret", func(w *world) {
			s := w.store(nil).Secret(w.t.Context(), w.testRef())
			s.Active.SVM = "99999999-0000-0000-0000-000000000000"
			_, err := w.store(nil).WriteSecret(w.t.Context(), s)
			must(w.t, err)
		}, "its pair is of another SVM", false, func(w *world) { w.change(http.MethodDelete, "secrets", w.testRef().Name, nil) }},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.shared()
			c.damage(w)
			must(t, w.array(0, nil).Client.DeleteAccount(t.Context(), w.uuid(), "prod"))
			want, r := w.wish(), w.controller(nil)
			if why := w.tries(r, want, "leave/test"); !strings.Contains(why, c.says) {
				t.Errorf("want %q, told: %v", c.says, r.Escalations())
			}
			if secret := w.store(nil).Secret(t.Context(), w.testRef()); secret.Finding != proof.Present {
				t.Errorf("its Secret is %s", secret.Finding)
			}
			if _, there := w.accountComment("test"); there != c.account {
				t.Errorf("its account is left: %v", there)
			}
			if s := w.secret(); !w.sim.Check("p1", s.Active.User, s.Active.Password.Reveal()) {
				t.Error("the shoot that stays was held up")
			}
			c.settle(w)
			r.RetryNow("p1")
			w.toRest(r, want)
			w.holds(want)
			w.leftNothing()
			w.staysAtRest(r, want)
		})
	}
}

// Whatever of it is gone already, the rest goes; keys of others stay.
func TestAShootLeavesOfWhichSomethingIsGone(t *testing.T) {
	for _, c := range []struct {
		reason string
		damage func(*world)
		stays  bool // its Secret, with what others keep in it
	}{
		{"its Secret", func(w *world) { w.change(http.MethodDelete, "secrets", w.testRef().Name, nil) }, false},
		{"its account", func(w *world) {
			must(w.t, w.array(0, nil).Client.DeleteAccount(w.t.Context(), w.uuid(), "test"))
		}, false},
		{"both", func(w *world) {
			w.change(http.MethodDelete, "secrets", w.testRef().Name, nil)
			must(w.t, w.array(0, nil).Client.DeleteAccount(w.t.Context(), w.uuid(), "test"))
		}, false},
		{"nothing, and others keep something in its Secret", func(w *world) {
			w.editData(w.testRef().Name, func(data map[string]any) { data["theirs"] = "a2VwdA==" })
		}, true},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.shared()
			c.damage(w)
			want, r := w.wish(), w.controller(nil)
			w.toRest(r, want)
			w.holds(want)
			w.staysAtRest(r, want)
			if !c.stays {
				w.leftNothing()
				return
			}
			s := w.store(nil).Secret(t.Context(), w.testRef())
			if s.Finding != proof.Present || s.Active.State() != decide.NoPair || s.Labels[seed.LabelKind] != "" {
				t.Errorf("its Secret is %s, with a pair that is %s, labels %v", s.Finding, s.Active.State(), s.Labels)
			}
			w.hears("StepDone", "what others have stays: "+w.testRef().String())
			w.change(http.MethodDelete, "secrets", w.testRef().Name, nil)
			w.leftNothing()
		})
	}
}

// The namespace of its Secret has gone with the shoot.
func TestAShootLeavesWithItsNamespace(t *testing.T) {
	w := newWorld(t)
	w.shared()
	store := w.store(nil)
	record := store.Record(t.Context(), "p1")
	note, _ := record.NoteOf("test")
	note.Secrets = []seed.SecretRef{{Namespace: "gone-with-its-shoot", Name: "credentials"}}
	_, err := store.WriteRecord(t.Context(), record.WithNote(note))
	must(t, err)
	w.change(http.MethodDelete, "secrets", w.testRef().Name, nil)
	want := w.wish()
	w.toRest(w.controller(nil), want)
	w.holds(want)
	w.leftNothing()
}

// A shoot that comes back before all of it was gone is wanted again.
func TestAShootComesBack(t *testing.T) {
	w := newWorld(t)
	w.shared()
	store := w.store(nil)
	record := store.Record(t.Context(), "p1")
	note, noted := record.NoteOf("test")
	if !noted || !slices.Equal(note.Accounts, []string{"test"}) || !slices.Equal(note.Secrets, []seed.SecretRef{w.testRef()}) || note.Generation == 0 {
		t.Fatalf("noted %v: %+v", noted, note)
	}
	note.LeavingSince = w.clock.Now()
	_, err := store.WriteRecord(t.Context(), record.WithNote(note))
	must(t, err)
	must(t, w.array(0, nil).Client.DeleteAccount(t.Context(), w.uuid(), "test"))
	want := w.withTest()
	w.toRest(w.controller(nil), want)
	w.holds(want)
	if note, _ := store.Record(t.Context(), "p1").NoteOf("test"); !note.LeavingSince.IsZero() {
		t.Errorf("it is noted to be leaving: %+v", note)
	}
	w.staysAtRest(w.controller(nil), want)
}

// An older record does not say what a shoot has. While the shoot is wanted that
// is noted; once it has left, nothing of it is taken for not being there.
func TestAnOlderRecord(t *testing.T) {
	forget := func(w *world) {
		record := w.store(nil).Record(w.t.Context(), "p1")
		record.ShootNotes = nil
		_, err := w.store(nil).WriteRecord(w.t.Context(), record)
		must(w.t, err)
	}
	t.Run("of shoots that stay", func(t *testing.T) {
		w := newWorld(t)
		w.shared()
		forget(w)
		w.toRest(w.controller(nil), w.withTest())
		want := w.wish()
		w.toRest(w.controller(nil), want)
		w.holds(want)
		w.leftNothing()
	})
	t.Run("of one that has left", func(t *testing.T) {
		w := newWorld(t)
		w.shared()
		forget(w)
		want, r := w.wish(), w.controller(nil)
		if why := w.tries(r, want, "leave/test"); !strings.Contains(why, "not where its Secret lies") {
			t.Errorf("told: %v", r.Escalations())
		}
		if _, there := w.accountComment("test"); !there || w.store(nil).Secret(t.Context(), w.testRef()).Finding != proof.Present {
			t.Error("something of it is gone")
		}
		r.RetryNow("p1")
		w.toRest(r, w.withTest()) // as a person is told to
		w.toRest(r, want)
		w.holds(want)
		w.leftNothing()
	})
}

// A shoot is known by another name now, of which the account's name and the Secret
// are the same: the old one's account goes, and the Secret stays.
func TestAShootIsRenamed(t *testing.T) {
	w := newWorld(t)
	named := func(shoot string) svm.Wish {
		want := w.withTest()
		want.Spec.Credentials[1].Shoot = shoot
		return want
	}
	w.toRest(w.controller(nil), named("shoot--p1--test"))
	want := named("test")
	r := w.controller(nil)
	w.tries(r, want, "")
	r.RetryNow("p1")
	w.toRest(r, want)
	w.holds(want)
	comment, _ := w.accountComment("test")
	if _, mark := want.Owner().Read(comment); mark.Shoot != "test" {
		t.Errorf("the account is of shoot %q", mark.Shoot)
	}
	if record := w.store(nil).Record(t.Context(), "p1"); !slices.Equal(record.Shoots, []string{"prod", "test"}) {
		t.Errorf("recorded: %q", record.Shoots)
	}
	w.staysAtRest(r, want)
}

// The Secret is lost in the grace time of a rotation: whoever holds the pair that
// was active is not cut off by the repair.
func TestALostSecretInTheGraceTime(t *testing.T) {
	for _, turns := range []int{1, 2} { // the pair that is active is of either account
		w := newWorld(t)
		want := w.wish()
		w.toRest(w.controller(nil), want)
		for i := range turns {
			if i > 0 {
				w.setPair(func(s *seed.Secret) { s.InUseGeneration = s.Active.Generation })
				w.clock.advance(48 * time.Hour)
				w.toRest(w.controller(nil), want)
			}
			w.clock.advance(time.Hour)
			want.Rotate = w.unwanted()
			w.toRest(w.controller(nil), want)
		}
		held := w.secret().Active
		w.clock.advance(30 * time.Minute)
		w.change(http.MethodDelete, "secrets", w.secretRef().Name, nil)
		w.toRest(w.controller(nil), want)
		now := w.secret().Active
		if !w.sim.Check("p1", held.User, held.Password.Reveal()) {
			t.Errorf("after %d rotations: whoever holds the pair of %s is cut off", turns, held.User)
		}
		if now.User == held.User || !w.sim.Check("p1", now.User, now.Password.Reveal()) {
			t.Errorf("after %d rotations: the new pair is of %s, and the one before of %s", turns, now.User, held.User)
		}
		w.oneAccount(want)
		w.staysAtRest(w.controller(nil), want)
	}
}

// A wish for another password is not fulfilled by another number of the same.
func TestAWishIsNotFulfilledByANumber(t *testing.T) {
	w := newWorld(t)
	want := w.wish()
	w.toRest(w.controller(nil), want)
	before := w.secret().Active
	want.Rotate = w.unwanted()
	record := w.store(nil).Record(t.Context(), "p1")
	mark := decide.Mark{Owner: want.Owner(), Shoot: "prod", Attempt: record.Generation, Nonce: record.Nonce, Credentials: 7}
	must(t, w.array(0, nil).Client.CreateAccount(t.Context(), ontap.NewAccount{ // as of a rotation that the seed knows nothing of any more
		SVMUUID: w.uuid(), Name: "prod_2", Password: ontap.NewSecret("forgotten5forgotten"), Comment: mark.String(),
	}))
	w.clock.advance(30 * time.Minute)
	res := w.toRest(w.controller(nil), want)
	numbered := w.secret().Active
	if numbered.Generation <= before.Generation || !numbered.Password.Equal(before.Password) {
		t.Fatalf("it was not numbered anew: %d after %d", numbered.Generation, before.Generation)
	}
	if !slices.ContainsFunc(res.Decision.Steps, func(s decide.Step) bool { return s.Credential != nil && s.Credential.RotationDue }) {
		t.Error("it says that the pair is replaced")
	}
	w.setPair(func(s *seed.Secret) { s.InUseGeneration = s.Active.Generation })
	w.clock.advance(48 * time.Hour)
	w.toRest(w.controller(nil), want)
	if after := w.secret().Active; after.Password.Equal(before.Password) || after.User != "prod_2" {
		t.Errorf("the pair of %s is not replaced", before.User)
	}
	w.oneAccount(want)
	w.staysAtRest(w.controller(nil), want)
}
