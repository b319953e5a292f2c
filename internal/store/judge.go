package store

import (
	"errors"
	"fmt"
)

// Remembered is what one memory (a record, a backup, an agent) holds of a
// place. One without MarkID remembers nothing.
type Remembered struct {
	URL    string      `json:"url"`
	MarkID string      `json:"markID"`
	FS     *Filesystem `json:"filesystem,omitempty"` // nil where the place is no path
}

// PlaceState is what a place is to us.
type PlaceState uint8

const (
	// PlaceUnknown: could not be asked, or what was heard does not suffice.
	PlaceUnknown PlaceState = iota
	// PlaceOther: this is not the place that is remembered. Like Unknown it
	// says nothing of what the remembered place holds.
	PlaceOther
	// PlaceNew: nothing was ever here. What it does not hold is Absent.
	PlaceNew
	// PlaceOurs: the remembered mark is here.
	PlaceOurs
	// PlaceTakenOver: it bears a mark that nobody remembers; to be remembered.
	PlaceTakenOver
	// PlaceEmptied: the right place, without the remembered mark. What it does
	// not hold is Unusable. First the remembered mark is put back.
	PlaceEmptied
)

func (s PlaceState) String() string {
	names := [...]string{"unknown", "other", "new", "ours", "taken over", "emptied"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("place(%d)", uint8(s))
}

// PlaceFinding is the judgement on a place.
type PlaceFinding struct {
	State  PlaceState
	MarkID string // the mark that is or ought to be here; "" if not known
	Why    string // one sentence for people
}

// Writable reports whether objects may be written here now.
func (f PlaceFinding) Writable() bool {
	return f.State == PlaceOurs || f.State == PlaceTakenOver
}

// Markable reports whether a mark may be written here, and nothing else before
// it: a new one, or, in an emptied place, the one with MarkID.
func (f PlaceFinding) Markable() bool {
	return f.State == PlaceNew || f.State == PlaceEmptied
}

// JudgePlace says what the place that was seen is to those who remember one.
// allAnswered: everybody who could remember it has been heard.
func JudgePlace(seen Seen, remembered []Remembered, allAnswered bool) PlaceFinding {
	memory, disagreement := agreed(remembered)
	switch {
	case disagreement != "":
		return PlaceFinding{PlaceUnknown, "", disagreement}
	case seen.MarkFinding == MarkUnknown && errors.Is(seen.Err, ErrNoPlace):
		return PlaceFinding{PlaceOther, memory.MarkID, fmt.Sprintf("there is no such place as %s", seen.URL)}
	case seen.MarkFinding == MarkUnknown:
		return PlaceFinding{PlaceUnknown, memory.MarkID, fmt.Sprintf("the mark of %s could not be read: %v", seen.URL, seen.Err)}
	case memory.MarkID == "":
		return judgeUnremembered(seen, allAnswered)
	}
	return judgeRemembered(seen, memory)
}

func judgeUnremembered(seen Seen, allAnswered bool) PlaceFinding {
	id := ""
	if seen.Mark != nil {
		id = seen.Mark.ID
	}
	switch {
	case !allAnswered:
		return PlaceFinding{PlaceUnknown, id, fmt.Sprintf("nobody who answered remembers %s, and not all have answered", seen.URL)}
	case seen.MarkFinding == MarkPresent:
		return PlaceFinding{PlaceTakenOver, id, fmt.Sprintf("%s bears mark %s, which nobody remembers", seen.URL, id)}
	case seen.MarkFinding == MarkAbsent:
		return PlaceFinding{PlaceNew, "", fmt.Sprintf("%s bears no mark, and nobody remembers one", seen.URL)}
	}
	return PlaceFinding{PlaceUnknown, "", fmt.Sprintf("the mark of %s is damaged, and nobody remembers which it was: %v", seen.URL, seen.Err)}
}

func judgeRemembered(seen Seen, memory Remembered) PlaceFinding {
	found := func(state PlaceState, why string, args ...any) PlaceFinding {
		return PlaceFinding{state, memory.MarkID, fmt.Sprintf(why, args...)}
	}
	present := seen.MarkFinding == MarkPresent
	switch {
	case present && seen.Mark.ID != memory.MarkID:
		return found(PlaceOther, "%s bears mark %s; remembered is %s", seen.URL, seen.Mark.ID, memory.MarkID)
	case seen.URL != memory.URL:
		// Even with the same mark: it may be a copy beside the original.
		return found(PlaceOther, "%s is not the remembered place, which is %s", seen.URL, memory.URL)
	case present:
		return found(PlaceOurs, "%s bears the remembered mark %s", seen.URL, memory.MarkID)
	case seen.FS == nil && memory.FS == nil:
		return found(PlaceEmptied, "%s is the remembered place, and its mark %s is %s", seen.URL, memory.MarkID, gone(seen))
	case seen.FS == nil || memory.FS == nil:
		return found(PlaceUnknown, "the mark of %s is %s, and its filesystem is not known or not remembered", seen.URL, gone(seen))
	case !seen.FS.Same(*memory.FS):
		return found(PlaceOther, "under %s lies filesystem %s; remembered is %s", seen.URL, describe(*seen.FS), describe(*memory.FS))
	}
	return found(PlaceEmptied, "%s is on the remembered filesystem, and its mark %s is %s", seen.URL, memory.MarkID, gone(seen))
}

func gone(seen Seen) string {
	if seen.MarkFinding == MarkUnusable {
		return fmt.Sprintf("damaged (%v)", seen.Err)
	}
	return "gone"
}

func describe(fs Filesystem) string {
	if fs.MountPoint {
		return fs.ID + ", mounted there"
	}
	return fs.ID + ", not mounted there"
}

// agreed gives what all memories agree on, or how they disagree.
func agreed(remembered []Remembered) (Remembered, string) {
	var first Remembered
	for _, r := range remembered {
		switch {
		case r.MarkID == "":
		case first.MarkID == "":
			first = r
		case r.MarkID != first.MarkID:
			return Remembered{}, fmt.Sprintf("memories disagree: one has mark %s, another %s", first.MarkID, r.MarkID)
		case r.URL != first.URL:
			return Remembered{}, fmt.Sprintf("memories disagree: one has mark %s at %s, another at %s", r.MarkID, first.URL, r.URL)
		case first.FS == nil:
			first.FS = r.FS
		case r.FS != nil && !r.FS.Same(*first.FS):
			return Remembered{}, fmt.Sprintf("memories disagree on what lies under %s: one has filesystem %s, another %s", r.URL, describe(*first.FS), describe(*r.FS))
		}
	}
	return first, ""
}
