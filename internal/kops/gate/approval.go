package gate

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seedproof/seedproof/internal/kops/decide"
)

const (
	approvalKind   = "kops-approval"
	approvalFormat = 1
	// approvalLife is how long an approval may be used.
	approvalLife = 24 * time.Hour
	// clockSkew is how far two machines' clocks may be apart.
	clockSkew = 5 * time.Minute
	// MaxApproval bounds an approval file, in bytes.
	MaxApproval = 64 << 10
)

// applyPlan stands in the place of kops's arguments for a Terraform plan.
var applyPlan = []string{"terraform", "apply"}

// Bound is what an approval is given for, and for nothing else.
type Bound struct {
	State   string `json:"state"`
	Cluster string `json:"cluster"`
	// Arguments are those of kops, exactly; or applyPlan and the sum of a plan.
	Arguments []string `json:"arguments"`
	// Evidence is the digest of what was found (kops.Report.Digest).
	Evidence string `json:"evidence"`
	// Actions are what kops would do, by etcd cluster.
	Actions    map[string]decide.Action `json:"actions"`
	SkipVerify bool                     `json:"skipVerify"`
}

// Approval is a person's word in a file, for a run where nobody can be asked.
//
// It keeps mistakes out, not attackers: whoever can write the file could run
// kops as well. The sum is there for files that were edited or cut.
type Approval struct {
	Kind   string `json:"kind"`
	Format int    `json:"format"`
	Nonce  string `json:"nonce"`
	Bound
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Expires time.Time `json:"expires"`
	Sum     string    `json:"sum"`
}

// newApproval is the word of by for what is bound.
func newApproval(b Bound, by string, now time.Time) Approval {
	now = now.UTC().Truncate(time.Second)
	a := Approval{Kind: approvalKind, Format: approvalFormat, Nonce: newNonce(), Bound: b, By: by, At: now, Expires: now.Add(approvalLife)}
	a.Sum = a.sum()
	return a
}

func newNonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// sum is over everything but the sum.
func (a Approval) sum() string {
	a.Sum = ""
	encoded, _ := json.Marshal(a) // texts, numbers and times always encode
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:])
}

// encode gives the bytes of the file.
func (a Approval) encode() []byte {
	encoded, _ := json.MarshalIndent(a, "", "  ") // texts, numbers and times always encode
	return append(encoded, '\n')
}

// decodeApproval reads an approval strictly. It may still be for something
// else.
func decodeApproval(content []byte) (Approval, error) {
	if len(content) > MaxApproval {
		return Approval{}, fmt.Errorf("it has more than %d bytes", MaxApproval)
	}
	var head struct {
		Kind   string `json:"kind"`
		Format int    `json:"format"`
	}
	if err := json.Unmarshal(content, &head); err != nil {
		return Approval{}, errors.New("it is not the JSON of an approval")
	}
	switch {
	case head.Kind != approvalKind:
		return Approval{}, fmt.Errorf("it is a %.40q, not a %q", head.Kind, approvalKind)
	case head.Format != approvalFormat:
		return Approval{}, fmt.Errorf("it is of format %d; this version knows %d", head.Format, approvalFormat)
	}
	var a Approval
	strict := json.NewDecoder(bytes.NewReader(content))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&a); err != nil {
		return Approval{}, errors.New("it is not the JSON of an approval")
	}
	if strict.More() {
		return Approval{}, errors.New("something stands behind it")
	}
	nonce, err := hex.DecodeString(a.Nonce)
	if err != nil || len(nonce) != 16 || a.Nonce != hex.EncodeToString(nonce) {
		return Approval{}, errors.New("it bears no nonce")
	}
	if a.Sum != a.sum() {
		return Approval{}, errors.New("it was edited: its sum is not that of its content")
	}
	return a, nil
}

// what is what the approval is given for, in words.
func (a Approval) what() string {
	if len(a.Arguments) == 3 && slices.Equal(a.Arguments[:2], applyPlan) {
		return "another Terraform plan, " + a.Arguments[2]
	}
	return "`kops " + Words(a.Arguments) + "`"
}

// covers says why the approval is not for this, or nil.
func (a Approval) covers(b Bound, now time.Time) error {
	switch {
	case now.After(a.Expires) || now.After(a.At.Add(approvalLife+clockSkew)):
		return fmt.Errorf("it expired on %s", a.Expires.UTC().Format(minute))
	case a.At.After(now.Add(clockSkew)):
		return fmt.Errorf("it was given on %s, which is yet to come", a.At.UTC().Format(minute))
	case a.Cluster != b.Cluster:
		return fmt.Errorf("it is for the cluster %s", a.Cluster)
	case a.State != b.State:
		return fmt.Errorf("it is for the state store %s", a.State)
	case !slices.Equal(a.Arguments, b.Arguments):
		return fmt.Errorf("it is for %s", a.what())
	case a.SkipVerify && !b.SkipVerify:
		return errors.New("it was given with --skip-verify")
	case !a.SkipVerify && b.SkipVerify:
		return errors.New("it was given without --skip-verify")
	case !maps.Equal(a.Actions, b.Actions), a.Evidence != b.Evidence, a.Evidence == "":
		return errors.New("what was found has changed since it was given")
	}
	return nil
}
