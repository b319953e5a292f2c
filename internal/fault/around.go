package fault

import (
	"context"
	"fmt"
)

// Around runs act as the transport's call c and injects what the injector
// says. It is the whole of a wrapper: count, strike, and hide the answer where
// the fault says that it is lost.
func (i *Injector) Around(ctx context.Context, c Call, act func() error) error {
	switch mode := i.Next(c); mode {
	case None:
		return act()
	case Refused:
		return &RefusedError{Call: c}
	case FailedBefore:
		return fmt.Errorf("%s: connection reset before the request was sent: %w", c, ErrInjected)
	case LostReply:
		_ = act()
		return fmt.Errorf("%s: connection reset while waiting for the answer: %w", c, ErrInjected)
	case Hung:
		<-ctx.Done()
		return fmt.Errorf("%s: %w: %w", c, ctx.Err(), ErrInjected)
	case CrashedBefore:
		i.Crash()
	case CrashedAfter:
		_ = act()
		i.Crash()
	}
	panic("unreachable: a crash does not return")
}
