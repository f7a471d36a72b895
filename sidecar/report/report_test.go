package report_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/election"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/memory"
	"github.com/leaseholder-dev/leaseholder/sidecar/report"
)

const address = "gs://shop-locks/orders"

// The defaults, and what a report may take beside.
const (
	duration = 15 * time.Second
	period   = 2 * time.Second
	moment   = 200 * time.Millisecond
)

// clock is a bubble's virtual time.
type clock struct{ start time.Time }

func (c clock) Now() election.Instant { return time.Since(c.start) }

// world is one lock and some clusters in one bubble.
type world struct {
	t    *testing.T
	lock *memory.Lock
	all  []*member
}

// cluster is one with a Lease of the election.
type cluster struct {
	*world
	lease *memory.Lock
}

// member is one pod's process.
type member struct {
	*election.Candidate
	store, server  *memory.Line
	identity       lock.Identity
	stop, report   context.CancelFunc
	ended, silent  chan struct{}
	leavesItsLease bool
	log            *strings.Builder
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, lock: memory.New()}
	t.Cleanup(func() {
		for _, m := range w.all {
			m.end()
			m.store.Wait()
			m.server.Wait()
		}
	})
	return w
}

// newCluster is one whose controller has made the Lease.
func (w *world) newCluster() *cluster {
	c := &cluster{world: w, lease: memory.New()}
	if err := c.lease.Create(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (c *cluster) add(pod, uid string) *member {
	return c.addThrough(pod, uid, func(l lock.Lock) lock.Lock { return l })
}

// addThrough is add with something between the reporter and the Lease.
func (c *cluster) addThrough(pod, uid string, through func(lock.Lock) lock.Lock) *member {
	number := uint64(len(c.all))
	m := &member{
		store: memory.NewLine(c.lock), server: memory.NewLine(c.lease),
		identity: lock.Identity{Pod: pod, UID: uid, Start: strconv.FormatUint(number, 36)},
		ended:    make(chan struct{}), silent: make(chan struct{}),
		log: new(strings.Builder),
	}
	m.Candidate = election.New(m.store, election.Options{
		Identity: m.identity,
		Timing:   config.DefaultTiming(),
		Release:  func() bool { return !m.leavesItsLease },
		Clock:    clock{start: time.Now()},
		Random:   rand.New(rand.NewPCG(1, number)).Float64,
		Logger:   slog.New(slog.DiscardHandler),
	})
	at, _ := config.ParseLock(address)
	reporter := report.New(through(m.server), m.Candidate, report.Options{
		Lock:     at,
		Identity: m.identity,
		Timing:   config.DefaultTiming(),
		Random:   rand.New(rand.NewPCG(2, number)).Float64,
		Logger:   slog.New(slog.NewTextHandler(m.log, nil)),
	})
	c.all = append(c.all, m)
	var running, reporting context.Context
	running, m.stop = context.WithCancel(context.Background())
	reporting, m.report = context.WithCancel(context.Background())
	go func() { defer close(m.ended); m.Run(running) }()
	go func() { defer close(m.silent); reporter.Run(reporting) }()
	return m
}

// end ends the process in order.
func (m *member) end() {
	m.stop()
	<-m.ended
	m.report()
	<-m.silent
}

// crash ends it as a killed process does: it releases and reports nothing.
func (m *member) crash() {
	m.leavesItsLease = true
	m.server.Cut(true)
	m.end()
}

func (*world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// leader is who leads after a time, or nil.
func (w *world) leader(after time.Duration) *member {
	w.pass(after)
	for _, m := range w.all {
		if s, _ := m.Status(); s.IsLeader {
			return m
		}
	}
	return nil
}

func (w *world) mustLead(after time.Duration, want *member) {
	w.t.Helper()
	if got := w.leader(after); got != want {
		w.t.Fatalf("after %s %s leads, want %s", after, got, want)
	}
}

func (m *member) String() string {
	if m == nil {
		return "nobody"
	}
	return m.identity.Pod
}

func last(l *memory.Lock) lock.Record {
	h := l.History()
	return h[len(h)-1].Record
}

// reports says that the cluster's report says what the lock does.
func (c *cluster) reports(holder *member) lock.Record {
	c.t.Helper()
	shown, held := last(c.lease), last(c.lock)
	want := ""
	if holder != nil {
		want = holder.identity.String()
	}
	if shown.Reports != address || shown.Holder != want || held.Holder != want || shown.Token != held.Token || shown.Stamp != held.Stamp {
		c.t.Errorf("the lease reads %+v\nthe lock %+v\nwant the holder %q", shown, held, want)
	}
	return shown
}

func (c *cluster) written() int { return len(c.lease.History()) }

// inBubbles runs tests in virtual time.
func inBubbles(t *testing.T, tests map[string]func(t *testing.T, w *world)) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				test(t, w)
			})
		})
	}
}

func TestReports(t *testing.T) {
	inBubbles(t, map[string]func(t *testing.T, w *world){
		"a leader reports its term, each renewal and its release": func(t *testing.T, w *world) {
			c := w.newCluster()
			a := c.add("a", "1")
			w.mustLead(duration+moment, a)
			first := c.reports(a)
			before := c.written()
			w.pass(time.Minute)
			renewed := c.reports(a)
			if !renewed.Renewed.After(first.Renewed.Add(time.Minute-2*period)) || renewed.Duration != duration {
				t.Errorf("after a minute the first report\n%+v has become\n%+v", first, renewed)
			}
			if n := c.written() - before; n != 30 {
				t.Errorf("it was written %d times in a minute", n)
			}
			a.end()
			if r := c.reports(nil); r.ReleasedBy() != a.identity.String() {
				t.Errorf("its release is reported as %+v", r)
			}
		},
		"a release is reported also when a renewal was on its way": func(_ *testing.T, w *world) {
			c := w.newCluster()
			a := c.add("a", "1")
			w.mustLead(duration+moment, a)
			a.server.Trouble(func() memory.Fate { return memory.Fate{Before: moment} })
			for before := a.server.Asked(); a.server.Asked() == before; {
				w.pass(moment / 10)
			}
			a.end()
			c.reports(nil)
		},
		"a cluster's few standbys report a leader in another, and rest": func(t *testing.T, w *world) {
			here, there := w.newCluster(), w.newCluster()
			a := here.add("a", "1")
			w.mustLead(duration+moment, a)
			standbys := []*member{}
			for i := range 50 {
				b := there.add("b"+strconv.Itoa(i), strconv.Itoa(100+i))
				b.server.Trouble(func() memory.Fate { return memory.Fate{Before: 3 * time.Millisecond, After: 3 * time.Millisecond} })
				standbys = append(standbys, b)
			}
			w.pass(period / 2)
			if n := there.written(); n != 1 {
				t.Errorf("after half a retry period it was written %d times", n-1)
			}
			w.pass(3 * period)
			there.reports(a)
			if n, vain := there.written(), there.lease.Conflicts(); n != 2 || vain > 3 {
				t.Errorf("it was written %d times, and %d times in vain", n-1, vain)
			}
			asked := 0
			for _, b := range standbys {
				asked -= b.server.Asked()
			}
			w.pass(time.Hour)
			for _, b := range standbys {
				asked += b.server.Asked()
			}
			if n := there.written(); n != 2 || asked != 0 {
				t.Errorf("after an hour it was written %d times; %d requests", n-1, asked)
			}
		},
		"a standby of the leader's cluster leaves the report to the leader": func(t *testing.T, w *world) {
			c := w.newCluster()
			a := c.add("a", "1")
			w.mustLead(duration+moment, a)
			b := c.add("b", "2")
			w.pass(time.Hour)
			if asked := b.server.Asked(); asked != 2 {
				t.Errorf("it asked %d times, want a read and a watch", asked)
			}
		},
		"a killed leader's report is corrected when the lock moves": func(_ *testing.T, w *world) {
			here, there := w.newCluster(), w.newCluster()
			a := here.add("a", "1")
			w.mustLead(duration+moment, a)
			here.add("a2", "2")
			w.pass(moment)
			b := there.add("b", "3")
			w.pass(moment)
			// The pod of a's cluster can't take the lock, but sees it move.
			here.all[1].store.Trouble(slowly())
			a.crash()
			w.mustLead(duration+time.Second, b)
			there.reports(b)
			w.pass(3*period + moment)
			here.reports(b)
		},
		"a leader that can't reach the lock reports that it leads no more": func(t *testing.T, w *world) {
			here, there := w.newCluster(), w.newCluster()
			a := here.add("a", "1")
			w.mustLead(duration+moment, a)
			b := there.add("b", "3")
			w.pass(moment)
			a.store.Cut(true)
			w.mustLead(config.DefaultTiming().RenewDeadline+moment, nil)
			shown, held := last(here.lease), last(here.lock)
			if shown.Holder != "" || shown.ReleasedBy() != a.identity.String() || held.Holder != a.identity.String() {
				t.Errorf("the lease reads %+v\nthe lock %+v", shown, held)
			}
			w.mustLead(duration, b)
			a.store.Cut(false)
			w.pass(4*period + moment)
			here.reports(b)
		},
		"a leader that can't reach the lock leaves its successor's report alone": func(t *testing.T, w *world) {
			c := w.newCluster()
			a := c.add("a", "1")
			w.mustLead(duration+moment, a)
			b := c.add("b", "2")
			w.pass(moment)
			for _, m := range w.all {
				m.server.Trouble(func() memory.Fate { return memory.Fate{Before: 5 * time.Millisecond} })
			}
			a.store.Cut(true)
			w.mustLead(duration+2*period, b)
			before, first := c.written(), last(c.lock).Token
			w.pass(time.Minute)
			c.reports(b)
			if n := c.written() - before; n > 31 {
				t.Errorf("the report was written %d times in a minute", n)
			}
			for _, s := range c.lease.History()[before:] {
				if s.Record.Holder != b.identity.String() || s.Record.Token != first {
					t.Fatalf("after the new leader's, the lease read %+v", s.Record)
				}
			}
			a.store.Cut(false)
			w.pass(duration)
			c.reports(b)
		},
		"a lapse stays reported, although the last renewal had come to pass": func(t *testing.T, w *world) {
			c := w.newCluster()
			a := c.add("a", "1")
			w.mustLead(duration+moment, a)
			b := c.add("b", "2")
			w.pass(moment)
			a.store.Trouble(func() memory.Fate { return memory.Fate{Lost: true} })
			var lapsed bool
			for range 2 * duration / moment {
				w.pass(moment)
				s, _ := a.Status()
				shown := last(c.lease).Holder == a.identity.String()
				if lapsed && shown {
					t.Fatal("the report names it again")
				}
				lapsed = lapsed || !s.IsLeader && !shown
			}
			if !lapsed {
				t.Error("the lapse was not reported")
			}
			c.reports(b)
		},
		"a restarted process reports its own term over its predecessor's": func(t *testing.T, w *world) {
			c := w.newCluster()
			a := c.add("a", "1")
			w.mustLead(duration+moment, a)
			before := c.reports(a)
			a.crash()
			again := c.add("a", "1")
			w.mustLead(moment, again)
			if r := c.reports(again); r.Token <= before.Token {
				t.Errorf("token %d follows %d", r.Token, before.Token)
			}
		},
		"a foreign holder is reported as such": func(t *testing.T, w *world) {
			c := w.newCluster()
			a := c.add("a", "1")
			w.mustLead(duration+moment, a)
			w.lock.Edit(func(r *lock.Record) { r.Holder, r.Renewed, r.Duration = "old-elector", r.Renewed.Add(time.Second), 0 })
			w.mustLead(3*period, nil)
			if r := last(c.lease); r.Holder != "old-elector" || r.Stamped() || r.Duration != time.Second {
				t.Errorf("the lease reads %+v", r)
			}
		},
		"a missing lease is made by a leader that may, and a deleted one anew": func(_ *testing.T, w *world) {
			c := w.newCluster()
			c.lease.Delete()
			b := c.add("b", "2")
			a := b
			w.mustLead(duration+moment, a)
			for range 2 {
				c.reports(a)
				c.lease.Delete()
				w.pass(moment)
			}
		},
	})
}

// slowly lets requests come too late for a race.
func slowly() func() memory.Fate {
	return func() memory.Fate { return memory.Fate{Before: 500 * time.Millisecond} }
}
