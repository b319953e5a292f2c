package process

import (
	"context"
	"crypto/tls"
	"fmt"
	"path"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/seedproof/seedproof/internal/fault"
)

// Client asks etcd members. It sends each request once, to whom it was told,
// within the caller's deadline: what a request's lost answer means is for the
// caller to find out by looking.
type Client struct {
	etcd      *clientv3.Client
	endpoints []string
}

// dialTimeout bounds one attempt to connect.
const dialTimeout = 2 * time.Second

// reconnect paces the attempts to reach a member that was down. gRPC's own
// pace, a second and then up to two minutes, would hide one that is back.
var reconnect = grpc.ConnectParams{MinConnectTimeout: dialTimeout,
	Backoff: backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second}}

// NewClient connects nowhere yet. conf is nil for plain HTTP.
func NewClient(endpoints []string, conf *tls.Config, opts ...grpc.DialOption) (*Client, error) {
	etcd, err := clientv3.New(clientv3.Config{
		Endpoints:       endpoints,
		TLS:             conf,
		DialTimeout:     dialTimeout,
		MaxUnaryRetries: 1, // attempts, not repetitions
		DialOptions:     append([]grpc.DialOption{grpc.WithConnectParams(reconnect)}, opts...),
		Logger:          zap.NewNop(),
	})
	if err != nil {
		return nil, fmt.Errorf("make an etcd client for %v: %w", endpoints, err)
	}
	return &Client{etcd: etcd, endpoints: endpoints}, nil
}

// WithFaults makes every call of a client, but streams, one crossing of the
// transport "etcd". It is for tests; nil strikes nothing.
func WithFaults(in *fault.Injector) grpc.DialOption {
	return grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		return in.Around(ctx, fault.Call{Transport: "etcd", Op: path.Base(method)}, func() error {
			return invoke(ctx, method, req, reply, conn, opts...)
		})
	})
}

// Close ends the connections.
func (c *Client) Close() error { return c.etcd.Close() }

// Etcd is the client itself, for what is not wrapped here.
func (c *Client) Etcd() *clientv3.Client { return c.etcd }

// Status is what one member says of itself. It is a local answer: a member that
// is cut off from the others still gives it.
type Status struct {
	MemberID, ClusterID uint64
	LeaderID            uint64 // zero: it knows of no leader
	Learner             bool
	Version             string
	StorageVersion      string
	Revision            int64
	RaftTerm            uint64
	RaftIndex           uint64
	RaftAppliedIndex    uint64
	DBSize              int64 // bytes of the file
	DBInUse             int64 // bytes in use in it
	DBQuota             int64 // zero when the member does not tell
	Errors              []string
}

// Status asks the member at endpoint.
func (c *Client) Status(ctx context.Context, endpoint string) (Status, error) {
	r, err := c.etcd.Status(ctx, endpoint)
	if err != nil {
		return Status{}, fmt.Errorf("ask %s for its status: %w", endpoint, err)
	}
	return Status{
		MemberID: r.Header.MemberId, ClusterID: r.Header.ClusterId, LeaderID: r.Leader, Learner: r.IsLearner,
		Version: r.Version, StorageVersion: r.StorageVersion, Revision: r.Header.Revision,
		RaftTerm: r.RaftTerm, RaftIndex: r.RaftIndex, RaftAppliedIndex: r.RaftAppliedIndex,
		DBSize: r.DbSize, DBInUse: r.DbSizeInUse, DBQuota: r.DbSizeQuota, Errors: r.Errors,
	}, nil
}

// probeKey is read and never written.
const probeKey = "\x00seedproof-probe"

// LinearizableRead asks a quorum and returns the revision of the answer: the
// proof that the cluster serves.
func (c *Client) LinearizableRead(ctx context.Context) (revision int64, err error) {
	r, err := c.etcd.Get(ctx, probeKey, clientv3.WithCountOnly())
	if err != nil {
		return 0, fmt.Errorf("read through a quorum: %w", err)
	}
	return r.Header.Revision, nil
}

// ReadRevision is the revision that one member has applied, asked of it alone.
func (c *Client) ReadRevision(ctx context.Context, endpoint string) (int64, error) {
	s, err := c.Status(ctx, endpoint)
	return s.Revision, err
}

// Membership is a member list with the identity of who gave it.
type Membership struct {
	ClusterID uint64
	From      uint64 // id of the member that answered
	Members   []Member
}

// MemberList lists the members. A linearizable list is what a quorum agreed on;
// the other is what one member has applied.
func (c *Client) MemberList(ctx context.Context, linearizable bool) (Membership, error) {
	var opts []clientv3.OpOption
	if !linearizable {
		opts = append(opts, clientv3.WithSerializable())
	}
	r, err := c.etcd.MemberList(ctx, opts...)
	if err != nil {
		return Membership{}, fmt.Errorf("list members: %w", err)
	}
	list := Membership{ClusterID: r.Header.ClusterId, From: r.Header.MemberId}
	for _, m := range r.Members {
		list.Members = append(list.Members, memberOf(m))
	}
	return list, nil
}

func memberOf(m *pb.Member) Member {
	return Member{ID: m.ID, Name: m.Name, PeerURLs: m.PeerURLs, ClientURLs: m.ClientURLs, Learner: m.IsLearner}
}

// Alarm is one alarm that stands.
type Alarm struct {
	MemberID uint64
	Kind     string // NOSPACE, CORRUPT
}

// Alarms lists the alarms of the cluster.
func (c *Client) Alarms(ctx context.Context) ([]Alarm, error) {
	r, err := c.etcd.AlarmList(ctx)
	if err != nil {
		return nil, fmt.Errorf("list alarms: %w", err)
	}
	var alarms []Alarm
	for _, a := range r.Alarms {
		alarms = append(alarms, Alarm{MemberID: a.MemberID, Kind: a.Alarm.String()})
	}
	return alarms, nil
}

// MemberAddAsLearner adds a member that does not vote yet and returns it with
// the id that the cluster gave it. After a lost answer look for the peer URL in
// the member list.
func (c *Client) MemberAddAsLearner(ctx context.Context, peerURLs []string) (Member, error) {
	r, err := c.etcd.MemberAddAsLearner(ctx, peerURLs)
	if err != nil {
		return Member{}, fmt.Errorf("add learner %v: %w", peerURLs, err)
	}
	return memberOf(r.Member), nil
}

// Promote makes a learner a voter. etcd refuses while it lags.
func (c *Client) Promote(ctx context.Context, id uint64) error {
	if _, err := c.etcd.MemberPromote(ctx, id); err != nil {
		return fmt.Errorf("promote learner %x: %w", id, err)
	}
	return nil
}

// MemberRemove removes a member for good: its id never comes back.
func (c *Client) MemberRemove(ctx context.Context, id uint64) error {
	if _, err := c.etcd.MemberRemove(ctx, id); err != nil {
		return fmt.Errorf("remove member %x: %w", id, err)
	}
	return nil
}

// MoveLeader asks the leader, which the client's first endpoint must be, to
// hand over to another voter.
func (c *Client) MoveLeader(ctx context.Context, to uint64) error {
	if _, err := c.etcd.MoveLeader(ctx, to); err != nil {
		return fmt.Errorf("move the lead to %x: %w", to, err)
	}
	return nil
}

// Hash is the hash of all keys up to a revision. Two are comparable when
// Revision and Compacted agree.
type Hash struct {
	Hash      uint32
	Revision  int64 // that was hashed
	Compacted int64
}

// HashKV asks the member at endpoint; revision zero means its latest.
func (c *Client) HashKV(ctx context.Context, endpoint string, revision int64) (Hash, error) {
	r, err := c.etcd.HashKV(ctx, endpoint, revision)
	if err != nil {
		return Hash{}, fmt.Errorf("ask %s for its hash: %w", endpoint, err)
	}
	return Hash{Hash: r.Hash, Revision: r.HashRevision, Compacted: r.CompactRevision}, nil
}
