package record

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

// Keeper reads and writes the record and the claim of one cluster.
type Keeper struct {
	Cluster string
	Store   store.Store
	Now     func() time.Time
	Writer  string // the agent's name, for people

	// cached are contents by key and version. A listing's versions count as
	// reads: what has not changed is not fetched again.
	cached map[string]cachedObject
	mark   *store.Seen
}

type cachedObject struct {
	version store.Version
	content []byte
}

// View is what one look at the control store found.
type View struct {
	Place  store.PlaceFinding
	Seen   store.Seen
	Record decide.Record
	Claim  decide.ClaimView
	// Doc and ClaimDoc are the documents behind Record and Claim, nil unless
	// these are Present.
	Doc      *Record
	ClaimDoc *ClaimDoc
	// MovedTo is the URL that a forwarding mark names, or "".
	MovedTo string

	recordVersion, claimVersion store.Version
	recordContent               []byte
	listed                      map[string]store.Info
}

// Version is the version of an object in the listing behind the view, or "" if
// it was not listed.
func (v View) Version(key string) store.Version { return v.listed[key].Version }

// Look reads everything with one listing and what has changed since the last
// look. remembered is what all who answered remember of the place.
func (k *Keeper) Look(ctx context.Context, remembered []store.Remembered, allAnswered bool) View {
	v := View{listed: map[string]store.Info{}}
	var listErr error
	for info, err := range k.Store.List(ctx, "", "") {
		if err != nil {
			listErr = err
			break
		}
		v.listed[info.Key] = info
	}
	v.Seen = k.lookAtMark(ctx, v.listed, listErr)
	v.Place = store.JudgePlace(v.Seen, remembered, allAnswered)
	v.Record, v.Doc = k.readRecord(ctx, &v, listErr)
	v.Claim, v.ClaimDoc = k.readClaim(ctx, &v, listErr)
	if content, err := k.fetch(ctx, v.listed[ForwardKey]); err == nil {
		v.MovedTo = parseForward(content)
	}
	return v
}

// lookAtMark asks for the mark again only when the listing shows another one
// than at the last look.
func (k *Keeper) lookAtMark(ctx context.Context, listed map[string]store.Info, listErr error) store.Seen {
	if listErr != nil {
		k.mark = nil
		return store.Seen{URL: k.Store.URL(), Err: listErr}
	}
	info, present := listed[store.MarkKey]
	if present && k.mark != nil && k.mark.MarkFinding == store.MarkPresent && k.mark.MarkVersion == info.Version {
		return *k.mark
	}
	seen := store.LookAtPlace(ctx, k.Store)
	k.mark = &seen
	return seen
}

// absence is what "not listed" means in this place.
func absence(place store.PlaceFinding) (proof.Finding, string) {
	switch place.State {
	case store.PlaceNew, store.PlaceOurs, store.PlaceTakenOver:
		return proof.Absent, "asked in the right place, and not there"
	case store.PlaceEmptied:
		return proof.Unusable, "the control store was emptied: " + place.Why
	}
	return proof.Unknown, place.Why
}

func (k *Keeper) readRecord(ctx context.Context, v *View, listErr error) (decide.Record, *Record) {
	finding, why, content, version := k.read(ctx, v, RecordKey, listErr)
	v.recordVersion, v.recordContent = version, content
	if finding != proof.Present {
		return decide.Record{Finding: finding, Why: why}, nil
	}
	doc, err := ParseRecord(content)
	if err != nil {
		finding, why = damaged("the record", err)
		return decide.Record{Finding: finding, Why: why}, nil
	}
	return decide.Record{Finding: proof.Present, Identity: doc.Identity, Cluster: doc.Cluster, Serial: doc.Serial,
		Members: doc.Members, Revision: doc.Revision,
		Why: fmt.Sprintf("serial %d, written %s", doc.Serial, doc.WrittenAt.UTC().Format(time.RFC3339))}, doc
}

func (k *Keeper) readClaim(ctx context.Context, v *View, listErr error) (decide.ClaimView, *ClaimDoc) {
	finding, why, content, version := k.read(ctx, v, ClaimKey, listErr)
	v.claimVersion = version
	if finding == proof.Unusable && version == "" {
		finding = proof.Absent // an emptied store has no claim; the record says that it was emptied
	}
	if finding != proof.Present {
		return decide.ClaimView{Finding: finding, Why: why}, nil
	}
	doc, err := ParseClaim(content)
	if err != nil {
		finding, why = damaged("the claim", err)
		return decide.ClaimView{Finding: finding, Why: why}, nil
	}
	return decide.ClaimView{Finding: proof.Present, Claim: doc.Claim}, doc
}

// damaged tells a document of a newer format from one that is broken: it was
// wholly read, by the length that the store states.
func damaged(what string, err error) (proof.Finding, string) {
	if errors.Is(err, errNewer) {
		return proof.Unknown, fmt.Sprintf("%s cannot be judged: %v", what, err)
	}
	return proof.Unusable, fmt.Sprintf("%s is damaged: %v", what, err)
}

func (k *Keeper) read(ctx context.Context, v *View, key string, listErr error) (proof.Finding, string, []byte, store.Version) {
	if listErr != nil {
		return proof.Unknown, fmt.Sprintf("the control store could not be asked: %v", listErr), nil, ""
	}
	if s := v.Place.State; s == store.PlaceOther || s == store.PlaceUnknown {
		return proof.Unknown, v.Place.Why, nil, ""
	}
	info, listed := v.listed[key]
	if !listed {
		finding, why := absence(v.Place)
		return finding, why, nil, ""
	}
	content, err := k.fetch(ctx, info)
	switch {
	case errors.Is(err, store.ErrTooLarge):
		return proof.Unusable, fmt.Sprintf("%s is damaged: %d bytes, which no such object has", key, info.Size), nil, info.Version
	case err != nil:
		return proof.Unknown, fmt.Sprintf("%s is listed and could not be read: %v", key, err), nil, info.Version
	}
	return proof.Present, "", content, info.Version
}

func (k *Keeper) fetch(ctx context.Context, info store.Info) ([]byte, error) {
	if info.Key == "" {
		return nil, store.ErrNotFound
	}
	if c, ok := k.cached[info.Key]; ok && c.version == info.Version {
		return c.content, nil
	}
	content, got, err := store.Read(ctx, k.Store, info.Key, sizeLimit)
	if err != nil {
		return nil, err
	}
	if got.Version != info.Version {
		return nil, fmt.Errorf("%s changed while it was looked at", info.Key)
	}
	if k.cached == nil {
		k.cached = map[string]cachedObject{}
	}
	k.cached[info.Key] = cachedObject{got.Version, content}
	return content, nil
}
