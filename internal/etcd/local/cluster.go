package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/seedproof/seedproof/internal/atomicfile"
)

const (
	clusterFile    = "cluster.json"
	maxClusterFile = 64 << 10
	clusterName    = "local"
	maxAgents      = 9
)

// cluster is cluster.json: what makes a second run resume the same cluster on
// the same ports.
type cluster struct {
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	// Members is the size that it was made with. What it has now is the
	// record's to say.
	Members        int    `json:"members"`
	ControlStore   string `json:"controlStore"`
	BackupStore    string `json:"backupStore"`
	BackupInterval string `json:"backupInterval"`
	Nodes          []node `json:"nodes"`
}

// node is one agent with its etcd. All its ports are on 127.0.0.1.
type node struct {
	Name       string `json:"name"`
	AgentPort  int    `json:"agentPort"`
	ClientPort int    `json:"clientPort"`
	PeerPort   int    `json:"peerPort"`
	StatusPort int    `json:"statusPort"`
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

func (n node) agentAddr() string { return loopback(n.AgentPort) }
func (n node) clientURL() string { return "https://" + loopback(n.ClientPort) }
func (n node) peerURL() string   { return "https://" + loopback(n.PeerPort) }
func (n node) statusURL() string { return "http://" + loopback(n.StatusPort) }

// layout is where things lie in the directory of a cluster.
type layout struct{ dir string }

func (l layout) cluster() string            { return filepath.Join(l.dir, clusterFile) }
func (l layout) lock() string               { return filepath.Join(l.dir, "up.lock") }
func (l layout) pki() string                { return filepath.Join(l.dir, "pki") }
func (l layout) members() string            { return filepath.Join(l.dir, "members") }
func (l layout) member(name string) string  { return filepath.Join(l.members(), name) }
func (l layout) data(name string) string    { return filepath.Join(l.member(name), "data") }
func (l layout) state(name string) string   { return filepath.Join(l.member(name), "state") }
func (l layout) log(name string) string     { return filepath.Join(l.member(name), "agent.log") }
func (l layout) nodePKI(name string) string { return filepath.Join(l.pki(), name) }

// read reads cluster.json; found is false when there is none and nothing else
// in the directory says that there should be.
func (l layout) read() (c cluster, found bool, err error) {
	text, err := atomicfile.Read(l.cluster(), maxClusterFile)
	if errors.Is(err, fs.ErrNotExist) {
		return cluster{}, false, l.mayCreate()
	}
	if err != nil {
		return cluster{}, false, fmt.Errorf("read the cluster in %s: %w", l.dir, err)
	}
	c, err = parseCluster(text)
	if err != nil {
		return cluster{}, false, fmt.Errorf("read %s: %w", l.cluster(), err)
	}
	return c, true, nil
}

func parseCluster(text []byte) (cluster, error) {
	var c cluster
	if err := json.Unmarshal(text, &c); err != nil {
		return cluster{}, err
	}
	if c.Name == "" || len(c.Nodes) == 0 || len(c.Nodes) > maxAgents {
		return cluster{}, fmt.Errorf("it names %d nodes of cluster %q", len(c.Nodes), c.Name)
	}
	names := map[string]bool{}
	for _, n := range c.Nodes {
		if len(n.Name) != 1 || n.Name < "a" || n.Name > "z" || names[n.Name] {
			return cluster{}, fmt.Errorf("node name %q: expected one letter, each once", n.Name)
		}
		names[n.Name] = true
	}
	return c, nil
}

// mayCreate: where cluster.json is missing and anything else of a cluster is
// there, the file was lost, and nothing is made anew in its place.
func (l layout) mayCreate() error {
	entries, err := os.ReadDir(l.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into %s: %w", l.dir, err)
	}
	for _, e := range entries {
		if e.Name() == filepath.Base(l.lock()) {
			continue
		}
		if e.Name() == filepath.Base(l.members()) || e.Name() == filepath.Base(l.pki()) {
			return fmt.Errorf("%s holds %q and no %s: the file was lost, and with it the ports; put it back, or name another directory", l.dir, e.Name(), clusterFile)
		}
		return fmt.Errorf("%s holds %q: %w; name an empty directory, or one that does not exist yet", l.dir, e.Name(), errNotOurs)
	}
	return nil
}

func (l layout) write(c cluster) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", clusterFile, err)
	}
	return atomicfile.Write(l.cluster(), append(text, '\n'), 0o600)
}

// grow adds nodes until there are count, each on ports that nobody uses.
func (c *cluster) grow(count int, ports portSource) error {
	for len(c.Nodes) < count {
		n := node{Name: string(rune('a' + len(c.Nodes)))}
		got, err := ports.four()
		if err != nil {
			return fmt.Errorf("find ports for agent %s: %w", n.Name, err)
		}
		n.AgentPort, n.ClientPort, n.PeerPort, n.StatusPort = got[0], got[1], got[2], got[3]
		c.Nodes = append(c.Nodes, n)
	}
	return nil
}

func (c cluster) addresses() map[string]string {
	addrs := map[string]string{}
	for _, n := range c.Nodes {
		addrs[n.Name] = n.agentAddr()
	}
	return addrs
}
