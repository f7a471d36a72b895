package certs

import (
	"net/http"
	"sync"
	"time"
)

// slowest is how long an answer can be under way, on a busy machine.
const slowest = 30 * time.Second

// Clock is the API server's, as far as its answers tell: whether a certificate has
// expired is judged there, and not by the clock of the webhook's node. Before the
// first answer it is the node's. The zero value can be used, concurrently too.
type Clock struct {
	mu sync.Mutex
	// told is what an answer said, and heard when it came.
	told, heard time.Time
}

// Now is the time by the latest answer and by what has passed since.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told.IsZero() {
		return time.Now()
	}
	return c.told.Add(time.Since(c.heard)) // monotonic: the node's clock may be set meanwhile
}

// Listen is for rest.Config.Wrap: it reads the Date of every answer.
func (c *Clock) Listen(next http.RoundTripper) http.RoundTripper { return listener{c, next} }

type listener struct {
	clock *Clock
	next  http.RoundTripper
}

func (l listener) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := l.next.RoundTrip(r)
	if err != nil {
		return answer, err
	}
	if told, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		l.clock.hear(told)
	}
	return answer, nil
}

// hear takes in what an answer says. A later time is nearer to the truth, since the
// answer has been under way; an earlier one only when that can't be why.
func (c *Clock) hear(told time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if known := c.told.Add(now.Sub(c.heard)); c.told.IsZero() || told.After(known) || known.Sub(told) > slowest {
		c.told, c.heard = told, now
	}
}

// WrappedRoundTripper lets client-go look through.
func (l listener) WrappedRoundTripper() http.RoundTripper { return l.next }
