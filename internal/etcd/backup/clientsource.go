package backup

import (
	"context"
	"fmt"
	"io"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// ClientSource snapshots the one member that a client talks to.
type ClientSource struct {
	name   string
	client *clientv3.Client
}

var _ Source = (*ClientSource)(nil)

// NewClientSource takes a client of exactly one endpoint: with several, the
// status could be one member's and the snapshot another's. The client stays
// the caller's to close. name is the member's.
func NewClientSource(name string, client *clientv3.Client) (*ClientSource, error) {
	if n := len(client.Endpoints()); n != 1 {
		return nil, fmt.Errorf("snapshot member %s: the client has %d endpoints, want the member's alone", name, n)
	}
	return &ClientSource{name: name, client: client}, nil
}

// Status implements Source.
func (s *ClientSource) Status(ctx context.Context) (SourceInfo, error) {
	endpoint := s.client.Endpoints()[0]
	status, err := s.client.Status(ctx, endpoint)
	if err != nil {
		return SourceInfo{}, fmt.Errorf("ask member %s at %s for its status: %w", s.name, endpoint, err)
	}
	return SourceInfo{
		Member:      s.name,
		MemberID:    status.Header.MemberId,
		ClusterID:   status.Header.ClusterId,
		EtcdVersion: status.Version,
		Revision:    status.Header.Revision,
		RaftTerm:    status.RaftTerm,
		DBSize:      status.DbSize,
		Quota:       status.DbSizeQuota,
		Learner:     status.IsLearner,
	}, nil
}

// Snapshot implements Source.
func (s *ClientSource) Snapshot(ctx context.Context) (io.ReadCloser, SourceInfo, error) {
	ctx, cancel := context.WithCancel(ctx)
	response, err := s.client.SnapshotWithVersion(ctx)
	if err != nil {
		cancel()
		return nil, SourceInfo{}, fmt.Errorf("open a snapshot of member %s: %w", s.name, err)
	}
	stream := &clientStream{ReadCloser: response.Snapshot, cancel: cancel}
	// The first part has come, so the member's read transaction is open: what
	// it has applied by now bounds what the stream can hold.
	info, err := s.Status(ctx)
	if err != nil {
		_ = stream.Close()
		return nil, SourceInfo{}, err
	}
	return stream, info, nil
}

// clientStream ends the call on Close; closing the client's reader alone would
// leave the member's read transaction open until the client notices.
type clientStream struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (s *clientStream) Close() error {
	s.cancel()
	return s.ReadCloser.Close()
}
