package azblob

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object"
)

// ErrLeased says that somebody holds the blob's lease who writes no record into the blob,
// and so is no candidate; or is one whose writes fail.
var ErrLeased = errors.New("the blob is leased by somebody who is no candidate: wait for the lease's end, or break it")

// blob is one blob, and one request to it each. Errors: those of package lock, those
// below, or one that says nothing.
type blob interface {
	// properties gives the blob's metadata, or lock.ErrMissing.
	properties(ctx context.Context) (properties, error)
	// create makes the blob, or says lock.ErrConflict.
	create(ctx context.Context, body string, metadata map[string]string) (answer, error)
	// acquire acquires or renews the lease, if the blob has this ETag: otherwise
	// lock.ErrConflict, errLeased, errBreaking.
	acquire(ctx context.Context, leaseID string, d time.Duration, etag string) error
	// setMetadata replaces all metadata, if the blob has this ETag and this lease:
	// otherwise lock.ErrConflict.
	setMetadata(ctx context.Context, leaseID, etag string, metadata map[string]string) (answer, error)
	// release gives the lease back, if the blob has this ETag and this lease: otherwise
	// lock.ErrConflict.
	release(ctx context.Context, leaseID, etag string) error
}

var (
	// errLeased says that the lease is another's.
	errLeased = errors.New("the blob is leased")
	// errBreaking says that the lease, whosoever it is, was broken and has not ended.
	errBreaking = errors.New("the blob's lease is breaking")
)

// answer is what an answer says of the state that the blob is in.
type answer struct {
	etag string
	date time.Time
}

// properties are a blob's.
type properties struct {
	answer
	metadata map[string]string
}

// body is what the blob holds. What is written later is metadata alone.
const body = "A lock of Leaseholder. Its state is the metadata value \"" + object.MetadataKey + "\".\n"

// store is an object.Store on a blob.
type store struct {
	blob    blob
	leaseID string
	lasts   time.Duration // the lease

	mu sync.Mutex
	// seen is the metadata beside the lock, as it was at an ETag.
	seen properties
	// refusedFrom is since when the lease of another has refused writes on one state,
	// refusedAt.
	refusedFrom time.Time
	refusedAt   string
}

var _ object.Store = (*store)(nil)

func newStore(b blob, leaseID string, lasts time.Duration) *store {
	return &store{blob: b, leaseID: leaseID, lasts: lasts}
}

// Stat implements object.Store.
func (s *store) Stat(ctx context.Context) (object.State, error) {
	p, value, err := s.look(ctx)
	if errors.Is(err, lock.ErrMissing) {
		return object.State{ServerTime: p.date}, nil
	}
	if err != nil {
		return object.State{}, err
	}
	return object.State{Exists: true, Revision: p.etag, Value: value, ServerTime: p.date}, nil
}

// look asks, and remembers the metadata that is not ours.
func (s *store) look(ctx context.Context) (p properties, value string, err error) {
	if p, err = s.blob.properties(ctx); err != nil {
		return p, "", err //nolint:wrapcheck // the lock says what it was for
	}
	for key, v := range p.metadata {
		// Names are case-insensitive, and HTTP changes their case.
		if strings.EqualFold(key, object.MetadataKey) {
			value = v
			delete(p.metadata, key)
		}
	}
	s.remember(p)
	return p, value, nil
}

// Put implements object.Store. What is written of the body, which never changes, is its
// making.
func (s *store) Put(ctx context.Context, base string, entry object.Entry) (object.State, error) {
	metadata := map[string]string{object.MetadataKey: entry.Value()}
	if base == "" {
		a, err := s.blob.create(ctx, body, metadata)
		return state(a), err //nolint:wrapcheck // the lock says what it was for
	}
	others, err := s.others(ctx, base)
	if err != nil {
		return object.State{}, err
	}
	maps.Copy(metadata, others)
	if err := s.hold(ctx, base); err != nil {
		return object.State{}, err
	}
	a, err := s.blob.setMetadata(ctx, s.leaseID, base, metadata)
	if err != nil {
		return object.State{}, err //nolint:wrapcheck // the lock says what it was for
	}
	s.remember(properties{answer: a, metadata: others})
	if entry.Record.Holder == "" {
		s.letGo(ctx, a.etag)
	}
	return state(a), nil
}

func state(a answer) object.State {
	return object.State{Exists: true, Revision: a.etag, ServerTime: a.date}
}

// hold acquires the lease, or renews it.
func (s *store) hold(ctx context.Context, base string) error {
	err := s.blob.acquire(ctx, s.leaseID, s.lasts, base)
	switch {
	case errors.Is(err, errBreaking):
		// Until it has ended, whoever has it still may write, and nobody can acquire it. The
		// write tells whose it is.
		return nil
	case errors.Is(err, errLeased):
		return s.refused(base, err)
	}
	return err //nolint:wrapcheck // the lock says what it was for
}

// refused is the error of a write that another's lease refused. That of the last leader,
// or of another candidate who takes the lock, lasts for less than the lease duration.
func (s *store) refused(base string, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusedAt != base {
		s.refusedAt, s.refusedFrom = base, time.Now()
	}
	if since := time.Since(s.refusedFrom); since > s.lasts {
		return fmt.Errorf("%w (for %s now): %w", ErrLeased, since.Truncate(time.Second), err)
	}
	return fmt.Errorf("%w: %w", lock.ErrConflict, err)
}

// Bounds of how a lease is given back.
const (
	releaseTimeout = time.Second
	releasePause   = 50 * time.Millisecond
)

// letGo gives the lease back: as long as it lasts, nobody else can take what was
// released. It tries again until ctx ends; then the lease runs out by itself.
func (s *store) letGo(ctx context.Context, etag string) {
	for ctx.Err() == nil {
		if s.tryLetGo(ctx, etag) {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(releasePause):
		}
	}
}

func (s *store) tryLetGo(ctx context.Context, etag string) bool {
	ctx, cancel := context.WithTimeout(ctx, releaseTimeout)
	defer cancel()
	err := s.blob.release(ctx, s.leaseID, etag)
	return err == nil || errors.Is(err, lock.ErrConflict) || errors.Is(err, lock.ErrMissing) || errors.Is(err, lock.ErrForbidden)
}

func (s *store) remember(p properties) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = p
}

// others is the metadata beside the lock, at base: a write would delete it. It is
// asked for only if it is not what was last seen.
func (s *store) others(ctx context.Context, base string) (map[string]string, error) {
	s.mu.Lock()
	seen := s.seen
	s.mu.Unlock()
	if seen.etag == base {
		return seen.metadata, nil
	}
	p, _, err := s.look(ctx)
	if err == nil && p.etag != base {
		err = lock.ErrConflict
	}
	return p.metadata, err
}
