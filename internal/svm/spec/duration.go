package spec

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// String is the duration without the zero parts that time.Duration prints:
// "720h", not "720h0m0s".
func (d Duration) String() string {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// MarshalJSON writes "720h".
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads "720h". A plain number is refused: whether seconds or
// hours were meant cannot be known.
func (d *Duration) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	var word string
	if err := json.Unmarshal(text, &word); err != nil {
		return fmt.Errorf("read duration %.40s: a number has no unit; write it as \"720h\", \"90m\" or \"30s\"", text)
	}
	parsed, err := time.ParseDuration(word)
	if err != nil {
		return fmt.Errorf("read duration %.40q: write it as \"720h\", \"90m\" or \"30s\"", word)
	}
	*d = Duration(parsed)
	return nil
}
