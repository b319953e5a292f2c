package ontap

import (
	"strings"
	"testing"
)

func TestMask(t *testing.T) {
	s := &suite{secrets: []string{"Hunter2Hunter2", ""}}
	for _, c := range []struct{ reason, text, want string }{
		{"a known password, wherever it stands", `ask: Hunter2Hunter2 refused`, `ask: *** refused`},
		{"any field named password", `{"password": "unknown\"one", "name": "x"}`, `{"password": "***", "name": "x"}`},
		{"nothing else", `{"name":"pass"}`, `{"name":"pass"}`},
	} {
		t.Run(c.reason, func(t *testing.T) {
			if got := s.mask(c.text); got != c.want {
				t.Errorf("got %s; want %s", got, c.want)
			}
		})
	}
}

func TestShowHidesPasswords(t *testing.T) {
	s := &suite{}
	u := &user{name: "someone", password: "Hunter2Hunter2"}
	shown := s.show(post("/security/accounts", object{"name": "x", "password": "Other3Other3"}).by(u))
	if strings.Contains(shown, "Hunter2") || strings.Contains(shown, "Other3") || !strings.Contains(shown, "someone") {
		t.Errorf("got %s", shown)
	}
}

func TestValues(t *testing.T) {
	v := parse([]byte(`{"a":{"n":5,"t":"5","b":true,"l":[1]},"f":1.5}`))
	if n, ok := integer(v, "a.n"); !ok || n != 5 {
		t.Errorf("a.n is the integer 5; got %d %v", n, ok)
	}
	for _, path := range []string{"a.t", "f", "a.none", "a.n.deeper"} {
		if _, ok := integer(v, path); ok {
			t.Errorf("%s is no integer", path)
		}
	}
	if text(v, "a.t") != "5" || text(v, "a.n") != "" {
		t.Error("a text is told from a number")
	}
	if len(list(v, "a.l")) != 1 || list(v, "a.t") != nil {
		t.Error("an array is told from a text")
	}
	if parse([]byte(`[1]`)) != nil || parse([]byte(`<html>`)) != nil {
		t.Error("only an object is a body")
	}
}

func TestTwinName(t *testing.T) {
	for name, want := range map[string]string{"x": "x-mc", "svm.dns.name": "svm-mc.dns.name"} {
		if got := twinName(name); got != want {
			t.Errorf("twin of %s: got %s; want %s", name, got, want)
		}
	}
}

func TestJobCode(t *testing.T) {
	for _, c := range []struct{ reason, job, want string }{
		{"the error alone", `{"error":{"code":"13434908"}}`, "13434908"},
		{"the code alone", `{"code":13434908}`, "13434908"},
		{"both", `{"code":1,"error":{"code":"2"}}`, "2"},
		{"neither", `{}`, ""},
	} {
		if got := jobCode(parse([]byte(c.job))); got != c.want {
			t.Errorf("%s: got %s; want %s", c.reason, got, c.want)
		}
	}
}
