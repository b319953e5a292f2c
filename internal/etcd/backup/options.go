package backup

import (
	"errors"
	"log/slog"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/store"
)

// Options is all that a take needs to know. Zero values of the second group
// stand for the defaults.
type Options struct {
	Store    store.Store // the backup store, at the cluster's base
	Source   Source
	Identity Identity
	Spec     managerfiles.Spec
	Members  []Member
	HashKV   *HashKV // nil if it was not asked for
	Marks    []Mark

	// Holder is who takes it. Slot is what is to have one backup: two takers
	// that name the same slot make one. The name of the newest backup that
	// both saw is a good one, for it needs no clocks; a backup asked for by a
	// person has a slot of its own.
	Holder, Slot string
	// Watch is the taker's memory from one take to the next.
	Watch *Watch

	ClaimTerm     time.Duration // after which a silent claim is taken over
	MaxHold       time.Duration // of the member's read transaction
	MaxGrowth     int64         // bytes, meanwhile; 0: 512 MiB, or a fifth of a smaller quota
	FinishTimeout time.Duration // from the last byte sent to the store's answer
	StoreTimeout  time.Duration // of each small call to the store
	StatusEvery   time.Duration // between two looks at the member
	StatusTimeout time.Duration // of each of them
	Clock         Clock
	Log           *slog.Logger
}

func (o Options) complete() (*Options, error) {
	switch {
	case o.Store == nil || o.Source == nil:
		return nil, errors.New("no store or no source given")
	case o.Identity.Lineage == "":
		return nil, errors.New("no lineage given")
	case o.Holder == "" || o.Slot == "":
		return nil, errors.New("no holder or no slot given")
	case o.Watch == nil:
		return nil, errors.New("no watch given: a claim could never be taken over")
	}
	or(&o.ClaimTerm, DefaultClaimTerm)
	or(&o.MaxHold, DefaultMaxHold)
	or(&o.FinishTimeout, DefaultFinishTimeout)
	or(&o.StoreTimeout, DefaultStoreTimeout)
	or(&o.StatusEvery, DefaultStatusEvery)
	or(&o.StatusTimeout, DefaultStatusTimeout)
	if o.Clock == nil {
		o.Clock = realClock{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &o, nil
}

func or(d *time.Duration, otherwise time.Duration) {
	if *d == 0 {
		*d = otherwise
	}
}
