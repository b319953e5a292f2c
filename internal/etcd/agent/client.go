package agent

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	agentv1 "github.com/seedproof/seedproof/api/agent/v1"
	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

// Client asks one agent. Each call is sent once, and ends with the caller's
// deadline. An error that has a method Refused was the agent's no; after every
// other one nothing is known.
type Client struct {
	Name   string // for errors and faults
	conn   *grpc.ClientConn
	agent  agentv1.AgentClient
	faults *fault.Injector
}

// reconnect bounds how long an agent that is back goes on looking silent; by
// default that grows to two minutes.
var reconnect = grpc.ConnectParams{
	Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
	MinConnectTimeout: 2 * time.Second,
}

// Dial makes a client for the agent called name at address. It connects at the
// first call. conf nil: no TLS. faults is for tests.
func Dial(name, address string, conf *tls.Config, faults *fault.Injector) (*Client, error) {
	creds := insecure.NewCredentials()
	if conf != nil {
		creds = credentials.NewTLS(conf)
	}
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(creds), grpc.WithDisableRetry(), grpc.WithDisableServiceConfig(),
		grpc.WithConnectParams(reconnect))
	if err != nil {
		return nil, fmt.Errorf("make a client for the agent of %s at %s: %w", name, address, err)
	}
	return &Client{Name: name, conn: conn, agent: agentv1.NewAgentClient(conn), faults: faults}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

func call[T any](ctx context.Context, c *Client, method string, do func(context.Context) (T, error)) (answer T, err error) {
	err = c.faults.Around(ctx, fault.Call{Transport: "grpc", Op: method, Target: c.Name}, func() error {
		got, err := do(ctx)
		answer = got
		return err
	})
	if err == nil {
		return answer, nil
	}
	var none T
	if st, ok := status.FromError(err); ok {
		if st.Code() == codes.FailedPrecondition {
			return none, &RefusedError{Why: fmt.Sprintf("the agent of %s refuses: %s", c.Name, st.Message())}
		}
		return none, fmt.Errorf("ask the agent of %s to %s: %s: %w", c.Name, method, st.Message(), err)
	}
	return none, fmt.Errorf("ask the agent of %s to %s: %w", c.Name, method, err)
}

func (c *Client) tell(ctx context.Context, method string, do func(context.Context) (*agentv1.Done, error)) error {
	_, err := call(ctx, c, method, do)
	return err
}

// Testify asks what the node shows.
func (c *Client) Testify(ctx context.Context) (Testimony, error) {
	t, err := call(ctx, c, "Testify", func(ctx context.Context) (*agentv1.Testimony, error) {
		return c.agent.Testify(ctx, &agentv1.TestifyRequest{})
	})
	if err != nil {
		return Testimony{}, err
	}
	return testimonyFromProto(t), nil
}

// Hear makes the agent remember the lease.
func (c *Client) Hear(ctx context.Context, l Lease) error {
	return c.tell(ctx, "Hear", func(ctx context.Context) (*agentv1.Done, error) {
		return c.agent.Hear(ctx, &agentv1.HearRequest{Lease: leaseTo(l)})
	})
}

// NoteClaim makes the agent remember the claim, and what goes with it where it
// is given.
func (c *Client) NoteClaim(ctx context.Context, l Lease, claim decide.Claim, spec []byte, control, backup *store.Remembered) error {
	return c.tell(ctx, "NoteClaim", func(ctx context.Context) (*agentv1.Done, error) {
		return c.agent.NoteClaim(ctx, &agentv1.NoteClaimRequest{Lease: leaseTo(l), Claim: claimTo(&claim), Spec: spec,
			ControlStore: placeTo(control), BackupStore: placeTo(backup)})
	})
}

// StartClaimed brings up the member's etcd for the claim.
func (c *Client) StartClaimed(ctx context.Context, l Lease, claim decide.Claim) error {
	return c.tell(ctx, "StartClaimed", func(ctx context.Context) (*agentv1.Done, error) {
		return c.agent.StartClaimed(ctx, &agentv1.StartClaimedRequest{Lease: leaseTo(l), Claim: claimTo(&claim)})
	})
}

// StartJoining brings up a member that was added.
func (c *Client) StartJoining(ctx context.Context, l Lease, j Joining) error {
	return c.tell(ctx, "StartJoining", func(ctx context.Context) (*agentv1.Done, error) {
		return c.agent.StartJoining(ctx, &agentv1.StartJoiningRequest{Lease: leaseTo(l), Identity: identityTo(j.Identity), Id: j.ID,
			Members: listTo(j.Members), FormerLost: j.FormerLost})
	})
}

// Start starts the etcd of a whole directory.
func (c *Client) Start(ctx context.Context, l Lease) error {
	return c.tell(ctx, "Start", func(ctx context.Context) (*agentv1.Done, error) {
		return c.agent.Start(ctx, &agentv1.StartRequest{Lease: leaseTo(l)})
	})
}

// Retire stops etcd and moves its directory into the trash.
func (c *Client) Retire(ctx context.Context, l Lease, r Retiring) error {
	return c.tell(ctx, "Retire", func(ctx context.Context) (*agentv1.Done, error) {
		return c.agent.Retire(ctx, &agentv1.RetireRequest{Lease: leaseTo(l), Reason: r.Reason, Was: identityTo(r.Was), Id: r.ID})
	})
}

// Adopt makes the data that bear was those of identity.
func (c *Client) Adopt(ctx context.Context, l Lease, identity, was proof.Identity) error {
	return c.tell(ctx, "Adopt", func(ctx context.Context) (*agentv1.Done, error) {
		return c.agent.Adopt(ctx, &agentv1.AdoptRequest{Lease: leaseTo(l), Identity: identityTo(identity), Was: identityTo(was)})
	})
}

// Remember brings the memory up to the record.
func (c *Client) Remember(ctx context.Context, l Lease, r Remembering) error {
	return c.tell(ctx, "Remember", func(ctx context.Context) (*agentv1.Done, error) {
		return c.agent.Remember(ctx, &agentv1.RememberRequest{Lease: leaseTo(l), Identity: identityTo(r.Identity), Members: listTo(r.Members),
			Serial: r.Serial, Spec: r.Spec, ControlStore: placeTo(r.ControlStore), BackupStore: placeTo(r.BackupStore),
			UsedApprovals: r.UsedApprovals, VoidAttestations: r.VoidAttestations})
	})
}

// GiveAttestation keeps a person's word that a witness is lost.
func (c *Client) GiveAttestation(ctx context.Context, w proof.Attestation) error {
	return c.tell(ctx, "GiveWord", func(ctx context.Context) (*agentv1.Done, error) {
		return c.agent.GiveWord(ctx, &agentv1.GiveWordRequest{Attestation: attestationTo(w)})
	})
}

// GiveApproval keeps a person's word for one operation.
func (c *Client) GiveApproval(ctx context.Context, w proof.Approval) error {
	return c.tell(ctx, "GiveWord", func(ctx context.Context) (*agentv1.Done, error) {
		return c.agent.GiveWord(ctx, &agentv1.GiveWordRequest{Approval: approvalTo(w)})
	})
}

// Configure changes the record, and says what has changed.
func (c *Client) Configure(ctx context.Context, r *agentv1.ConfigureRequest) ([]string, error) {
	done, err := call(ctx, c, "Configure", func(ctx context.Context) (*agentv1.ConfigureReply, error) { return c.agent.Configure(ctx, r) })
	return done.GetChanges(), err
}

// Report is the status report of the agent's controller, as JSON.
func (c *Client) Report(ctx context.Context) ([]byte, error) {
	r, err := call(ctx, c, "Report", func(ctx context.Context) (*agentv1.ReportReply, error) {
		return c.agent.Report(ctx, &agentv1.ReportRequest{})
	})
	return r.GetJson(), err
}
