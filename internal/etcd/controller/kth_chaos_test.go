//go:build chaos

package controller

import (
	"testing"

	"github.com/seedproof/seedproof/internal/fault"
)

// Every call in every mode, on the stand-in and on real etcds.
func init() { kthAll = true }

// One mode after the other, so that a part can be run by itself, as
// -run 'TestKthWholeOnEtcd/^join$/^leader$/^hung$': the whole of a flow with
// three etcds takes an hour.
func TestKthWholeOnEtcd(t *testing.T) {
	struck := map[string]string{"seed/1": "a", "seed/3": "b", "join": "b", "heal": "a", "adopt/record": "b", "adopt/stock": "a", "recreate": "a"}
	for _, f := range kthFlows() {
		p := quickly
		if f.name == "join" {
			p = unhurried
		}
		for _, of := range []struct {
			name string
			flow kthFlow
		}{{"leader", f}, {"agent", f.ofAgent(struck[f.name])}} {
			t.Run(f.name+"/"+of.name, func(t *testing.T) {
				t.Parallel()
				for _, mode := range fault.Modes {
					t.Run(mode.String(), func(t *testing.T) { of.flow.in(mode).matrix(t, "", p) })
				}
			})
		}
	}
}
