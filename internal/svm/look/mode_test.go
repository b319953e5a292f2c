package look

import (
	"testing"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

func TestModes(t *testing.T) {
	yes, no := true, false
	side := func(state, mode string) ontap.Site { return ontap.Site{ConfigurationState: state, Mode: mode} }
	local := func(state, mode string, partner *bool) ontap.Site {
		s := side(state, mode)
		s.PartnerReachable = partner
		return s
	}
	cases := []struct {
		reason string
		m      ontap.MetroCluster
		want   decide.Mode
	}{
		{"none, as it says twice", ontap.MetroCluster{ConfigurationType: "invalid", Local: local("not_configured", "not_configured", &no)}, decide.NoMetroCluster},
		{"none, by its mode", ontap.MetroCluster{Local: side("", "not_configured")}, decide.NoMetroCluster},
		{"none, by its configuration", ontap.MetroCluster{Local: side("not_configured", ""), Remote: side("not_configured", "not_configured")}, decide.NoMetroCluster},
		{"none here, and something there", ontap.MetroCluster{Local: side("not_configured", "not_configured"), Remote: side("configured", "normal")}, decide.NotNormal},
		{"none by its configuration, normal by its mode", ontap.MetroCluster{Local: side("not_configured", "normal"), Remote: side("configured", "normal")}, decide.NotNormal},
		{"normal on both sides", ontap.MetroCluster{ConfigurationType: "ip_fabric", Local: local("configured", "normal", &yes), Remote: side("configured", "normal")}, decide.Normal},
		{"normal, its partner by reach alone", ontap.MetroCluster{Local: local("configured", "normal", &yes)}, decide.Normal},
		{"nothing is told of the partner", ontap.MetroCluster{Local: local("configured", "normal", nil)}, decide.ModeUnknown},
		{"its mode is not told", ontap.MetroCluster{Local: side("configured", ""), Remote: side("configured", "normal")}, decide.ModeUnknown},
		{"the partner cannot be reached", ontap.MetroCluster{Local: local("configured", "normal", &no), Remote: side("configured", "normal")}, decide.NotNormal},
		{"the partner's mode", ontap.MetroCluster{Local: local("configured", "normal", &yes), Remote: side("not_reachable", "not_reachable")}, decide.NotNormal},
		{"half configured", ontap.MetroCluster{Local: side("partially_configured", "normal"), Remote: side("configured", "normal")}, decide.NotNormal},
		{"no valid type", ontap.MetroCluster{ConfigurationType: "invalid", Local: side("configured", "normal"), Remote: side("configured", "normal")}, decide.NotNormal},
	}
	for _, mode := range []string{"not_reachable", "partial_switchback", "partial_switchover", "switchover", "unknown", "waiting_for_switchback", "of a later release"} {
		c := cases[5]
		c.reason, c.m.Local.Mode, c.want = "mode "+mode, mode, decide.NotNormal
		cases = append(cases, c)
	}
	for _, c := range cases {
		if got := modeOf(c.m); got != c.want {
			t.Errorf("%s: %s, want %s", c.reason, got, c.want)
		}
	}
}

func TestTwinsAreToldOnce(t *testing.T) {
	ref := func(uuid string) ontap.Ref { return ontap.Ref{UUID: uuid} }
	pair := func(a, b string) ontap.SVMPair { return ontap.SVMPair{SVM: ref(a), Partner: ref(b)} }
	cases := []struct {
		reason string
		pairs  []ontap.SVMPair
		want   string
	}{
		{"from its own side", []ontap.SVMPair{pair("a", "b")}, "b"},
		{"from the other side", []ontap.SVMPair{pair("b", "a")}, "b"},
		{"from both", []ontap.SVMPair{pair("a", "b"), pair("b", "a")}, "b"},
		{"there is none yet", []ontap.SVMPair{pair("a", "")}, ""},
		{"two, and one of them is wrong", []ontap.SVMPair{pair("a", "b"), pair("a", "c")}, ""},
		{"two, and a third to settle it", []ontap.SVMPair{pair("a", "b"), pair("a", "c"), pair("a", "b")}, ""},
		{"of others", []ontap.SVMPair{pair("c", "d")}, ""},
	}
	for _, c := range cases {
		r := reading{svms: []identity{{SVM: SVM{UUID: "a"}}}}
		r.join(c.pairs)
		if got := r.svms[0].twin; got != c.want {
			t.Errorf("%s: %q, want %q", c.reason, got, c.want)
		}
	}
}
