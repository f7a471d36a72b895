package main

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
)

// ballot is an election that a test decides.
type ballot struct {
	mu      sync.Mutex
	leading bool
	changed chan struct{}
}

func newBallot() *ballot { return &ballot{changed: make(chan struct{})} }

func (b *ballot) leads() (bool, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.leading, b.changed
}

func (b *ballot) decide(leading bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.leading = leading
	close(b.changed)
	b.changed = make(chan struct{})
}

func TestWorkIsDoneInEveryTermAndWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBallot()
		ctx, cancel := context.WithCancel(t.Context())
		working, begun := 0, 0
		ended := make(chan error, 1)
		go func() {
			ended <- terms(ctx, b.leads, func(ctx context.Context) error {
				working++
				begun++
				<-ctx.Done()
				working--
				return nil
			})
		}()
		expect := func(w, n int) {
			t.Helper()
			synctest.Wait()
			if working != w || begun != n {
				t.Errorf("%d at work in %d terms, want %d in %d", working, begun, w, n)
			}
		}
		expect(0, 0)
		b.decide(false)
		expect(0, 0)
		b.decide(true)
		expect(1, 1)
		b.decide(true) // the token changed, or the like
		expect(1, 1)
		b.decide(false)
		expect(0, 1)
		b.decide(true)
		expect(1, 2)
		cancel()
		expect(0, 2)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestWorkThatFailsEndsTheCandidacy(t *testing.T) {
	b := newBallot()
	b.decide(true)
	broken := errors.New("broken")
	if err := terms(t.Context(), b.leads, func(context.Context) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
