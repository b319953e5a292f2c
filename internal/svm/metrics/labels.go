package metrics

import (
	"strings"
	"sync"
)

const (
	longestLabel = 253 // bytes, of a DNS name
	mostValues   = 128 // that a label may take which comes from outside
	other        = "other"
)

// label makes a value that Prometheus takes of any name. Two names that come to
// the same share their series.
func label(name string) string {
	name = strings.ToValidUTF8(name, "?")
	if len(name) > longestLabel {
		name = strings.ToValidUTF8(name[:longestLabel], "")
	}
	return name
}

// stepLabel is the kind of a step, without the object that it is about: an
// interface, an address or a shoot would be one series each.
func stepLabel(step string) string {
	parts := strings.Split(step, "/")
	if parts[0] == "credentials" && len(parts) == 3 { // credentials/SHOOT/STAGE
		return parts[0] + "/" + parts[2]
	}
	return label(parts[0])
}

// bounded are the values of a label that comes from outside. Beyond a number of
// them everything new is "other".
type bounded struct {
	mu   sync.Mutex
	have map[string]bool
}

func newBounded() *bounded { return &bounded{have: map[string]bool{}} }

func (b *bounded) label(value string) string {
	value = label(value)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.have[value]:
		return value
	case len(b.have) >= mostValues:
		return other
	}
	b.have[value] = true
	return value
}
