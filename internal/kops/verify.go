package kops

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/etcd/snapshot"
	"github.com/seedproof/seedproof/internal/kops/statestore"
	"github.com/seedproof/seedproof/internal/store"
)

const (
	// maxOpened bounds how many backups of one etcd cluster are opened.
	maxOpened = 8
	// emptyKeys: the etcd of a control plane that has come up once holds more.
	// One that holds fewer is compared with an older one.
	emptyKeys = 50
	// shrunk: a backup smaller than the largest by this factor is compared too.
	shrunk = 4
)

// ErrDamaged is wrapped by a Verifier's errors that are about the backup. All
// others say nothing of it.
var ErrDamaged = errors.New("damaged")

// Snapshot is what an opened backup holds.
type Snapshot struct {
	Revision int64
	Keys     int64
	Members  []uint64 // sorted
}

// Verifier opens one backup's data and checks it to its end.
type Verifier interface {
	Verify(ctx context.Context, s store.Store, key string) (Snapshot, error)
}

// Inspect is the Verifier that streams a backup through internal/etcd/snapshot.
type Inspect struct {
	// Dir is where a database is unpacked to; "" is the system's directory for
	// temporary files.
	Dir string
	// Stall is how long a store may send nothing; 0 is 30 s.
	Stall time.Duration
}

// Verify implements Verifier.
func (i Inspect) Verify(ctx context.Context, s store.Store, key string) (Snapshot, error) {
	if i.Stall <= 0 {
		i.Stall = defaultTimeout
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(i.Stall, func() { cancel(context.DeadlineExceeded) })
	defer watchdog.Stop()
	body, info, err := s.Open(ctx, key, store.Range{})
	if err != nil {
		return Snapshot{}, err
	}
	defer func() { _ = body.Close() }()
	defer context.AfterFunc(ctx, func() { _ = body.Close() })() // ends a read that hangs
	whole := &watched{from: body, stall: i.Stall, watchdog: watchdog}
	summary, err := snapshot.Inspect(ctx, whole, snapshot.Options{Form: snapshot.Gzip, Dir: i.Dir})
	if damage, found := snapshot.DamageOf(err); found {
		return Snapshot{}, whole.judge(ctx, info, damage)
	}
	if err != nil {
		return Snapshot{}, err
	}
	held := Snapshot{Revision: summary.Revision, Keys: summary.LiveKeys}
	for _, m := range summary.Members {
		held.Members = append(held.Members, uint64(m.ID))
	}
	slices.Sort(held.Members)
	return held, nil
}

// watched counts what comes, and lets the watchdog sleep while it comes. From
// the end on there is nothing to wait for.
type watched struct {
	from     io.Reader
	n        int64
	stall    time.Duration
	watchdog *time.Timer
}

func (w *watched) Read(p []byte) (int, error) {
	w.watchdog.Reset(w.stall)
	n, err := w.from.Read(p)
	w.n += int64(n)
	if err != nil {
		w.watchdog.Stop()
	}
	return n, err
}

// judge: the rest is read, so that a transfer that was cut is not taken for a
// backup that was.
func (w *watched) judge(ctx context.Context, info store.Info, damage *snapshot.Damage) error {
	if _, err := io.Copy(io.Discard, w); err != nil || ctx.Err() != nil || w.n != info.Size {
		return fmt.Errorf("%d of %d bytes came: %w", w.n, info.Size, store.ErrCut)
	}
	return fmt.Errorf("%w: %s", ErrDamaged, damage.Error())
}

// opened opens the newest backups until one holds that is of this cluster.
func (l look) opened(ctx context.Context, listed []statestore.Backup) kept {
	l.opening <- struct{}{}
	defer func() { <-l.opening }()
	largest := sync.OnceValues(func() (*Backup, Snapshot) { return l.open(ctx, l.etcd.Shelf.Largest) })
	var k kept
	for i, b := range listed {
		if i >= maxOpened {
			break
		}
		told, held := l.open(ctx, b)
		if k.newest == nil {
			k.newest = told
		}
		if told.State == Holds && l.suspicious(b, held) {
			compare(told, held, largest)
		}
		if told.State == Holds {
			k.lastValid, k.dated = told, b.Dated
			return k
		}
		k.bad = append(k.bad, told)
	}
	// Many newer ones are worthless or of another cluster: the largest is the
	// likeliest to be of this one.
	if len(k.bad) > 0 {
		if told, _ := largest(); told.State == Holds {
			k.lastValid, k.dated = told, l.etcd.Shelf.Largest.Dated
		}
	}
	return k
}

// open opens one.
func (l look) open(ctx context.Context, b statestore.Backup) (*Backup, Snapshot) {
	told := l.tell(b)
	if told.State != NotOpened {
		return told, Snapshot{}
	}
	held, err := l.Verifier.Verify(ctx, l.etcd.Store, b.Folder+"/"+managerfiles.DataFile)
	switch {
	case err == nil:
		told.State, told.Revision, told.Keys, told.Members = Holds, held.Revision, held.Keys, held.Members
	case errors.Is(err, ErrDamaged):
		told.State, told.Why = Damaged, err.Error()
	default:
		told.State, told.Why = Unread, "it could not be read: "+l.etcd.Tell(false, err)
	}
	return told, held
}

// suspicious: it may be of an empty cluster that took this one's place. The
// largest one that is older can tell.
func (l look) suspicious(b statestore.Backup, held Snapshot) bool {
	largest := l.etcd.Shelf.Largest
	if largest.Folder == "" || !largest.OlderThan(b) {
		return false
	}
	return held.Keys < emptyKeys || b.Data.Size < largest.Data.Size/shrunk
}

// compare holds a suspicious backup to the largest one, which is older. A
// revision never falls in one cluster, and its members do not all change at
// once.
func compare(told *Backup, held Snapshot, largest func() (*Backup, Snapshot)) {
	older, before := largest()
	switch {
	case older.State == Damaged && held.Keys >= emptyKeys:
		return // it will never tell, and this one looks like a control plane's
	case older.State != Holds: // its silence is no agreement
		told.State = Unread
		told.Why = fmt.Sprintf("it holds %d keys, far less than %s, which is older, and whether both are of one cluster cannot be told (%s)", held.Keys, older.Name, older.Why)
		return
	case before.Revision <= held.Revision || before.Keys <= held.Keys:
		return
	}
	told.State = OtherCluster
	told.Why = fmt.Sprintf("it holds %d keys at revision %d, and %s, which is older, holds %d at revision %d: it is of another, newer cluster",
		held.Keys, held.Revision, older.Name, before.Keys, before.Revision)
	if len(held.Members) > 0 && !slices.ContainsFunc(held.Members, func(id uint64) bool { return slices.Contains(before.Members, id) }) {
		told.Why += ", with other members"
	}
}
