package guard

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// shares is what all callers have together, of which one can wait for its part. Who waits
// for its own callers' use of their share is not in the way of the others.
type shares struct {
	all      *semaphore.Weighted
	mostEach int64

	mu sync.Mutex
	// each are the shares that somebody holds or waits for, by caller.
	each map[string]*share
}

// share is that of one caller.
type share struct {
	*semaphore.Weighted
	// users are those that hold a part of it, and those that wait.
	users int
}

func newShares(most, mostEach int64) *shares {
	return &shares{all: semaphore.NewWeighted(most), mostEach: mostEach, each: map[string]*share{}}
}

// acquire waits for n units, first of the caller's share and then of what there is.
// What it gives gives them back.
func (s *shares) acquire(ctx context.Context, who string, n int64) (release func(), err error) {
	own := s.enter(who)
	if err := own.Acquire(ctx, n); err != nil {
		s.leave(who, own)
		return nil, err
	}
	if err := s.all.Acquire(ctx, n); err != nil {
		own.Release(n)
		s.leave(who, own)
		return nil, err
	}
	return func() {
		s.all.Release(n)
		own.Release(n)
		s.leave(who, own)
	}, nil
}

func (s *shares) enter(who string) *share {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.each[who]
	if own == nil {
		own = &share{Weighted: semaphore.NewWeighted(s.mostEach)}
		s.each[who] = own
	}
	own.users++
	return own
}

func (s *shares) leave(who string, own *share) {
	s.mu.Lock()
	defer s.mu.Unlock()
	own.users--
	if own.users == 0 {
		delete(s.each, who)
	}
}
