package store_test

import (
	"testing"

	"github.com/seedproof/seedproof/internal/store"
)

func TestContentRange(t *testing.T) {
	for value, want := range map[string][2]int64{
		"bytes 0-9/10":   {0, 10},
		"bytes 5-9/10":   {5, 10},
		"":               {-1, -1},
		"bytes */10":     {-1, -1},
		"bytes 0-9/*":    {-1, -1},
		"bytes -1-9/10":  {-1, -1},
		"octets 0-9/10":  {-1, -1},
		"bytes 0-9/-10":  {-1, -1},
		"bytes 0-9/1e10": {-1, -1},
	} {
		first, total, err := store.ContentRange(value)
		if err != nil {
			first, total = -1, -1
		}
		if first != want[0] || total != want[1] {
			t.Errorf("%q gave %d, %d, %v", value, first, total, err)
		}
	}
}
