package record

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

// WriteRecord puts r in the place of what the view found: created where there
// was none, swapped for exactly what was read otherwise. A damaged one, or
// another cluster's, is set aside first. The serial is one above that of the
// view and of any memory.
func (k *Keeper) WriteRecord(ctx context.Context, v View, r Record, highestSerial uint64) (Record, error) {
	if err := v.mayReplace(v.record); err != nil {
		return Record{}, fmt.Errorf("write the record: %w", err)
	}
	r.Format, r.Cluster, r.Nonce = format, k.Cluster, NewNonce()
	r.Serial = max(highestSerial, v.Record.Serial, r.Serial) + 1
	r.WrittenAt, r.WrittenBy = k.Now().UTC().Truncate(time.Second), k.Writer
	r.UsedApprovals = newest(r.UsedApprovals, maxUsedUp)
	r.Mirrored = newest(r.Mirrored, maxMirrored)
	content := encode(r)
	if _, err := ParseRecord(content); err != nil {
		return Record{}, fmt.Errorf("write the record: it could not be read again: %w", err)
	}
	if err := k.keepOld(ctx, v, r); err != nil {
		return Record{}, fmt.Errorf("write the record: %w", err)
	}
	if err := k.put(ctx, RecordKey, v.record.version, content); err != nil {
		return Record{}, fmt.Errorf("write the record: %w", err)
	}
	return r, nil
}

// mayReplace: nothing is written into a place that is not ours, and nothing
// over what could not be judged.
func (v View) mayReplace(f found) error {
	if !v.Place.Writable() {
		return fmt.Errorf("the place is %s: %s", v.Place.State, v.Place.Why)
	}
	if f.finding == proof.Unknown {
		return fmt.Errorf("what stands there is not known: %s", f.why)
	}
	return nil
}

// keepOld sets aside what r is no later state of.
func (k *Keeper) keepOld(ctx context.Context, v View, r Record) error {
	switch {
	case v.record.version == "":
		return nil
	case v.Doc == nil:
		return k.setAside(ctx, v, RecordKey, "damaged", v.record.content)
	case v.Doc.Cluster != r.Cluster || v.Doc.Identity.Lineage != r.Identity.Lineage:
		return k.SetForeignAside(ctx, v)
	}
	return nil
}

// SetForeignAside keeps a record that names another cluster, before an approved
// adoption replaces it.
func (k *Keeper) SetForeignAside(ctx context.Context, v View) error {
	if v.Doc == nil {
		return nil
	}
	if err := v.mayReplace(v.record); err != nil {
		return fmt.Errorf("set the other cluster's record aside: %w", err)
	}
	return k.setAside(ctx, v, RecordKey, "replaced", v.record.content)
}

// setAside keeps content byte for byte beside its key, under the time and its
// hash: neither another content nor the same one twice is ever there.
func (k *Keeper) setAside(ctx context.Context, v View, key, why string, content []byte) error {
	sum := sha256.Sum256(content)
	stem, hash := key+"."+why+"-", "-"+hex.EncodeToString(sum[:8])
	for other := range v.listed {
		if !strings.HasPrefix(other, stem) || !strings.HasSuffix(other, hash) {
			continue
		}
		if kept, _, err := store.Read(ctx, k.Store, other, sizeLimit); err == nil && bytes.Equal(kept, content) {
			return nil // an earlier try did it
		}
	}
	aside := stem + k.Now().UTC().Format("20060102T150405Z") + hash
	if _, err := store.Create(ctx, k.Store, aside, content); err != nil {
		return fmt.Errorf("set %s aside as %s: %w", key, aside, err)
	}
	return nil
}

// WriteClaim creates the claim, or swaps it for exactly what the view found. A
// damaged one is set aside first.
func (k *Keeper) WriteClaim(ctx context.Context, v View, doc ClaimDoc) error {
	if err := v.mayReplace(v.claim); err != nil {
		return fmt.Errorf("write the claim: %w", err)
	}
	doc.Format, doc.Cluster, doc.Nonce = format, k.Cluster, NewNonce()
	content := encode(doc)
	if _, err := ParseClaim(content); err != nil {
		return fmt.Errorf("write the claim: it could not be read again: %w", err)
	}
	if v.claim.version != "" && v.ClaimDoc == nil {
		if err := k.setAside(ctx, v, ClaimKey, "damaged", v.claim.content); err != nil {
			return fmt.Errorf("write the claim: %w", err)
		}
	}
	if err := k.put(ctx, ClaimKey, v.claim.version, content); err != nil {
		return fmt.Errorf("write the claim: %w", err)
	}
	return nil
}

func (k *Keeper) put(ctx context.Context, key string, old store.Version, content []byte) error {
	var err error
	if old == "" {
		_, err = store.Create(ctx, k.Store, key, content)
	} else {
		_, err = store.Swap(ctx, k.Store, key, old, content)
	}
	return err
}

// PutMark writes the place's mark: a new one, or the remembered one back.
func (k *Keeper) PutMark(ctx context.Context, v View, kind store.Kind) error {
	return putMark(ctx, k.Store, k.Cluster, v.Place, kind, k.Now())
}

func putMark(ctx context.Context, s store.Store, cluster string, place store.PlaceFinding, kind store.Kind, now time.Time) error {
	if !place.Markable() {
		return fmt.Errorf("mark %s: the place is %s: %s", s.URL(), place.State, place.Why)
	}
	mark := store.NewMark(kind, cluster, now)
	if place.MarkID != "" {
		mark.ID = place.MarkID
	}
	return store.PutMark(ctx, s, mark)
}

// forward is the mark that a store leaves behind when the cluster moved.
type forward struct {
	Format int       `json:"format"`
	To     string    `json:"to"`
	At     time.Time `json:"at"`
}

func parseForward(content []byte) string {
	var f forward
	if json.Unmarshal(content, &f) != nil || f.Format != format {
		return ""
	}
	return f.To
}

// Forward leaves a forwarding mark in the store that the cluster moves out of.
func (k *Keeper) Forward(ctx context.Context, v View, to string) error {
	if !v.Place.Writable() {
		return fmt.Errorf("leave a forwarding mark: the place is %s: %s", v.Place.State, v.Place.Why)
	}
	content := encode(forward{Format: format, To: to, At: k.Now().UTC()})
	if err := k.put(ctx, ForwardKey, v.Version(ForwardKey), content); err != nil {
		return fmt.Errorf("leave a forwarding mark: %w", err)
	}
	return nil
}

// NewClaim is a claim with all identities computed beforehand. members are the
// agents that answered; a re-creation passes what its approval covered.
func NewClaim(members []decide.ClaimMember, lineage string, generation uint64) decide.Claim {
	if lineage == "" {
		lineage = NewLineage()
	}
	return decide.Claim{
		Attempt: NewNonce(), State: decide.ClaimOpen, Members: members,
		Identity: proof.Identity{Lineage: lineage, Generation: generation, Birth: NewNonce()},
	}
}

func newest(list []string, limit int) []string {
	if len(list) <= limit {
		return list
	}
	return slices.Clone(list[len(list)-limit:])
}
