package spec

import (
	"slices"
	"testing"
)

func TestPaths(t *testing.T) {
	arrays := []Array{{Name: "m1", URL: "https://10.9.0.1"}, {Name: "m2", URL: "https://[2001:db8::2]:8443"}}
	s := right()
	s.Spec.DataLIFs = s.Spec.DataLIFs[:1]
	s.Spec.ManagementLIF = Interface{Subnet: "m"}
	var got []string
	for _, p := range s.Paths(arrays) {
		text := p.String()
		if p.Needed {
			text = "needed " + text
		}
		got = append(got, text)
	}
	want := []string{
		"needed from here to 10.9.0.1:443, TCP: management of array m1",
		"needed from here to [2001:db8::2]:8443, TCP: management of array m2",
		"needed from here to (an address of the subnet):443, TCP: logins are checked on managementlif",
		"from the shoots to (an address of the subnet):443, TCP: Trident to managementlif",
		"from the shoots to 10.0.0.11:4420, TCP: NVMe/TCP to datalif+0",
		"from the shoots to 10.0.0.11:8009, TCP: NVMe/TCP discovery to datalif+0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the paths are\n%q", got)
	}
}

func TestPathsOfOthers(t *testing.T) {
	for _, c := range []struct {
		reason string
		change func(*Spec)
		arrays []string
		ports  []int
	}{
		{"iSCSI", func(s *Spec) { s.Protocols = []string{ISCSI} }, []string{"m1", "m2"}, []int{3260}},
		{"NFS", func(s *Spec) { s.Protocols = []string{NFS} }, []string{"m1", "m2"}, []int{2049}},
		{"an array that cannot have it is not asked", func(s *Spec) { s.Arrays = []string{"m2"} }, []string{"m2"}, []int{4420, 8009}},
		{"a name that is not configured hides nothing", func(s *Spec) { s.Arrays = []string{"m9"} }, []string{"m1", "m2"}, []int{4420, 8009}},
	} {
		s := right()
		s.Spec.DataLIFs = s.Spec.DataLIFs[:1]
		c.change(&s.Spec)
		var ports []int
		var arrays []string
		for _, p := range s.Paths([]Array{{Name: "m1", URL: "https://m1"}, {Name: "m2", URL: "https://m2"}}) {
			switch {
			case p.Host == "10.0.0.11":
				ports = append(ports, p.Port)
			case p.Host != "10.0.0.10":
				arrays = append(arrays, p.Host)
			}
		}
		if !slices.Equal(ports, c.ports) || !slices.Equal(arrays, c.arrays) {
			t.Errorf("%s: %v of %v", c.reason, ports, arrays)
		}
	}
}
