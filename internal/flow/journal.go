package flow

import "context"

// Journal is where a pass writes down that it is about to act, and what came
// of it. The attempt is the id of the pass; PassID(ctx) gives it in every
// method, so one journal can serve passes of several subjects at once.
//
// A pass that has nothing to do calls none of it. What a crash leaves open is
// superseded by the next Begin; a domain that must see an attempt closed makes
// the closing a step of its flow.
type Journal interface {
	// Begin writes the intent, and the write is the lock: it is conditional,
	// and fails when another attempt has begun since this one read the
	// journal. After an answer that was lost it reads back and looks for its
	// own attempt. When it fails the pass acts on nothing.
	Begin(ctx context.Context, flow, subject, attempt string) error
	// Note records what came of one act. Its context outlives the caller's
	// and has a deadline of its own. When it fails the pass acts no further.
	Note(ctx context.Context, step string, o Outcome, detail string) error
	// End closes the attempt with what came of the whole: Done if every act
	// was. Its context is as Note's.
	End(ctx context.Context, o Outcome) error
}

// NopJournal writes nothing. It is right only where every act is itself a
// conditional write that names its attempt, so that the claim or the record is
// the journal and the lock. A Runner without a journal refuses to act: saying
// NopJournal is a decision.
type NopJournal struct{}

var _ Journal = NopJournal{}

// Begin does nothing.
func (NopJournal) Begin(context.Context, string, string, string) error { return nil }

// Note does nothing.
func (NopJournal) Note(context.Context, string, Outcome, string) error { return nil }

// End does nothing.
func (NopJournal) End(context.Context, Outcome) error { return nil }
