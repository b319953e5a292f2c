package svm

import (
	"context"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// source is who is asked when a view is taken: everybody, now (fresh), or what
// was collected for all SVMs at once (collected). Only a fresh view is acted on,
// save by a login check (dueLogin).
type source interface {
	record(ctx context.Context, svm string) seed.Record
	claim(ctx context.Context, svm string) seed.Claim
	words(ctx context.Context, svm string) (seed.Words, error)
	pin(ctx context.Context, array string) decide.Pin
	arrays(ctx context.Context, arrays []look.Array, s look.Subject) []decide.Array
	site(ctx context.Context, array look.Array, svmUUID string, protocols []ontap.Protocol) look.Facts
	guards(ctx context.Context, array look.Array, svmUUID string, ours look.Mine, otherShoots bool) decide.Guards
	secret(ctx context.Context, ref seed.SecretRef) seed.Secret
}

// fresh asks everybody, now.
type fresh struct{ r *Reconciler }

func (f fresh) record(ctx context.Context, svm string) seed.Record {
	record := f.r.o.Seed.Record(ctx, svm)
	f.r.events.about(record)
	return record
}

func (f fresh) claim(ctx context.Context, svm string) seed.Claim {
	return f.r.o.Seed.Claim(ctx, svm)
}

func (f fresh) words(ctx context.Context, svm string) (seed.Words, error) {
	return f.r.o.Seed.Words(ctx, svm)
}

func (f fresh) pin(ctx context.Context, array string) decide.Pin { return f.r.o.Seed.Pin(ctx, array) }

func (f fresh) arrays(ctx context.Context, arrays []look.Array, s look.Subject) []decide.Array {
	return look.Look(ctx, arrays, s)
}

func (f fresh) site(ctx context.Context, array look.Array, svmUUID string, protocols []ontap.Protocol) look.Facts {
	return look.Site(ctx, array, svmUUID, protocols)
}

func (f fresh) guards(ctx context.Context, array look.Array, svmUUID string, ours look.Mine, otherShoots bool) decide.Guards {
	return look.ReadGuards(ctx, array, svmUUID, ours, otherShoots)
}

func (f fresh) secret(ctx context.Context, ref seed.SecretRef) seed.Secret {
	return f.r.o.Seed.Secret(ctx, ref)
}
