// Package httpfault is what the wrappers of transports that speak HTTP share:
// each request is one crossing of a fault injector. Which transport it is, its
// wrapper says, which stands beside it.
//
// It is active only where a test gives an injector, and must never keep the body
// of an answer that is lost.
package httpfault

import (
	"net/http"

	"github.com/seedproof/seedproof/internal/fault"
)

// Wrap makes every request through rt one crossing of the transport: the method
// is the call's name, the path its target. A nil injector strikes nothing.
func Wrap(rt http.RoundTripper, in *fault.Injector, transport string) http.RoundTripper {
	return &faulty{rt, in, transport}
}

type faulty struct {
	next      http.RoundTripper
	in        *fault.Injector
	transport string
}

func (f *faulty) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	c := fault.Call{Transport: f.transport, Op: r.Method, Target: r.URL.EscapedPath()}
	err = f.in.Around(r.Context(), c, func() (err error) {
		resp, err = f.next.RoundTrip(r) //nolint:bodyclose // it is closed below, or by whoever is given it
		return err
	})
	if err != nil && resp != nil { // the answer came, and is lost
		_ = resp.Body.Close()
	}
	if err != nil {
		return nil, err
	}
	return resp, nil
}
