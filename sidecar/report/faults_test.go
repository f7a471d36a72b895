package report_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/memory"
)

func TestWhatIsWrongWithTheLease(t *testing.T) {
	inBubbles(t, map[string]func(t *testing.T, w *world){
		"without the API server the election goes on, and the report catches up": func(t *testing.T, w *world) {
			c := w.newCluster()
			a := c.add("a", "1")
			w.mustLead(duration+moment, a)
			b := c.add("b", "2")
			w.pass(moment)
			for _, m := range w.all {
				m.server.Cut(true)
			}
			before := a.server.Asked()
			w.mustLead(time.Hour, a)
			if asked := a.server.Asked() - before; asked > 4*60*2 {
				t.Errorf("it asked %d times in an hour", asked)
			}
			if said := strings.Count(a.log.String(), "level=WARN"); said == 0 || said > 20 {
				t.Errorf("it complained %d times:\n%s", said, a.log)
			}
			a.StepDown(t.Context())
			w.mustLead(moment, b)
			if r := last(c.lease); r.Holder != a.identity.String() {
				t.Errorf("the lease reads %+v", r)
			}
			for _, m := range w.all {
				m.server.Cut(false)
			}
			w.pass(duration)
			c.reports(b)
			before = strings.Count(a.log.String(), "level=WARN")
			a.server.Cut(true)
			w.pass(period)
			if strings.Count(a.log.String(), "level=WARN") == before {
				t.Error("it does not complain again")
			}
		},
		"answers that are lost or late change nothing but the time": func(t *testing.T, w *world) {
			c := w.newCluster()
			a := c.add("a", "1")
			b := c.add("b", "2")
			for i, fate := range []memory.Fate{{Lost: true}, {Before: 3 * time.Second}, {After: 3 * time.Second}} {
				for _, m := range []*member{a, b} {
					m.server.Trouble(func() memory.Fate { return fate })
				}
				leads := w.leader(2 * duration)
				if leads == nil {
					t.Fatal("nobody leads")
				}
				leads.StepDown(t.Context())
				w.pass(duration)
				for _, m := range []*member{a, b} {
					m.server.Trouble(func() memory.Fate { return memory.Fate{} })
				}
				before := c.written()
				c.reports(w.leader(2 * duration))
				if n := c.written() - before; i > 0 && n > 20 {
					t.Errorf("it was written %d times in half a minute", n)
				}
			}
		},
		"without rights it is asked for less and less": func(t *testing.T, w *world) {
			c := w.newCluster()
			a := c.add("a", "1")
			a.server.Trouble(func() memory.Fate { return memory.Fate{Refused: lock.ErrForbidden} })
			w.mustLead(time.Hour, a)
			if asked := a.server.Asked(); asked > 4*60*2 {
				t.Errorf("it asked %d times in an hour", asked)
			}
			if r := last(c.lease); r != (lock.Record{}) {
				t.Errorf("the lease reads %+v", r)
			}
			a.server.Trouble(func() memory.Fate { return memory.Fate{} })
			w.mustLead(duration, a)
			c.reports(a)
		},
		"a lease held as a lock is left alone until it is silent for long": func(t *testing.T, w *world) {
			c := w.newCluster()
			renew := func(r *lock.Record) {
				r.Holder, r.Stamp, r.Token, r.Duration, r.Renewed = "old_9_x", "old_9_x", 99, duration, time.Now()
			}
			a := c.add("a", "1")
			for range 60 {
				c.lease.Edit(renew)
				w.pass(period)
			}
			w.mustLead(0, a)
			c.lease.Edit(func(r *lock.Record) { r.Holder, r.Mark = "", lock.ReleaseMark("old_9_x", r.Renewed) })
			w.pass(2*duration - moment)
			if r := last(c.lease); r.Reports != "" {
				t.Errorf("it was overwritten: %+v", r)
			}
			w.pass(2 * moment)
			c.reports(a)
			if said := strings.Count(a.log.String(), "held as a lock"); said != 2 {
				t.Errorf("it was told %d times, want once for the holder and once for none:\n%s", said, a.log)
			}
		},
		"the report of another lock is left alone as long as it is renewed": func(t *testing.T, w *world) {
			c := w.newCluster()
			a := c.add("a", "1")
			for range 60 {
				c.lease.Edit(func(r *lock.Record) {
					r.Holder, r.Token, r.Reports, r.Renewed = "other_9_x", 1<<50, "s3://x/y", time.Now()
				})
				w.pass(period)
			}
			w.mustLead(0, a)
			if r := last(c.lease); r.Reports != "s3://x/y" {
				t.Errorf("it was overwritten: %+v", r)
			}
			w.pass(2 * duration)
			c.reports(a)
		},
		"a forged report is corrected by the leader at once, and elsewhere after a lease duration": func(t *testing.T, w *world) {
			here, there := w.newCluster(), w.newCluster()
			a := here.add("a", "1")
			w.mustLead(duration+moment, a)
			there.add("b", "2")
			w.pass(4 * period)
			for _, c := range []*cluster{here, there} {
				c.lease.Edit(func(r *lock.Record) { r.Holder, r.Stamp, r.Token = "thief_9_x", "thief_9_x", 1<<60 })
			}
			w.pass(moment)
			here.reports(a)
			w.pass(duration - moment)
			if r := last(there.lease); r.Token != 1<<60 {
				t.Errorf("a standby went back to an earlier term: %+v", r)
			}
			w.pass(4 * period)
			there.reports(a)
		},
		"what is long past replaces nothing": func(t *testing.T, w *world) {
			here, there := w.newCluster(), w.newCluster()
			a := here.add("a", "1")
			w.mustLead(duration+moment, a)
			old, b := there.add("old", "2"), there.add("b", "3")
			w.pass(4 * period)
			old.store.Cut(true) // it knows nothing of what follows
			a.StepDown(t.Context())
			w.mustLead(moment, b)
			b.server.Cut(true)
			w.pass(time.Minute)
			r := last(there.lease)
			if r.Holder != b.identity.String() {
				t.Errorf("the lease reads %+v", r)
			}
			// Nobody can write it now but the one that knows no better.
			before := there.written()
			w.pass(time.Hour)
			if n := there.written() - before; n > 0 {
				t.Errorf("it was written %d times: %+v", n, last(there.lease))
			}
		},
		"who has not heard of a release does not undo its report": func(t *testing.T, w *world) {
			c := w.newCluster()
			a := c.add("a", "1")
			w.mustLead(duration+moment, a)
			old := c.add("old", "2")
			w.pass(moment)
			old.store.Cut(true)
			a.StepDown(t.Context())
			w.pass(moment)
			a.server.Cut(true) // who knows better can't correct it
			w.mustLead(duration-2*moment, nil)
			c.reports(nil)
		},
		"a lease that can't say what the lock does is not written over and over": func(t *testing.T, w *world) {
			c := w.newCluster()
			a := c.addThrough("a", "1", func(l lock.Lock) lock.Lock { return forgetful{l} })
			w.mustLead(duration+moment, a)
			before := c.written()
			w.pass(time.Minute)
			if n := c.written() - before; n != 30 {
				t.Errorf("it was written %d times in a minute", n)
			}
		},
	})
}

// forgetful is a lock that keeps no tokens.
type forgetful struct{ lock.Lock }

// Write implements lock.Lock.
func (f forgetful) Write(ctx context.Context, base lock.Snapshot, record lock.Record) (lock.Snapshot, error) {
	record.Token = 0
	return f.Lock.Write(ctx, base, record)
}
