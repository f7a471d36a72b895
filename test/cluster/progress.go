package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// step runs one long piece of work and says so: a line when it begins, one
// every 15 s with the time gone by, and one when it ends.
func step(ctx context.Context, out io.Writer, what string, work func(context.Context) error) error {
	begin := time.Now()
	elapsed := func() time.Duration { return time.Since(begin).Round(100 * time.Millisecond) }
	fmt.Fprintf(out, "%s\n", what)

	var reporter sync.WaitGroup
	done := make(chan struct{})
	reporter.Go(func() {
		tick := time.NewTicker(15 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				fmt.Fprintf(out, "%s: %s so far\n", what, elapsed().Round(time.Second))
			}
		}
	})
	err := work(ctx)
	close(done)
	reporter.Wait()

	if err != nil {
		fmt.Fprintf(out, "%s: failed after %s\n", what, elapsed())
		return fmt.Errorf("%s: %w", what, err)
	}
	fmt.Fprintf(out, "%s: done in %s\n", what, elapsed())
	return nil
}

// poll calls check at once and then at every interval, until it reports true
// or an error or the context ends. An error of type notYet does not end it: it
// is the reason for waiting, and becomes part of the error of a timeout.
func poll(ctx context.Context, interval time.Duration, check func() (bool, error)) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		done, err := check()
		var wait notYet
		if err != nil && !errors.As(err, &wait) {
			return err
		}
		if done && err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			// What was waited for explains a timeout, and nothing else.
			if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("%w: %w", context.Cause(ctx), err)
			}
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// notYet is an error that waiting may cure.
type notYet struct{ error }

func (n notYet) Unwrap() error { return n.error }
