package main

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// leads says whether this process leads now, and gives a channel that is closed
// when that may have changed.
type leads func() (leading bool, changed <-chan struct{})

// terms calls work in every term of this process: its context ends with the
// term, and the next term begins only when it has returned. It returns when ctx
// is done and work with it, or with work's error.
func terms(ctx context.Context, leads leads, work func(ctx context.Context) error) error {
	for ctx.Err() == nil {
		leading, changed := leads()
		if leading {
			if err := term(ctx, leads, work); err != nil {
				return fmt.Errorf("lead: %w", err)
			}
			continue // the election may have gone on meanwhile
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
	return nil
}

// term is one term: it returns when work has.
func term(ctx context.Context, leads leads, work func(ctx context.Context) error) error {
	ctx, end := context.WithCancel(ctx)
	var group errgroup.Group
	group.Go(func() error {
		defer end()
		for {
			leading, changed := leads()
			if !leading {
				return nil
			}
			select {
			case <-ctx.Done():
				return nil
			case <-changed:
			}
		}
	})
	group.Go(func() error {
		defer end()
		return work(ctx)
	})
	return group.Wait()
}
