package ontapgo

import "testing"

// TestClient makes each call of the table, and then holds the table to that.
func TestClient(t *testing.T) {
	complete := t.Run("calls", func(t *testing.T) {
		for name, group := range map[string]func(*testing.T){
			"cluster": clusters, "SVMs": svmLife, "network": network, "accounts": accounts,
			"services": services, "storage": volumes, "MetroCluster": metrocluster,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				group(t)
			})
		}
	})
	if !complete {
		return // what failed has not made its calls
	}
	t.Run("every call of the table was made", allMade)
}
