package svm

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// collected is what one cycle has read, once for all SVMs. What is missing in it
// is not known: a listing proves no absence.
type collected struct {
	records    map[string]seed.Record
	claims     map[string]seed.Claim
	said       map[string]seed.Words
	recordsErr error
	secrets    map[seed.SecretRef]seed.Secret
	secretErrs map[string]error // by namespace
	pins       map[string]decide.Pin
	listings   map[string]look.Collection // by array
	asked      []CycleArray
}

var errNotListed = errors.New("it was not listed, which does not mean that it is not there")

// collect reads in the order in which a view is taken: records, arrays, Secrets.
// Without the records nothing can be judged, and nothing else is asked.
func (r *Reconciler) collect(ctx context.Context, wishes []Wish) *collected {
	c := &collected{
		records: map[string]seed.Record{}, claims: map[string]seed.Claim{}, said: map[string]seed.Words{},
		secrets: map[seed.SecretRef]seed.Secret{}, secretErrs: map[string]error{},
		pins: map[string]decide.Pin{}, listings: map[string]look.Collection{},
	}
	if c.recordsErr = r.collectRecords(ctx, c); c.recordsErr != nil {
		return c
	}
	r.collectArrays(ctx, c)
	r.collectSecrets(ctx, c, wishes)
	return c
}

func (r *Reconciler) collectRecords(ctx context.Context, c *collected) error {
	ctx, cancel := context.WithTimeout(ctx, r.o.Policy.CollectTimeout)
	defer cancel()
	listing, err := r.o.Seed.List(ctx)
	if err != nil {
		return err
	}
	for _, record := range listing.Records {
		c.records[record.Name] = record
	}
	for _, claim := range listing.Claims {
		c.claims[claim.Name] = claim
	}
	for _, words := range listing.Words {
		c.said[words.Name] = words
	}
	return nil
}

// collectArrays asks all arrays at once.
func (r *Reconciler) collectArrays(ctx context.Context, c *collected) {
	var all sync.WaitGroup
	var mu sync.Mutex
	c.asked = make([]CycleArray, len(r.o.Arrays))
	for i, a := range r.o.Arrays {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, r.o.Policy.CollectTimeout)
			defer cancel()
			pin := decide.Pin{Finding: proof.Present, UUID: a.ClusterUUID}
			if a.ClusterUUID == "" {
				pin = r.o.Seed.Pin(ctx, a.Name)
			}
			at, before := r.o.Clock.Now(), calls(a)
			listing := look.Collect(ctx, a)
			mu.Lock()
			defer mu.Unlock()
			c.pins[a.Name], c.listings[a.Name] = pin, listing
			c.asked[i] = CycleArray{Name: a.Name, At: at, Took: r.o.Clock.Now().Sub(at), Calls: calls(a) - before, Records: listing.Records()}
		})
	}
	all.Wait()
}

func calls(a look.Array) int {
	if a.Client == nil {
		return 0
	}
	return int(a.Client.Calls())
}

// collectSecrets lists the Secrets of credentials in each namespace that is
// named, some namespaces at a time.
func (r *Reconciler) collectSecrets(ctx context.Context, c *collected, wishes []Wish) {
	ctx, cancel := context.WithTimeout(ctx, r.o.Policy.CollectTimeout)
	defer cancel()
	var all sync.WaitGroup
	var mu sync.Mutex
	places := make(chan struct{}, r.o.Policy.Workers)
	asked := map[string]bool{}
	for _, want := range wishes {
		for _, credentials := range want.Spec.Credentials {
			namespace := credentials.SecretNamespace
			if asked[namespace] {
				continue
			}
			asked[namespace] = true
			places <- struct{}{}
			all.Go(func() {
				secrets, err := r.o.Seed.Secrets(ctx, namespace)
				<-places
				mu.Lock()
				defer mu.Unlock()
				c.takeSecrets(namespace, secrets, err)
			})
		}
	}
	all.Wait()
}

func (c *collected) takeSecrets(namespace string, secrets []seed.Secret, err error) {
	if err != nil {
		c.secretErrs[namespace] = err
		return
	}
	for _, s := range secrets {
		c.secrets[s.Ref] = s
	}
}

func (c *collected) seedErr() error {
	errs := []error{c.recordsErr}
	for _, err := range c.secretErrs {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// silence names who did not tell what has to be known of an SVM before anything
// can be said, or "" where all did who matter to it.
func (c *collected) silence(v *view) string {
	if c.recordsErr != nil {
		return "the seed: " + c.recordsErr.Error()
	}
	switch v.decision.Action {
	case decide.Wait:
		for _, a := range v.evidence.Arrays {
			if why := c.troubleOf(a); why != "" {
				return decide.ArrayWitness(a.Name) + ": " + why
			}
		}
	case decide.GoOn:
		if err := unread(v.facts); err != nil {
			return decide.ArrayWitness(v.decision.Array) + ": " + err.Error()
		}
		for _, s := range v.secrets {
			if err := c.secretErrs[s.Ref.Namespace]; err != nil {
				return "the Secrets of " + s.Ref.Namespace + ": " + err.Error()
			}
		}
	}
	return ""
}

// troubleOf says why an array that was asked did not tell all, or may be
// another. One that is not configured was not asked.
func (c *collected) troubleOf(a decide.Array) string {
	_, asked := c.listings[a.Name]
	switch {
	case !asked:
		return ""
	case !a.Answered && a.Why == "":
		return "it does not answer"
	case a.Why != "":
		return a.Why
	case a.Pin.Finding == proof.Unknown:
		return "which cluster it should be could not be read"
	case a.Pin.Finding == proof.Present && a.Pin.UUID != a.Cluster:
		return fmt.Sprintf("it answers as cluster %s, and is remembered as %s", a.Cluster, a.Pin.UUID)
	}
	return ""
}

// unread is why a part of what stands on an SVM is not known.
func unread(f look.Facts) error {
	_, interfaces := f.Interfaces.Get()
	_, routes := f.Routes.Get()
	_, accounts := f.Accounts.Get()
	errs := []error{f.SVMErr, interfaces, routes, accounts}
	for _, service := range f.Services {
		_, err := service.Get()
		errs = append(errs, err)
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

var _ source = (*collected)(nil)

func (c *collected) record(_ context.Context, svm string) seed.Record {
	if record, listed := c.records[svm]; listed {
		return record
	}
	return seed.Record{Name: svm, Record: decide.Record{Why: c.whyNot(c.recordsErr)}}
}

func (c *collected) claim(_ context.Context, svm string) seed.Claim {
	if claim, listed := c.claims[svm]; listed {
		return claim
	}
	return seed.Claim{Name: svm, Claim: decide.Claim{Why: c.whyNot(c.recordsErr)}}
}

// words are only ever permissions: where none is listed none is used.
func (c *collected) words(_ context.Context, svm string) (seed.Words, error) {
	if words, listed := c.said[svm]; listed {
		return words, nil
	}
	return seed.Words{Name: svm}, errNotListed
}

func (c *collected) whyNot(err error) string {
	if err == nil {
		err = errNotListed
	}
	return err.Error()
}

func (c *collected) pin(_ context.Context, array string) decide.Pin { return c.pins[array] }

func (c *collected) arrays(_ context.Context, arrays []look.Array, s look.Subject) []decide.Array {
	var all []decide.Array
	for _, a := range arrays {
		listing, asked := c.listings[a.Name]
		if !asked {
			all = append(all, decide.Array{Name: a.Name, Why: "it was not asked"})
			continue
		}
		all = append(all, listing.Array(s))
	}
	return all
}

func (c *collected) site(_ context.Context, array look.Array, svmUUID string, _ []ontap.Protocol) look.Facts {
	return c.listings[array.Name].Facts(svmUUID)
}

// guards are not collected: a deletion is looked at by itself.
func (c *collected) guards(context.Context, look.Array, string, look.Mine, bool) decide.Guards {
	return decide.Guards{}
}

func (c *collected) secret(_ context.Context, ref seed.SecretRef) seed.Secret {
	if secret, listed := c.secrets[ref]; listed {
		return secret
	}
	return seed.Secret{Ref: ref, Why: c.whyNot(c.secretErrs[ref.Namespace])}
}
