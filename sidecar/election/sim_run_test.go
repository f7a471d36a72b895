package election

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// simProfile is what kind of fleet a seed runs.
type simProfile struct {
	name    string
	timing  config.Timing
	longer  config.Timing // of some of the processes, if set
	spread  float64
	rivals  int // electors of client-go
	elders  int // electors of 2016
	rewinds bool
	// beyond says that clocks differ more than the durations allow, or that the
	// history is rewound: one leader is not promised, growing tokens are. Where it
	// is for the clocks, two leaders must be seen.
	beyond bool
}

func seconds(lease, renew, retry int) config.Timing {
	return config.Timing{
		LeaseDuration: time.Duration(lease) * time.Second,
		RenewDeadline: time.Duration(renew) * time.Second,
		RetryPeriod:   time.Duration(retry) * time.Second,
	}
}

// Tight margins: the defaults hide faults. The largest ratio of two rates is
// (1 + spread) / (1 − spread), which must be at most LeaseDuration / RenewDeadline.
var simProfiles = map[simKind][]simProfile{
	watched: {
		{name: "a tight margin", timing: seconds(15, 12, 2), spread: 0.11},
		{name: "clocks that differ much", timing: seconds(15, 10, 2), spread: 0.19},
		{name: "short durations", timing: seconds(5, 4, 1), spread: 0.11},
		{name: "the defaults", timing: seconds(15, 10, 2), spread: 0.02},
		{name: "durations that change", timing: seconds(10, 8, 2), longer: seconds(30, 24, 3), spread: 0.11},
		{name: "beside client-go", timing: seconds(15, 10, 2), spread: 0.02, rivals: 2},
		{name: "clocks beyond the margin", timing: seconds(15, 12, 2), spread: 0.4, beyond: true},
		{name: "a history that is rewound", timing: seconds(15, 12, 2), spread: 0.11, rewinds: true, beyond: true},
	},
	polled: stored(seconds(5, 4, 1)),
	leased: stored(seconds(15, 13, 2)),
	endpoints: {
		{name: "beside electors of 2016", timing: seconds(10, 6, 2), spread: 0.1, elders: 2},
		{name: "beside electors of 2016, a tight margin", timing: seconds(10, 8, 2), spread: 0.11, elders: 1},
		{name: "beside electors of 2016 and of old client-go", timing: seconds(10, 6, 2), spread: 0.02, elders: 1, rivals: 1},
		{name: "durations of Leases, which do not fit", timing: seconds(15, 12, 2), spread: 0.1, elders: 2, beyond: true},
	},
}

// stored are the profiles of fleets beside a store, which excludes client-go.
func stored(short config.Timing) []simProfile {
	spread := 0.11
	if 8*short.LeaseDuration < 10*short.RenewDeadline {
		spread = 0.07
	}
	return []simProfile{
		{name: "a tight margin", timing: seconds(15, 12, 2), spread: 0.11},
		{name: "clocks that differ much", timing: seconds(15, 10, 2), spread: 0.19},
		{name: "short durations", timing: short, spread: spread},
		{name: "the defaults", timing: seconds(15, 10, 2), spread: 0.02},
		{name: "durations that change", timing: seconds(15, 12, 2), longer: seconds(45, 36, 3), spread: 0.11},
		{name: "clocks beyond the margin", timing: seconds(15, 12, 2), spread: 0.4, beyond: true},
		{name: "a history that is rewound", timing: seconds(15, 12, 2), spread: 0.11, rewinds: true, beyond: true},
	}
}

func (p simProfile) allows(f simFault) bool {
	switch f.kind {
	case alone:
		return p.rivals == 0
	case equal:
		return p.rivals == 0 && p.longer == config.Timing{}
	case lasting:
		return !p.rewinds
	default:
		return true
	}
}

// Every run has a time of faults and, when all is healed, a time of calm.
const (
	simTrouble = 4 * time.Minute
	simCalm    = time.Minute
)

// simResult is what one seed came to.
type simResult struct {
	profile  string
	terms    int
	doubles  int // moments with two leaders, where those are not excluded
	excused  int // and those at which one was of 2016 and late
	requests int
	faults   map[string]int
	err      error
}

// draw gives a process its durations.
func (w *world) draw() config.Timing {
	if w.chance(0.5) {
		return w.longer
	}
	return w.timing
}

// simulate runs one seed of one kind. The same seed gives the same run.
func simulate(kind simKind, seed uint64, trace *[]string) simResult {
	p := simProfiles[kind][seed%uint64(len(simProfiles[kind]))]
	if mistake == ttlIgnored && !p.beyond {
		p.timing = seconds(15, 12, 2)
	}
	w := newWorld(seed, p.timing)
	w.trace, w.spread, w.trouble, w.judge.beyond = trace, p.spread, 0.03, p.beyond
	w.logf("seed %d: %s", seed, p.name)
	w.spread = p.spread
	w.server.furnish(kind)
	if p.longer != (config.Timing{}) {
		w.longer = p.longer
	}
	if p.rivals > 0 {
		w.trouble = 0.01
	}
	err := w.live(p)
	result := simResult{profile: p.name, terms: w.judge.terms, doubles: w.judge.broken, excused: w.judge.excused, faults: w.faults, err: err}
	for _, n := range w.nodes {
		result.requests += n.asked
	}
	return result
}

// live is the whole of a run.
func (w *world) live(p simProfile) error {
	if w.chance(0.5) {
		_ = w.server.create()
		if w.chance(0.5) {
			w.server.edit("marked free", func(r *lock.Record) {
				r.Renewed = epoch
				r.Mark = lock.ReleaseMark("nobody", epoch)
			})
		}
	}
	if !w.server.kind.store() {
		w.after(0, w.control)
	}
	for i := range 2 + w.random.IntN(4) {
		name := strconv.Itoa(i)
		w.start("p"+name, "u"+name, w.newClock(), w.draw())
	}
	for range p.rivals {
		w.startRival("client-go", w.newClock())
	}
	for range p.elders {
		w.startElder(w.newClock())
	}
	if err := w.suffer(p); err != nil {
		return err
	}
	return w.recover()
}

// suffer is the time of faults.
func (w *world) suffer(p simProfile) error {
	var allowed []simFault
	for _, f := range slices.Concat(simFaults, kindFaults[w.server.kind]) {
		if p.allows(f) {
			allowed = append(allowed, f)
		}
	}
	if p.rewinds {
		allowed = append(allowed, restored)
	}
	if p.rivals > 0 {
		allowed = append(allowed, rivalFaults...)
	}
	if p.elders > 0 {
		allowed = append(allowed, elderFaults...)
	}
	mean := w.between(time.Second, 8*time.Second)
	for w.now < simTrouble {
		if err := w.run(w.now + time.Duration(w.random.ExpFloat64()*float64(mean))); err != nil {
			return err
		}
		w.strike(allowed)
		if err := w.judge.look(); err != nil {
			return err
		}
	}
	// What was paused goes on, what was being replaced is there.
	if err := w.run(w.now + longestPause + 15*time.Second); err != nil {
		return err
	}
	w.heal()
	return nil
}

// recover is the time of calm: somebody leads in the end, nobody else writes, and
// standbys ask nothing.
func (w *world) recover() error {
	for len(w.candidates()) < 2 {
		w.startAnywhere()
	}
	longest := w.timing.LeaseDuration
	for _, n := range w.candidates() {
		longest = max(longest, n.machine.wait())
	}
	if err := w.run(w.now + time.Duration(2.5*float64(longest)) + 20*time.Second); err != nil {
		return err
	}
	leader, neighbour := w.judge.leader(), w.neighbour()
	if leader == nil && neighbour == nil {
		return fmt.Errorf("nobody leads %s after the last fault", time.Duration(2.5*float64(longest))+20*time.Second)
	}
	w.logf("calm begins")
	before := map[*simNode]simNode{}
	for _, n := range w.nodes {
		before[n] = *n
	}
	if err := w.run(w.now + simCalm); err != nil {
		return err
	}
	if now := w.judge.leader(); now != leader || w.neighbour() != neighbour {
		return errors.New("the leader changed at rest")
	}
	for _, n := range w.nodes {
		asked, wrote := n.asked-before[n].asked, n.wrote-before[n].wrote
		if w.longer != w.timing || w.judge.beyond {
			// One that expects renewals sooner than they come reads, and no more.
			asked = 0
		}
		if most := n.renewals(simCalm); n == leader && n.asked-before[n].asked > most {
			return fmt.Errorf("%s, a leader at rest, sent %d requests, of at most %d", n.identity, n.asked-before[n].asked, most)
		}
		if w.server.kind.store() {
			asked = max(0, asked-n.polls(simCalm))
		}
		if n != leader && asked+wrote > 0 {
			return fmt.Errorf("%s, a standby at rest, sent %d requests, of which %d write", n.identity, asked, wrote)
		}
	}
	return nil
}

func (w *world) candidates() []*simNode {
	var all []*simNode
	for _, n := range w.nodes {
		if !n.gone && !n.leaving {
			all = append(all, n)
		}
	}
	return all
}

// neighbour is an elector of another kind that leads, or nil.
func (w *world) neighbour() any {
	for _, r := range w.rivals {
		if r.leading() {
			return r
		}
	}
	for _, e := range w.elders {
		if e.leading() {
			return e
		}
	}
	return nil
}

// explain runs a seed again and gives the end of its trace, and how to have all.
func explain(kind simKind, seed uint64, lines int) string {
	var trace []string
	result := simulate(kind, seed, &trace)
	return fmt.Sprintf("seed %d (%s): %v\n%s\nthe whole trace: go test ./sidecar/election -run TestSimulation -v -kind=%s -first-seed=%d -seeds=1 -whole-trace",
		seed, result.profile, result.err, strings.Join(trace[max(0, len(trace)-lines):], "\n"), kind, seed)
}
