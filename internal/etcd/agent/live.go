package agent

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/process"
)

// answer is what the live etcd says of itself.
type answer struct {
	status       process.Status
	members      decide.List // nil: it gave none
	linearizable bool
}

func (a answer) position() decide.Position {
	return decide.Position{Term: a.status.RaftTerm, Index: a.status.RaftAppliedIndex}
}

// asker asks the live etcd of this node, over one connection that is kept.
type asker struct {
	url     string
	pkiDir  string
	timeout time.Duration

	mu     sync.Mutex
	client *process.Client
}

func (k *asker) connect() (*process.Client, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.client != nil {
		return k.client, nil
	}
	conf, err := EtcdClientTLS(k.pkiDir)
	if err != nil {
		return nil, err
	}
	k.client, err = process.NewClient([]string{k.url}, conf)
	return k.client, err
}

func (k *asker) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.client != nil {
		_ = k.client.Close()
		k.client = nil
	}
}

// ask first asks a quorum for the list, which is a linearizable read, and then
// the member for its status, which from there on is at least as new. It takes
// three timeouts at most.
func (k *asker) ask(ctx context.Context, name string) (answer, error) {
	client, err := k.connect()
	if err != nil {
		return answer{}, err
	}
	var a answer
	list, lerr := timely(ctx, k.timeout, func(ctx context.Context) (process.Membership, error) {
		return client.MemberList(ctx, true)
	})
	// With users switched on the list is refused, after the quorum was asked.
	a.linearizable = lerr == nil || errors.Is(lerr, rpctypes.ErrUserEmpty)
	a.status, err = timely(ctx, k.timeout, func(ctx context.Context) (process.Status, error) {
		return client.Status(ctx, k.url)
	})
	if err != nil {
		return answer{}, err
	}
	if lerr != nil && !a.linearizable && !a.status.Learner {
		list, lerr = timely(ctx, k.timeout, func(ctx context.Context) (process.Membership, error) {
			return client.MemberList(ctx, false)
		})
	}
	if lerr == nil {
		a.members = refs(list.Members, a.status.MemberID, name)
	}
	return a, nil
}

// timely gives a call its limit, but never more than half of the time that is
// left: whoever asked us must still hear that there is no quorum, else this
// node would be silent for her.
func timely[T any](ctx context.Context, limit time.Duration, call func(context.Context) (T, error)) (T, error) {
	if deadline, bounded := ctx.Deadline(); bounded {
		limit = min(limit, time.Until(deadline)/2)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return call(ctx)
}
