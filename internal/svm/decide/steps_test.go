package decide_test

import (
	"fmt"
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// TestSteps: one thing of another owner, or of another address, stops its own
// step alone.
func TestSteps(t *testing.T) {
	for _, c := range []struct {
		reason string
		change func(*decide.Evidence)
		want   map[string]decide.StepState // all others are done
	}{
		{"at rest", func(*decide.Evidence) {}, nil},
		{"an interface more", func(e *decide.Evidence) { e.Site.Interfaces[1].State = decide.Missing }, map[string]decide.StepState{"interface data1": decide.StepDo}},
		{"an interface less", func(e *decide.Evidence) { e.Site.Interfaces[1].State = decide.Surplus }, map[string]decide.StepState{"interface data1": decide.StepDo}},
		{"another owner's interface", func(e *decide.Evidence) { e.Site.Interfaces[1].State = decide.OfAnother }, map[string]decide.StepState{"interface data1": decide.StepStops}},
		{"an interface that could not be read", func(e *decide.Evidence) { e.Site.Interfaces[1].State = decide.ThingUnknown }, map[string]decide.StepState{"interface data1": decide.StepWaits}},
		{"another limit", func(e *decide.Evidence) { e.Site.Limits = decide.Differs }, map[string]decide.StepState{"limits ": decide.StepDo}},
		{"another route", func(e *decide.Evidence) { e.Site.Routes[0].State = decide.Missing }, map[string]decide.StepState{"route 0.0.0.0/0": decide.StepDo}},
		{"no licence: interfaces in place stay, and one that is missing waits", func(e *decide.Evidence) {
			e.Site.Services[0].State, e.Site.Interfaces[1].State = decide.Unavailable, decide.Missing
		}, map[string]decide.StepState{"service nvme": decide.StepStops, "interface data1": decide.StepWaits}},
		{"the service is to be made: interfaces come after it", func(e *decide.Evidence) {
			e.Site.Services[0].State, e.Site.Interfaces[1].State = decide.Missing, decide.Missing
		}, map[string]decide.StepState{"service nvme": decide.StepDo, "interface data1": decide.StepWaits}},
		{"another owner's account", func(e *decide.Evidence) { e.Site.Shoots[0].Credentials.Accounts[0].Owner = decide.AccountForeign }, map[string]decide.StepState{"credentials shoot": decide.StepStops}},
		{"no data interface: nothing reaches the shoot", func(e *decide.Evidence) {
			e.Site.Interfaces[0].State, e.Site.Interfaces[1].State = decide.OfAnother, decide.OfAnother
		}, map[string]decide.StepState{"interface data0": decide.StepStops, "interface data1": decide.StepStops, "objects shoot": decide.StepWaits}},
		{"no management interface: nothing reaches the shoot", func(e *decide.Evidence) { e.Site.Management.State = decide.WrongAddress },
			map[string]decide.StepState{"management-interface management": decide.StepStops, "objects shoot": decide.StepWaits}},
		{"no pair: nothing reaches the shoot", func(e *decide.Evidence) { e.Site.Shoots[0].Credentials.Secret.Finding = proof.Absent },
			map[string]decide.StepState{"credentials shoot": decide.StepDo, "objects shoot": decide.StepWaits}},
		{"the mark knows of a later password: the record is raised", func(e *decide.Evidence) { e.Arrays[0].SVMs[0].Mark.Credentials = 4 }, map[string]decide.StepState{"record ": decide.StepDo}},
		{"the record names another half than the array does", func(e *decide.Evidence) {
			e.Arrays[0].SVMs[0].Role, e.Arrays[0].SVMs[0].Twin, e.Arrays[0].Mode = decide.Source, "t", decide.Normal
			e.Record.UUIDs = []string{"1a", "z"}
		}, map[string]decide.StepState{"record ": decide.StepStops}},
		{"its mark is damaged: it is not written over", func(e *decide.Evidence) {
			e.Arrays[0].SVMs[0].Ownership, e.Site.Mark = decide.Unreadable, decide.Differs
		}, map[string]decide.StepState{"mark ": decide.StepStops}},
	} {
		e := evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a", ours("1a", decide.Running, 1, nonce1)), arrayOf("b"))
		e.Site = cell{lifs: "all", manage: "present", account: "ours", secret: "active"}.site([]string{"1a"})
		e.Site.Routes = []decide.Route{{Destination: "0.0.0.0/0", State: decide.InPlace}}
		c.change(&e)
		d := decide.Next(e, wanted())
		if d.Action != decide.GoOn {
			t.Errorf("%s: %s", c.reason, d.Action)
		}
		got := map[string]decide.StepState{}
		for _, s := range d.Steps {
			if s.State != decide.StepDone {
				got[string(s.Name)+" "+s.Object] = s.State
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, want %v", c.reason, got, c.want)
		}
	}
}
