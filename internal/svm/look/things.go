package look

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// judgeInterfaces: those wanted, then those that were made and are not wanted
// any more. What is there, not wanted and not made by us is left alone.
func (f Facts) judgeInterfaces(want spec.Spec, made []seed.Made) ([]decide.Interface, decide.Interface) {
	there, err := f.Interfaces.Get()
	if f.SVMErr != nil {
		err = f.SVMErr
	}
	var all []decide.Interface
	spoken := map[string]bool{} // UUIDs of those that a wanted one speaks of
	judge := func(w spec.Interface) decide.Interface {
		i := decide.Interface{Name: w.Name, Address: addressText(w.Address)}
		if err != nil {
			i.State, i.Why = decide.ThingUnknown, err.Error()
			return i
		}
		var about []string
		i.State, i.Why, about = judgeInterface(w, there)
		for _, uuid := range about {
			spoken[uuid] = true
		}
		return i
	}
	for _, w := range want.DataLIFs {
		all = append(all, judge(w))
	}
	management := judge(want.ManagementLIF)
	if err != nil {
		return all, management
	}
	for _, i := range there {
		if !spoken[i.UUID] && slices.ContainsFunc(made, i.wasMade) {
			all = append(all, decide.Interface{Name: i.Name, Address: addressText(i.Address), State: decide.Surplus, Why: "we made it, and it is not wanted any more"})
		}
	}
	return all, management
}

// judgeInterface gives the state, why, and the UUIDs of those it speaks of.
func judgeInterface(w spec.Interface, there []Interface) (decide.Thing, string, []string) {
	var about []string
	address := w.Address.Unmap()
	byAddress := slices.IndexFunc(there, func(i Interface) bool { return address.IsValid() && i.Address == address })
	if byAddress >= 0 {
		about = append(about, there[byAddress].UUID)
	}
	byName := slices.IndexFunc(there, func(i Interface) bool { return i.Name == w.Name })
	if byName >= 0 {
		about = append(about, there[byName].UUID)
		state, why := compareInterface(w, there[byName])
		return state, why, about
	}
	if byAddress >= 0 {
		return decide.WrongAddress, fmt.Sprintf("address %s is on interface %s of this SVM", address, printable(there[byAddress].Name)), about
	}
	return decide.Missing, "the SVM has none of that name or address", about
}

// compareInterface compares a wanted interface with the one that bears its name.
func compareInterface(w spec.Interface, is Interface) (decide.Thing, string) {
	address := w.Address.Unmap()
	switch {
	case !is.Address.IsValid():
		return decide.ThingUnknown, "the array does not tell its address"
	case !address.IsValid(): // from a subnet, which hands it out
		return decide.InPlace, "it has " + is.Address.String()
	case is.Address != address:
		return decide.WrongAddress, fmt.Sprintf("it has %s, wanted is %s", is.Address, address)
	case w.Netmask > 0 && is.Netmask != w.Netmask:
		return decide.WrongAddress, fmt.Sprintf("its netmask has a length of %d, wanted is %d", is.Netmask, w.Netmask)
	}
	return decide.InPlace, ""
}

// wasMade: all that was noted of it is still so. What bears only a name that we
// once asked for may be another's: it needs the address or the UUID too.
func (i Interface) wasMade(m seed.Made) bool {
	address, err := netip.ParseAddr(m.Address)
	return m.Kind == MadeInterface && m.Name == i.Name && (m.UUID == "" || m.UUID == i.UUID) &&
		(err != nil || address.Unmap() == i.Address) && (err == nil || m.UUID != "")
}

func addressText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.Unmap().String()
}

// judgeRoutes: those wanted, then those made and not wanted any more. A way to a
// wanted destination that is neither wanted nor ours needs a person: a second
// one beside it would change where everything goes.
func (f Facts) judgeRoutes(want []spec.Route, made []seed.Made) []decide.Route {
	there, err := f.Routes.Get()
	if f.SVMErr != nil {
		err = f.SVMErr
	}
	var all []decide.Route
	wanted := map[string]bool{}
	for _, w := range want {
		wanted[RouteName(w)] = true
	}
	for _, w := range want {
		r := decide.Route{Destination: RouteName(w), Gateway: addressText(w.Gateway)}
		if err != nil {
			r.State, r.Why = decide.ThingUnknown, err.Error()
		} else {
			r.State, r.Why = judgeRoute(w, there, func(o Route) bool { return wanted[o.Name()] || slices.ContainsFunc(made, o.wasMade) })
		}
		all = append(all, r)
	}
	if err != nil {
		return all
	}
	for _, r := range there {
		if !wanted[r.Name()] && slices.ContainsFunc(made, r.wasMade) {
			all = append(all, decide.Route{Destination: r.Name(), Gateway: addressText(r.Gateway), State: decide.Surplus, Why: "we made it, and it is not wanted any more"})
		}
	}
	return all
}

func judgeRoute(w spec.Route, there []Route, expected func(Route) bool) (decide.Thing, string) {
	for _, r := range there {
		switch {
		case r.Name() != RouteName(w):
		case w.Metric > 0 && r.Metric != w.Metric:
			return decide.WrongAddress, fmt.Sprintf("its metric is %d, wanted is %d, and a route cannot be changed, only made anew", r.Metric, w.Metric)
		default:
			return decide.InPlace, ""
		}
	}
	to := destination(w)
	for _, r := range there {
		if r.Destination == to && !expected(r) {
			return decide.WrongAddress, fmt.Sprintf("the way to %s leads by %s, wanted is %s", to, r.Gateway, w.Gateway)
		}
	}
	return decide.Missing, "the SVM has none by that gateway"
}

func (r Route) wasMade(m seed.Made) bool {
	gateway, err := netip.ParseAddr(m.Address)
	return m.Kind == MadeRoute && m.Name == r.Name() && (m.UUID == "" || m.UUID == r.UUID) && err == nil && gateway.Unmap() == r.Gateway
}
