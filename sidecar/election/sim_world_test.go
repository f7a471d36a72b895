package election

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// The simulator runs machines, which do no I/O, against a modelled server in
// virtual time. One seed gives one run, event by event: all that is random comes
// from one generator, and nothing runs beside anything else.
//
//	sim_world_test.go    time, the queue of events, the trace
//	sim_server_test.go   the lock's server and its watches
//	sim_store_test.go    what a store of objects has instead of watches
//	sim_object_test.go   what one process makes of a store
//	sim_node_test.go     one process with its clock, its network and its machine
//	sim_rival_test.go    one process that follows client-go's rules
//	sim_elder_test.go    one process that follows the rules of 2016
//	sim_judge_test.go    what must hold after every event
//	sim_faults_test.go   what goes wrong
//	sim_run_test.go      one seed: a fleet, faults, calm
//	sim_test.go          many seeds
//	sim_scripts_test.go  schedules that seeds seldom find
//	sim_bounds_test.go   how soon, and how late, there is a new leader
//	sim_leased_test.go   how late, where a store's lease lasts longer or shorter
//	sim_bugs_test.go     bugs that must be found
//
// There are four kinds of servers (simKind), and each seed of each kind is a run:
//
//	watched    an API server: every change comes, late or not, until a watch is silent;
//	           with client-go's electors beside ours in some fleets
//	polled     a store as Google's and Amazon's: asked once a period, revisions that only
//	           differ (numbers or digests), writes that come through twice, one write a
//	           second, states restored, edited under the same count, or not ours at all
//	leased     a store as Azure's: polled, with a lease of its own that it ends by a clock
//	           that may be as wrong as it likes, and that can be broken by hand
//	endpoints  an API server with electors of 2016 beside ours, and of old client-go
//
// What package object makes of a store is written here once more (sim_object_test.go):
// an election knows no backend.
//
// Time in the world is true time, from 0; each machine's clock runs at a rate of
// its own.

// simEvent is something that happens at a moment.
type simEvent struct {
	at  time.Duration
	seq int
	do  func()
}

type simQueue []simEvent

func (q *simQueue) Len() int { return len(*q) }
func (q *simQueue) Less(i, j int) bool {
	a, b := (*q)[i], (*q)[j]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}
func (q *simQueue) Swap(i, j int) { (*q)[i], (*q)[j] = (*q)[j], (*q)[i] }
func (q *simQueue) Push(x any)    { *q = append(*q, x.(simEvent)) } //nolint:errcheck,forcetypeassert // heap's own
func (q *simQueue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}

// world is one run.
type world struct {
	random *rand.Rand
	now    time.Duration
	queue  simQueue
	seq    int
	busy   int // events at this very moment

	server *simServer
	nodes  []*simNode
	rivals []*simRival
	elders []*simElder
	judge  *simJudge
	made   int // processes started, for their identities

	timing config.Timing
	// longer is another timing that some processes have, as during a rollout that
	// changes the durations.
	longer config.Timing
	// spread is how far the rates of clocks are from 1, at most.
	spread float64
	// trouble is how likely a message is delayed for long, and how likely lost.
	trouble float64
	// brisk bounds the delays of a neighbour's messages: client-go counts from the
	// answer, and promises nothing when answers are late.
	brisk time.Duration

	// tidy says that nobody's hand leaves an object's count as it was.
	tidy bool

	faults map[string]int
	trace  *[]string
}

// mistake is what is wrong outside the machines, for a known bug.
var mistake simMistake

func newWorld(seed uint64, timing config.Timing) *world {
	w := &world{random: rand.New(rand.NewPCG(seed, 1)), timing: timing, longer: timing, faults: map[string]int{}, brisk: 300 * time.Millisecond}
	w.server = newSimServer(w)
	w.judge = &simJudge{w: w}
	return w
}

// busiest is how much may happen at one moment.
const busiest = 1000

// after makes something happen later.
func (w *world) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.queue, simEvent{at: w.now + max(0, d), seq: w.seq, do: do})
}

// run lets the world go on until a moment, or until a promise is broken.
func (w *world) run(until time.Duration) error {
	for len(w.queue) > 0 && w.queue[0].at <= until {
		e := heap.Pop(&w.queue).(simEvent) //nolint:errcheck,forcetypeassert // the queue's own
		if e.at > w.now {
			w.now, w.busy = e.at, 0
		}
		w.busy++
		if w.busy > busiest {
			return fmt.Errorf("a hot loop: %d events at one moment", w.busy)
		}
		e.do()
		if err := w.judge.look(); err != nil {
			return err
		}
	}
	w.now = until
	return w.judge.look()
}

// logf writes one line of the trace, if one is kept.
func (w *world) logf(format string, args ...any) {
	if w.trace != nil {
		*w.trace = append(*w.trace, fmt.Sprintf("%12.6f  ", w.now.Seconds())+fmt.Sprintf(format, args...))
	}
}

// between draws a duration.
func (w *world) between(least, most time.Duration) time.Duration {
	return least + time.Duration(w.random.Float64()*float64(most-least))
}

func (w *world) chance(p float64) bool { return w.random.Float64() < p }

// rate draws a clock's rate.
func (w *world) rate() float64 { return 1 + w.spread*(2*w.random.Float64()-1) }
