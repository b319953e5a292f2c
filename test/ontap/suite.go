package ontap

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// doubts are what could not be confirmed on a real array: section 15, in its
// order. A note names one by its number.
var doubts = []string{
	1:  "HTTP status of an endpoint's own codes",
	2:  "body and headers of a 401",
	3:  "delay, count and sign of failed logins",
	4:  "an SVM account on the cluster's address",
	5:  "replication to the twin",
	6:  "what the deletion of an SVM takes along, and what hinders it",
	7:  "must an interface be disabled before its deletion",
	8:  "duplicate account; characters of names",
	9:  "a plus sign in the name of an interface",
	10: "order of running and NVMe enabled; time of a creation",
	11: "may nvme.enabled be changed by PATCH of the SVM",
	12: "recovery queue: retention, and does it hinder a deletion",
}

// suite is one run against one array.
type suite struct {
	target Target
	client *http.Client // the target's, without redirects and without a limit of time
	prefix string       // of every name that the suite makes

	array arrayFacts
	main  svmRef // has NVMe, an aggregate and a comment; stays until the end
	other svmRef // plain; stays until the end

	management string // address of main's management interface, once made
	nextHost   int

	mu       sync.Mutex
	secrets  []string          // masked in all that is printed
	leaves   map[string]string // leaf certificate by address of an SVM
	lastJob  *endedJob
	notes    []string
	codesOf  map[int][]string // codes of endpoints by the status they came with
	cases    int
	requests int
}

// svmRef names an SVM.
type svmRef struct{ name, uuid string }

func newSuite(t *testing.T, target Target) *suite {
	t.Helper()
	client := *target.HTTPClient
	client.Timeout = 0 // each request has its own, above the longest return_timeout
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if !target.Addresses.IsValid() {
		target.Addresses = netip.MustParsePrefix("192.0.2.0/24")
	}
	if target.DialSVM == nil {
		target.DialSVM = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	}
	return &suite{
		target: target, client: &client, prefix: "cf" + random(t, 4),
		secrets: []string{target.Password}, leaves: map[string]string{}, codesOf: map[int][]string{}, nextHost: 10,
	}
}

func random(t *testing.T, bytes int) string {
	t.Helper()
	b := make([]byte, bytes)
	if _, err := rand.Read(b); err != nil {
		t.Fatalf("read random bytes: %v", err)
	}
	return hex.EncodeToString(b)
}

// name gives a name of the suite's own; role tells what for.
func (s *suite) name(role string) string { return s.prefix + "_" + role }

// password gives a new password of letters and digits, masked from now on. It
// has no c: all our users begin with "cf", and no password may contain its user.
func (s *suite) password(t *testing.T) string {
	t.Helper()
	p := "Aa1" + strings.ReplaceAll(random(t, 8), "c", "g")
	s.secret(p)
	return p
}

// secret masks a text in all that is printed from now on.
func (s *suite) secret(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets = append(s.secrets, text)
}

// address gives an address for an interface that was not given before.
func (s *suite) address(t *testing.T) string {
	t.Helper()
	s.nextHost++
	return s.host(t, s.nextHost)
}

// gateway is no interface's address, but in their subnet.
func (s *suite) gateway(t *testing.T) string { return s.host(t, 1) }

func (s *suite) netmask() string { return fmt.Sprint(s.target.Addresses.Bits()) }

func (s *suite) host(t *testing.T, n int) string {
	t.Helper()
	a := s.target.Addresses.Masked().Addr()
	for range n {
		a = a.Next()
	}
	if !s.target.Addresses.Contains(a) {
		t.Fatalf("the subnet %s is too small for the suite", s.target.Addresses)
	}
	return a.String()
}

// note logs what the array does about a doubt.
func (s *suite) note(t *testing.T, doubt int, format string, args ...any) {
	t.Helper()
	s.remark(t, fmt.Sprintf("NOTE: doubt %d (%s): this array ", doubt, doubts[doubt])+fmt.Sprintf(format, args...))
}

// noteSection logs what the array does where a section itself leaves it open.
func (s *suite) noteSection(t *testing.T, section, format string, args ...any) {
	t.Helper()
	s.remark(t, fmt.Sprintf("NOTE: section %s: this array ", section)+fmt.Sprintf(format, args...))
}

func (s *suite) remark(t *testing.T, text string) {
	t.Helper()
	text = s.mask(text)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.notes, text) {
		t.Log(text)
		s.notes = append(s.notes, text)
	}
}

// await asks again and again until done says so; it gives up after limit, which
// is generous: no case measures time.
func await(ctx context.Context, limit time.Duration, done func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	pause := 50 * time.Millisecond
	for !done() {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pause):
			pause = min(pause*3/2, 2*time.Second)
		}
	}
	return true
}
