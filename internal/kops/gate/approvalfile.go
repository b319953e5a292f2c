package gate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"github.com/seedproof/seedproof/internal/atomicfile"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/gate/permit"
)

// bound is what a word for this request on what was seen is bound to.
func bound(r Request, s seen) Bound {
	return Bound{
		State: s.report.State, Cluster: r.Command.Cluster, Arguments: r.Args,
		Evidence: s.digest, Actions: s.actions(), SkipVerify: r.SkipVerify,
	}
}

// approval reads the approval of the request, and says why it does not hold.
func (g *Gate) approval(r Request, s seen) (Approval, error) {
	if s.failed != nil {
		return Approval{}, errors.New("what it was given for could not be looked at")
	}
	return g.readApproval(r.Approval, bound(r, s))
}

// readApproval reads an approval, and says why it is not for what is bound.
func (g *Gate) readApproval(path string, b Bound) (Approval, error) {
	content, err := readApprovalFile(path)
	if err != nil {
		return Approval{}, err
	}
	a, err := decodeApproval(content)
	if err != nil {
		return Approval{}, fmt.Errorf("%s: %w", path, err)
	}
	return a, a.covers(b, g.now())
}

// readApprovalFile reads a file that nobody else can have written.
func readApprovalFile(path string) ([]byte, error) {
	// Without O_NONBLOCK opening a pipe would wait for whoever writes into it.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s is not there", path)
	case err != nil:
		return nil, fmt.Errorf("read it: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("read it: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file", path)
	case info.Mode().Perm()&0o022 != 0:
		return nil, fmt.Errorf("%s can be written by others (%s); take that away: chmod go-w %s", path, info.Mode().Perm(), decide.Quote(path))
	case info.Size() > MaxApproval:
		return nil, fmt.Errorf("%s has more than %d bytes", path, MaxApproval)
	}
	content, err := io.ReadAll(io.LimitReader(f, MaxApproval+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return content, nil
}

// Approve tells what kops would do, asks for the word that it needs, and
// writes it into a file. Where nothing has to be approved it writes none.
func (g *Gate) Approve(ctx context.Context, r Request, by, out string) error {
	s, err := g.look(ctx, r)
	if err != nil {
		return err
	}
	if s.failed != nil {
		return &Refusal{Code: decide.UnprovenOutcome, Why: fmt.Sprintf("what it would do could not be looked at, so there is nothing to approve: %v", s.failed), Next: checkCommand(r), err: s.failed}
	}
	if s.need == permit.Nothing {
		g.say("seedproof: %s Nothing has to be approved, and %s is not written.", harmless(s), out)
		return nil
	}
	g.tell(r, s)
	if g.Person == nil {
		return refuse("", "an approval is given by a person, and there is no terminal to ask on")
	}
	if err := g.askToApprove(ctx, r.Command.Cluster, s.need); err != nil {
		return err
	}
	a := newApproval(bound(r, s), by, g.now())
	if err := atomicfile.Write(out, a.encode(), 0o600); err != nil {
		return fmt.Errorf("write the approval: %w", err)
	}
	g.say("Approved by %s, until %s, once, for what was found now:", by, a.Expires.Format(minute))
	g.say("  %s", Words(slices.Concat([]string{"seedproof", "kops", "run", "--approval", out}, r.Own, []string{"--"}, r.Args)))
	return nil
}

func (g *Gate) askToApprove(ctx context.Context, cluster string, need permit.Need) error {
	prompt := "Approve this? [y/N] "
	if need == permit.Name {
		prompt = fmt.Sprintf("To approve this all the same, type the name of the cluster in full (%s): ", plain(cluster))
	}
	typed, err := g.Person.Ask(ctx, prompt)
	if err != nil {
		return fmt.Errorf("nothing was approved: read the answer: %w", err)
	}
	if !permit.Given(need, typed, cluster) {
		return refuse("", "not confirmed; nothing was approved")
	}
	return nil
}
