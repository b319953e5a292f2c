package sim

import (
	"testing"
	"time"
)

const (
	address  = "192.0.2.10"
	shoot    = "shoot"
	password = "secret1pass"
)

// managed is an array with an SVM p1 that a user can log in to.
func managed(t *testing.T, change func(*Options)) *array {
	t.Helper()
	a := newArray(t, change)
	a.svm("p1")
	a.manage("p1", address, shoot, password)
	return a
}

// login gives the status of a login check at the SVM's address.
func (a *array) login(password string) int {
	a.t.Helper()
	r, err := a.as(address, shoot, password, "GET", "/cluster?fields=version", "")
	if err != nil {
		a.t.Fatal(err)
	}
	return r.status
}

func (a *array) fail(times int) {
	a.t.Helper()
	for range times {
		if got := a.login("wrong1pass"); got != 401 {
			a.t.Fatalf("a wrong password: status %d", got)
		}
	}
}

func (a *array) accountPath() string {
	v, _ := a.Dump().Find("p1")
	return "/security/accounts/" + v.UUID + "/" + shoot
}

func TestFiveFailuresLock(t *testing.T) {
	a := managed(t, nil)
	a.fail(4)
	if got := a.login(password); got != 200 {
		t.Fatalf("after four failures: status %d, expected 200", got)
	}
	a.fail(4)
	if got := a.login(password); got != 200 {
		t.Fatalf("a login resets the count: status %d, expected 200", got)
	}
	a.fail(5)
	if got := a.login(password); got != 401 {
		t.Fatalf("after five failures in a row: status %d, expected 401", got)
	}
	if r := a.must(200, "GET", a.accountPath(), ""); r.body["locked"] != true {
		t.Errorf("the lock does not show: %s", r.raw)
	}
	a.clock.forward(time.Hour - time.Second)
	if got := a.login(password); got != 401 {
		t.Errorf("a second before the lock ends: status %d", got)
	}
	a.clock.forward(time.Second)
	if got := a.login(password); got != 200 {
		t.Errorf("after an hour: status %d, expected 200", got)
	}
}

func TestUnlock(t *testing.T) {
	a := managed(t, nil)
	a.fail(5)
	a.must(200, "PATCH", a.accountPath(), `{"locked":false}`)
	if got := a.login(password); got != 200 {
		t.Errorf("after the unlock: status %d, expected 200", got)
	}
	a.must(200, "PATCH", a.accountPath(), `{"locked":true}`)
	if got := a.login(password); got != 401 {
		t.Errorf("locked by an administrator: status %d, expected 401", got)
	}
	a.clock.forward(24 * time.Hour)
	if got := a.login(password); got != 401 {
		t.Errorf("such a lock does not end: status %d", got)
	}
}

// TestCheckIsNoLogin: looking from above counts nothing and minds no lock.
func TestCheckIsNoLogin(t *testing.T) {
	a := managed(t, nil)
	for range 10 {
		if a.Check("p1", shoot, "wrong1pass") {
			t.Fatal("a wrong password fits")
		}
	}
	if !a.Check("p1", shoot, password) || a.login(password) != 200 {
		t.Error("the right password does not fit")
	}
	user, admin := a.Cluster(0).Credentials()
	if !a.Check("", user, admin) || a.Check("p9", shoot, password) {
		t.Error("the cluster's administrator is not found, or an SVM that is not there is")
	}
}

func TestLoginDelay(t *testing.T) {
	clock := &jumpClock{handClock: newHandClock()}
	a := managed(t, func(o *Options) { o.Clock, o.Times.LoginDelay = clock, 4*time.Second })
	before := clock.Now()
	a.fail(1)
	if waited := clock.Now().Sub(before); waited != 4*time.Second {
		t.Errorf("a failed login took %v, expected 4s", waited)
	}
	before = clock.Now()
	if a.login(password) != 200 || clock.Now() != before {
		t.Error("a good login is to take no time")
	}
}

// TestPasswordRules: each rule with its code; a change is valid at once.
func TestPasswordRules(t *testing.T) {
	a := managed(t, nil)
	change := func(password string) reply {
		return a.do("POST", "/security/authentication/password", `{"name":"shoot","owner":{"name":"p1"},"password":"`+password+`"}`)
	}
	for _, c := range []struct{ reason, password, code string }{
		{"too short", "abc1234", "7077919"},
		{"letters only", "abcdefghij", "7077920"},
		{"digits only", "1234567890", "7077920"},
		{"holds the name", "myshoot123", "7077918"},
		{"the same", password, "7077925"},
	} {
		if r := change(c.password); r.code() != c.code {
			t.Errorf("%s: %s, expected code %s", c.reason, r.raw, c.code)
		}
	}
	if a.login(password) != 200 {
		t.Fatal("a refused change did change something")
	}
	for i := range 5 {
		next := "another" + string(rune('a'+i)) + "1"
		if r := change(next); r.status != 200 {
			t.Fatalf("change %d: %s", i, r.raw)
		}
		if a.login(next) != 200 || a.login(password) != 401 {
			t.Fatal("the new password is to be valid at once, and the old one dead")
		}
		a.must(200, "PATCH", a.accountPath(), `{"locked":false}`)
	}
	if r := change(password); r.code() != "7077924" {
		t.Errorf("one of the last six: %s", r.raw)
	}
	if r := change("onemore12"); r.status != 200 {
		t.Errorf("one more: %s", r.raw)
	}
	if r := change(password); r.status != 200 {
		t.Errorf("the seventh last may be used again: %s", r.raw)
	}
}

func TestOwnPasswordAtTheSVM(t *testing.T) {
	a := managed(t, nil)
	r, err := a.as(address, shoot, password, "POST", "/security/authentication/password", `{"name":"shoot","password":"another123"}`)
	if err != nil || r.status != 200 || a.login("another123") != 200 {
		t.Errorf("the own password: %v %s", err, r.raw)
	}
	r, err = a.as(address, shoot, "another123", "POST", "/security/authentication/password", `{"name":"vsadmin","password":"another123"}`)
	if err != nil || r.code() != "6" {
		t.Errorf("somebody else's password: %v %s", err, r.raw)
	}
}
