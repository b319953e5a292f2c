package look

import (
	"errors"
	"net/netip"
	"slices"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// ErrNotAsked is why a part is not known that nobody has asked for.
var ErrNotAsked = errors.New("it was not asked for")

// Part is something that was read whole, or why it was not. The zero Part was
// not asked for.
type Part[T any] struct {
	value T
	known bool
	err   error
}

// Known is a part that was read whole.
func Known[T any](value T) Part[T] { return Part[T]{value: value, known: true} }

// Unknown is a part that could not be read.
func Unknown[T any](err error) Part[T] { return Part[T]{err: err} }

// part is what a call gave.
func part[T any](value T, err error) Part[T] {
	if err != nil {
		return Unknown[T](err)
	}
	return Known(value)
}

// Get gives the part, or why it is not known. Only without an error is an empty
// list a list of nothing.
func (p Part[T]) Get() (T, error) {
	var nothing T
	switch {
	case p.known:
		return p.value, nil
	case p.err != nil:
		return nothing, p.err
	}
	return nothing, ErrNotAsked
}

// Facts are what stands on one SVM, as its array shows it.
type Facts struct {
	Array string
	UUID  string // of the SVM that was asked for
	// SVM is the zero SVM where SVMErr is set; then nothing else was asked for.
	SVM        SVM
	SVMErr     error
	Services   map[ontap.Protocol]Part[Service]
	Licences   Part[[]string] // asked for only where a service is missing
	Interfaces Part[[]Interface]
	Routes     Part[[]Route]
	Accounts   Part[[]ontap.Account]
}

// SVM is what of an SVM concerns its own settings.
type SVM struct {
	UUID    string
	Name    string
	Comment string
	State   decide.SVMState
	// MaxVolumes is "unlimited" or a number; "" where the array did not tell.
	MaxVolumes string
	// StorageLimit is in bytes, 0 for none; nil where the array did not tell, as
	// releases before 9.13 cannot.
	StorageLimit *int64
}

// Service is one protocol's service.
type Service struct {
	There   bool
	Enabled decide.Answer
}

// Interface is a logical interface.
type Interface struct {
	UUID    string
	Name    string
	Address netip.Addr // invalid where the array did not tell
	Netmask int        // length in bits
	Policy  string     // name of its service policy
	VIP     bool
	Up      decide.Answer
	// Login: an SVM's users log in at it.
	Login decide.Answer
}

// Route is a static route.
type Route struct {
	UUID        string
	Destination netip.Prefix
	Gateway     netip.Addr
	Metric      int
}

// RouteName names a route by where it leads and by which way: an SVM may have
// several ways to one destination.
func RouteName(r spec.Route) string {
	return Route{Destination: destination(r), Gateway: r.Gateway}.Name()
}

// Name is the route's, as RouteName gives it.
func (r Route) Name() string {
	return r.Destination.Masked().String() + " via " + r.Gateway.Unmap().String()
}

// destination is where a wanted route leads: the zero one is the default route
// of the gateway's family (facts 5.3).
func destination(r spec.Route) netip.Prefix {
	switch {
	case r.Destination.IsValid():
		return r.Destination.Masked()
	case r.Gateway.Unmap().Is6():
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
}

// HasService reports whether the service is there, switched on or off.
func (f Facts) HasService(p ontap.Protocol) bool {
	s, err := f.Services[p].Get()
	return err == nil && s.There
}

// Interface is the interface of that name.
func (f Facts) Interface(name string) (Interface, bool) {
	return first(f.Interfaces, func(i Interface) bool { return i.Name == name })
}

// Route is the route of that name, as RouteName gives it.
func (f Facts) Route(name string) (Route, bool) {
	return first(f.Routes, func(r Route) bool { return r.Name() == name })
}

func first[T any](p Part[[]T], is func(T) bool) (T, bool) {
	i := slices.IndexFunc(p.value, is)
	if i < 0 {
		var nothing T
		return nothing, false
	}
	return p.value[i], true
}

// LoginAddresses are those at which the array says that users of the SVM can
// log in now.
func (f Facts) LoginAddresses() []netip.Addr {
	var all []netip.Addr
	for _, i := range f.Interfaces.value {
		if i.takesLogins() {
			all = append(all, i.Address)
		}
	}
	return all
}

func (i Interface) takesLogins() bool {
	return i.Login == decide.Yes && i.Up == decide.Yes && i.Address.IsValid()
}
