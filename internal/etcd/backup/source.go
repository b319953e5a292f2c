package backup

import (
	"context"
	"io"
	"time"
)

// Clock is the source of time of a take. flow.Clock is one.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

type realClock struct{}

func (realClock) Now() time.Time                         { return time.Now() }
func (realClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// SourceInfo is what a member says of itself at one moment.
type SourceInfo struct {
	Member      string // its name, if the caller gave it
	MemberID    uint64
	ClusterID   uint64
	EtcdVersion string // of the process, such as 3.6.16
	Revision    int64  // applied by this member
	RaftTerm    uint64
	DBSize      int64 // bytes of the database file
	Quota       int64 // bytes, 0 if the member does not say
	Learner     bool
}

// Source is one member that can be snapshotted.
type Source interface {
	// Status asks the member.
	Status(ctx context.Context) (SourceInfo, error)
	// Snapshot opens the stream, trailer included, and says what the member
	// was right after: the stream holds no later revision than that. The end
	// of ctx, and Close, free whoever reads.
	Snapshot(ctx context.Context) (io.ReadCloser, SourceInfo, error)
}
