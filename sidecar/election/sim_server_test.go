package election

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// simServer is the lock's server: one object, its versions, and its watches. What a
// store has instead of versions and watches is in sim_store_test.go.
type simServer struct {
	w *world
	// kind is what it is: an API server that is watched, if nothing else is said.
	kind simKind
	// state is the object now; Version is that of its last change.
	state   simState
	version int
	uids    int
	// log is every change, for watches that begin later.
	log     []simState
	watches []*simWatch
	simStore

	// down refuses every request, slow delays them, failing is how likely one is
	// answered by an error, executed or not.
	down    bool
	slow    time.Duration
	failing float64
	// writes and vain count the writes executed and refused.
	writes, vain int
}

// epoch is the server's wall clock at the world's beginning.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

var (
	errUnavailable = errors.New("the server is down")
	errServer      = errors.New("the server answers 500")
	errLost        = errors.New("the connection is lost")
	errGone        = errors.New("the version is too old")
)

func newSimServer(w *world) *simServer { return &simServer{w: w} }

func (s *simServer) wall() time.Time { return epoch.Add(s.w.now).Truncate(time.Second) }

func simVersion(v int) lock.Version { return lock.Version(strconv.Itoa(v)) }

// revision is 0 for what is no version of this server.
func revision(v lock.Version) int {
	n, _ := strconv.Atoi(string(v))
	return n
}

// simState is the object at one moment.
type simState struct {
	lock.Snapshot
	// Of an object in a store: how many writes it has had, and which write of whom was
	// the last.
	count, writer, write int
	// bare says that an Endpoints object has no record at all.
	bare bool
	// foreign says that it is no lock at all.
	foreign bool
	// lease is the server's own lease of it.
	lease simLease
}

// put is every change of the object.
func (s *simServer) put(state simState) {
	// Versions count the writes of a whole cluster: after a restore none comes again.
	s.version += 1 + s.w.random.IntN(1_000_000)
	state.Version = simVersion(s.version)
	if s.kind == endpoints {
		// Its record has times of whole seconds.
		r := &state.Record
		r.Renewed, r.Acquired = r.Renewed.Truncate(time.Second), r.Acquired.Truncate(time.Second)
	}
	state.Revision = s.revise(state)
	s.state, s.changedAt = state, s.w.now
	s.log = append(s.log, state)
	s.w.judge.changed(state.Snapshot)
	for _, watch := range s.watches {
		watch.send(state)
	}
}

func (s *simServer) read() simState {
	state := s.state
	if !state.Exists {
		state = simState{Snapshot: lock.Snapshot{Version: simVersion(s.version)}}
	}
	state.From, state.ServerTime = simVersion(s.version), s.wall()
	return state
}

func (s *simServer) create() error {
	if s.state.Exists {
		return lock.ErrExists
	}
	s.w.logf("server: the lock is made")
	s.uids++
	made := simState{Snapshot: lock.Snapshot{Exists: true, UID: strconv.Itoa(s.uids)}, count: 1}
	if s.kind == endpoints {
		made.Record.Renewed = time.Unix(0, 0) // as ours make it, so that one of 2016 waits
	}
	s.put(made)
	return nil
}

func (s *simServer) write(base lock.Snapshot, record lock.Record) (simState, error) {
	switch {
	case !s.state.Exists && mistake == putWithoutUID:
		s.uids++
		base.UID = strconv.Itoa(s.uids)
	case !s.state.Exists:
		return simState{}, lock.ErrMissing
	case s.state.Version != base.Version || s.state.UID != base.UID:
		s.vain++
		return simState{}, lock.ErrConflict
	}
	s.writes++
	s.written(record)
	if !s.state.Exists || record != s.state.Record {
		s.put(simState{Snapshot: lock.Snapshot{Exists: true, UID: base.UID, Record: record}})
		s.w.logf("server: version %d: %s", s.version, show(record))
	}
	state := s.state
	state.ServerTime = s.wall()
	return state, nil
}

// written lets the judge look at a write that is executed, before it is.
func (s *simServer) written(record lock.Record) {
	if before := s.state.Record; record.Stamped() && (record.Holder != before.Holder || !before.Stamped()) {
		s.w.judge.taken(record.Holder)
	}
}

// edit changes the record by hand, if there is a lock.
func (s *simServer) edit(what string, change func(*lock.Record)) {
	if !s.state.Exists || s.state.foreign {
		return
	}
	state := s.state
	change(&state.Record)
	state.bare = false
	state.lease = simLease{} // which has to be broken first
	if s.kind.store() {
		// Who edits an object by hand knows nothing of counts, or does.
		if s.w.tidy || s.w.chance(0.5) {
			state.count++
		} else {
			s.w.judge.unordered()
		}
	}
	s.put(state)
	s.w.logf("by hand: %s: version %d: %s", what, s.version, show(state.Record))
}

func (s *simServer) remove() {
	if s.state.Exists {
		s.put(simState{})
		s.w.logf("by hand: deleted: version %d", s.version)
	}
}

// restore goes back to what was so many changes ago, as a backup does.
func (s *simServer) restore(changes int) {
	s.log = s.log[:len(s.log)-changes]
	s.state = s.log[len(s.log)-1]
	s.version = revision(s.state.Version)
	s.w.judge.changed(lock.Snapshot{})
	s.w.judge.forget(s.log)
	s.w.logf("restored: version %d: %s", s.version, show(s.state.Record))
	if s.kind.store() {
		// Its content is back, and with it a digest of that; a number is not.
		s.state.lease = simLease{}
		if !s.digest && s.state.Exists {
			s.generation++
			s.state.Revision = strconv.Itoa(s.generation)
		}
		s.log[len(s.log)-1] = s.state
	}
	for _, watch := range s.watches {
		watch.end(errGone)
	}
	s.watches = nil
}

func show(r lock.Record) string {
	text := fmt.Sprintf("holder %q token %d duration %s", r.Holder, r.Token, r.Duration)
	if r.Holder != "" && !r.Stamped() {
		text += " (not stamped)"
	}
	if r.Mark != "" {
		text += fmt.Sprintf(" mark %q", r.Mark)
	}
	if r.StepDown != "" {
		text += " step-down"
	}
	return text
}

// simWatch is one process's stream of changes. Like a TCP stream it loses none:
// it is late, or silent from some moment on, or ends.
type simWatch struct {
	node   *simNode
	number int
	last   time.Duration // when the last event arrives
	silent bool
	ended  bool
}

func (s *simServer) watch(n *simNode, number int, from lock.Version) {
	watch := &simWatch{node: n, number: number}
	n.stream = watch
	if revision(from) > s.version || s.down || n.cut {
		watch.end(errGone)
		return
	}
	s.watches = append(s.watches, watch)
	for _, state := range s.log {
		if revision(state.Version) > revision(from) {
			watch.send(state)
		}
	}
}

func (x *simWatch) send(state simState) {
	w := x.node.w
	if x.node.cut {
		x.silent = true
	}
	if x.silent || x.ended {
		return
	}
	x.last = max(x.last, w.now+w.delay())
	w.after(x.last-w.now, func() {
		x.node.streaming = true
		defer func() { x.node.streaming = false }()
		x.node.deliver(func(now Instant) {
			if x.number == x.node.watch && !x.node.machine.watchStale && !x.silent {
				x.node.machine.watched(now, state.Snapshot)
			}
		})
	})
}

func (x *simWatch) end(err error) {
	if x.ended {
		return
	}
	x.ended = true
	w := x.node.w
	w.server.watches = slices.DeleteFunc(slices.Clone(w.server.watches), func(y *simWatch) bool { return y == x })
	w.after(max(x.last-w.now, 0), func() {
		x.node.deliver(func(now Instant) {
			if x.number == x.node.watch {
				x.node.logf("the watch ended: %v", err)
				x.node.machine.watchEnded(now)
			}
		})
	})
}

// delay is how long one message travels.
func (w *world) delay() time.Duration {
	longest := 20 * time.Millisecond
	if w.chance(w.trouble) {
		longest = 20 * time.Second
	}
	return w.between(0, longest) + w.between(0, w.server.slow)
}
