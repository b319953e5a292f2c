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

	record, claim found
	listed        map[string]store.Info
}

// found is one object as the look found it: its finding, and what stands there
// where something does.
type found struct {
	finding proof.Finding
	why     string
	version store.Version
	content []byte // nil unless it was wholly read
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
	if forward := k.read(ctx, &v, ForwardKey, listErr); forward.finding == proof.Present && v.Place.Writable() {
		v.MovedTo = parseForward(forward.content)
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
	if seen.MarkFinding != store.MarkUnknown && seen.MarkVersion != info.Version {
		// Mounted, unmounted or marked between: what was not listed may well
		// be in the place that bears the mark.
		return store.Seen{URL: seen.URL, Err: errors.New("the mark is another than the listing just before showed: the answers do not belong together")}
	}
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
	v.record = k.read(ctx, v, RecordKey, listErr)
	doc := understand(&v.record, "the record", ParseRecord)
	if doc == nil {
		return decide.Record{Finding: v.record.finding, Why: v.record.why}, nil
	}
	return decide.Record{Finding: proof.Present, Identity: doc.Identity, Cluster: doc.Cluster, Serial: doc.Serial,
		Members: doc.Members, Revision: doc.Revision,
		Why: fmt.Sprintf("serial %d, written %s", doc.Serial, doc.WrittenAt.UTC().Format(time.RFC3339))}, doc
}

func (k *Keeper) readClaim(ctx context.Context, v *View, listErr error) (decide.ClaimView, *ClaimDoc) {
	v.claim = k.read(ctx, v, ClaimKey, listErr)
	if v.claim.finding == proof.Unusable {
		v.claim.finding = proof.Absent // an emptied store has no claim; the record says that it was emptied
	}
	doc := understand(&v.claim, "the claim", ParseClaim)
	if doc == nil {
		return decide.ClaimView{Finding: v.claim.finding, Why: v.claim.why}, nil
	}
	return decide.ClaimView{Finding: proof.Present, Claim: doc.Claim}, doc
}

// understand parses what was read. nil: the finding says why there is none.
func understand[T Record | ClaimDoc](f *found, what string, parse func([]byte) (*T, error)) *T {
	if f.finding != proof.Present {
		return nil
	}
	doc, err := parse(f.content)
	if err != nil {
		f.finding, f.why = damaged(what, err)
	}
	return doc
}

// damaged tells a document of a newer format from one that is broken: it was
// wholly read, by the length that the store states.
func damaged(what string, err error) (proof.Finding, string) {
	if errors.Is(err, errNewer) {
		return proof.Unknown, fmt.Sprintf("%s cannot be judged: %v", what, err)
	}
	return proof.Unusable, fmt.Sprintf("%s is damaged: %v", what, err)
}

// read finds one object. Present means that it was wholly read, Unusable that
// the place was emptied and does not hold it.
func (k *Keeper) read(ctx context.Context, v *View, key string, listErr error) found {
	if listErr != nil {
		return found{why: fmt.Sprintf("the control store could not be asked: %v", listErr)}
	}
	if s := v.Place.State; s == store.PlaceOther || s == store.PlaceUnknown {
		return found{why: v.Place.Why}
	}
	info, listed := v.listed[key]
	if !listed {
		finding, why := absence(v.Place)
		return found{finding: finding, why: why}
	}
	content, err := k.fetch(ctx, info)
	switch {
	case errors.Is(err, store.ErrTooLarge):
		return found{version: info.Version, why: fmt.Sprintf(
			"%s is of %d bytes and was not read: none of ours is larger than %d; look at it and move it away by hand", key, info.Size, sizeLimit)}
	case err != nil:
		return found{version: info.Version, why: fmt.Sprintf("%s is listed and could not be read: %v", key, err)}
	}
	return found{finding: proof.Present, version: info.Version, content: content}
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
