package proof

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
)

// digest covers what an approval is given for: who testifies, how they know,
// what they found, and whom they named. Times, texts, sizes and live revisions
// are not in it, so that a busy cluster does not void an approval.
func digest(heard []Testimony) string {
	type line struct {
		Witness  string
		Kind     string
		Finding  string
		Identity Identity
		Attested bool
	}
	lines := make([]string, len(heard))
	for i, t := range heard {
		// A struct of strings and numbers always encodes, and on one line.
		encoded, _ := json.Marshal(line{t.Witness.Name, t.Witness.Kind.String(), t.Finding.String(), t.Identity, t.AttestedBy != ""})
		lines[i] = string(encoded)
	}
	slices.Sort(lines) // whole lines: two traces may bear one name
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:16])
}
