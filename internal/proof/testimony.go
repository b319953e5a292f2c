package proof

import "time"

// Witness is one place that can know whether the thing exists.
type Witness struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"` // "record", "member/a", "memory/a", "backups"
}

func (w Witness) String() string { return w.Name }

// Testimony is what one witness says.
type Testimony struct {
	Witness  Witness  `json:"witness"`
	Finding  Finding  `json:"finding"`
	Identity Identity `json:"identity,omitzero"`
	// Serial counts the writes of the record: a record bears its own, a memory
	// the highest that it knows of. Zero elsewhere.
	Serial uint64 `json:"serial,omitempty"`
	// Vouches: this part bears a mark that only we can have put on it. What
	// memories and traces name is vouched for in any case.
	Vouches bool `json:"vouches,omitempty"`
	// AttestedBy names the person on whose word a silent or unusable witness
	// counts as Absent.
	AttestedBy string `json:"attestedBy,omitempty"`
	// Why says in words what was seen or what went wrong.
	Why string    `json:"why,omitempty"`
	At  time.Time `json:"at,omitzero"`
}

// Silent reports whether the witness said nothing that can be built on.
func (t Testimony) Silent() bool { return t.Finding == Unknown }

// shows reports whether the witness saw something, named or not.
func (t Testimony) shows() bool { return t.Finding == Present || t.Finding == Unusable }

// Attestation is a person's word that a silent or unusable witness is lost for
// good. It is bound to that witness, to what the witness said when the word
// was given, and to the generation that was known then; it is void as soon as
// one of them changes. It can lead to DataLost, never to NeverExisted.
type Attestation struct {
	Witness    string    `json:"witness"`
	Finding    Finding   `json:"finding"`
	Generation uint64    `json:"generation"`
	By         string    `json:"by"`
	At         time.Time `json:"at"`
	Reason     string    `json:"reason,omitempty"`
}

// AppliesTo reports whether the word still stands for what t says now, where
// generation is the highest that anybody names.
func (a Attestation) AppliesTo(t Testimony, generation uint64) bool {
	if a.Witness != t.Witness.Name || a.Finding != t.Finding || a.Generation != generation {
		return false
	}
	return t.Finding == Unknown || t.Finding == Unusable
}

// Attest applies the attestations that still stand and returns new testimonies
// and those attestations that are void.
func Attest(heard []Testimony, words []Attestation) (attested []Testimony, void []Attestation) {
	attested = append([]Testimony(nil), heard...)
	generation := HighestGeneration(heard)
	for _, word := range words {
		stands := false
		for i, t := range attested {
			if !word.AppliesTo(t, generation) {
				continue
			}
			t.Finding, t.Identity, t.Serial, t.Vouches = Absent, Identity{}, 0, false
			t.AttestedBy = word.By
			attested[i], stands = t, true
		}
		if !stands {
			void = append(void, word)
		}
	}
	return attested, void
}

// HighestGeneration is the highest generation that any witness names.
func HighestGeneration(heard []Testimony) uint64 {
	var highest uint64
	for _, t := range heard {
		if t.Finding == Present {
			highest = max(highest, t.Identity.Generation)
		}
	}
	return highest
}
