package report_test

import (
	"slices"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/memory"
)

func TestRequests(t *testing.T) {
	// two clusters with a leader and a standby each.
	two := func(w *world) (here, there *cluster, a, a2, b *member) {
		here, there = w.newCluster(), w.newCluster()
		a = here.add("a", "1")
		w.mustLead(duration+moment, a)
		a2, b = here.add("a2", "2"), there.add("b", "3")
		w.pass(4 * period)
		return here, there, a, a2, b
	}
	ask := func(preferred string) func(*lock.Record) {
		return func(r *lock.Record) { r.StepDown, r.Preferred = r.Holder, preferred }
	}
	asksNothing := func(t *testing.T, l *memory.Lock) {
		t.Helper()
		if r := last(l); r.StepDown != "" || r.Preferred != "" {
			t.Errorf("the request stands on: %+v", r)
		}
	}
	inBubbles(t, map[string]func(t *testing.T, w *world){
		"a leader hands over when its report asks it to, once": func(t *testing.T, w *world) {
			here, _, a, a2, b := two(w)
			b.end()
			here.lease.Edit(ask(""))
			w.mustLead(moment, a2)
			here.reports(a2)
			asksNothing(t, here.lease)
			w.mustLead(time.Minute, a2)
			a2.end()
			w.mustLead(moment, a) // who stepped down stands again
			w.mustLead(time.Minute, a)
			here.reports(a)
		},
		"a preferred pod goes first, in whichever cluster": func(t *testing.T, w *world) {
			here, there, a, a2, b := two(w)
			c2 := there.add("c", "4")
			w.pass(moment)
			for _, step := range []struct {
				from *cluster
				to   *member
				at   *cluster
			}{{here, b, there}, {there, a2, here}, {here, c2, there}, {there, b, there}, {there, a, here}} {
				step.from.lease.Edit(ask(step.to.identity.Pod))
				w.mustLead(moment, step.to)
				step.at.reports(step.to)
				asksNothing(t, step.at.lease)
				asksNothing(t, w.lock)
				w.pass(3*period + moment)
				here.reports(step.to)
				there.reports(step.to)
				asksNothing(t, step.from.lease)
			}
		},
		"a preferred pod that does not come is waited for half a retry period": func(t *testing.T, w *world) {
			here, there, _, a2, b := two(w)
			a2.end()
			here.lease.Edit(ask("z"))
			w.mustLead(period/2-moment, nil)
			if r := last(here.lease); r.Preferred != "z" || r.StepDown != "" || !r.Released() {
				t.Errorf("the release is reported as %+v", r)
			}
			w.mustLead(2*moment, b)
			there.reports(b)
		},
		"who is preferred is told to the lock before the leader is asked, and taken back": func(t *testing.T, w *world) {
			here, _, a, _, _ := two(w)
			for _, want := range []string{"b", ""} {
				here.lease.Edit(func(r *lock.Record) { r.Preferred = want })
				w.mustLead(period+moment, a)
				if r := last(w.lock); r.Preferred != want {
					t.Errorf("%q is preferred in the lock, want %q", r.Preferred, want)
				}
				if r := last(here.lease); r.Preferred != want {
					t.Errorf("%q is preferred in the report, want %q", r.Preferred, want)
				}
			}
		},
		"who is preferred is not forgotten over a renewal that was on its way": func(t *testing.T, w *world) {
			here, _, a, _, _ := two(w)
			a.store.Trouble(func() memory.Fate { return memory.Fate{Before: period / 4, After: period / 4} })
			for _, want := range []string{"a2", "b", "c", "d", "e", "f", "g"} {
				w.pass(period / 7)
				here.lease.Edit(func(r *lock.Record) { r.Preferred = want })
				w.mustLead(2*period, a)
				if held, shown := last(w.lock), last(here.lease); held.Preferred != want || shown.Preferred != want {
					t.Errorf("%q is preferred in the lock, and %q in the report, want %q", held.Preferred, shown.Preferred, want)
				}
			}
		},
		"a request waits for a renewal that is on its way": func(_ *testing.T, w *world) {
			here, _, a, _, b := two(w)
			a.server.Trouble(func() memory.Fate { return memory.Fate{Before: time.Second} })
			for range 20 {
				here.lease.Edit(ask("b"))
				w.pass(50 * time.Millisecond)
			}
			w.mustLead(2*period, b)
		},
		"a request that names another is not this one's": func(_ *testing.T, w *world) {
			here, there, a, _, _ := two(w)
			there.lease.Edit(ask("b")) // the leader is not there
			here.lease.Edit(func(r *lock.Record) { r.StepDown = "a_1_another-start" })
			w.mustLead(time.Minute, a)
		},
		"a request to an earlier term ends with it": func(t *testing.T, w *world) {
			c := w.newCluster()
			a := c.add("a", "1")
			w.mustLead(duration+moment, a)
			c.reports(a)
			a.server.Cut(true)
			a.StepDown(t.Context()) // nobody follows, and the release is not reported
			w.mustLead(moment, nil)
			c.lease.Edit(ask(""))
			a.server.Cut(false)
			w.mustLead(2*duration, a)
			w.mustLead(time.Minute, a)
			asksNothing(t, c.lease)
		},
		"what was asked of the process before is asked of the one that follows in its pod": func(t *testing.T, w *world) {
			here, _, a, a2, _ := two(w)
			a.crash()
			here.lease.Edit(ask("a2"))
			again := here.add("a", "1")
			w.mustLead(moment, a2)
			h := w.lock.History()
			if !slices.ContainsFunc(h, func(s lock.Snapshot) bool { return s.Record.Holder == again.identity.String() }) {
				t.Error("it never led")
			}
			here.reports(a2)
			asksNothing(t, here.lease)
		},
	})
}
