package ontap

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// Version is an ONTAP release, as 9.16.1: the lowest over all nodes.
type Version struct {
	Full       string `json:"full"`
	Generation int    `json:"generation"`
	Major      int    `json:"major"`
	Minor      int    `json:"minor"`
}

func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Generation, v.Major, v.Minor) }

// AtLeast reports whether the release is generation.major.minor or later.
func (v Version) AtLeast(generation, major, minor int) bool {
	switch {
	case v.Generation != generation:
		return v.Generation > generation
	case v.Major != major:
		return v.Major > major
	}
	return v.Minor >= minor
}

// Cluster is the array itself. Its UUID is also the owner of its own accounts.
type Cluster struct {
	UUID    string  `json:"uuid"`
	Name    string  `json:"name"`
	Version Version `json:"version"`
}

// Cluster asks the array who it is.
func (c *Client) Cluster(ctx context.Context) (Cluster, error) {
	r := get("read cluster", KindCluster, at("cluster"), "uuid", "name", "version")
	return one(ctx, c, r, func(v Cluster) error {
		if v.Version.Generation == 0 {
			return errors.New("a cluster without a version")
		}
		return named(v.UUID, v.Name)
	})
}

// NodeUp is the only state of a node on which an interface may be placed.
const NodeUp = "up"

// Node is a controller of the array.
type Node struct {
	UUID  string `json:"uuid"`
	Name  string `json:"name"`
	State string `json:"state"` // up, booting, down, taken_over, waiting_for_giveback, degraded, unknown
	HA    struct {
		Partners []Ref `json:"partners"`
		Takeover struct {
			State string `json:"state"`
		} `json:"takeover"`
		Giveback struct {
			State string `json:"state"`
		} `json:"giveback"`
	} `json:"ha"`
}

// Nodes lists the array's nodes.
func (c *Client) Nodes(ctx context.Context) iter.Seq2[Node, error] {
	r := get("list nodes", KindNode, at("cluster/nodes"), "uuid", "name", "state", "ha.partners", "ha.takeover.state", "ha.giveback.state")
	return list(ctx, c, r, func(n Node) error { return named(n.UUID, n.Name) })
}

// Licence is a package that the array may use.
type Licence struct {
	Name  string `json:"name"`
	State string `json:"state"`
}

// Licences lists the packages that are licensed.
func (c *Client) Licences(ctx context.Context) iter.Seq2[Licence, error] {
	r := get("list licences", KindLicence, at("cluster/licensing/licenses"), "name", "state")
	return list(ctx, c, r, func(l Licence) error {
		if l.Name == "" {
			return errors.New("a licence without a name")
		}
		return nil
	})
}

// Aggregate is a pool of disks. Space is in bytes.
type Aggregate struct {
	UUID     string `json:"uuid"`
	Name     string `json:"name"`
	State    string `json:"state"` // "online", or why not
	Node     Ref    `json:"node"`
	HomeNode Ref    `json:"home_node"` // differs from Node in a takeover
	Space    struct {
		BlockStorage struct {
			Size      int64 `json:"size"`
			Available int64 `json:"available"`
			Used      int64 `json:"used"`
		} `json:"block_storage"`
	} `json:"space"`
}

// Aggregates lists the array's aggregates.
func (c *Client) Aggregates(ctx context.Context) iter.Seq2[Aggregate, error] {
	r := get("list aggregates", KindAggregate, at("storage/aggregates"), "uuid", "name", "state", "node", "home_node",
		"space.block_storage.size", "space.block_storage.available", "space.block_storage.used")
	return list(ctx, c, r, func(a Aggregate) error { return named(a.UUID, a.Name) })
}
