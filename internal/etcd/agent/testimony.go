package agent

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

// Testimony is what an agent says of its node.
type Testimony struct {
	Cluster string
	Node    decide.Node

	PeerURL, ClientURL string
	Epoch              uint64 // the highest heard, and its tenure
	Tenure             string

	ControlStore, BackupStore *store.Remembered
	Attestations              []proof.Attestation
	Approvals                 []proof.Approval
	Claim                     *decide.Claim // the noted one, whole
	Spec                      []byte        // JSON of record.Spec; nil when none is known
	Troubles                  []string      // what stands in the way, for a person
	Peers                     map[string]string
	EmptyVolume               bool // the volume is the right one, and holds no data

	EtcdPID       int
	EtcdClusterID uint64 // 0 while it is not known
	EtcdVersion   string // of the live etcd
	RaftLeader    uint64
	DBSize        int64
	DBInUse       int64
	Learner       bool
	Alarms        []string // that stand, as etcd names them
}

// Testify looks at the node. It changes nothing.
func (a *Agent) Testify(ctx context.Context) Testimony {
	s := a.look(ctx)
	t := Testimony{
		Cluster: a.cfg.Cluster, Node: s.node, PeerURL: a.cfg.PeerURL, ClientURL: a.cfg.ClientURL,
		Epoch: s.doc.Epoch, Tenure: s.doc.Tenure, ControlStore: s.doc.ControlStore, BackupStore: s.doc.BackupStore,
		Attestations: s.doc.Words, Approvals: s.doc.Approved, Claim: s.doc.Claim, Peers: maps.Clone(a.cfg.Peers),
		EmptyVolume: s.node.Part.Finding == proof.Absent, EtcdPID: s.pid, EtcdClusterID: a.clusterID(s),
	}
	if spec, err := compactSpec(s.doc.Spec); err == nil {
		t.Spec = spec
	}
	if s.live != nil {
		st := s.live.status
		t.EtcdVersion, t.RaftLeader, t.Learner = st.Version, st.LeaderID, st.Learner
		t.DBSize, t.DBInUse = st.DBSize, st.DBInUse
		t.Alarms = alarmsIn(st.Errors)
	}
	t.Troubles = a.troubles(s)
	return t
}

// troubles are what a person should know of this node, most urgent first.
func (a *Agent) troubles(s sight) []string {
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	switch s.node.Memory.Finding {
	case proof.Unknown:
		add("the memory %s cannot be read, and nothing is acted on: %s", a.dir.memory(), s.node.Memory.Why)
	case proof.Unusable:
		add("the memory: %s", s.node.Memory.Why)
	}
	if !s.place.readable() || s.place.State == store.PlaceEmptied {
		add("the data volume: %s", s.place.Why)
	}
	if f := s.node.Part.Finding; f == proof.Unknown || f == proof.Unusable || s.node.Part.RolledBack {
		add("the data: %s", s.node.Part.Why)
	}
	if fell := a.etcd.lastFall(a.dir.etcdLog()); fell != "" {
		all = append(all, fell)
	}
	if held := a.held.Load(); held != nil && !s.running && s.node.Part.Finding == proof.Present {
		add("no etcd is started: %s", *held)
	}
	if s.mark != nil && s.mark.PeerURL != a.cfg.PeerURL {
		add("the peer URL is configured as %s, and the member was made with %s", a.cfg.PeerURL, s.mark.PeerURL)
	}
	if s.live != nil {
		all = append(all, s.live.status.Errors...)
	}
	all = append(all, certProblems(a.cfg.PKIDir, a.deps.Clock.Now())...)
	return slices.Compact(all)
}

// alarmsIn finds the alarms among the errors of a member's status, where etcd
// lists them as "memberID:… alarm:NOSPACE".
func alarmsIn(errors []string) []string {
	var alarms []string
	for _, e := range errors {
		_, alarm, found := strings.Cut(e, "alarm:")
		if alarm = strings.TrimSpace(alarm); found && alarm != "" && !slices.Contains(alarms, alarm) {
			alarms = append(alarms, alarm)
		}
	}
	return alarms
}
