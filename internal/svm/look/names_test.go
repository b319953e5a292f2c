package look

import (
	"slices"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// lif is an interface as the array shows it.
func lif(uuid, name, address string) Interface {
	return Interface{UUID: uuid, Name: name, Address: addr(address), Netmask: 24, Up: decide.Yes, Login: decide.No}
}

// unnamed are data interfaces in whose entries stands an address alone.
func unnamed(addresses ...string) []spec.Interface {
	var all []spec.Interface
	for i, a := range addresses {
		all = append(all, spec.Interface{Name: spec.NameByPlace(i), Address: addr(a), Netmask: 24})
	}
	return all
}

// two is an SVM with two unnamed interfaces, and the notes of both.
func two() (Facts, []seed.Made) {
	f, _ := fine()
	f.Interfaces = Known([]Interface{
		lif("d0", "datalif+0", "192.0.2.10"), lif("d1", "datalif+1", "192.0.2.11"), lif("m", "managementlif", "192.0.2.20"),
	})
	return f, []seed.Made{
		{Kind: MadeInterface, Name: "datalif+0", Address: "192.0.2.10"}, {Kind: MadeInterface, Name: "datalif+1", Address: "192.0.2.11"},
		{Kind: MadeInterface, Name: "managementlif", Address: "192.0.2.20"},
	}
}

// A list of unnamed interfaces that was changed plans the true change, and
// nothing about the others.
func TestUnnamedInterfacesAreKnownByTheirAddress(t *testing.T) {
	type things map[string]decide.Thing
	without := func(f *Facts, names ...string) {
		f.Interfaces.value = slices.DeleteFunc(f.Interfaces.value, func(i Interface) bool { return slices.Contains(names, i.Name) })
	}
	for _, c := range []struct {
		reason string
		want   []spec.Interface
		change func(f *Facts, made *[]seed.Made)
		is     things
	}{
		{"as it is", unnamed("192.0.2.10", "192.0.2.11"), nil, things{"datalif+0": decide.InPlace, "datalif+1": decide.InPlace}},
		{"the first is taken out", unnamed("192.0.2.11"), nil, things{"datalif+1": decide.InPlace, "datalif+0": decide.Surplus}},
		{"the last is taken out", unnamed("192.0.2.10"), nil, things{"datalif+0": decide.InPlace, "datalif+1": decide.Surplus}},
		{"turned round", unnamed("192.0.2.11", "192.0.2.10"), nil, things{"datalif+0": decide.InPlace, "datalif+1": decide.InPlace}},
		{"one is put before them", unnamed("192.0.2.9", "192.0.2.10", "192.0.2.11"), nil,
			things{"datalif+0": decide.InPlace, "datalif+1": decide.InPlace, "datalif+2": decide.Missing}},
		{"the first is taken out, and one is added", unnamed("192.0.2.11", "192.0.2.12"), nil,
			things{"datalif+1": decide.InPlace, "datalif+2": decide.Missing, "datalif+0": decide.Surplus}},
		{"the first was taken out, and it is gone: its name is free", unnamed("192.0.2.11", "192.0.2.12"), func(f *Facts, made *[]seed.Made) {
			without(f, "datalif+0")
			*made = (*made)[1:]
		}, things{"datalif+1": decide.InPlace, "datalif+0": decide.Missing}},
		{"it was asked for, and its name stays", unnamed("192.0.2.9", "192.0.2.10", "192.0.2.11"), func(_ *Facts, made *[]seed.Made) {
			*made = append(*made, seed.Made{Kind: MadeInterface, Name: "datalif+5", Address: "192.0.2.9"})
		}, things{"datalif+0": decide.InPlace, "datalif+1": decide.InPlace, "datalif+5": decide.Missing}},
		{"one was deleted by somebody: it gets its name again", unnamed("192.0.2.11", "192.0.2.10"), func(f *Facts, _ *[]seed.Made) {
			without(f, "datalif+1")
		}, things{"datalif+0": decide.InPlace, "datalif+1": decide.Missing}},
		{"the address in one place is changed: a person", unnamed("192.0.2.10", "192.0.2.12"), nil, things{"datalif+0": decide.InPlace, "datalif+1": decide.WrongAddress}},
		{"somebody gave one another address: a person", unnamed("192.0.2.11", "192.0.2.10"), func(f *Facts, _ *[]seed.Made) {
			f.Interfaces.value[1].Address = addr("192.0.2.99")
		}, things{"datalif+0": decide.InPlace, "datalif+1": decide.WrongAddress}},
		{"that, and no note is left", unnamed("192.0.2.10", "192.0.2.11"), func(f *Facts, made *[]seed.Made) {
			f.Interfaces.value[1].Address, *made = addr("192.0.2.99"), nil
		}, things{"datalif+0": decide.InPlace, "datalif+1": decide.WrongAddress}},
		{"somebody turned the addresses round", unnamed("192.0.2.10", "192.0.2.11"), func(f *Facts, _ *[]seed.Made) {
			f.Interfaces.value[0].Address, f.Interfaces.value[1].Address = addr("192.0.2.11"), addr("192.0.2.10")
		}, things{"datalif+0": decide.InPlace, "datalif+1": decide.InPlace}},
		{"no note is left: what nobody wants is left alone", unnamed("192.0.2.11"), func(_ *Facts, made *[]seed.Made) { *made = nil }, things{"datalif+1": decide.InPlace}},
		{"a name that was given keeps its meaning", []spec.Interface{{Name: "mine", Address: addr("192.0.2.10"), Netmask: 24}}, nil,
			things{"mine": decide.WrongAddress, "datalif+1": decide.Surplus}},
		{"one of a subnet has but its name", []spec.Interface{{Name: "datalif+1", Subnet: "data"}, {Name: "datalif+0", Address: addr("192.0.2.11"), Netmask: 24}}, nil,
			things{"datalif+1": decide.InPlace, "datalif+0": decide.WrongAddress}},
		{"the array does not tell its interfaces: the notes have the names", unnamed("192.0.2.11"), func(f *Facts, _ *[]seed.Made) {
			f.Interfaces = Unknown[[]Interface](errSilent)
		}, things{"datalif+1": decide.ThingUnknown}},
	} {
		f, made := two()
		if c.change != nil {
			c.change(&f, &made)
		}
		_, want := fine()
		before := slices.Clone(c.want)
		want.Spec.DataLIFs = c.want
		want.Spec.DataLIFs = f.Named(want.Spec, made)
		if !slices.Equal(c.want, before) {
			t.Errorf("%s: the list that was given was changed", c.reason)
		}
		is := things{}
		site := f.Judge(want, made, testMark, false)
		for _, i := range site.Interfaces {
			if _, twice := is[i.Name]; twice {
				t.Errorf("%s: %s is there twice: %+v", c.reason, i.Name, site.Interfaces)
			}
			is[i.Name] = i.State
		}
		if len(is) != len(c.is) {
			t.Errorf("%s: %v, want %v", c.reason, is, c.is)
		}
		for name, state := range c.is {
			if is[name] != state {
				t.Errorf("%s: %s is %s, want %s", c.reason, name, is[name], state)
			}
		}
		if again := f.Named(want.Spec, made); !slices.Equal(again, want.Spec.DataLIFs) {
			t.Errorf("%s: named again they are %v, were %v", c.reason, again, want.Spec.DataLIFs)
		}
	}
}

// What is noted of things that were asked for, against what is there and what is
// wanted.
func TestNotes(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	route := func(gateway string) string { return "0.0.0.0/0 via " + gateway }
	for _, c := range []struct {
		reason string
		made   seed.Made
		change func(f *Facts)
		want   decide.Note
	}{
		{"an interface that is there", seed.Made{Kind: MadeInterface, Name: "by-hand", Address: "192.0.2.99"}, nil, decide.Note{Shown: decide.Yes}},
		{"one of its name", seed.Made{Kind: MadeInterface, Name: "by-hand", Address: "192.0.2.98"}, nil, decide.Note{Shown: decide.Yes}},
		{"one of its address", seed.Made{Kind: MadeInterface, Name: "gone", Address: "192.0.2.99"}, nil, decide.Note{Shown: decide.Yes}},
		{"one of its UUID", seed.Made{Kind: MadeInterface, Name: "gone", UUID: "x"}, nil, decide.Note{Shown: decide.Yes}},
		{"one whose address is not told", seed.Made{Kind: MadeInterface, Name: "gone", Address: "192.0.2.97"}, func(f *Facts) {
			f.Interfaces.value[3].Address = Interface{}.Address
		}, decide.Note{Shown: decide.Yes}},
		{"nowhere", seed.Made{Kind: MadeInterface, Name: "gone", Address: "192.0.2.97"}, nil, decide.Note{Shown: decide.No}},
		{"nowhere, of a subnet", seed.Made{Kind: MadeInterface, Name: "gone"}, nil, decide.Note{Shown: decide.No}},
		{"nowhere, and wanted by its name", seed.Made{Kind: MadeInterface, Name: "datalif+0", Address: "192.0.2.97"}, func(f *Facts) { f.Interfaces = Known[[]Interface](nil) },
			decide.Note{Wanted: true, Shown: decide.No}},
		{"nowhere, and wanted by its address", seed.Made{Kind: MadeInterface, Name: "old", Address: "192.0.2.10"}, func(f *Facts) { f.Interfaces = Known[[]Interface](nil) },
			decide.Note{Wanted: true, Shown: decide.No}},
		{"the management interface", seed.Made{Kind: MadeInterface, Name: "managementlif", Address: "192.0.2.20"}, nil, decide.Note{Wanted: true, Shown: decide.Yes}},
		{"interfaces that could not be read", seed.Made{Kind: MadeInterface, Name: "gone"}, func(f *Facts) { f.Interfaces = Unknown[[]Interface](errSilent) }, decide.Note{}},
		{"of an SVM that could not be read", seed.Made{Kind: MadeInterface, Name: "gone"}, func(f *Facts) { f.SVMErr = errSilent }, decide.Note{}},
		{"of an SVM that was not asked for", seed.Made{Kind: MadeInterface, Name: "gone"}, func(f *Facts) { f.SVM = SVM{} }, decide.Note{}},
		{"a route that is there", seed.Made{Kind: MadeRoute, Name: "203.0.113.0/24 via 192.0.2.9"}, nil, decide.Note{Shown: decide.Yes}},
		{"a route that is there and wanted", seed.Made{Kind: MadeRoute, Name: route("192.0.2.1")}, nil, decide.Note{Wanted: true, Shown: decide.Yes}},
		{"a route that is nowhere", seed.Made{Kind: MadeRoute, Name: route("192.0.2.7")}, nil, decide.Note{Shown: decide.No}},
		{"routes that could not be read", seed.Made{Kind: MadeRoute, Name: route("192.0.2.7")}, func(f *Facts) { f.Routes = Unknown[[]Route](errSilent) }, decide.Note{}},
		{"something of a newer program", seed.Made{Kind: "subsystem", Name: "gone"}, nil, decide.Note{}},
	} {
		f, want := fine()
		if c.change != nil {
			c.change(&f)
		}
		c.made.Asked = at
		c.want.Kind, c.want.Name, c.want.Asked = c.made.Kind, c.made.Name, at
		got := f.Judge(want, []seed.Made{c.made}, testMark, false).Notes
		if len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: %+v, want %+v", c.reason, got, c.want)
		}
	}
}
