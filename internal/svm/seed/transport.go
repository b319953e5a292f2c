package seed

import (
	"net/http"

	"github.com/seedproof/seedproof/internal/fault"
)

// WithFaults makes every request through rt one crossing of the transport
// "kube": the method is the call's name, the path its target. It is for tests;
// a nil injector strikes nothing.
func WithFaults(rt http.RoundTripper, in *fault.Injector) http.RoundTripper {
	return &faulty{rt, in}
}

type faulty struct {
	next http.RoundTripper
	in   *fault.Injector
}

func (f *faulty) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	c := fault.Call{Transport: "kube", Op: r.Method, Target: r.URL.EscapedPath()}
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
