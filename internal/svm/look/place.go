package look

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// Place says where the n-th interface (from 0) is to be made: names of its home
// node and of its broadcast domain, "" for one that the array is to choose. What
// the object names is taken; otherwise the nodes that are up take turns, by
// their names. A node that is named and not up is an error that says so: an
// interface must not be placed on it (facts 3).
func Place(ctx context.Context, a Array, want spec.Interface, n int) (homeNode, broadcastDomain string, err error) {
	nodes, err := ontap.All(a.Client.Nodes(ctx))
	if err != nil {
		return "", "", fmt.Errorf("placing interface %s on %s: %w", want.Name, a.Name, err)
	}
	node, err := homeOf(nodes, want.HomeNode, n)
	if err != nil {
		return "", "", fmt.Errorf("placing interface %s on %s: %w", want.Name, a.Name, err)
	}
	return node, want.BroadcastDomain, nil
}

func homeOf(nodes []ontap.Node, named string, n int) (string, error) {
	var up, seen []string
	for _, node := range nodes {
		if node.State == ontap.NodeUp {
			up = append(up, node.Name)
		}
		seen = append(seen, node.Name+" is "+printable(node.State))
		if node.Name == named && node.State != ontap.NodeUp {
			return "", fmt.Errorf("node %s is %s: an interface is placed only on one that is up", named, printable(node.State))
		}
	}
	slices.Sort(up)
	switch {
	case named != "" && slices.Contains(up, named):
		return named, nil
	case named != "":
		return "", fmt.Errorf("node %s is not there: %s", named, strings.Join(seen, ", "))
	case len(up) == 0:
		return "", fmt.Errorf("no node is up: %s", strings.Join(seen, ", "))
	}
	return up[max(n, 0)%len(up)], nil
}
