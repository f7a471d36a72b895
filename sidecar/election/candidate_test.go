package election_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/election"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/memory"
)

// clock is a bubble's virtual time.
type clock struct{ start time.Time }

func (c clock) Now() election.Instant { return time.Since(c.start) }

// fleet is some candidates for one lock in one bubble.
type fleet struct {
	t    *testing.T
	lock *memory.Lock
	all  []*member
}

type member struct {
	*election.Candidate
	name string
	line *memory.Line
	stop context.CancelFunc
	done chan struct{}
	// crash makes the end of the candidate one that releases nothing.
	crash bool
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{t: t, lock: memory.New()}
	t.Cleanup(func() {
		for _, m := range f.all {
			m.stop()
			<-m.done
			m.line.Wait()
		}
	})
	return f
}

func (f *fleet) add(pod, uid string) *member {
	ctx, stop := context.WithCancel(context.Background())
	m := &member{line: memory.NewLine(f.lock), stop: stop, done: make(chan struct{}), name: pod}
	m.Candidate = election.New(m.line, election.Options{
		Identity: lock.Identity{Pod: pod, UID: uid, Start: strconv.Itoa(len(f.all))},
		Timing:   config.DefaultTiming(),
		Release:  func() bool { return !m.crash },
		Clock:    clock{start: time.Now()},
		Random:   rand.New(rand.NewPCG(1, uint64(len(f.all)))).Float64,
		Logger:   slog.New(slog.DiscardHandler),
	})
	f.all = append(f.all, m)
	go func() {
		defer close(m.done)
		m.Run(ctx)
	}()
	return m
}

// after lets virtual time pass, and then gives the one that leads, or nil.
func (f *fleet) after(d time.Duration) *member {
	f.t.Helper()
	var leader *member
	for step := min(d, 100*time.Millisecond); d >= 0; d -= step {
		time.Sleep(step)
		synctest.Wait()
		leader = nil
		for _, m := range f.all {
			if s, _ := m.Status(); s.IsLeader {
				if leader != nil {
					f.t.Fatalf("%s and %s lead at the same time", leader.name, m.name)
				}
				leader = m
			}
		}
		if d == 0 {
			break
		}
	}
	return leader
}

func (f *fleet) mustLead(d time.Duration, want *member) {
	f.t.Helper()
	got := f.after(d)
	switch {
	case got == want:
	case got == nil:
		f.t.Fatalf("after %s nobody leads, want %s", d, want.name)
	case want == nil:
		f.t.Fatalf("after %s %s leads, want nobody", d, got.name)
	default:
		f.t.Fatalf("after %s %s leads, want %s", d, got.name, want.name)
	}
}

func (m *member) end() {
	m.stop()
	<-m.done
}

func token(m *member) int64 {
	s, _ := m.Status()
	return s.Token
}

const (
	duration = 15 * time.Second
	moment   = 200 * time.Millisecond
)

func TestElection(t *testing.T) {
	tests := map[string]func(t *testing.T, f *fleet){
		"a lock made anew is led only after a full lease duration": func(_ *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration-moment, nil)
			f.mustLead(2*moment, a)
		},
		"a leader goes on leading and its token stays": func(t *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			before := token(a)
			f.mustLead(time.Hour, a)
			if after := token(a); after != before {
				t.Errorf("token changed from %d to %d within a term", before, after)
			}
		},
		"a released lock is taken at once, with a larger token": func(t *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			b := f.add("b", "2")
			f.mustLead(moment, a)
			before := token(a)
			a.end()
			f.mustLead(0, b)
			if token(b) <= before {
				t.Errorf("token %d follows %d", token(b), before)
			}
		},
		"a crashed leader's lock is taken one lease duration after its last renewal": func(_ *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			b := f.add("b", "2")
			f.mustLead(moment, a)
			a.crash = true
			a.end()
			f.mustLead(duration-3*time.Second, nil)
			f.mustLead(3*time.Second+moment, b)
		},
		"a leader that is cut off stops before another begins": func(_ *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			b := f.add("b", "2")
			f.mustLead(moment, a)
			a.line.Cut(true)
			f.mustLead(10*time.Second+moment, nil)
			f.mustLead(5*time.Second, b)
			a.line.Cut(false)
			f.mustLead(time.Minute, b)
		},
		"an outage shorter than the validity changes nothing": func(t *testing.T, f *fleet) {
			a := f.add("a", "1")
			b := f.add("b", "2")
			leader := f.after(duration + moment)
			before := token(leader)
			a.line.Cut(true)
			b.line.Cut(true)
			f.mustLead(5*time.Second, leader)
			a.line.Cut(false)
			b.line.Cut(false)
			f.mustLead(time.Minute, leader)
			if token(leader) != before {
				t.Error("the term changed")
			}
		},
		"a request that never comes back costs no lead": func(_ *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			f.add("b", "2")
			f.mustLead(moment, a)
			lost := 0
			a.line.Trouble(func() memory.Fate {
				lost++
				if lost == 1 {
					return memory.Fate{Before: time.Hour}
				}
				return memory.Fate{}
			})
			f.mustLead(time.Minute, a)
		},
		"after an outage longer than the validity the same leader leads again, in a new term": func(t *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			b := f.add("b", "2")
			f.mustLead(moment, a)
			before := token(a)
			a.line.Cut(true)
			b.line.Cut(true)
			f.mustLead(11*time.Second, nil)
			a.line.Cut(false)
			b.line.Cut(false)
			f.mustLead(3*time.Second, a)
			if token(a) <= before {
				t.Errorf("token %d follows %d", token(a), before)
			}
		},
		"a process restarted in the same pod takes its own lock back at once": func(t *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			f.add("b", "2")
			f.mustLead(moment, a)
			before := token(a)
			a.crash = true
			a.end()
			again := f.add("a", "1")
			f.mustLead(0, again)
			if token(again) <= before {
				t.Errorf("token %d follows %d", token(again), before)
			}
		},
		"a pod of the same name but another UID waits": func(_ *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			a.crash = true
			a.end()
			again := f.add("a", "2")
			f.mustLead(duration-moment, nil)
			f.mustLead(2*moment, again)
		},
		"a deleted lock is made again by its living leader, without a gap": func(t *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			f.add("b", "2")
			f.mustLead(moment, a)
			before, _ := a.Status()
			f.lock.Delete()
			f.mustLead(0, a)
			f.mustLead(time.Minute, a)
			if after, _ := a.Status(); after.Token != before.Token || !after.Since.Equal(before.Since) {
				t.Errorf("the term changed from %+v to %+v", before, after)
			}
		},
		"a deleted lock of a dead leader is respected for a lease duration": func(_ *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			b := f.add("b", "2")
			f.mustLead(moment, a)
			a.crash = true
			a.end()
			f.lock.Delete()
			f.mustLead(duration-moment, nil)
			f.mustLead(2*moment, b)
		},
		"a lock cleared by hand stays with its living leader": func(_ *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			f.add("b", "2")
			f.mustLead(moment, a)
			f.lock.Edit(func(r *lock.Record) { r.Holder = "" })
			f.mustLead(0, a)
			f.mustLead(time.Minute, a)
		},
		"a lock cleared by hand under a dead leader is respected for its duration": func(_ *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			b := f.add("b", "2")
			f.mustLead(moment, a)
			a.crash = true
			a.end()
			f.lock.Edit(func(r *lock.Record) { r.Holder, r.Duration = "", time.Second })
			f.mustLead(duration-moment, nil)
			f.mustLead(2*moment, b)
		},
		"a leader whose lock names another by hand stops at once": func(_ *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			f.lock.Edit(func(r *lock.Record) { r.Holder = "somebody" })
			f.mustLead(0, nil)
			f.mustLead(duration, nil)
			f.mustLead(time.Second+moment, a)
		},
		"a candidate named by hand waits like everybody else": func(_ *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			b := f.add("b", "2")
			f.mustLead(moment, a)
			f.lock.Edit(func(r *lock.Record) { r.Holder = lock.Identity{Pod: "b", UID: "2", Start: "1"}.String() })
			f.mustLead(0, nil)
			f.mustLead(duration, nil)
			if leader := f.after(time.Second + moment); leader != a && leader != b {
				f.t.Fatal("nobody leads in the end")
			}
		},
		"a foreign holder's release is taken at once": func(_ *testing.T, f *fleet) {
			if err := f.lock.Create(f.t.Context()); err != nil {
				f.t.Fatal(err)
			}
			f.lock.Edit(func(r *lock.Record) { r.Holder, r.Duration = "client-go", duration })
			a := f.add("a", "1")
			for range 20 {
				f.mustLead(time.Second, nil)
				f.lock.Edit(func(r *lock.Record) { r.Renewed = time.Now() })
			}
			f.lock.Edit(func(r *lock.Record) { r.Holder, r.Duration = "", time.Second })
			f.mustLead(0, a)
		},
		"what looks like a stranger's release is not trusted while one of ours may be valid": func(_ *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			b := f.add("b", "2")
			f.mustLead(moment, a)
			a.crash = true
			a.end()
			f.lock.Edit(func(r *lock.Record) { r.Holder = "client-go" })
			f.mustLead(moment, nil)
			f.lock.Edit(func(r *lock.Record) { r.Holder, r.Duration = "", time.Second })
			f.mustLead(duration-moment, nil)
			f.mustLead(time.Second+2*moment, b)
		},
		"a longer duration in the record is respected": func(_ *testing.T, f *fleet) {
			if err := f.lock.Create(f.t.Context()); err != nil {
				f.t.Fatal(err)
			}
			f.lock.Edit(func(r *lock.Record) { r.Holder, r.Duration = "client-go", time.Minute })
			a := f.add("a", "1")
			f.mustLead(time.Minute, nil)
			f.mustLead(time.Second+moment, a)
		},
		"a candidate that is cut off asks less and less": func(t *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			b := f.add("b", "2")
			f.mustLead(time.Minute, a)
			a.line.Cut(true)
			b.line.Cut(true)
			before := b.line.Asked()
			f.mustLead(time.Minute, nil)
			// Once every retry period, with a few more at the beginning and the spread.
			if asked := b.line.Asked() - before; asked > 75 {
				t.Errorf("it asked %d times in a minute", asked)
			}
		},
		"a leader that steps down is followed at once, and stands again later": func(t *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			b := f.add("b", "2")
			f.mustLead(moment, a)
			before := token(a)
			a.StepDown(t.Context())
			if s, _ := a.Status(); s.IsLeader {
				t.Error("it leads after it has stepped down")
			}
			f.mustLead(0, b)
			if token(b) <= before {
				t.Errorf("token %d follows %d", token(b), before)
			}
			f.mustLead(time.Minute, b)
			b.end()
			f.mustLead(0, a)
		},
		"a leader that steps down with nobody to follow leads again a lease duration later": func(t *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			a.StepDown(t.Context())
			f.mustLead(duration-moment, nil)
			f.mustLead(2*moment, a)
		},
		"a standby that is told to step down goes on standing": func(t *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			b := f.add("b", "2")
			f.mustLead(moment, a)
			b.StepDown(t.Context())
			a.end()
			f.mustLead(0, b)
		},
		"a leader that the lock asks to step down does so, once": func(t *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			b := f.add("b", "2")
			f.mustLead(moment, a)
			f.lock.Edit(func(r *lock.Record) { r.StepDown = r.Holder })
			f.mustLead(0, b)
			f.mustLead(time.Minute, b)
			h := f.lock.History()
			if r := h[len(h)-1].Record; r.StepDown != "" {
				t.Errorf("the request stands on: %+v", r)
			}
		},
		"a request to step down that names another changes nothing": func(_ *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			f.add("b", "2")
			f.mustLead(moment, a)
			f.lock.Edit(func(r *lock.Record) { r.StepDown = "a_1_another-start" })
			f.mustLead(time.Minute, a)
		},
		"a preferred pod goes first, and is preferred once": func(t *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			all := map[string]*member{"b": f.add("b", "2"), "c": f.add("c", "3"), "d": f.add("d", "4")}
			f.mustLead(moment, a)
			for _, want := range []string{"d", "b", "c"} {
				f.lock.Edit(func(r *lock.Record) { r.StepDown, r.Preferred = r.Holder, want })
				f.mustLead(moment, all[want])
				h := f.lock.History()
				if r := h[len(h)-1].Record; r.Preferred != "" {
					t.Errorf("%q stays preferred", r.Preferred)
				}
			}
		},
		"a preferred pod that does not come is waited for half a retry period": func(_ *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			b := f.add("b", "2")
			f.mustLead(moment, a)
			f.lock.Edit(func(r *lock.Record) { r.StepDown, r.Preferred = r.Holder, "z" })
			f.mustLead(time.Second-moment, nil)
			f.mustLead(2*moment, b)
		},
		"a leader that steps down can say who goes first": func(t *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			all := map[string]*member{"a": a, "b": f.add("b", "2"), "c": f.add("c", "3"), "d": f.add("d", "4")}
			f.mustLead(moment, a)
			leads := a
			for _, want := range []string{"d", "b", "c"} {
				leads.Prefer(want)
				leads.StepDown(t.Context())
				f.mustLead(moment, all[want])
				h := f.lock.History()
				if r := h[len(h)-1].Record; r.Preferred != "" {
					t.Errorf("%q stays preferred", r.Preferred)
				}
				leads = all[want]
			}
		},
		"who is preferred stands in the lock before the term ends, and can be taken back": func(t *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			b := f.add("b", "2")
			f.mustLead(moment, a)
			b.Prefer("b") // a standby is not heard
			for _, want := range []string{"z", ""} {
				a.Prefer(want)
				f.mustLead(2*time.Second, a)
				h := f.lock.History()
				if r := h[len(h)-1].Record; r.Preferred != want {
					t.Errorf("%q is preferred, want %q", r.Preferred, want)
				}
			}
			a.Prefer("z")
			a.StepDown(t.Context())
			f.mustLead(moment, nil)
			f.mustLead(time.Second, b)
			b.StepDown(t.Context())
			f.mustLead(moment, a) // nobody is preferred any more
		},
		"what is known tells of every version, also of a release that changes no status": func(t *testing.T, f *fleet) {
			a := f.add("a", "1")
			if s, _ := a.Known(); s.Version != "" {
				t.Errorf("before anything was read, %+v is known", s)
			}
			f.mustLead(duration+moment, a)
			known, changed := a.Known()
			if known.Record.Holder == "" || known.Version != f.lock.History()[len(f.lock.History())-1].Version {
				t.Errorf("%+v is known", known)
			}
			a.StepDown(t.Context())
			_, told := a.Status()
			f.mustLead(0, nil)
			select {
			case <-changed:
			default:
				t.Error("the release is not told")
			}
			select {
			case <-told:
				t.Error("the release is a change of status")
			default:
			}
			if known, _ := a.Known(); !known.Record.Released() {
				t.Errorf("%+v is known", known)
			}
		},
		"of a hundred candidates few write in vain when the leader has crashed": func(t *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			for i := range 99 {
				f.add("b"+strconv.Itoa(i), strconv.Itoa(100+i)).line.Trouble(func() memory.Fate {
					return memory.Fate{Before: 3 * time.Millisecond, After: 3 * time.Millisecond}
				})
			}
			f.mustLead(moment, a)
			a.crash = true
			a.end()
			if f.after(duration+moment) == nil {
				t.Fatal("nobody leads")
			}
			if vain := f.lock.Conflicts(); vain > 6 {
				t.Errorf("%d wrote in vain", vain)
			}
		},
		"standbys at rest ask nothing": func(t *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			b := f.add("b", "2")
			f.mustLead(time.Minute, a)
			before := b.line.Asked()
			f.mustLead(time.Hour, a)
			if asked := b.line.Asked() - before; asked > 0 {
				t.Errorf("it asked %d times in an hour", asked)
			}
		},
		"standbys at rest write nothing": func(t *testing.T, f *fleet) {
			a := f.add("a", "1")
			f.mustLead(duration+moment, a)
			f.add("b", "2")
			f.add("c", "3")
			f.mustLead(time.Hour, a)
			for _, s := range f.lock.History() {
				if id, ok := lock.ParseIdentity(s.Record.Holder); ok && id.Pod != "a" {
					t.Fatalf("%s wrote while a led", id)
				}
			}
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t)
				test(t, f)
			})
		})
	}
}
