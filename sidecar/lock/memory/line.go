package memory

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// ErrCut says that a Line lets nothing through, and ErrLost that it lost an answer.
var (
	ErrCut  = errors.New("the line is cut")
	ErrLost = errors.New("the answer is lost")
)

// Line is one candidate's way to a lock, with faults that a test controls. A
// request that it lets through is executed, whether or not somebody still waits
// for the answer. It is without faults at first.
type Line struct {
	next lock.Lock
	late sync.WaitGroup

	mu    sync.Mutex
	draw  func() Fate
	cut   bool
	asked int
	ends  []context.CancelFunc
}

// Fate is what becomes of one message, a request or an event of a watch.
type Fate struct {
	// Before is how long it is on its way, After how long the answer is.
	Before, After time.Duration
	// Refused, if set, is the answer to a request that is not executed.
	Refused error
	// Lost loses the answer to a request, and ends a watch.
	Lost bool
}

var _ lock.Lock = (*Line)(nil)

// NewLine gives a way to next.
func NewLine(next lock.Lock) *Line {
	return &Line{next: next, draw: func() Fate { return Fate{} }}
}

// Cut refuses every further request and ends the watches, or lets all through
// again. Answers that are on their way still come.
func (l *Line) Cut(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
	for _, end := range l.ends {
		end()
	}
	l.ends = nil
}

// Trouble sets what becomes of messages from now on. draw is called for each, by
// one goroutine at a time.
func (l *Line) Trouble(draw func() Fate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.draw = draw
}

// Asked is how many requests were sent.
func (l *Line) Asked() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.asked
}

// Wait returns when no request is on its way any more.
func (l *Line) Wait() { l.late.Wait() }

// Read implements lock.Lock.
func (l *Line) Read(ctx context.Context) (lock.Snapshot, error) {
	return through(ctx, l, l.next.Read)
}

// Create implements lock.Lock.
func (l *Line) Create(ctx context.Context) error {
	_, err := through(ctx, l, func(ctx context.Context) (struct{}, error) { return struct{}{}, l.next.Create(ctx) })
	return err
}

// Write implements lock.Lock.
func (l *Line) Write(ctx context.Context, base lock.Snapshot, record lock.Record) (lock.Snapshot, error) {
	return through(ctx, l, func(ctx context.Context) (lock.Snapshot, error) { return l.next.Write(ctx, base, record) })
}

// Watch implements lock.Lock.
func (l *Line) Watch(ctx context.Context, from lock.Version, observe func(lock.Snapshot)) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	if _, err := l.send(end); err != nil {
		return err
	}
	return l.next.Watch(ctx, from, func(s lock.Snapshot) {
		fate := l.fate()
		if fate.Lost {
			end()
		}
		if pass(ctx, fate.Before) {
			observe(s)
		}
	})
}

// through sends a request and waits for the answer.
func through[T any](ctx context.Context, l *Line, execute func(context.Context) (T, error)) (T, error) {
	var none T
	fate, err := l.send(nil)
	if err != nil {
		return none, err
	}
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	l.late.Go(func() {
		// No answer comes for what nobody waits for any more; it is executed.
		on := context.WithoutCancel(ctx)
		pass(on, fate.Before)
		value, err := execute(on)
		pass(on, fate.After)
		answers <- answer{value, err}
	})
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case a := <-answers:
		if fate.Lost {
			return none, ErrLost
		}
		return a.value, a.err
	}
}

// send counts a request and says what becomes of it. A cut ends it by end.
func (l *Line) send(end context.CancelFunc) (Fate, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	if l.cut {
		return Fate{}, ErrCut
	}
	if end != nil {
		l.ends = append(l.ends, end)
	}
	fate := l.draw()
	return fate, fate.Refused
}

func (l *Line) fate() Fate {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.draw()
}

// pass lets time pass, and says whether ctx lasted as long.
func pass(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
