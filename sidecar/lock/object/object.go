// Package object is the lock that one object of a store holds: any store with
// conditional writes, of which a folder beside this one knows how to ask it. The whole
// lock is one small metadata value, which standbys read alone; the body is the same, for
// people.
//
// It promises what package lock asks for, over stores that only know whether a state is
// still the one named, and can only be asked:
//
//   - Versions are this process's own, and order what it saw also over deletion and
//     restore (see history).
//   - A Watch asks once a period, unless another request of this process has told it, and
//     tells at once what any of them learned. So a leader, which writes every period, sends
//     nothing else, and a standby one small read a period.
//   - A Write whose answer was lost, or was "precondition failed" because the request
//     came through twice, is recognised by its WriteID and succeeds.
//   - Two writes of one process that both succeed lie a MinWriteInterval apart. A Write whose
//     context ends before its turn was never sent.
//   - An object that is no lock is refused with ErrForeign, and never overwritten, nor
//     taken for a missing or a free one.
//   - No clock of the store decides anything. The Date of its answers serves tokens alone.
//
// What it can't promise: a process that starts just after somebody restored an old state
// of the object, under a living leader, has seen nothing else, and believes it. Delete the
// object instead: that is safe at any time.
package object

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// DefaultPeriod is the default of Options.Period.
const DefaultPeriod = 2 * time.Second

// shortestPatience is for periods so short that an answer can take longer.
const shortestPatience = 2 * time.Second

// Options are what a Lock needs to know beside its store.
type Options struct {
	// Name is the object's address, for errors.
	Name string
	// Period is how often a Watch asks; default DefaultPeriod. It is the election's retry
	// period. A Watch waits for an answer as long, and shortestPatience at least.
	Period time.Duration
	// MinWriteInterval is the least time between two writes of this process that succeed;
	// default 0, none.
	MinWriteInterval time.Duration
}

// Lock is a lock.Lock on one object.
type Lock struct {
	store   Store
	options Options
	// writer begins the WriteIDs of this process.
	writer string

	mu      sync.Mutex
	history history
	changed chan struct{} // closed when history has changed
	writes  int
	// asked is when the last request was sent or answered, putAt when the last write was
	// sent, and wrote when the last one that succeeded was: a leader that renews each
	// period from its own send must not fall behind by an answer each time.
	asked, putAt, wrote time.Time
}

var _ lock.Lock = (*Lock)(nil)

// New gives the lock on the object of store. It sends no request.
func New(store Store, o Options) *Lock {
	if o.Period <= 0 {
		o.Period = DefaultPeriod
	}
	return &Lock{store: store, options: o, writer: rand.Text(), changed: make(chan struct{})}
}

// Read implements lock.Lock.
func (l *Lock) Read(ctx context.Context) (lock.Snapshot, error) {
	seen, err := l.ask(ctx)
	if err != nil {
		return lock.Snapshot{}, l.failed("read", err)
	}
	s := seen.snapshot()
	s.ServerTime = seen.state.ServerTime
	return s, nil
}

// Create implements lock.Lock.
func (l *Lock) Create(ctx context.Context) error {
	if err := l.pace(ctx); err != nil {
		return l.failed("create", err)
	}
	_, err := l.put(ctx, "", Entry{UID: rand.Text(), Count: 1, WriteID: l.nextWrite()})
	if errors.Is(err, lock.ErrConflict) {
		err = fmt.Errorf("%w: %w", lock.ErrExists, err)
	}
	return l.failed("create", err)
}

// Write implements lock.Lock. Base is one of this very Lock's snapshots.
func (l *Lock) Write(ctx context.Context, base lock.Snapshot, record lock.Record) (lock.Snapshot, error) {
	epoch, count, err := parse(base.Version)
	if err != nil {
		return lock.Snapshot{}, l.failed("write", err)
	}
	entry := Entry{UID: base.UID, Count: count + 1, WriteID: l.nextWrite(), Record: record}
	// What a read will show, which may be less precise than what is written.
	if entry, err = Decode(entry.Value()); err == nil {
		err = l.pace(ctx)
	}
	if err == nil {
		err = l.still(base, epoch)
	}
	if err != nil {
		return lock.Snapshot{}, l.failed("write", err)
	}
	state, err := l.put(ctx, base.Revision, entry)
	if err != nil {
		if state, err = l.settle(ctx, entry, err); err != nil {
			return lock.Snapshot{}, l.failed("write", err)
		}
	}
	s := sight{epoch: epoch, state: state, entry: entry}.snapshot()
	s.From, s.ServerTime = "", state.ServerTime
	return s, nil
}

// ask gives the object as it is now, and takes it in.
func (l *Lock) ask(ctx context.Context) (sight, error) {
	for {
		changes := l.begin()
		state, err := l.store.Stat(ctx)
		if err != nil {
			return sight{}, err //nolint:wrapcheck // the caller says what it was for
		}
		var entry Entry
		if state.Exists {
			if entry, err = Decode(state.Value); err != nil {
				return sight{}, err
			}
		} else {
			state = State{ServerTime: state.ServerTime}
		}
		if seen, ok := l.learn(changes, state, entry); ok {
			return seen, nil
		}
	}
}

// learn takes in an answer. The sight is that of this very answer.
func (l *Lock) learn(changes uint64, state State, entry Entry) (sight, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = time.Now()
	before := l.history.changes
	if !l.history.take(changes, state, entry) {
		return sight{}, false
	}
	if l.history.changes != before {
		l.tell()
		if strings.HasPrefix(entry.WriteID, l.writer) {
			l.wrote = l.putAt
		}
	}
	seen := l.history.known
	seen.state.ServerTime = state.ServerTime
	return seen, true
}

// put writes, and takes in what it wrote.
func (l *Lock) put(ctx context.Context, base string, entry Entry) (State, error) {
	l.beginPut()
	answer, err := l.store.Put(ctx, base, entry)
	if err != nil {
		return State{}, err //nolint:wrapcheck // the caller says what it was for
	}
	state := State{Exists: true, Revision: answer.Revision, Value: entry.Value(), ServerTime: answer.ServerTime}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked, l.wrote = time.Now(), l.putAt
	if base != "" {
		before := l.history.changes
		l.history.written(base, state, entry)
		if l.history.changes != before {
			l.tell()
		}
	}
	return state, nil
}

// settle looks whether a write that failed was executed nevertheless: then it succeeded.
func (l *Lock) settle(ctx context.Context, entry Entry, failure error) (State, error) {
	if errors.Is(failure, lock.ErrForbidden) || ctx.Err() != nil {
		return State{}, failure
	}
	seen, err := l.ask(ctx)
	switch {
	case err != nil:
		return State{}, failure
	case seen.entry.WriteID == entry.WriteID:
		return seen.state, nil
	case errors.Is(failure, lock.ErrConflict) && !seen.state.Exists:
		return State{}, fmt.Errorf("%w: %w", lock.ErrMissing, failure)
	}
	return State{}, failure
}

// still refuses a write on a state that the lock has left and may have come back to, by
// a revision that is not as unique as it should be.
func (l *Lock) still(base lock.Snapshot, epoch int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch k := l.history.known; {
	case !base.Exists, k.seen && !k.state.Exists:
		return lock.ErrMissing
	case k.seen && k.epoch != epoch:
		return lock.ErrConflict
	}
	return nil
}

func (l *Lock) nextWrite() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes++
	return l.writer + "-" + strconv.Itoa(l.writes)
}

func (l *Lock) failed(verb string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", verb, l.options.Name, err)
}
