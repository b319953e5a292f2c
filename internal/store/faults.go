package store

import (
	"context"
	"io"
	"iter"

	"github.com/seedproof/seedproof/internal/fault"
)

var (
	_ Store = (*faulty)(nil)
	_ Store = (*counted)(nil)
)

// Names of the calls that cross a store, as injectors and counters see them.
const (
	OpStat   = "stat"
	OpOpen   = "open"
	OpPut    = "put"
	OpList   = "list"
	OpDelete = "delete"
)

// WithFaults makes every method of s, but URL, Capabilities and Close, one
// call crossing of transport "store". A listing is one call, and is held in
// memory; a body is read within the call Open.
func WithFaults(s Store, in *fault.Injector) Store { return &faulty{s, in} }

type faulty struct {
	Store
	in *fault.Injector
}

func (f *faulty) Unwrap() Store { return f.Store }

func (f *faulty) around(ctx context.Context, op, key string, act func() error) error {
	return f.in.Around(ctx, fault.Call{Transport: "store", Op: op, Target: key}, act)
}

func (f *faulty) Stat(ctx context.Context, key string) (info Info, err error) {
	err = f.around(ctx, OpStat, key, func() (err error) {
		info, err = f.Store.Stat(ctx, key)
		return err
	})
	if err != nil {
		return Info{}, err
	}
	return info, nil
}

func (f *faulty) Open(ctx context.Context, key string, r Range) (body io.ReadCloser, info Info, err error) {
	err = f.around(ctx, OpOpen, key, func() (err error) {
		body, info, err = f.Store.Open(ctx, key, r)
		return err
	})
	if err != nil && body != nil { // the answer came, and is lost
		_ = body.Close()
	}
	if err != nil {
		return nil, Info{}, err
	}
	return body, info, nil
}

func (f *faulty) Put(ctx context.Context, key string, r io.Reader, c Condition) (info Info, err error) {
	err = f.around(ctx, OpPut, key, func() (err error) {
		info, err = f.Store.Put(ctx, key, r, c)
		return err
	})
	if err != nil {
		return Info{}, err
	}
	return info, nil
}

func (f *faulty) List(ctx context.Context, prefix, after string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		var found []Info
		err := f.around(ctx, OpList, prefix, func() (err error) {
			found, err = collect(f.Store.List(ctx, prefix, after))
			return err
		})
		if err != nil {
			yield(Info{}, err)
			return
		}
		for _, info := range found {
			if !yield(info, nil) {
				return
			}
		}
	}
}

func (f *faulty) Delete(ctx context.Context, key string, v Version) error {
	return f.around(ctx, OpDelete, key, func() error { return f.Store.Delete(ctx, key, v) })
}

func collect(list iter.Seq2[Info, error]) ([]Info, error) {
	var found []Info
	for info, err := range list {
		if err != nil {
			return nil, err
		}
		found = append(found, info)
	}
	return found, nil
}
