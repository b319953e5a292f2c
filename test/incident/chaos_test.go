//go:build chaos

package incident

import "testing"

func TestEveryCrossing(t *testing.T) { playAll(t, crossings(mayMount())) }
