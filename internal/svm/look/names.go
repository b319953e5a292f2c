package look

import (
	"net/netip"
	"slices"

	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// Named gives the wanted data interfaces with the names under which they stand.
//
// A name by the place in the list identifies nothing: whoever takes the first
// entry out, or turns two round, changes all names and means no interface by it.
// What identifies such an interface is its address. So it goes by the name of the
// interface that has the address, else by the one under which it was asked for
// once, else by its place, or by the next place whose name is free where another
// wanted one stands there. An interface that has its name and not its address,
// and that no other wanted one has either, keeps it: that is for a person.
//
// It is pure. Where the interfaces were not read the notes decide.
func (f Facts) Named(want spec.Spec, made []seed.Made) []spec.Interface {
	n := naming{made: made, taken: map[string]bool{want.ManagementLIF.Name: true}}
	if there, err := f.Interfaces.Get(); err == nil && f.SVMErr == nil {
		n.there = there
	}
	lifs := slices.Clone(want.DataLIFs)
	var open []int
	for i, l := range lifs {
		if l.NamedByPlace() && l.Address.IsValid() { // one of a subnet has but its name
			open = append(open, i)
			continue
		}
		n.taken[l.Name] = true
	}
	for _, name := range []func(spec.Interface) string{n.byAddress, n.byNote, n.byPlace} {
		open = slices.DeleteFunc(open, func(i int) bool {
			found := name(lifs[i])
			if found == "" || n.taken[found] {
				return false
			}
			lifs[i].Name, n.taken[found] = found, true
			return true
		})
	}
	return lifs
}

// naming gives out names, each once.
type naming struct {
	there []Interface
	made  []seed.Made
	taken map[string]bool
}

func (n naming) byAddress(w spec.Interface) string {
	for _, i := range n.there {
		if sameAddress(w, i.Address) {
			return i.Name
		}
	}
	return ""
}

func (n naming) byNote(w spec.Interface) string {
	for _, m := range n.made {
		if address, err := netip.ParseAddr(m.Address); err == nil && m.Kind == MadeInterface && sameAddress(w, address) && !n.taken[m.Name] {
			return m.Name
		}
	}
	return ""
}

func (n naming) byPlace(w spec.Interface) string {
	if !n.taken[w.Name] {
		return w.Name
	}
	used := func(name string) bool {
		return n.taken[name] || slices.ContainsFunc(n.there, func(i Interface) bool { return i.Name == name }) ||
			slices.ContainsFunc(n.made, func(m seed.Made) bool { return m.Kind == MadeInterface && m.Name == name })
	}
	place := 0
	for used(spec.NameByPlace(place)) {
		place++
	}
	return spec.NameByPlace(place)
}

func sameAddress(w spec.Interface, a netip.Addr) bool {
	return w.Address.IsValid() && w.Address.Unmap() == a.Unmap()
}
