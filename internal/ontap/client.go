package ontap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/flow"
)

// Options are what a Client needs. Zero values take the defaults named.
type Options struct {
	Name     string // of the array, for messages and metrics; default the URL's host
	URL      string // https://host[:port] of the cluster management LIF
	User     string
	Password Secret
	Trust    Trust

	DialContext DialContext
	// RequestTimeout is for one request; default 30 s.
	RequestTimeout time.Duration
	// ReturnTimeout is how long the array may hold the answer to a change before
	// it leaves us with the job: whole seconds, below RequestTimeout, at most
	// 120. A call that is held takes one of the parallel ones. Default 5 s, or
	// half of a shorter RequestTimeout; negative for none.
	ReturnTimeout time.Duration
	// FollowFor is how long a job is followed; default 2 min. One that has not
	// ended by then leaves the outcome Unknown.
	FollowFor time.Duration
	// Parallel bounds the requests under way at once; default 4, below the five
	// failures after which an array locks an account.
	Parallel int
	// MaxRetryAfter is the longest single wait that an array may ask for;
	// default 30 s. Longer: the call ends, and says what was asked.
	MaxRetryAfter time.Duration
	// LoginRest is for how long nothing is sent once the array has refused our
	// password; default 1 h, an array's own lock time.
	LoginRest time.Duration

	MaxBody    int64 // bytes of one answer; default 16 MiB
	MaxPages   int   // of one listing; default 10,000
	PageSize   int   // records asked for at once; default 1,000
	MaxRetries int   // repetitions after a request to wait; default 4

	Clock    flow.Clock
	Observer Observer
	Log      *slog.Logger
	Faults   *fault.Injector // tests only
}

// svmJobs is how many SVM create and delete jobs an array takes at once.
const svmJobs = 5

// Client speaks to one array. It may be used by many goroutines; make one per
// array, since the limits are its own.
type Client struct {
	o        Options
	base     *url.URL
	wire     *wire
	gate     *gate
	parallel slots
	svmJobs  slots
	sent     atomic.Uint64
}

// New makes a client. It sends nothing.
func New(o Options) (*Client, error) {
	base, err := arrayURL(o.URL)
	if err != nil {
		return nil, fmt.Errorf("array %s: %w", o.Name, err)
	}
	o.Name = cmp.Or(o.Name, base.Host)
	if o, err = o.filled(); err != nil {
		return nil, fmt.Errorf("array %s: %w", o.Name, err)
	}
	w, err := newWire(wireConfig{trust: o.Trust, dial: o.DialContext, user: o.User, password: o.Password, faults: o.Faults, parallel: o.Parallel})
	if err != nil {
		return nil, fmt.Errorf("array %s: %w", o.Name, err)
	}
	if o.Trust.skips() {
		o.Log.Warn("the array's certificate is not verified: whoever answers is given the password", "array", o.Name, "url", o.URL)
	}
	return &Client{
		o: o, base: base, wire: w, gate: newGate(o.Clock, o.LoginRest),
		parallel: make(slots, o.Parallel), svmJobs: make(slots, svmJobs),
	}, nil
}

// Name is the array's, as it stands in errors and metrics.
func (c *Client) Name() string { return c.o.Name }

// Calls is how many requests were sent so far, of all callers.
func (c *Client) Calls() uint64 { return c.sent.Load() }

// Close ends idle connections.
func (c *Client) Close() { c.wire.idle() }

func arrayURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errors.New("read the URL: it is not one") // its text may hold a password
	case u.Scheme != "https" || u.Host == "":
		return nil, errors.New("read the URL: want https://host[:port]")
	case u.User != nil:
		return nil, errors.New("read the URL: it must hold no user or password")
	case (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("read the URL: want https://host[:port], nothing after it")
	}
	return &url.URL{Scheme: "https", Host: u.Host}, nil
}

func (o Options) filled() (Options, error) {
	o.RequestTimeout = cmp.Or(o.RequestTimeout, 30*time.Second)
	if o.ReturnTimeout == 0 {
		o.ReturnTimeout = wholeHalf(o.RequestTimeout, 5*time.Second)
	}
	o.ReturnTimeout = max(o.ReturnTimeout, 0)
	o.FollowFor = cmp.Or(o.FollowFor, 2*time.Minute)
	o.Parallel = cmp.Or(o.Parallel, 4)
	o.MaxRetryAfter = cmp.Or(o.MaxRetryAfter, 30*time.Second)
	o.LoginRest = cmp.Or(o.LoginRest, time.Hour)
	o.MaxBody = cmp.Or(o.MaxBody, 16<<20)
	o.MaxPages = cmp.Or(o.MaxPages, 10_000)
	o.PageSize = cmp.Or(o.PageSize, 1000)
	o.MaxRetries = cmp.Or(o.MaxRetries, 4)
	if o.Clock == nil {
		o.Clock = flow.RealClock{}
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	switch {
	case o.User == "" || o.Password.IsEmpty():
		return o, errors.New("a user and a password are needed")
	case o.ReturnTimeout != o.ReturnTimeout.Truncate(time.Second) || o.ReturnTimeout > 120*time.Second:
		return o, fmt.Errorf("return timeout %s: want whole seconds, at most 120", o.ReturnTimeout)
	case o.ReturnTimeout >= o.RequestTimeout:
		return o, fmt.Errorf("return timeout %s: want less than the request timeout %s, or answers are lost", o.ReturnTimeout, o.RequestTimeout)
	case o.Parallel < 1 || o.MaxBody < 1 || o.MaxPages < 1 || o.PageSize < 1 || o.MaxRetries < 0 || o.FollowFor < 0:
		return o, errors.New("a limit is negative")
	}
	return o, nil
}

// wholeHalf is at most half of a timeout, in the whole seconds that ONTAP takes.
func wholeHalf(timeout, most time.Duration) time.Duration {
	return min(most, timeout/2).Truncate(time.Second)
}

// do makes a call and waits, where that is harmless, when the array asks for
// it. A call that is not safe to repeat is sent once.
func (c *Client) do(ctx context.Context, r request) (reply, error) {
	for attempt := 0; ; attempt++ {
		got, err := c.once(ctx, r)
		var e *Error
		if err == nil || !errors.As(err, &e) || attempt >= c.o.MaxRetries {
			return got, err
		}
		wait, again := c.pause(r, e, attempt)
		if !again {
			return reply{}, err
		}
		if c.o.Clock.Sleep(ctx, wait) != nil {
			return reply{}, err // the array's answer says more than the end of our patience
		}
	}
}

// pause says whether to repeat a call, and after how long: only what is safe to
// repeat, and only when the array said that it was too busy to begin.
func (c *Client) pause(r request, e *Error, attempt int) (time.Duration, bool) {
	safe := r.method == http.MethodGet || r.repeat
	switch {
	case !safe || e.Status == 0:
		return 0, false
	case e.RetryAfter > c.o.MaxRetryAfter:
		return 0, false
	case e.RetryAfter > 0 && (e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable):
		return e.RetryAfter, true
	case e.Code == CodeTooManyRequests:
		return min(time.Second<<attempt, c.o.MaxRetryAfter), true
	}
	return 0, false
}

// once sends a request and judges the answer.
func (c *Client) once(ctx context.Context, r request) (reply, error) {
	release, err := c.parallel.take(ctx)
	if err != nil {
		return reply{}, c.unsent(r, err)
	}
	defer release()
	leave, err := c.gate.enter(ctx) // the last thing: whoever waited for a place hears of a refusal
	if err != nil {
		return reply{}, c.unsent(r, err)
	}
	proof := loginUnknown
	defer func() { leave(proof) }()
	got, err := c.send(ctx, c.wire, c.base, r, c.o.Password, c.o.User)
	proof = loginOf(err)
	return got, err
}

// send is one crossing of the transport, observed and logged.
func (c *Client) send(ctx context.Context, w *wire, base *url.URL, r request, password Secret, user string) (reply, error) {
	body, err := r.encode()
	if err != nil {
		return reply{}, c.unsent(r, flow.AsPermanent(err))
	}
	ctx, cancel := context.WithTimeout(ctx, c.o.RequestTimeout)
	defer cancel()
	req, err := r.http(ctx, base, body)
	if err != nil {
		return reply{}, c.unsent(r, flow.AsPermanent(err))
	}
	c.sent.Add(1)
	began := c.o.Clock.Now()
	got, err := w.exchange(req, c.o.MaxBody)
	var e *Error
	if failure := judge(r, got, err, c.o.Clock.Now(), newEraser(user, append(r.secrets, password)...)); failure != nil {
		failure.Array, e = c.o.Name, failure
	}
	c.report(ctx, r, got, e, c.o.Clock.Now().Sub(began), len(body))
	if e != nil {
		return got, e
	}
	return got, nil
}

func (c *Client) report(ctx context.Context, r request, got reply, e *Error, took time.Duration, sent int) {
	call := Call{Array: c.o.Name, Name: r.name, Outcome: flow.Done, Status: got.status, Duration: took, Sent: int64(sent), Received: int64(len(got.body))}
	if e != nil {
		call.Outcome, call.Code = e.Outcome, e.Code
	}
	c.o.Observer.Called(call)
	c.o.Log.DebugContext(ctx, "ontap call", "array", c.o.Name, "call", r.name, "method", r.method, "path", r.path.escaped(),
		"status", call.Status, "code", call.Code, "outcome", call.Outcome.String(), "duration", took, "pass", flow.PassID(ctx))
}

// unsent is the error of a call that never reached the transport.
func (c *Client) unsent(r request, cause error) *Error {
	e := &Error{Array: c.o.Name, Call: r.name, Kind: r.kind, own: r.own, class: flow.ClassOf(cause), cause: fmt.Errorf("not sent: %w", cause)}
	if errors.Is(cause, ErrCredentials) {
		e.class = flow.NeedsPerson
	}
	return e
}

// tooBusy are the codes with which a request may be turned away unread.
var tooBusy = map[string]bool{CodeTooManyRequests: true, "7": true, "8": true}

// loginOf reads from an answer whether the array took our password: any answer
// that ONTAP itself made, but a 401, proves that it did.
func loginOf(err error) login {
	var e *Error
	switch {
	case errors.Is(err, ErrCredentials):
		return loginRefused
	case err == nil:
		return loginAccepted
	case errors.As(err, &e) && e.Outcome == flow.Refused && e.Status != 0 && !tooBusy[e.Code]:
		return loginAccepted
	}
	return loginUnknown
}
