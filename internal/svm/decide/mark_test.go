package decide_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/svm/decide"
)

var fullMark = decide.Mark{Owner: decide.Owner{Garden: strings.Repeat("g", 40), Project: strings.Repeat("p", 40)}, Shoot: strings.Repeat("s", 30),
	Attempt: 9_999_999_999, Nonce: nonce1, Credentials: 9_999_999_999}

func TestMarkRoundTrip(t *testing.T) {
	for _, m := range []decide.Mark{markOf(1, nonce1), fullMark, {Owner: owner, Shoot: "shoot-1", Attempt: 7, Nonce: nonce2}} {
		got, err := decide.ParseMark(m.String())
		if err != nil || got != m {
			t.Errorf("%s: %+v, %v", m, got, err)
		}
	}
	if long := len(fullMark.String()); long != 184 || long > decide.SVMCommentLimit {
		t.Errorf("the longest mark has %d characters", long)
	}
}

// TestMarkGolden: what stands on arrays must be read by later versions.
func TestMarkGolden(t *testing.T) {
	m := decide.Mark{Owner: owner, Shoot: "shoot-1", Attempt: 3, Nonce: nonce1, Credentials: 2}
	if want := "[seedproof/1 o=g/p1 s=shoot-1 a=3.1111111111111111 c=2 x=92fa39a3]"; m.String() != want {
		t.Errorf("%s, want %s", m, want)
	}
}

func TestRead(t *testing.T) {
	mine, theirs := markOf(1, nonce1).String(), decide.Mark{Owner: stranger, Attempt: 1, Nonce: nonce3}.String()
	later := markOf(2, nonce2).String()
	for _, c := range []struct {
		reason  string
		comment string
		want    decide.Ownership
	}{
		{"nothing", "", decide.Unmarked},
		{"a person's words", "do not touch, call Anna", decide.Unmarked},
		{"ours alone", mine, decide.Ours},
		{"ours behind a person's words", "call Anna " + mine, decide.Ours},
		{"ours before them", mine + " call Anna", decide.Ours},
		{"another's", theirs, decide.Foreign},
		{"another's appended to ours: they took it over", mine + " " + theirs, decide.Foreign},
		{"ours appended to another's", theirs + " " + mine, decide.Foreign},
		{"ours twice: which one counts cannot be told", mine + " " + later, decide.Unreadable},
		{"one digit changed", strings.Replace(mine, "a=1.", "a=2.", 1), decide.Unreadable},
		{"cut off", mine[:len(mine)-4], decide.Unreadable},
		{"a newer format", strings.Replace(mine, "seedproof/1", "seedproof/2", 1), decide.Unreadable},
		{"ours beside a damaged one", mine + " [seedproof/1 o=", decide.Unreadable},
		{"another's beside a damaged one", theirs + " [seedproof/1 o=", decide.Foreign},
		{"a damaged one swallows the mark behind it", "[seedproof/1 " + theirs, decide.Unreadable},
		{"the same project of another garden", decide.Mark{Owner: decide.Owner{Garden: "h", Project: "p1"}, Attempt: 1, Nonce: nonce1}.String(), decide.Foreign},
	} {
		if got, _ := owner.Read(c.comment); got != c.want {
			t.Errorf("%s: %s, want %s", c.reason, got, c.want)
		}
	}
}

func TestPut(t *testing.T) {
	old, renewed := markOf(1, nonce1), markOf(2, nonce2)
	theirs := decide.Mark{Owner: stranger, Attempt: 1, Nonce: nonce3}.String()
	for _, c := range []struct {
		reason, comment, want string
		err                   error
	}{
		{"into an empty comment", "", renewed.String(), nil},
		{"behind a person's words", "call Anna", "call Anna " + renewed.String(), nil},
		{"in the place of our own, the words stay", "call " + old.String() + " Anna", "call " + renewed.String() + " Anna", nil},
		{"never beside another's", theirs, "", decide.ErrForeignMark},
		{"never beside a damaged one", "[seedproof/1 x", "", decide.ErrDamagedMark},
		{"never by cutting a person's words", strings.Repeat("x", 250), "", decide.ErrCommentFull},
	} {
		got, err := renewed.Put(c.comment, decide.SVMCommentLimit)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v", c.reason, got, err)
		}
	}
	exact := strings.Repeat("x", decide.SVMCommentLimit-1-len(renewed.String()))
	if got, err := renewed.Put(exact, decide.SVMCommentLimit); err != nil || len(got) != decide.SVMCommentLimit {
		t.Errorf("a comment that just fits: %d characters, %v", len(got), err)
	}
}

func TestMarkValidate(t *testing.T) {
	for reason, change := range map[string]func(*decide.Mark){
		"no garden":                 func(m *decide.Mark) { m.Owner.Garden = "" },
		"a garden of 41 characters": func(m *decide.Mark) { m.Owner.Garden = strings.Repeat("g", 41) },
		"a slash":                   func(m *decide.Mark) { m.Owner.Project = "a/b" },
		"a space":                   func(m *decide.Mark) { m.Owner.Project = "a b" },
		"a bracket":                 func(m *decide.Mark) { m.Shoot = "a]" },
		"a long shoot":              func(m *decide.Mark) { m.Shoot = strings.Repeat("s", 31) },
		"no attempt":                func(m *decide.Mark) { m.Attempt = 0 },
		"an attempt out of range":   func(m *decide.Mark) { m.Attempt = 10_000_000_000 },
		"a short nonce":             func(m *decide.Mark) { m.Nonce = "12" },
		"a nonce in capitals":       func(m *decide.Mark) { m.Nonce = "ABCDEF0123456789" },
	} {
		m := markOf(1, nonce1)
		change(&m)
		if _, err := m.Put("", decide.SVMCommentLimit); err == nil {
			t.Errorf("%s is taken", reason)
		}
	}
}

func TestOwnerOfAccount(t *testing.T) {
	of := func(o decide.Owner, shoot string) string {
		return decide.Mark{Owner: o, Shoot: shoot, Attempt: 1, Nonce: nonce1}.String()
	}
	for _, c := range []struct {
		reason, comment string
		other           decide.Answer
		want            decide.AccountOwner
	}{
		{"this shoot's", of(owner, "s"), decide.NotKnown, decide.AccountOurs},
		{"another shoot's of the same project", of(owner, "t"), decide.No, decide.AccountForeign},
		{"the project's, and no shoot's", of(owner, ""), decide.No, decide.AccountForeign},
		{"another project's shoot of the same name", of(stranger, "s"), decide.No, decide.AccountForeign},
		{"a damaged mark may be anybody's", "[seedproof/1 o=", decide.No, decide.AccountForeign},
		{"no mark, and the name is nobody else's", "", decide.No, decide.AccountUnmarked},
		{"no mark, and another here has the name", "", decide.Yes, decide.AccountShared},
		{"no mark, and who has the name is not known", "", decide.NotKnown, decide.AccountUnknown},
	} {
		if got := owner.OwnerOfAccount("s", c.comment, c.other); got != c.want {
			t.Errorf("%s: %s, want %s", c.reason, got, c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("call Anna " + markOf(1, nonce1).String())
	f.Add(fullMark.String() + decide.Mark{Owner: stranger, Attempt: 1, Nonce: nonce3}.String())
	f.Add("[seedproof/1 o=g/p1 a=01.1111111111111111 c=2 x=00000000]")
	f.Add("[seedproof/[seedproof/1 ]]")
	f.Fuzz(func(t *testing.T, comment string) {
		owned, m := owner.Read(comment)
		if owned == decide.Ours && (m.Owner != owner || !strings.Contains(comment, m.String())) {
			t.Fatalf("%q: %+v", comment, m)
		}
		if owned == decide.Foreign && m.Owner == owner {
			t.Fatalf("%q: ours is called another's", comment)
		}
		marked, err := markOf(9, nonce2).Put(comment, 1<<20)
		if (err == nil) != (owned == decide.Ours || owned == decide.Unmarked) {
			t.Fatalf("%q is %s, and marking it gives %v", comment, owned, err)
		}
		if err != nil {
			return
		}
		if now, got := owner.Read(marked); now != decide.Ours || got != markOf(9, nonce2) {
			t.Fatalf("%q marked is %q, which is %s", comment, marked, now)
		}
		if owned == decide.Unmarked && !strings.HasPrefix(marked, comment) {
			t.Fatalf("%q was written over: %q", comment, marked)
		}
	})
}
