package credential_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/flow/flowtest"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/credential"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// jumper is a clock on which nobody waits: it jumps to where they want to be.
type jumper struct{ *flowtest.FakeClock }

func newJumper() *jumper { return &jumper{flowtest.NewFakeClock()} }

func (c *jumper) Sleep(ctx context.Context, d time.Duration) error {
	c.Advance(d)
	return ctx.Err()
}

// logbook is everything that anybody said, and the passwords that nobody may.
type logbook struct {
	mu        sync.Mutex
	said      bytes.Buffer
	passwords []string
	n         int
}

func (b *logbook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.said.Write(p)
}

func (b *logbook) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (b *logbook) hide(password string) ontap.Secret {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.passwords = append(b.passwords, password)
	return ontap.NewSecret(password)
}

// generator makes passwords that are remembered here. The first is weak where
// that is wanted.
func (b *logbook) generator(weakFirst bool) credential.Generator {
	return func() (ontap.Secret, error) {
		b.mu.Lock()
		b.n++
		weak := weakFirst && b.n == 1
		b.mu.Unlock()
		if weak {
			return b.hide("lettersonlylettersonly"), nil
		}
		p, err := credential.NewPassword()
		if err != nil {
			return p, err
		}
		return b.hide(p.Reveal()), nil
	}
}

// close says how many of the passwords stand in what was said, out of how many,
// and begins a new page.
func (b *logbook) close() (leaked, hidden int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.passwords {
		if bytes.Contains(b.said.Bytes(), []byte(p)) {
			leaked++
		}
	}
	hidden = len(b.passwords)
	b.said.Reset()
	b.passwords, b.n = nil, 0
	return leaked, hidden
}

// keeper makes what holds the Secrets, for one instance.
type keeper interface {
	open(t *testing.T, clock *jumper, log *slog.Logger, in *fault.Injector) credential.Secrets
	namespace() string
	// foreign puts a Secret there as somebody else would, with just these keys.
	foreign(t *testing.T, ref seed.SecretRef, user, password string)
	// annotations are what stands beside the data.
	annotations(t *testing.T, ref seed.SecretRef) string
}

const (
	shoot     = "shoot--p1--prod"
	first     = "prod"
	second    = "prod_2"
	neighbour = "neighbour"
	svmNonce  = "0123456789abcdef"
	blind     = "blind" // a role that may do nothing
)

var owner = decide.Owner{Garden: "garden", Project: "p1"}

var noDoubts sim.Doubts

// world is one array and one place of Secrets, used by one flow again and again
// with a new SVM each time.
type world struct {
	sim    *sim.Simulator
	clock  *jumper
	keeper keeper
	book   *logbook
	lives  atomic.Int64
}

func newWorld(t *testing.T, k keeper, doubts sim.Doubts) *world {
	t.Helper()
	w := &world{clock: newJumper(), keeper: k, book: &logbook{}}
	s, err := sim.New(sim.Options{Times: sim.AtOnce(), Clock: w.clock, Doubts: doubts, Log: w.book.logger(), Roles: map[string][]string{blind: nil}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	w.sim = s
	return w
}

func (w *world) client(t *testing.T, in *fault.Injector, dial ontap.DialContext, change ...func(*ontap.Options)) *ontap.Client {
	t.Helper()
	user, password := w.sim.Cluster(0).Credentials()
	w.book.hide(password)
	o := ontap.Options{
		Name: "a", URL: w.sim.Cluster(0).URL(), User: user, Password: ontap.NewSecret(password), Trust: ontap.Trust{CA: w.sim.Cluster(0).CA()},
		DialContext: dial, ReturnTimeout: -1, Clock: w.clock, Faults: in, Log: w.book.logger(),
	}
	for _, c := range change {
		c(&o)
	}
	c, err := ontap.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// life is one SVM with one Secret, from its setting to rest.
type life struct {
	*world
	uuid    string
	svmName string
	address netip.Addr
	ref     seed.SecretRef
	policy  decide.CredentialPolicy
	clean   *instance // that no fault strikes

	rotate     decide.SeenPair // the pair that is to be replaced
	uses       bool            // a backend becomes bound with every pair that is delivered
	cut        bool            // there is no way from us to the SVM
	swallow    bool            // likewise, and nobody says so
	hijack     bool            // somebody else answers at its address
	weakFirst  bool            // the first password is against the array's rules
	neighbours ontap.Secret
}

// instance is one process.
type instance struct {
	array   *ontap.Client
	secrets credential.Secrets
	carrier credential.Carrier
	in      *fault.Injector
	reach   decide.Reach // what the last login said, as a flow remembers it
}

func (l *life) instance(t *testing.T, in *fault.Injector) *instance {
	t.Helper()
	i := &instance{array: l.client(t, in, l.dial), secrets: l.keeper.open(t, l.clock, l.book.logger(), in), in: in, reach: decide.Reachable}
	i.carrier = credential.Carrier{Secrets: i.secrets, Clock: l.clock, NewPassword: l.book.generator(l.weakFirst), Log: l.book.logger(), Settle: 20 * time.Second}
	return i
}

// dial is the way from us to the array, and to the SVM.
func (l *life) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(addr)
	switch there := host == l.address.String(); {
	case there && l.cut:
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.EHOSTUNREACH}
	case there && l.swallow:
		return nil, context.DeadlineExceeded // as after the whole time of a request
	case there && l.hijack:
		return l.hijacked(ctx, network)
	}
	return l.sim.DialContext(ctx, network, addr)
}

func policy() decide.CredentialPolicy {
	return decide.CredentialPolicy{Unlock: true, VerifyEvery: time.Hour, TryEvery: time.Minute, MaxTries: 3, LockTime: time.Hour, Grace: 24 * time.Hour}
}

// newLife makes an SVM with a management interface and a neighbour's account.
func (w *world) newLife(t *testing.T) *life {
	t.Helper()
	n := w.lives.Add(1)
	l := &life{world: w, svmName: fmt.Sprintf("p%d", n), policy: policy()}
	l.ref = seed.SecretRef{Namespace: w.keeper.namespace(), Name: "credentials-" + l.svmName}
	l.address = netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
	l.clean = l.instance(t, fault.NewInjector(0, fault.None))
	ctx := t.Context()
	made, err := l.clean.array.CreateSVM(ctx, ontap.NewSVM{Name: l.svmName})
	must(t, "create an SVM", err)
	l.uuid = made.UUID
	_, err = l.clean.array.CreateInterface(ctx, ontap.NewInterface{SVMUUID: l.uuid, Name: "managementlif", Address: l.address, Netmask: 8,
		HomeNode: w.sim.NodeNames(0)[0], BroadcastDomain: "Default", ServicePolicy: ontap.PolicyManagement})
	must(t, "create the management interface", err)
	l.neighbours = l.book.hide(fmt.Sprintf("theirs7own5word%d", n))
	l.makeAccount(t, neighbour, "another shoot's", l.neighbours)
	return l
}

func (l *life) makeAccount(t *testing.T, name, comment string, password ontap.Secret) {
	t.Helper()
	must(t, "create an account", l.clean.array.CreateAccount(t.Context(), ontap.NewAccount{SVMUUID: l.uuid, Name: name, Password: password, Comment: comment}))
}

func (l *life) mark() decide.Mark {
	return decide.Mark{Owner: owner, Attempt: 1, Nonce: svmNonce}
}

func (l *life) marked(generation uint64) string {
	m := l.mark()
	m.Shoot, m.Credentials = shoot, generation
	return m.String()
}

// verify makes the Secret and the account as a flow leaves them behind.
func (l *life) verify(t *testing.T) seed.Secret {
	t.Helper()
	step, err := l.live(t.Context(), l.clean, nil)
	must(t, "set out", err)
	if step.Action != decide.CredentialsOK {
		t.Fatalf("set out: %+v", step)
	}
	return l.secret(t)
}

func (l *life) secret(t *testing.T) seed.Secret {
	t.Helper()
	s := l.clean.secrets.Secret(t.Context(), l.ref)
	if s.Finding == proof.Unknown {
		t.Fatalf("read the Secret: %s", s.Why)
	}
	return s
}

func (l *life) setPassword(t *testing.T, name string, password ontap.Secret) {
	t.Helper()
	must(t, "set a password", l.clean.array.SetPassword(t.Context(), l.uuid, name, password))
}

// logIn tries a pair at the SVM as its user would, who has a way to it.
func (l *life) logIn(t *testing.T, user string, password ontap.Secret) ontap.LoginFinding {
	t.Helper()
	certificates, err := ontap.All(l.clean.array.Certificates(t.Context(), l.uuid))
	must(t, "read the certificates", err)
	check := ontap.LoginCheck{Address: l.address, User: user, Password: password, SVMUUIDs: []string{l.uuid}}
	for _, c := range certificates {
		check.Trust.Pins = append(check.Trust.Pins, c.Pin)
	}
	result, _ := l.client(t, nil, l.sim.DialContext).Login(t.Context(), check) // the finding says it
	return result.Finding
}

func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
