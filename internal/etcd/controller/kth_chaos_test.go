//go:build chaos

package controller

import "testing"

// Every call in every mode, on the stand-in and on real etcds.
func init() { kthAll = true }

func TestKthWholeOnEtcd(t *testing.T) {
	struck := map[string]string{"seed/1": "a", "seed/3": "b", "join": "b", "heal": "a", "adopt/record": "b", "adopt/stock": "a", "recreate": "a"}
	for _, f := range kthFlows() {
		t.Run(f.name+"/leader", func(t *testing.T) { t.Parallel(); f.matrix(t, "", kthLanes) })
		t.Run(f.name+"/agent", func(t *testing.T) { t.Parallel(); f.ofAgent(struck[f.name]).matrix(t, "", kthLanes) })
	}
}
