package look

import (
	"net/netip"
	"slices"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// MadeByUs reports whether the interface is one of those that were noted: all
// that was noted of it is still so.
func MadeByUs(i ontap.Interface, made []seed.Made) bool {
	return slices.ContainsFunc(made, interfaceOf(i).wasMade)
}

// judgeNotes says of each thing that was asked for whether it may be wanted, and
// whether the SVM shows anything that may be it. A note of a kind that is not
// known here is of a newer program, and left alone.
func (f Facts) judgeNotes(want spec.Spec, made []seed.Made) []decide.Note {
	var all []decide.Note
	for _, m := range made {
		n := decide.Note{Kind: m.Kind, Name: m.Name, Asked: m.Asked}
		switch m.Kind {
		case MadeInterface:
			n.Wanted = slices.ContainsFunc(append(slices.Clone(want.DataLIFs), want.ManagementLIF), func(w spec.Interface) bool {
				address, err := netip.ParseAddr(m.Address)
				return w.Name == m.Name || err == nil && sameAddress(w, address)
			})
			n.Shown = shows(f, f.Interfaces, func(i Interface) bool { return i.mayBe(m) })
		case MadeRoute:
			n.Wanted = slices.ContainsFunc(want.Routes, func(w spec.Route) bool { return RouteName(w) == m.Name })
			n.Shown = shows(f, f.Routes, func(r Route) bool { return r.Name() == m.Name || m.UUID != "" && r.UUID == m.UUID })
		}
		all = append(all, n)
	}
	return all
}

// mayBe: anything of what was noted is so, whatever became of the rest.
func (i Interface) mayBe(m seed.Made) bool {
	address, err := netip.ParseAddr(m.Address)
	return i.Name == m.Name || m.UUID != "" && i.UUID == m.UUID || err == nil && i.Address.Unmap() == address.Unmap() || !i.Address.IsValid()
}

// shows answers whether any of a listing is it. Only one that was read whole, of
// an SVM that was, can say no.
func shows[T any](f Facts, p Part[[]T], is func(T) bool) decide.Answer {
	all, err := p.Get()
	switch {
	case err != nil || f.SVMErr != nil || f.SVM.UUID == "":
		return decide.NotKnown
	case slices.ContainsFunc(all, is):
		return decide.Yes
	}
	return decide.No
}
