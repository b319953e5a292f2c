package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// ClaimKey is the claim's object. It is never deleted.
const ClaimKey = "seedproof-backup-claim.json"

const maxClaim = 16 << 10

// ClaimState is how far an attempt has come.
type ClaimState string

// The states of a claim.
const (
	ClaimRunning ClaimState = "running"
	ClaimDone    ClaimState = "done"   // the slot has its backup
	ClaimFailed  ClaimState = "failed" // somebody else may try at once
)

// Claim says who is taking the backup of a slot. It spares work; it protects
// nothing: what two takers write bears two names. Every write of it has a
// fresh nonce.
type Claim struct {
	Holder  string     `json:"holder"`
	Slot    string     `json:"slot"`
	Attempt string     `json:"attempt"` // random, of this attempt
	Nonce   string     `json:"nonce"`   // random, of this write
	Beat    int64      `json:"beat"`    // writes of this attempt
	State   ClaimState `json:"state"`
	Started time.Time  `json:"started"`          // by the holder's clock, for people
	Backup  string     `json:"backup,omitempty"` // its name, when done
}

// Watch is what one taker remembers, in memory, of a claim that is in its way.
// It is kept from one Take to the next. The zero value remembers nothing.
type Watch struct {
	mark  string
	since time.Time // by the own clock
}

// see notes what stands there and says for how long it has stood so.
func (w *Watch) see(mark string, now time.Time) time.Duration {
	if w.mark != mark || w.since.IsZero() {
		w.mark, w.since = mark, now
	}
	return now.Sub(w.since)
}

// Decision is what a taker does about a claim.
type Decision uint8

// The decisions. The zero value does nothing.
const (
	Wait   Decision = iota // another one is at it, or may be
	Create                 // there is no claim: make one
	Takeover
	SlotDone
)

func (d Decision) String() string {
	return [...]string{"wait", "create", "take over", "slot done"}[d]
}

// Standing is the claim as it was read.
type Standing struct {
	Absent   bool          // the store said that there is none
	Claim    *Claim        // nil if what is there cannot be used
	Unmoved  time.Duration // how long the own clock saw it unchanged
	ThisSlot string        // the slot that is wanted
}

// DecideClaim is the rule. A claim that is running, or that cannot be
// understood, is left alone until it has stood unchanged for a whole term,
// whoever holds it: an earlier self may still be running.
func DecideClaim(s Standing, term time.Duration) Decision {
	switch {
	case s.Absent:
		return Create
	case s.Claim != nil && s.Claim.State == ClaimDone && s.Claim.Slot == s.ThisSlot:
		return SlotDone
	case s.Claim != nil && s.Claim.State != ClaimRunning:
		return Takeover
	case s.Unmoved >= term:
		return Takeover
	}
	return Wait
}

func (c Claim) encode() ([]byte, error) {
	content, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the backup claim: %w", err)
	}
	return content, nil
}

// decodeClaim gives nil for what cannot be used, and a mark that differs
// whenever the content does.
func decodeClaim(content []byte) (claim *Claim, mark string) {
	sum := sha256.Sum256(content)
	mark = hex.EncodeToString(sum[:])
	var c Claim
	if err := json.Unmarshal(content, &c); err != nil {
		return nil, mark
	}
	switch c.State {
	case ClaimRunning, ClaimDone, ClaimFailed:
		return &c, mark
	}
	return nil, mark
}
