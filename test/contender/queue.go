package contender

import (
	"context"
	"sync"
	"time"
)

// Change is that a contestant begins or ceases to lead.
type Change struct {
	// At is when, by CLOCK_BOOTTIME. A sidecar that says late that it leads no
	// longer, because it was paused, ceased when its validity ran out.
	At time.Duration
	// Leading is what it does from then on.
	Leading bool
	// Token is the term's fencing token; 0 where there is none.
	Token int64
}

// queue passes changes on without ever making the sender wait.
type queue struct {
	out chan Change

	mu     sync.Mutex
	unread []Change
	closed bool
	news   chan struct{}
}

func newQueue() *queue {
	const usual = 16
	return &queue{out: make(chan Change, usual), news: make(chan struct{}, 1)}
}

func (q *queue) put(c Change) {
	q.mu.Lock()
	q.unread = append(q.unread, c)
	q.mu.Unlock()
	q.wake()
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.wake()
}

func (q *queue) wake() {
	select {
	case q.news <- struct{}{}:
	default: // it is awake
	}
}

// run passes on until everything is read after a close, or ctx ends.
func (q *queue) run(ctx context.Context) {
	defer close(q.out)
	for {
		q.mu.Lock()
		unread, closed := q.unread, q.closed
		q.unread = nil
		q.mu.Unlock()
		for _, c := range unread {
			select {
			case q.out <- c:
			case <-ctx.Done():
				return
			}
		}
		if closed {
			return
		}
		select {
		case <-q.news:
		case <-ctx.Done():
			return
		}
	}
}
