package check_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/check"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

func withPeers(down bool) sim.Options {
	return sim.Options{PeerGroups: []sim.PeerGroup{{Name: "bgp", Peer: "203.0.113.1", Down: down}}}
}

// Each thing that the array cannot have is told with its field, its value and
// what is there instead; what it can have is not told at all.
func TestAskTellsWhatCannotBe(t *testing.T) {
	vip := func(_ *stage, v *spec.StorageVM) { v.Spec.DataLIFs[1].VIP, v.Spec.DataLIFs[1].Netmask = true, 32 }
	long := func(_ *stage, v *spec.StorageVM) { v.Spec.SVMName = "p" + strings.Repeat("x", 41) }
	plain := sim.Options{}
	for _, c := range []struct {
		reason string
		array  sim.Options
		change func(*stage, *spec.StorageVM)
		want   []string // the parts of the one problem; none: it can be had
	}{
		{"all is there", plain, nil, nil},
		{"no such broadcast domain", plain, func(_ *stage, v *spec.StorageVM) { v.Spec.DataLIFs[0].BroadcastDomain = "Tenants" },
			[]string{`spec.dataLIFs[0].broadcastDomain "Tenants"`, "array a1 has no such broadcast domain in IPspace Default; it has", "Default"}},
		{"no such subnet", plain, func(_ *stage, v *spec.StorageVM) { v.Spec.ManagementLIF = spec.Interface{Subnet: "nowhere"} },
			[]string{`spec.managementLIF.subnet "nowhere"`, "no such subnet in IPspace Default; it has data"}},
		{"a subnet that is there", plain, func(_ *stage, v *spec.StorageVM) { v.Spec.ManagementLIF = spec.Interface{Subnet: "data"} }, nil},
		{"a node that is there", plain, func(s *stage, v *spec.StorageVM) { v.Spec.DataLIFs[0].HomeNode = s.sim.NodeNames(0)[1] }, nil},
		{"no such node", plain, func(_ *stage, v *spec.StorageVM) { v.Spec.DataLIFs[1].HomeNode = "n9" },
			[]string{`spec.dataLIFs[1].homeNode "n9"`, "no such node; it has"}},
		{"a node that is down takes no interface", plain, func(s *stage, v *spec.StorageVM) {
			v.Spec.DataLIFs[0].HomeNode = s.sim.NodeNames(0)[1]
			if err := s.sim.SetNodeState(0, s.sim.NodeNames(0)[1], "down"); err != nil {
				s.t.Fatal(err)
			}
		}, []string{"spec.dataLIFs[0].homeNode", "the node is down"}},
		{"an aggregate that is there", plain, func(s *stage, v *spec.StorageVM) { v.Spec.Aggregates = s.sim.AggregateNames(0)[:1] }, nil},
		{"no such aggregate", plain, func(_ *stage, v *spec.StorageVM) { v.Spec.Aggregates = []string{"aggr9"} },
			[]string{`spec.aggregates[0] "aggr9"`, "no such aggregate; it has"}},
		{"the array's own IPspace, by its name", plain, func(_ *stage, v *spec.StorageVM) { v.Spec.IPspace = "Default" }, nil},
		{"no licence", sim.Options{Unlicensed: []string{"nvme_of"}}, nil,
			[]string{`spec.protocols[0] "nvme"`, "array a1 has no licence nvme_of"}},
		{"an address that another SVM has", plain, func(s *stage, _ *spec.StorageVM) { s.taken() },
			[]string{`spec.dataLIFs[0].address "192.0.2.20"`, "interface theirs of SVM other has it on array a1"}},
		{"a name of 42 characters, on one array alone", plain, long, nil},
		{"a name of 42 characters leaves no room for the twin's", sim.Options{Clusters: 2}, long,
			[]string{"spec.svmName", "in a MetroCluster, which takes 41 characters; it has 42"}},
		{"a VIP without a BGP session", plain, vip, []string{`spec.dataLIFs[1].vip "true"`, "no BGP peer group in IPspace Default that is up"}},
		{"a VIP whose session is down", withPeers(true), vip, []string{`spec.dataLIFs[1].vip "true"`, "that is up"}},
		{"a VIP with a session", withPeers(false), vip, nil},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			s, want := newStage(t, c.array), wanted()
			if c.change != nil {
				c.change(s, &want)
			}
			s.sim.ForgetRequests()
			a := check.Ask(t.Context(), s.array, want, nil)
			if a.Array != "a1" || len(a.Unknown) > 0 {
				t.Errorf("%+v", a)
			}
			if len(c.want) == 0 && len(a.Problems) > 0 || len(c.want) > 0 && len(a.Problems) != 1 {
				t.Fatalf("the problems are %q", a.Problems)
			}
			for _, part := range c.want {
				if !strings.Contains(a.Problems[0], part) {
					t.Errorf("%q does not say %q", a.Problems[0], part)
				}
			}
			for _, q := range s.sim.Requests() {
				if q.Method != http.MethodGet {
					t.Errorf("it wrote: %s %s", q.Method, q.Path)
				}
			}
		})
	}
}

// An IPspace that is not there has no broadcast domain either; both are told.
func TestAskTellsOfTheIPspace(t *testing.T) {
	s, want := newStage(t, sim.Options{}), wanted()
	want.Spec.IPspace = "tenants"
	a := check.Ask(t.Context(), s.array, want, nil)
	if len(a.Problems) != 4 || !strings.Contains(a.Problems[0], `spec.ipspace "tenants": array a1 has no such IPspace`) || !strings.HasSuffix(a.Problems[1], "in IPspace tenants; it has none") {
		t.Errorf("%q", a.Problems)
	}
}

// The SVM's own addresses are not taken by somebody else.
func TestAskKnowsItsOwn(t *testing.T) {
	s := newStage(t, sim.Options{})
	uuid := s.taken()
	if a := check.Ask(t.Context(), s.array, wanted(), []string{uuid}); len(a.Problems) > 0 {
		t.Errorf("%q", a.Problems)
	}
}

// What could not be asked is told, in few words, and is never a problem.
func TestAskTellsWhatItCouldNotAsk(t *testing.T) {
	s, want := newStage(t, sim.Options{}), wanted()
	want.Spec.IPspace, want.Spec.Aggregates = "tenants", []string{"aggr9"}
	ended, end := context.WithCancel(t.Context())
	end()
	a := check.Ask(ended, s.array, want, nil)
	if len(a.Problems) > 0 || len(a.Unknown) != 4 || !strings.Contains(a.Unknown[0], "whether there is IPspace tenants could not be asked") || a.Unknown[3] != "and 3 questions more" {
		t.Errorf("%q, %q", a.Problems, a.Unknown)
	}
}

// The array that is asked is the one on which the SVM is, else the one on which
// it would be made.
func TestPlannedAsksTheRightArray(t *testing.T) {
	s := newStage(t, sim.Options{})
	config := []spec.Array{{Name: "a1"}, {Name: "a2"}}
	for _, c := range []struct {
		reason, array string // wanted
		decision      decide.Decision
		asked         string
		unknown       string
	}{
		{"it is there already", "", decide.Decision{Array: "a1"}, "a1", ""},
		{"it is wanted there", "a1", decide.Decision{}, "a1", ""},
		{"it would be made where nobody can ask", "a2", decide.Decision{}, "", "no array is known"},
		{"no such array is configured", "a9", decide.Decision{}, "", "no array is known"},
		{"who is silent is not asked", "a1", decide.Decision{Verdict: proof.Verdict{Missing: []proof.Witness{{Name: decide.ArrayWitness("a1")}}}}, "a1", "a1 has could not be asked: it is silent"},
		{"another one is silent", "a1", decide.Decision{Verdict: proof.Verdict{Missing: []proof.Witness{{Name: decide.ArrayWitness("a2")}}}}, "a1", ""},
	} {
		want := wanted()
		want.Spec.Array = c.array
		s.sim.ForgetRequests()
		a := check.Planned(t.Context(), []look.Array{s.array}, config, want, c.decision)
		if a.Array != c.asked || len(a.Problems) > 0 || !strings.Contains(strings.Join(a.Unknown, "\n"), c.unknown) || c.unknown == "" && len(a.Unknown) > 0 {
			t.Errorf("%s: %+v", c.reason, a)
		}
		if asked := len(s.sim.Requests()) > 0; asked != (c.unknown == "") {
			t.Errorf("%s: asked %v", c.reason, asked)
		}
	}
}
