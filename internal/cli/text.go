package cli

import (
	"fmt"
	"strings"
	"time"
)

// The words in which the commands tell times, sizes and names.

// ago is an age in its largest unit, as kubectl tells it.
func ago(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// since is the age of a time, or "-" for none.
func since(now, then time.Time) string {
	if then.IsZero() {
		return "-"
	}
	return ago(now.Sub(then))
}

// bytesOf is a size in binary units.
func bytesOf(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n)/1024, 0
	for value >= 1024 && unit < 3 {
		value, unit = value/1024, unit+1
	}
	return fmt.Sprintf("%.1f %s", value, [...]string{"KiB", "MiB", "GiB", "TiB"}[unit])
}

// orDash keeps a cell of a table from being empty.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func numberOrDash[N int | int64 | uint64](n N) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// oneLine keeps what came from elsewhere from breaking a table or steering the
// terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// shortLineage is enough of a lineage to tell it from others by eye.
func shortLineage(lineage string) string {
	prefix, rest := "", lineage
	if i := strings.Index(lineage, ":"); i >= 0 { // of an etcd that we did not make
		prefix, rest = lineage[:i+1], lineage[i+1:]
	}
	if len(rest) > 8 {
		rest = rest[:8]
	}
	return prefix + rest
}

// and joins names as a sentence does.
func and(names []string) string {
	switch n := len(names); n {
	case 0:
		return "nobody"
	case 1:
		return names[0]
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}
