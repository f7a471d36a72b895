// Package memory is a lock in this process's memory: the smallest complete
// backend, for tests and for reading beside package lock. A Line is a way to a
// lock whose faults a test controls.
package memory

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// Lock is one lock, missing at first.
type Lock struct {
	mu      sync.Mutex
	history []lock.Snapshot // history[i] has version i+1
	made    int
	vain    int
	grown   chan struct{}
}

var _ lock.Lock = (*Lock)(nil)

// New gives a missing lock.
func New() *Lock { return &Lock{grown: make(chan struct{})} }

// Read implements lock.Lock.
func (l *Lock) Read(ctx context.Context) (lock.Snapshot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.now()
	s.From = l.version()
	s.ServerTime = time.Now().Truncate(time.Second)
	return s, ctx.Err() //nolint:wrapcheck // the caller's own
}

// Create implements lock.Lock.
func (l *Lock) Create(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now().Exists {
		return lock.ErrExists
	}
	l.made++
	l.append(lock.Snapshot{Exists: true, UID: strconv.Itoa(l.made)})
	return ctx.Err() //nolint:wrapcheck // the caller's own
}

// Write implements lock.Lock.
func (l *Lock) Write(ctx context.Context, base lock.Snapshot, record lock.Record) (lock.Snapshot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch s := l.now(); {
	case !s.Exists:
		return lock.Snapshot{}, lock.ErrMissing
	case s.Version != base.Version || s.UID != base.UID:
		l.vain++
		return lock.Snapshot{}, fmt.Errorf("write version %s, not %s: %w", s.Version, base.Version, lock.ErrConflict)
	}
	l.append(lock.Snapshot{Exists: true, UID: base.UID, Record: record})
	return l.now(), ctx.Err() //nolint:wrapcheck // the caller's own
}

// Watch implements lock.Lock. It ends with ctx alone.
func (l *Lock) Watch(ctx context.Context, from lock.Version, observe func(lock.Snapshot)) error {
	seen, err := strconv.Atoi(string(from))
	if err != nil {
		return fmt.Errorf("watch from %q: %w", from, err)
	}
	for {
		l.mu.Lock()
		news, grown := l.history[seen:], l.grown
		l.mu.Unlock()
		for _, s := range news {
			observe(s)
		}
		seen += len(news)
		select {
		case <-ctx.Done():
			return nil
		case <-grown:
		}
	}
}

// Edit changes the lock by hand, as any other writer may. It must exist.
func (l *Lock) Edit(edit func(*lock.Record)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.now()
	edit(&s.Record)
	l.append(s)
}

// Delete deletes the lock by hand.
func (l *Lock) Delete() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.append(lock.Snapshot{})
}

// History is every state that the lock has been in.
func (l *Lock) History() []lock.Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]lock.Snapshot(nil), l.history...)
}

// Conflicts is how many writes came too late.
func (l *Lock) Conflicts() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.vain
}

func (l *Lock) now() lock.Snapshot {
	if len(l.history) == 0 {
		return lock.Snapshot{Version: l.version()}
	}
	return l.history[len(l.history)-1]
}

func (l *Lock) version() lock.Version { return lock.Version(strconv.Itoa(len(l.history))) }

func (l *Lock) append(s lock.Snapshot) {
	l.history = append(l.history, s)
	l.history[len(l.history)-1].Version = l.version()
	close(l.grown)
	l.grown = make(chan struct{})
}
