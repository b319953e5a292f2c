package seed

import (
	"net/http"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/fault/httpfault"
)

// WithFaults makes every request through rt one crossing of the transport
// "kube": the method is the call's name, the path its target. It is for tests;
// a nil injector strikes nothing.
func WithFaults(rt http.RoundTripper, in *fault.Injector) http.RoundTripper {
	return httpfault.Wrap(rt, in, "kube")
}
