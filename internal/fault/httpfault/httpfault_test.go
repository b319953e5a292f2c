package httpfault_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/fault/httpfault"
)

// server answers every request, and knows what became of its answers.
type server struct{ asked, closed int }

func (s *server) RoundTrip(*http.Request) (*http.Response, error) {
	s.asked++
	return &http.Response{StatusCode: http.StatusOK, Body: body{strings.NewReader("yes"), s}}, nil
}

type body struct {
	io.Reader
	s *server
}

func (b body) Close() error { b.s.closed++; return nil }

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		reason        string
		in            *fault.Injector
		err           bool
		asked, closed int // before the caller closes anything
	}{
		{"no injector strikes nothing", nil, false, 1, 0},
		{"one that only counts", fault.NewInjector(0, fault.None), false, 1, 0},
		{"another call is struck", fault.NewInjector(2, fault.LostReply), false, 1, 0},
		{"refused: it is never sent", fault.NewInjector(1, fault.Refused), true, 0, 0},
		{"the answer is lost, and not left open", fault.NewInjector(1, fault.LostReply), true, 1, 1},
	} {
		s := &server{}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, "https://array.example/api/svm/svms/a%2Fb?x=1", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := httpfault.Wrap(s, c.in, "ontap").RoundTrip(r)
		if (err != nil) != c.err || errors.Is(err, fault.ErrInjected) != c.err || (resp == nil) != c.err {
			t.Errorf("%s: %v, %v", c.reason, resp, err)
		}
		if s.asked != c.asked || s.closed != c.closed {
			t.Errorf("%s: asked %d times, closed %d", c.reason, s.asked, s.closed)
		}
		if resp != nil {
			resp.Body.Close()
		}
		if want := (fault.Call{Transport: "ontap", Op: http.MethodPatch, Target: "/api/svm/svms/a%2Fb"}); c.in != nil && c.in.Calls()[0] != want {
			t.Errorf("%s: it crossed %v, want %v", c.reason, c.in.Calls()[0], want)
		}
	}
}
