package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// probePrefix is a folder that etcd-manager and people pass over.
	probePrefix = ".seedproof-probe/"
	// probeLeftover is the age at which another probe's object, by the store's
	// clock, was left behind by a crash.
	probeLeftover = time.Hour
)

// NotEnforcedError says that the store accepts writes whose condition does not
// hold, or refuses such whose condition does.
type NotEnforcedError struct {
	URL  string
	What string // what the store was seen to do
}

func (e *NotEnforcedError) Error() string {
	return fmt.Sprintf("%s does not enforce conditional writes: %s; without it two leaders could act at once: use a store that enforces If-None-Match and If-Match", e.URL, e.What)
}

// Probe proves with an object of its own that s enforces conditional writes.
// *NotEnforcedError means that it was seen not to; any other error means that
// it could not be tried out.
func Probe(ctx context.Context, s Store) error {
	if !s.Capabilities().ConditionalWrites {
		return &NotEnforcedError{s.URL(), "its driver does not offer them"}
	}
	p := prober{s: s, key: probePrefix + randomHex()}
	defer p.cleanUp(ctx)
	if err := p.prove(ctx); err != nil {
		return fmt.Errorf("probe conditional writes of %s: %w", s.URL(), err)
	}
	return nil
}

type prober struct {
	s   Store
	key string
}

func (p prober) prove(ctx context.Context) error {
	if err := p.refused(ctx, p.key, IfVersion("0123456789abcdef0123456789abcdef"), nil, "it swapped an object that was not there"); err != nil {
		return err
	}
	one, two := []byte(randomHex()), []byte(randomHex())
	first, err := p.s.Put(ctx, p.key, bytes.NewReader(one), IfAbsent())
	if err != nil {
		return fmt.Errorf("create: %w", outage(err))
	}
	if err := p.refused(ctx, p.key, IfAbsent(), one, "it created an object that was there already"); err != nil {
		return err
	}
	_, err = p.s.Put(ctx, p.key, bytes.NewReader(two), IfVersion(first.Version))
	if errors.Is(err, ErrConditionFailed) {
		return &NotEnforcedError{p.s.URL(), "it refused to swap the version that stood"}
	}
	if err != nil {
		return fmt.Errorf("swap: %w", outage(err))
	}
	return p.refused(ctx, p.key, IfVersion(first.Version), two, "it swapped an object whose version was stale")
}

// refused tries a write that must be refused and must leave stands (nil:
// nothing) as it is.
func (p prober) refused(ctx context.Context, key string, c Condition, stands []byte, otherwise string) error {
	_, err := p.s.Put(ctx, key, strings.NewReader("refuse this: "+randomHex()), c)
	if err == nil {
		return &NotEnforcedError{p.s.URL(), otherwise}
	}
	if !errors.Is(err, ErrConditionFailed) && !(stands == nil && errors.Is(err, ErrNotFound)) {
		return outage(err)
	}
	have, _, err := Read(ctx, p.s, key, readBackLimit)
	if stands == nil && errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look after a refused write: %w", outage(err))
	}
	if !bytes.Equal(have, stands) {
		return &NotEnforcedError{p.s.URL(), otherwise + ", while it said that it refused"}
	}
	return nil
}

// outage keeps a failed try from being read as an answer on the object.
func outage(err error) error {
	if errors.Is(err, ErrConditionFailed) || errors.Is(err, ErrNotFound) {
		return fmt.Errorf("unexpected answer: %v", err) //nolint:errorlint // its chain is what must not be read
	}
	return err
}

// cleanUp removes this probe's object and those that crashed ones left. It
// does not matter to the proof when that fails: the next probe tries again.
func (p prober) cleanUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readBackTime)
	defer cancel()
	found, err := collect(p.s.List(ctx, probePrefix, ""))
	if err != nil {
		return
	}
	var now time.Time
	for _, info := range found {
		if info.Key == p.key {
			now = info.Modified
		}
	}
	for _, info := range found {
		if info.Key == p.key || now.Sub(info.Modified) > probeLeftover {
			_ = p.s.Delete(ctx, info.Key, info.Version)
		}
	}
}
