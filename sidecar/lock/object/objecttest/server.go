// Package objecttest has what the locks over objects of a store are tested with: a store
// in this process's memory whose faults a test controls, and the suite that every
// object.Store must pass.
package objecttest

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object"
)

// Server is a store of one object, missing at first.
type Server struct {
	mu      sync.Mutex
	now     object.State
	made    int
	history []object.State
}

// NewServer gives a store without the object.
func NewServer() *Server { return &Server{} }

// Put sets the object's metadata value by hand, whatever it was.
func (s *Server) Put(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.move(object.State{Exists: true, Value: value})
}

// Delete deletes the object by hand.
func (s *Server) Delete() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.move(object.State{})
}

// History is every state that the object has been in.
func (s *Server) History() []object.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]object.State(nil), s.history...)
}

func (s *Server) stat() object.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return dated(s.now)
}

func (s *Server) put(base, value string) (object.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now.Revision != base {
		return object.State{}, fmt.Errorf("revision %q is not %q: %w", s.now.Revision, base, lock.ErrConflict)
	}
	s.move(object.State{Exists: true, Value: value})
	return dated(s.now), nil
}

// move gives every state a revision that never comes again, and has no order.
func (s *Server) move(to object.State) {
	if to.Exists {
		s.made++
		const mixed = 7919
		to.Revision = strconv.Itoa(s.made*mixed%100003) + "-" + strconv.Itoa(s.made)
	}
	s.now = to
	s.history = append(s.history, to)
}

func dated(s object.State) object.State {
	s.ServerTime = time.Now().Truncate(time.Second)
	return s
}

// Client is one process's way to the store, without faults at first. A request that it
// lets through is executed, whether or not somebody still waits for the answer.
type Client struct {
	server *Server
	late   sync.WaitGroup

	mu    sync.Mutex
	draw  func() Fate
	stats int
	puts  int
}

// Fate is what becomes of one request.
type Fate struct {
	// Before is how long it is on its way, After how long the answer is.
	Before, After time.Duration
	// Refused, if set, is the answer to a request that is not executed.
	Refused error
	// Lost is the error in place of the answer to a request that was executed.
	Lost error
	// Twice sends it twice; the second answer counts.
	Twice bool
}

var _ object.Store = (*Client)(nil)

// Client gives a way to the store.
func (s *Server) Client() *Client {
	return &Client{server: s, draw: func() Fate { return Fate{} }}
}

// Trouble sets what becomes of requests from now on. draw is called for each, by one
// goroutine at a time.
func (c *Client) Trouble(draw func() Fate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draw = draw
}

// Asked is how many requests of either kind were sent.
func (c *Client) Asked() (stats, puts int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats, c.puts
}

// Wait returns when no request is on its way any more.
func (c *Client) Wait() { c.late.Wait() }

// Stat implements object.Store.
func (c *Client) Stat(ctx context.Context) (object.State, error) {
	return c.send(ctx, &c.stats, func() (object.State, error) { return c.server.stat(), nil })
}

// Put implements object.Store.
func (c *Client) Put(ctx context.Context, base string, entry object.Entry) (object.State, error) {
	return c.send(ctx, &c.puts, func() (object.State, error) { return c.server.put(base, entry.Value()) })
}

func (c *Client) send(ctx context.Context, counter *int, execute func() (object.State, error)) (object.State, error) {
	if err := ctx.Err(); err != nil {
		return object.State{}, err //nolint:wrapcheck // the caller's own
	}
	fate := c.fate(counter)
	if fate.Refused != nil {
		return object.State{}, fate.Refused
	}
	type answer struct {
		state object.State
		err   error
	}
	answers := make(chan answer, 1)
	c.late.Go(func() {
		time.Sleep(fate.Before)
		state, err := execute()
		if fate.Twice {
			state, err = execute()
		}
		time.Sleep(fate.After)
		if fate.Lost != nil {
			state, err = object.State{}, fate.Lost
		}
		answers <- answer{state, err}
	})
	select {
	case <-ctx.Done():
		return object.State{}, ctx.Err() //nolint:wrapcheck // the caller's own
	case a := <-answers:
		return a.state, a.err
	}
}

func (c *Client) fate(counter *int) Fate {
	c.mu.Lock()
	defer c.mu.Unlock()
	*counter++
	return c.draw()
}
