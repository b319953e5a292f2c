package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// progressBar is one line on a terminal that is written over and over. It shows
// nothing before something has taken long, and nothing where there is no
// terminal.
type progressBar struct {
	out io.Writer // nil: there is no terminal

	mu     sync.Mutex
	from   time.Time // before that nothing is shown
	next   time.Time
	shown  bool
	closed bool
}

func (g *global) newProgressBar() *progressBar {
	out, ok := g.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(out.Fd())) {
		return &progressBar{}
	}
	return &progressBar{out: out, from: time.Now().Add(quietFor)}
}

const (
	eraseLine = "\r\x1b[K"
	// redraw is the time between two pictures.
	redraw = 100 * time.Millisecond
)

// show writes text over what was shown before, not more often than an eye
// follows.
func (b *progressBar) show(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.out == nil || b.closed || now.Before(b.from) || now.Before(b.next) {
		return
	}
	b.next, b.shown = now.Add(redraw), true
	_, _ = fmt.Fprint(b.out, eraseLine+oneLine(text))
}

// close removes the line. It may be called twice.
func (b *progressBar) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shown && !b.closed {
		_, _ = fmt.Fprint(b.out, eraseLine)
	}
	b.closed = true
}
