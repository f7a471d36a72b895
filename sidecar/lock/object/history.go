package object

import (
	"fmt"
	"strconv"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// history orders what one process sees of the object. A store has no order that lasts
// over deletion and restore (of GCS's generations Google promises that they differ, not
// that they grow; an ETag has none), so versions are this process's own: an epoch, and
// in it the entry's count.
//
//   - The same incarnation at a higher count is a later state.
//   - A missing object, and one of another incarnation that nobody has held yet, are later
//     states in a new epoch above all others: the lock was deleted, and made anew.
//   - Anything else that was certainly seen later (the same incarnation at a count that
//     is not higher, another that was held already) is a state from before, restored, or
//     cannot be told from one: an epoch below all others. Elections take that for what it
//     is, a history rewound: whoever leads stops, and nobody takes what the old record
//     seems to set free.
//   - Of two requests that overlap in time neither is the later one: where the answers
//     cannot be ordered by count, the one that came second proves nothing.
type history struct {
	known sight
	// changes counts those of known.
	changes   uint64
	low, high int64
}

// sight is one state as it was seen.
type sight struct {
	seen  bool
	epoch int64
	state State
	entry Entry
}

// firstEpoch leaves room on both sides.
const firstEpoch = 1_000_000_000

// digits is the width of a count in a version: that of the largest.
const digits = 19

func (s sight) version() lock.Version { return version(s.epoch, s.entry.Count) }

func version(epoch, count int64) lock.Version {
	return lock.Version(fmt.Sprintf("%d%0*d", epoch, digits, count))
}

// parse is the inverse of version.
func parse(v lock.Version) (epoch, count int64, err error) {
	at := max(0, len(v)-digits)
	epoch, err = strconv.ParseInt(string(v[:at]), 10, 64)
	if err == nil {
		count, err = strconv.ParseInt(string(v[at:]), 10, 64)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("version %q is not one of this lock's: %w", v, err)
	}
	return epoch, count, nil
}

func (s sight) snapshot() lock.Snapshot {
	return lock.Snapshot{
		Exists:     s.state.Exists,
		Version:    s.version(),
		Revision:   s.state.Revision,
		UID:        s.entry.UID,
		Record:     s.entry.Record,
		From:       s.version(),
		ServerTime: s.state.ServerTime,
	}
}

// take takes in what an answer showed, of a request that was sent when known had
// changed so many times. It is false if the answer proves nothing: ask again.
func (h *history) take(changes uint64, state State, entry Entry) bool {
	k := h.known
	switch {
	case !k.seen:
		h.low, h.high = firstEpoch, firstEpoch
		h.move(sight{seen: true, epoch: firstEpoch, state: state, entry: entry})
	case k.is(state):
	case k.state.Exists && state.Exists && k.entry.UID == entry.UID && k.entry.Count < entry.Count:
		h.move(sight{seen: true, epoch: k.epoch, state: state, entry: entry})
	case changes != h.changes:
		return false
	case !state.Exists, k.entry.UID != entry.UID && untouched(entry.Record):
		h.high++
		h.move(sight{seen: true, epoch: h.high, state: state, entry: entry})
	default:
		h.low--
		h.move(sight{seen: true, epoch: h.low, state: state, entry: entry})
	}
	return true
}

// written takes in that a write on base, a version of epoch, gave state and entry. What
// has been seen after base other than this was written later still.
func (h *history) written(base string, state State, entry Entry) {
	if k := h.known; k.state.Exists && k.state.Revision == base {
		h.move(sight{seen: true, epoch: k.epoch, state: state, entry: entry})
	}
}

func (h *history) move(s sight) {
	h.known = s
	h.changes++
}

func (s sight) is(state State) bool {
	k := s.state
	return k.Exists == state.Exists && k.Revision == state.Revision && k.Value == state.Value
}

// untouched says that a record is as every election waits a whole lease duration
// before it takes it: unheld and unmarked.
func untouched(r lock.Record) bool { return r.Holder == "" && r.Mark == "" }
