package decide_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// The universe of passwords: two accounts, the active and the pending pair, the
// way to the SVM, and what was configured.

var (
	firstWords   = []choice{"silent", "absent", "ours", "locked", "lock unknown", "foreign", "shared", "unmarked", "later generation"}
	secondWords  = []choice{"silent", "absent", "ours", "foreign", "later generation"}
	activeWords  = []choice{"silent", "pair unknown", "no secret", "no pair", "incomplete", "other SVM", "proven", "stale", "unproved", "refused once", "refused, unlocked", "refused twice", "refused twice, maybe locked"}
	pendingWords = []choice{"unknown", "none", "u1 not sent", "u1 sent", "u1 confirmed", "u1 proven", "u1 against policy", "u1 refused once", "u1 refused twice", "u1 other SVM", "u1 set unknown", "u2 not sent", "u2 confirmed", "u2 proven"}
	reachWords   = []choice{"unknown", "no address", "reachable", "unreachable"}
	noYes        = []choice{"no", "yes"}
	passwordDims = [][]choice{firstWords, secondWords, activeWords, pendingWords, reachWords, noYes, noYes, noYes, noYes, noYes}
)

type passwords struct {
	first, second, active, pending, reach choice
	due, inUse, graceOver, unlock, recent bool // recent: a login was tried a moment ago
}

func passwordsAt(n int) passwords {
	d := digitsOf(n, passwordDims)
	return passwords{firstWords[d[0]], secondWords[d[1]], activeWords[d[2]], pendingWords[d[3]], reachWords[d[4]], d[5] == 1, d[6] == 1, d[7] == 1, d[8] == 1, d[9] == 1}
}

func ago(d time.Duration) time.Time { return now.Add(-d) }

func loginOf(word choice) decide.Login {
	l := decide.Login{}
	switch {
	case strings.HasSuffix(string(word), "proven"):
		l.VerifiedAt = ago(5 * time.Minute)
	case word == "stale":
		l.VerifiedAt = ago(48 * time.Hour)
	case strings.HasSuffix(string(word), "refused once"):
		l.FirstRefused, l.LastRefused = ago(10*time.Minute), ago(10*time.Minute)
	case word == "refused, unlocked":
		l.FirstRefused, l.LastRefused, l.Unlocked = ago(10*time.Minute), ago(10*time.Minute), ago(5*time.Minute)
	case strings.HasSuffix(string(word), "refused twice"):
		l = refusedTwice()
	case word == "refused twice, maybe locked":
		l.FirstRefused, l.LastRefused = ago(30*time.Minute), ago(10*time.Minute)
	}
	return l
}

func (p passwords) credentials() decide.Credentials {
	account := func(name string, word choice) decide.Account {
		a := decide.Account{Name: name, Finding: proof.Present, Owner: decide.AccountOurs, Locked: decide.No, Generation: 1}
		if p.recent {
			a.Ration = decide.Ration{Tries: 1, LastTry: ago(10 * time.Second)}
		}
		switch word {
		case "silent":
			return decide.Account{Name: name}
		case "absent":
			return decide.Account{Name: name, Finding: proof.Absent}
		case "locked":
			a.Locked = decide.Yes
		case "lock unknown":
			a.Locked = decide.NotKnown
		case "foreign":
			a.Owner = decide.AccountForeign
		case "shared":
			a.Owner = decide.AccountShared
		case "unmarked":
			a.Owner, a.Generation = decide.AccountUnmarked, 0
		case "later generation":
			a.Generation = 5
		}
		return a
	}
	c := decide.Credentials{At: now, SVM: []string{"x"}, Users: [2]string{"u1", "u2"}, RotationDue: p.due, Policy: policy(),
		Accounts: []decide.Account{account("u1", p.first), account("u2", p.second)}, Reach: decide.Reach(slices.Index(reachWords, p.reach))}
	c.Policy.Unlock = p.unlock
	c.Secret = decide.Secret{Finding: proof.Present, ActivatedAt: ago(time.Hour), Active: p.activePair(), Pending: p.pendingPair()}
	switch p.active {
	case "silent":
		c.Secret.Finding = proof.Unknown
	case "no secret":
		c.Secret = decide.Secret{Finding: proof.Absent}
	}
	if p.graceOver {
		c.Secret.ActivatedAt = ago(48 * time.Hour)
	}
	if p.inUse {
		c.Secret.InUse = decide.Yes
	}
	return c
}

func (p passwords) activePair() decide.Pair {
	pair := decide.Pair{State: decide.Complete, User: "u1", SVM: "x", Generation: 1, Set: decide.Confirmed, Login: loginOf(p.active)}
	switch p.active {
	case "silent", "pair unknown":
		pair = decide.Pair{}
	case "no pair":
		pair = decide.Pair{State: decide.NoPair}
	case "incomplete":
		pair.State = decide.Incomplete
	case "other SVM":
		pair.SVM, pair.Login.VerifiedAt = "z", ago(time.Minute)
	}
	return pair
}

func (p passwords) pendingPair() decide.Pair {
	switch p.pending {
	case "unknown":
		return decide.Pair{}
	case "none":
		return decide.Pair{State: decide.NoPair}
	}
	user, word, _ := strings.Cut(string(p.pending), " ")
	pair := decide.Pair{State: decide.Complete, User: user, SVM: "x", Generation: 2, Set: decide.Confirmed, Login: loginOf(choice(word))}
	switch word {
	case "not sent":
		pair.Set = decide.NotSent
	case "sent":
		pair.Set = decide.Sent
	case "against policy":
		pair.Set = decide.RefusedByPolicy
	case "other SVM":
		pair.SVM = "z"
	case "set unknown":
		pair.Set = decide.SetUnknown
	}
	return pair
}

// worthless: it cannot work, or it is proven that it does not.
func (p passwords) worthless() bool {
	switch p.active {
	case "no secret", "no pair", "incomplete", "other SVM", "refused twice":
		return true
	}
	return p.first == "absent" || p.set("u1 confirmed", "u1 proven", "u1 refused once")
}

// lost: nothing says which pair it was.
func (p passwords) lost() bool {
	return p.active == "no secret" || p.active == "no pair" || p.active == "incomplete"
}

// overtaken: one of the two accounts bears a later generation than the pair.
func (p passwords) overtaken() bool {
	return p.first == "later generation" || p.second == "later generation"
}

// set: the pending pair is one of these, and may be on the account of the active
// one, whose password is then dead.
func (p passwords) set(words ...choice) bool {
	return slices.Contains(words, p.pending) && p.first != "later generation" && p.active != "no secret"
}

// next is what the design says of passwords, a second time.
func (p passwords) next() decide.CredentialAction {
	noPending := p.active == "no secret" || p.pending == "none"
	if p.active == "silent" || p.active == "pair unknown" || p.pending == "unknown" && p.active != "no secret" {
		return decide.CredentialsWait
	}
	forFirst := strings.HasPrefix(string(p.pending), "u1")
	dead := p.pending == "u1 against policy" || p.pending == "u1 refused twice" || p.pending == "u1 other SVM" || forFirst && p.first == "later generation" || !forFirst && p.second == "later generation"
	mayBeSet := p.set("u1 sent", "u1 set unknown")
	if !noPending && !dead && (p.worthless() || !forFirst || mayBeSet && p.reach == "reachable") {
		return p.bringIn(forFirst)
	}
	given := p.given(p.first)
	switch {
	case given != "" && p.first != "unmarked" && p.first != "absent": // wait, or stop
		return given
	case p.lost() && p.first != "absent" && p.first != "unmarked" && p.second == "silent": // which of the two is in use?
		return decide.CredentialsWait
	case p.worthless():
		return decide.MakePending
	case p.first == "unmarked":
		return decide.MarkAccount
	case p.active != "proven" || mayBeSet || p.overtaken():
		return p.check()
	case p.first == "locked":
		return map[bool]decide.CredentialAction{true: decide.Unlock, false: decide.CredentialsStop}[p.unlock]
	case !noPending && p.second == "silent": // it may be of a later generation
		return decide.CredentialsWait
	case !noPending:
		return decide.DropPending
	case p.second == "ours" && p.inUse && p.graceOver:
		return decide.RemoveOldAccount
	case p.second == "ours" || !p.due:
		return decide.CredentialsOK
	}
	return map[choice]decide.CredentialAction{"silent": decide.CredentialsWait, "absent": decide.MakePending, "foreign": decide.CredentialsStop}[p.second]
}

// given is what is to be done with an account before any password, or "".
func (p passwords) given(account choice) decide.CredentialAction {
	return map[choice]decide.CredentialAction{"silent": decide.CredentialsWait, "foreign": decide.CredentialsStop, "shared": decide.CredentialsStop,
		"absent": decide.CreateAccount, "unmarked": decide.MarkAccount}[account]
}

func (p passwords) bringIn(forFirst bool) decide.CredentialAction {
	account := p.second
	if forFirst {
		account = p.first
	}
	_, word, _ := strings.Cut(string(p.pending), " ")
	switch given := p.given(account); {
	case given != "":
		return given
	case word == "proven":
		return decide.Activate
	case word == "not sent":
		return decide.SetPassword
	case p.reach == "reachable":
		return p.login(decide.ProvePending, account, word == "refused once")
	case word == "sent" && p.reach != "unknown":
		return decide.SetPassword
	case word == "confirmed" && p.reach == "unreachable" && p.worthless():
		return decide.DeliverUnverified
	}
	return decide.CredentialsWait
}

func (p passwords) check() decide.CredentialAction {
	refused := strings.HasPrefix(string(p.active), "refused")
	switch {
	case p.reach == "reachable":
		return p.login(decide.CheckLogin, p.first, refused && p.active != "refused, unlocked")
	case p.reach == "unreachable" && !refused && p.inUse:
		return decide.CredentialsInUse
	case p.reach == "unreachable" && !refused:
		return decide.CredentialsUnverified
	}
	return decide.CredentialsWait
}

// login: never where the account shows a lock; after a refusal not before a lock
// can be ruled out; never too often.
func (p passwords) login(action decide.CredentialAction, account choice, lockMayExplain bool) decide.CredentialAction {
	switch {
	case (account == "locked" || lockMayExplain) && p.unlock:
		return decide.Unlock
	case account == "locked":
		return decide.CredentialsStop
	case lockMayExplain || p.recent:
		return decide.CredentialsWait
	}
	return action
}

var dangerousToPasswords = []decide.CredentialAction{decide.MakePending, decide.DropPending, decide.CreateAccount, decide.MarkAccount, decide.SetPassword,
	decide.Activate, decide.DeliverUnverified, decide.RemoveOldAccount}

func TestEveryPassword(t *testing.T) {
	t.Parallel()
	size := sizeOf(passwordDims)
	actions := make([]decide.CredentialAction, size)
	counts := map[decide.CredentialAction]int{}
	failed := 0
	for n := range size {
		p := passwordsAt(n)
		step := decide.NextCredential(p.credentials())
		actions[n] = step.Action
		counts[step.Action]++
		why := ""
		switch want := p.next(); {
		case step.Action != want:
			why = "want " + string(want)
		case step.Why == "" || step.Action == decide.CredentialsWait && step.WaitFor == "" || step.Action == decide.CredentialsStop && step.Command == "":
			why = "it gives no reason, or does not say for what it waits or what to type"
		default:
			why = p.breaks(step)
		}
		if why != "" {
			t.Errorf("%+v: %s %s (%s): %s", p, step.Action, step.User, step.Why, why)
			if failed++; failed > 10 {
				t.Fatal("and more")
			}
		}
	}
	for n := range size {
		digits := digitsOf(n, passwordDims)
		for dim := range 5 {
			before := digits[dim]
			digits[dim] = 0
			now := actions[numberOf(digits, passwordDims)]
			digits[dim] = before
			if now != actions[n] && slices.Contains(dangerousToPasswords, now) {
				t.Fatalf("law 1: %+v: %s, and with %d silent %s", passwordsAt(n), actions[n], dim, now)
			}
		}
	}
	t.Logf("%d combinations: %v", size, counts)
	if len(counts) != 16 {
		t.Errorf("%d actions came, want all 16", len(counts))
	}
}

// highestGeneration is that of the accounts and pairs that show one.
func (p passwords) highestGeneration() uint64 {
	hasActive := p.active != "no secret" && p.active != "no pair"
	switch {
	case p.overtaken():
		return 5
	case p.active != "no secret" && p.pending != "none":
		return 2
	case hasActive || p.first != "absent" && p.first != "unmarked" || p.second == "ours":
		return 1
	}
	return 0
}

// breaks holds one step to the laws, whatever the rules say.
func (p passwords) breaks(s decide.CredentialStep) string {
	account := map[string]choice{"u1": p.first, "u2": p.second}[s.User]
	theirs := account == "foreign" || account == "shared" || account == "silent"
	mayWork := s.User == "u1" && !p.worthless()
	if s.Action == decide.CheckLogin && (s.Generation != 0) != (p.second == "later generation") {
		return "a pair is numbered anew where, and only where, the other account was used since"
	}
	switch s.Action {
	case decide.SetPassword, decide.CreateAccount, decide.MarkAccount, decide.MakePending, decide.RemoveOldAccount, decide.Unlock:
		if theirs {
			return "an account of another owner, or one that nobody has seen"
		}
		if (s.Action == decide.SetPassword || s.Action == decide.MakePending) && mayWork {
			return "a password that may work is written over"
		}
		if s.Action == decide.MakePending && s.Generation <= p.highestGeneration() {
			return "its generation is not above every one that is known"
		}
		if s.Action == decide.RemoveOldAccount && (s.User == "u1" || p.active != "proven" || !p.inUse || !p.graceOver || p.second != "ours") {
			return "the old account goes too early"
		}
	case decide.Activate:
		if !strings.HasSuffix(string(p.pending), "proven") || theirs {
			return "active, and not proven"
		}
	case decide.DeliverUnverified:
		if !p.worthless() || p.reach != "unreachable" || !strings.HasSuffix(string(p.pending), "confirmed") {
			return "delivered in the place of a pair that may work, or not confirmed"
		}
	case decide.ProvePending, decide.CheckLogin:
		if p.recent || p.reach != "reachable" || account == "locked" || theirs {
			return "a login that is not allowed"
		}
	case decide.CredentialsOK, decide.DropPending:
		if p.active != "proven" || p.overtaken() || p.set("u1 sent", "u1 set unknown", "u1 confirmed", "u1 proven", "u1 refused once") {
			return "verified, and nobody has logged in"
		}
	}
	return ""
}
