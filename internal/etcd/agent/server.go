package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	agentv1 "github.com/seedproof/seedproof/api/agent/v1"
)

const (
	maxRequest = 2 << 20 // bytes
	// lastCalls is how long calls that are under way may take when the agent
	// ends.
	lastCalls = 5 * time.Second
)

// Hooks are what the controller beside the agent answers.
type Hooks struct {
	Configure func(context.Context, *agentv1.ConfigureRequest) (*agentv1.ConfigureReply, error)
	Report    func(context.Context) ([]byte, error)
	OnLeader  func(lease Lease) // a call under a lease that stands has come
}

// SetHooks may be called at any time; until then those calls are unavailable.
func (a *Agent) SetHooks(h Hooks) { a.hooks.Store(&h) }

// Service is the gRPC service without its transport.
func (a *Agent) Service() agentv1.AgentServer { return service{a: a} }

type service struct {
	agentv1.UnimplementedAgentServer
	a *Agent
}

// serve begins to serve on the listener.
func (a *Agent) serve() (stop func(), served <-chan error, err error) {
	opts := []grpc.ServerOption{grpc.MaxRecvMsgSize(maxRequest)}
	conf, err := ServerTLS(a.cfg.PKIDir)
	if err != nil {
		return nil, nil, err
	}
	if conf != nil {
		opts = append(opts, grpc.Creds(credentials.NewTLS(conf)))
	}
	s := grpc.NewServer(opts...)
	agentv1.RegisterAgentServer(s, service{a: a})
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(a.listener) }()
	stop = func() {
		limit := time.AfterFunc(lastCalls, s.Stop)
		defer limit.Stop()
		s.GracefulStop()
	}
	return stop, ended, nil
}

// reply turns the end of an act into a gRPC status: only a refusal is one.
func reply(err error) (*agentv1.Done, error) {
	if err == nil {
		return &agentv1.Done{}, nil
	}
	return nil, statusOf(err)
}

func statusOf(err error) error {
	switch {
	case isRefusal(err):
		return status.Error(codes.FailedPrecondition, err.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, err.Error())
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, err.Error())
	}
	return status.Error(codes.Internal, err.Error())
}

func (s service) Testify(ctx context.Context, _ *agentv1.TestifyRequest) (*agentv1.Testimony, error) {
	return testimonyToProto(s.a.Testify(ctx)), nil
}

func (s service) Hear(ctx context.Context, r *agentv1.HearRequest) (*agentv1.Done, error) {
	return reply(s.a.act(ctx, leaseFrom(r.GetLease()), "hear", func(context.Context) error { return nil }))
}

func (s service) NoteClaim(ctx context.Context, r *agentv1.NoteClaimRequest) (*agentv1.Done, error) {
	note := claimNote{Claim: claimFrom(r.GetClaim()), Spec: r.GetSpec(),
		ControlStore: placeFrom(r.GetControlStore()), BackupStore: placeFrom(r.GetBackupStore())}
	return reply(s.a.act(ctx, leaseFrom(r.GetLease()), "note-claim", func(ctx context.Context) error { return s.a.noteClaim(ctx, note) }))
}

func (s service) StartClaimed(ctx context.Context, r *agentv1.StartClaimedRequest) (*agentv1.Done, error) {
	claim := claimFrom(r.GetClaim())
	return reply(s.a.act(ctx, leaseFrom(r.GetLease()), "start-claimed", func(ctx context.Context) error { return s.a.startClaimed(ctx, claim) }))
}

func (s service) StartJoining(ctx context.Context, r *agentv1.StartJoiningRequest) (*agentv1.Done, error) {
	j := Joining{Identity: identityFrom(r.GetIdentity()), ID: r.GetId(), Members: listFrom(r.GetMembers()), FormerLost: r.GetFormerLost()}
	return reply(s.a.act(ctx, leaseFrom(r.GetLease()), "start-joining", func(ctx context.Context) error { return s.a.startJoining(ctx, j) }))
}

func (s service) Start(ctx context.Context, r *agentv1.StartRequest) (*agentv1.Done, error) {
	return reply(s.a.act(ctx, leaseFrom(r.GetLease()), "start", s.a.start))
}

func (s service) Retire(ctx context.Context, r *agentv1.RetireRequest) (*agentv1.Done, error) {
	what := Retiring{Reason: r.GetReason(), Was: identityFrom(r.GetWas()), ID: r.GetId()}
	return reply(s.a.act(ctx, leaseFrom(r.GetLease()), "retire", func(ctx context.Context) error { return s.a.retire(ctx, what) }))
}

func (s service) Adopt(ctx context.Context, r *agentv1.AdoptRequest) (*agentv1.Done, error) {
	identity, was := identityFrom(r.GetIdentity()), identityFrom(r.GetWas())
	return reply(s.a.act(ctx, leaseFrom(r.GetLease()), "adopt", func(ctx context.Context) error { return s.a.adopt(ctx, identity, was) }))
}

func (s service) Remember(ctx context.Context, r *agentv1.RememberRequest) (*agentv1.Done, error) {
	what := Remembering{Identity: identityFrom(r.GetIdentity()), Members: listFrom(r.GetMembers()), Serial: r.GetSerial(), Spec: r.GetSpec(),
		ControlStore: placeFrom(r.GetControlStore()), BackupStore: placeFrom(r.GetBackupStore()),
		UsedApprovals: r.GetUsedApprovals(), VoidAttestations: r.GetVoidAttestations()}
	return reply(s.a.act(ctx, leaseFrom(r.GetLease()), "remember", func(ctx context.Context) error { return s.a.remember(ctx, what) }))
}

func (s service) GiveWord(ctx context.Context, r *agentv1.GiveWordRequest) (*agentv1.Done, error) {
	return reply(s.a.giveWord(ctx, attestationFrom(r.GetAttestation()), approvalFrom(r.GetApproval())))
}

func (s service) Configure(ctx context.Context, r *agentv1.ConfigureRequest) (*agentv1.ConfigureReply, error) {
	hooks := s.a.hooks.Load()
	if hooks == nil || hooks.Configure == nil {
		return nil, status.Error(codes.Unavailable, fmt.Sprintf("no controller runs beside the agent of %s yet", s.a.cfg.Name))
	}
	done, err := hooks.Configure(ctx, r)
	return done, hookStatus(err)
}

func (s service) Report(ctx context.Context, _ *agentv1.ReportRequest) (*agentv1.ReportReply, error) {
	hooks := s.a.hooks.Load()
	if hooks == nil || hooks.Report == nil {
		return nil, status.Error(codes.Unavailable, fmt.Sprintf("no controller runs beside the agent of %s yet", s.a.cfg.Name))
	}
	report, err := hooks.Report(ctx)
	if err != nil {
		return nil, hookStatus(err)
	}
	return &agentv1.ReportReply{Json: report}, nil
}

// hookStatus keeps a status that the controller chose, and a refusal of its.
func hookStatus(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	var no interface{ Refused() bool }
	if errors.As(err, &no) && no.Refused() {
		return status.Error(codes.FailedPrecondition, err.Error())
	}
	return statusOf(err)
}
