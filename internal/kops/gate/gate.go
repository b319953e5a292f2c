package gate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/gate/cmdline"
	"github.com/seedproof/seedproof/internal/kops/gate/permit"
)

// rounds bounds how often the gate begins anew because what it found changed.
const rounds = 3

// Person is somebody who can be asked.
type Person interface {
	// Ask shows a prompt and gives the line that was typed.
	Ask(ctx context.Context, prompt string) (string, error)
}

// Gate is what stands before one start of kops.
type Gate struct {
	// Look checks one cluster of one state store, and opens its newest backups
	// unless that is to be skipped.
	Look func(ctx context.Context, state, cluster string) (kops.Report, error)
	// Person is nil where there is nobody to ask.
	Person Person
	// Used notes that approvals were used.
	Used Used
	// Start puts kops in our place. It gives an error or does not return; in
	// tests it gives nil.
	Start func(ctx context.Context, args []string) error
	// Out is where everything is told: standard error.
	Out io.Writer
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Request is one kops command line that was understood.
type Request struct {
	Command cmdline.Command
	// Args are those of kops, exactly.
	Args []string
	// Approval is the path of an approval file; "" for none.
	Approval string
	// SkipVerify: Look opens no backup.
	SkipVerify bool
	// Own are our own flags that Look goes by, for the commands that a person is
	// told to type.
	Own []string
}

// Refusal says why kops was not started.
type Refusal struct {
	Code int // the exit code: 1, 3 or 4
	Why  string
	Next string // the command to type; may be ""
	err  error
}

func (e *Refusal) Error() string { return e.Why }
func (e *Refusal) Unwrap() error { return e.err }

func refuse(next, why string) error {
	return &Refusal{Code: decide.Refused, Why: why, Next: next}
}

// Run runs a kops command, once that is permitted. A command that is not
// guarded is started at once.
func (g *Gate) Run(ctx context.Context, r Request) error {
	if r.Command.Verb == "" {
		return g.start(ctx, r)
	}
	for range rounds {
		started, err := g.round(ctx, r)
		if err != nil || started {
			return err
		}
		g.say("What was found has changed since it was told. From the beginning:")
	}
	return refuse(checkCommand(r), "what is found keeps changing; kops was not started")
}

// round looks, tells, asks, and looks again just before kops is started. It
// gives false where what was found has changed meanwhile.
func (g *Gate) round(ctx context.Context, r Request) (started bool, err error) {
	seen, err := g.look(ctx, r)
	if err != nil {
		return false, err
	}
	g.tell(r, seen)
	word, err := g.permission(ctx, r, seen)
	if err != nil {
		return false, err
	}
	if !r.Command.Applies {
		return true, g.start(ctx, r)
	}
	again, err := g.look(ctx, r)
	if err != nil {
		return false, err
	}
	if !again.same(seen) {
		if word.given && (g.Person == nil || word.approval != nil) {
			return false, refuse(checkCommand(r), "what was found changed at the last moment, so the word for it no longer holds; kops was not started")
		}
		return false, nil
	}
	if word.approval != nil {
		if err := g.use(ctx, r, *word.approval); err != nil {
			return false, err
		}
	}
	return true, g.start(ctx, r)
}

// start starts kops, unless we were told to stop meanwhile.
func (g *Gate) start(ctx context.Context, r Request) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("kops was not started: %w", err)
	}
	return g.Start(ctx, r.Args)
}

// word is a person's word.
type word struct {
	given    bool
	approval *Approval // in a file; else typed
}

// permission gets the word that is needed, or refuses.
func (g *Gate) permission(ctx context.Context, r Request, seen seen) (word, error) {
	c := permit.Case{Applies: r.Command.Applies, Need: seen.need, Terminal: g.Person != nil}
	var approval Approval
	var void error
	if r.Approval != "" && c.Applies && c.Need != permit.Nothing {
		approval, void = g.approval(r, seen)
		c.Approval = permit.ApprovalHolds
		if void != nil {
			c.Approval = permit.ApprovalVoid
		}
	}
	switch step := permit.Next(c); step {
	case permit.Start:
		if r.Approval != "" && c.Applies {
			g.say("The approval is not needed, and is not used up.")
		}
		return word{}, nil
	case permit.UseApproval:
		g.say("Approved by %s on %s.", approval.By, approval.At.Format(minute))
		return word{given: true, approval: &approval}, nil
	case permit.AskYes, permit.AskName:
		return word{given: true}, g.ask(ctx, r, seen.need)
	}
	if void != nil {
		return word{}, &Refusal{Code: decide.Refused, Why: "the approval is void: " + void.Error() + "; kops was not started", Next: checkCommand(r), err: void}
	}
	if seen.failed != nil {
		return word{}, &Refusal{Code: decide.UnprovenOutcome, Why: "what kops would do could not be looked at, and there is no terminal to ask on; kops was not started", Next: checkCommand(r), err: seen.failed}
	}
	next := approveCommand(r)
	if seen.need == permit.Name { // what is worth doing is to mend it
		next = checkCommand(r)
	}
	return word{}, refuse(next, "this needs a person's word, and there is neither a terminal to ask on nor an approval (seedproof kops approve); kops was not started")
}

func (g *Gate) ask(ctx context.Context, r Request, need permit.Need) error {
	prompt := "Start kops? [y/N] "
	if need == permit.Name {
		prompt = fmt.Sprintf("To start kops all the same, type the name of the cluster in full (%s): ", plain(r.Command.Cluster))
	}
	typed, err := g.Person.Ask(ctx, prompt)
	if err != nil {
		return fmt.Errorf("kops was not started: read the answer: %w", err)
	}
	if !permit.Given(need, typed, r.Command.Cluster) {
		return refuse("", "not confirmed; kops was not started")
	}
	return nil
}

// use uses the approval up.
func (g *Gate) use(ctx context.Context, r Request, a Approval) error {
	note, err := g.Used.Consume(ctx, a, g.now())
	switch {
	case errors.Is(err, ErrUsed):
		return &Refusal{Code: decide.Refused, Why: err.Error() + "; kops was not started", Next: approveCommand(r), err: err}
	case err != nil:
		return fmt.Errorf("kops was not started: %w", err)
	}
	g.say("%s", note)
	return nil
}

func (g *Gate) now() time.Time {
	if g.Now == nil {
		return time.Now()
	}
	return g.Now()
}
