package watch

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
)

// What can turn.
const (
	turnSeen    = "seen"     // it is watched from now on; no turn of the cluster itself
	turnState   = "state"    // what an update would do, the verdict, the exit code
	turnBackups = "backups"  // what the backups are worth
	turnThreat  = "threat"   // a threat began or ended
	turnAnswer  = "answer"   // something that matters fell silent, or answers again
	turnGone    = "vanished" // it is not in the store any more, or is back
)

// turnWords are those that are counted.
func turnWords() []string {
	return []string{turnState, turnBackups, turnThreat, turnAnswer, turnGone}
}

// Turn is one thing that changed. It is told once.
type Turn struct {
	At      time.Time `json:"at"`
	Cluster string    `json:"cluster"`
	Etcd    string    `json:"etcd"`
	What    string    `json:"what"`
	From    string    `json:"from"`
	To      string    `json:"to"`
	// Sentence is for people; Next is the first command of the advice, or what
	// to do where there is none.
	Sentence string `json:"sentence"`
	Next     string `json:"next,omitempty"`

	level slog.Level
}

// face is what of an etcd cluster can turn.
type face struct {
	state    string
	backups  string
	threats  map[string]string // sentences, by kind
	silent   string            // what does not answer
	vanished bool
}

func (e *entry) face() face {
	f := face{state: stateText(e.shown), backups: e.shown.Evidence.Backups.String(), threats: map[string]string{}, vanished: !e.vanished.IsZero()}
	for _, t := range e.shown.Threats {
		if f.threats[t.Kind] == "" {
			f.threats[t.Kind] = t.Sentence
		}
	}
	if e.silent {
		f.silent = e.why
	}
	return f
}

func stateText(r kops.Result) string {
	return fmt.Sprintf("%s, %s, exit %d", r.Action, r.Verdict, r.ExitCode)
}

// turns are the differences of two faces, the gravest kind first.
func (e *entry) turns(was face, wasBadness int, at time.Time) []Turn {
	now := e.face()
	var found []Turn
	add := func(what, from, to, sentence string, level slog.Level) {
		found = append(found, Turn{At: at, Cluster: e.shown.Cluster, Etcd: e.shown.Etcd, What: what, From: from, To: to,
			Sentence: sentence, Next: firstCommand(e.shown.Advice), level: level})
	}
	switch {
	case now.vanished && !was.vanished:
		add(turnGone, "there", "gone", e.shown.Sentence, slog.LevelError)
		return found // all else follows from it
	case was.vanished && !now.vanished:
		add(turnGone, "gone", "there", e.shown.Sentence, slog.LevelInfo)
	}
	if now.state != was.state {
		add(turnState, was.state, now.state, e.shown.Sentence, stateLevel(wasBadness, badness(e.shown), e.firstStart()))
	}
	if now.backups != was.backups {
		level := slog.LevelWarn
		if e.shown.Evidence.Backups == decide.BackupsRecent {
			level = slog.LevelInfo
		}
		add(turnBackups, was.backups, now.backups, e.backupSentence(), level)
	}
	for _, kind := range slices.Sorted(maps.Keys(now.threats)) {
		if _, stood := was.threats[kind]; !stood && kind != Vanished {
			level := slog.LevelWarn
			if kind == MarkerRewritten {
				level = slog.LevelError
			}
			add(turnThreat, "no "+kind, kind, now.threats[kind], level)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(was.threats)) {
		if _, stands := now.threats[kind]; !stands && kind != Vanished {
			add(turnThreat, kind, "no "+kind, "It stands no more: "+was.threats[kind], slog.LevelInfo)
		}
	}
	switch {
	case now.silent != "" && was.silent == "":
		add(turnAnswer, "answers", "silent", "What was last known stays as it is, for these did not answer: "+now.silent, slog.LevelWarn)
	case now.silent == "" && was.silent != "":
		add(turnAnswer, "silent", "answers", "All that matters answers again.", slog.LevelInfo)
	}
	return found
}

// stateLevel: what may be a wipe is an error, what may be the first start of a
// new cluster a warning.
func stateLevel(was, is int, firstStart bool) slog.Level {
	switch {
	case is >= badness(kops.Result{Action: decide.SeedOverExisting}) && is > was && !firstStart:
		return slog.LevelError
	case is > was, is >= badness(kops.Result{ExitCode: decide.Refused}):
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

func (e *entry) backupSentence() string {
	switch valid := e.shown.LastValidBackup; {
	case valid != nil:
		return fmt.Sprintf("The last valid backup of etcd %s of %s is %s, %s old.", e.shown.Etcd, e.shown.Cluster, valid.Name, valid.Age())
	case e.shown.Evidence.Backups == decide.BackupsUnknown:
		return fmt.Sprintf("Nobody knows which backups etcd %s of %s has.", e.shown.Etcd, e.shown.Cluster)
	}
	return fmt.Sprintf("Etcd %s of %s has no valid backup.", e.shown.Etcd, e.shown.Cluster)
}

// firstCommand is what to type first, or to do where there is nothing to type.
func firstCommand(advice []decide.Step) string {
	for _, step := range advice {
		if step.Command != "" {
			return step.Command
		}
	}
	if len(advice) > 0 {
		return advice[0].Do
	}
	return ""
}

// log writes the line of a turn.
func (t Turn) log(ctx context.Context, log *slog.Logger) {
	attrs := []any{"cluster", t.Cluster, "etcd", t.Etcd, "what", t.What, "from", t.From, "to", t.To, "sentence", t.Sentence}
	if t.Next != "" {
		attrs = append(attrs, "next", t.Next)
	}
	message := "it turned"
	if t.What == turnSeen {
		message = "watched from now on"
	}
	log.Log(ctx, t.level, message, attrs...)
}
