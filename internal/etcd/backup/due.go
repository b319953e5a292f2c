package backup

import (
	"fmt"
	"time"
)

// skew is how far two clocks may be apart without being called wrong.
const skew = 5 * time.Minute

// retryFirst is the pause after the first failure; it doubles with each, up to
// the interval.
const retryFirst = 30 * time.Second

// Schedule is what is known of a cluster's backups.
type Schedule struct {
	Interval time.Duration
	Newest   time.Time // Entry.Stored of the newest, by the store's clock; zero if there is none
	LastTry  time.Time // own clock; zero if none was tried since the start
	Failures int       // tries in a row that failed
}

// Due says whether a backup is to be taken now, and why, or why not. It knows
// one clock; when that is behind the store's, it goes by its own last try, so
// that a wrong clock neither ends the backups nor floods the store.
func Due(now time.Time, s Schedule) (due bool, why string) {
	if s.Failures > 0 && !s.LastTry.IsZero() {
		pause := retryPause(s.Failures, s.Interval)
		if since := now.Sub(s.LastTry); since >= 0 && since < pause {
			return false, fmt.Sprintf("%d tries failed; the next is in %s", s.Failures, (pause - since).Round(time.Second))
		}
	}
	if s.Newest.IsZero() {
		return true, "there is no backup"
	}
	if age := now.Sub(s.Newest); age >= -skew {
		if age < s.Interval {
			return false, fmt.Sprintf("the newest is %s old; one is due every %s", age.Round(time.Second), s.Interval)
		}
		return true, fmt.Sprintf("the newest is %s old, the interval %s", age.Round(time.Second), s.Interval)
	}
	if !s.LastTry.IsZero() && now.Sub(s.LastTry) >= 0 && now.Sub(s.LastTry) < s.Interval {
		return false, fmt.Sprintf("the newest is from the future (%s): the clocks differ; the last try here was within the interval", s.Newest.UTC().Format(time.RFC3339))
	}
	return true, fmt.Sprintf("the newest is from the future (%s): the clocks differ, so its age is not known", s.Newest.UTC().Format(time.RFC3339))
}

func retryPause(failures int, interval time.Duration) time.Duration {
	pause := retryFirst
	for range min(failures-1, 20) {
		pause *= 2
	}
	return min(pause, interval)
}
