package watch

import (
	"slices"
	"time"

	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
)

// opened is what was found in the newest backups of one etcd cluster when they
// were last opened. It stands until they are opened again.
type opened struct {
	at        time.Time
	newest    *kops.Backup
	lastValid *kops.Backup // opened, and holds; nil: none did
	threats   []decide.Threat
}

// insideKinds are the threats that only an opened backup can show.
var insideKinds = []string{kops.BackupDamaged, kops.BackupOther, kops.BackupUnread}

// openedOf is what a check with Verify says of what is in the backups; nil
// where it says nothing.
func openedOf(r kops.Result, at time.Time) *opened {
	if r.NewestBackup == nil {
		return nil
	}
	o := &opened{at: at, newest: r.NewestBackup}
	if b := r.LastValidBackup; b != nil && b.State == kops.Holds {
		o.lastValid = b
	}
	for _, t := range r.Threats {
		if slices.Contains(insideKinds, t.Kind) {
			o.threats = append(o.threats, t)
		}
	}
	return o
}

// unread: what could not be read says nothing, so what was known before stays.
func (o *opened) unread() bool { return o.newest.State == kops.Unread }

// worthless: the newest backup was looked into, and is not one of this cluster
// that could be restored.
func (o *opened) worthless() bool {
	return o.newest.State == kops.Damaged || o.newest.State == kops.OtherCluster
}

// over lays what is known from opened backups over a result that goes by the
// listing. Where the newest that was opened was worthless, those that came
// after it are not trusted until they are opened too.
func (o *opened) over(r kops.Result, at time.Time, maxAge time.Duration) kops.Result {
	if o == nil || r.NewestBackup == nil {
		return r
	}
	if r.NewestBackup.Name == o.newest.Name && r.NewestBackup.State == kops.NotOpened {
		r.NewestBackup = aged(o.newest, at)
	}
	switch {
	case o.worthless():
		r.LastValidBackup = aged(o.lastValid, at)
	case o.lastValid != nil && r.LastValidBackup != nil && r.LastValidBackup.Name == o.lastValid.Name:
		r.LastValidBackup = aged(o.lastValid, at)
	}
	r.Threats = unite(r.Threats, o.threats)
	return rejudged(r, maxAge)
}

func aged(b *kops.Backup, at time.Time) *kops.Backup {
	if b == nil {
		return nil
	}
	told := *b
	told.AgeSeconds = int64(max(at.Sub(b.Time), 0) / time.Second)
	return &told
}

// rejudged decides again where the backups are worth less than the listing
// showed. It never makes them worth more.
func rejudged(r kops.Result, maxAge time.Duration) kops.Result {
	worth := decide.BackupsRecent
	switch {
	case r.LastValidBackup == nil:
		worth = decide.BackupsNone
	case r.LastValidBackup.Age() > maxAge:
		worth = decide.BackupsStale
	}
	if r.Evidence.Backups == decide.BackupsUnknown || worth >= r.Evidence.Backups {
		return r
	}
	ofFiles := len(r.Decision.Advice)
	r.Evidence.Backups = worth
	r.Decision = decide.Decide(r.Evidence)
	r.Sentence, r.Digest = r.Decision.Sentence, r.Decision.Digest
	r.ExitCode = decide.Worse(r.ExitCode, r.Decision.ExitCode)
	if ofFiles <= len(r.Advice) {
		r.Advice = slices.Concat(r.Decision.Advice, r.Advice[ofFiles:])
	}
	return r
}
