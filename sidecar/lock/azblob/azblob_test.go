package azblob

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"regexp"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/election"
	"github.com/leaseholder-dev/leaseholder/sidecar/election/electiontest"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/locktest"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/objecttest"
)

// shortest is what a blob lease lasts at the least.
const shortest = 15 * time.Second

var (
	address = config.LockAddress{Scheme: config.LockAzureBlob, Account: "shop", Bucket: "locks", Object: "orders"}
	timing  = config.Timing{LeaseDuration: shortest, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second}
)

func TestConformance(t *testing.T) {
	locktest.Run(t, func(*testing.T) locktest.Backend {
		s := newService(1)
		return locktest.Backend{
			Lock:   lockOf(s.wire(), "u", 10*time.Millisecond),
			Delete: func(context.Context) error { s.delete(); return nil },
		}
	})
}

func TestStore(t *testing.T) {
	objecttest.Run(t, func(*testing.T) objecttest.Backend {
		s := newService(1)
		return objecttest.Backend{
			Store:  newStore(s.wire(), "id", shortest),
			Delete: func(context.Context) error { s.delete(); return nil },
		}
	})
}

func TestLeaseIDs(t *testing.T) {
	one := leaseID("0f3c", address)
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(one) {
		t.Errorf("%q is no UUID of version 8", one)
	}
	if again := leaseID("0f3c", address); again != one {
		t.Errorf("another process of the pod proposes %q, not %q", again, one)
	}
	elsewhere := address
	elsewhere.Object = "payments"
	if leaseID("0f3d", address) == one || leaseID("0f3c", elsewhere) == one {
		t.Error("another pod, or a pod at another blob, proposes the same")
	}
}

// process is one candidate with its wire.
type process struct {
	*election.Candidate
	wire *wire
	end  func()
}

// start starts a candidate in a pod. It runs until end, or the test's end, and releases
// the lock then if release says so.
func start(t *testing.T, s *service, number int, release bool) *process {
	t.Helper()
	w := s.wire()
	c := election.New(lockOf(w, "u"+strconv.Itoa(number), timing.RetryPeriod), election.Options{
		Identity: lock.Identity{Pod: pod(number), UID: "u" + strconv.Itoa(number), Start: strconv.FormatInt(time.Now().UnixNano(), 36)},
		Timing:   timing,
		Clock:    electiontest.NewClock(1),
		Release:  func() bool { return release },
		Logger:   slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Run(ctx)
	}()
	p := &process{Candidate: c, wire: w, end: func() { cancel(); <-done }}
	t.Cleanup(func() {
		p.end()
		w.late.Wait()
	})
	return p
}

func (p *process) leads() bool {
	s, _ := p.Status()
	return s.IsLeader
}

// until lets time pass until something is so, and gives how long it took.
func until(t *testing.T, what string, so func() bool) time.Duration {
	t.Helper()
	from := time.Now()
	for !so() {
		if time.Since(from) > 10*time.Minute {
			t.Fatalf("it never comes that %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(from)
}

// within judges a time of the virtual clock.
func within(t *testing.T, what string, took, least, most time.Duration) {
	t.Helper()
	if took < least || took > most {
		t.Errorf("%s took %s, want from %s to %s", what, took, least, most)
	}
}

// A second beyond the rules' bounds is for what is random in them.
const spread = time.Second

func TestACrashedLeadersLockIsTakenWhenBothClocksAllowIt(t *testing.T) {
	for name, test := range map[string]struct {
		rate  float64 // of the service's clock
		least time.Duration
	}{
		"the service's clock is right":            {1, shortest},
		"the service's clock is fast":             {1.25, shortest},
		"the service's clock is slow":             {0.8, shortest * 5 / 4},
		"the service's clock hardly moves at all": {0.25, shortest * 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(test.rate)
				a := start(t, s, 1, false)
				until(t, "it leads", a.leads)
				b := start(t, s, 2, false)
				time.Sleep(time.Minute)
				a.end()
				took := until(t, "the other leads", b.leads)
				// The last renewal can be one period old, and is seen up to one period late; who is
				// refused tries again within a period.
				within(t, "the takeover", took, test.least-timing.RetryPeriod, test.least+2*timing.RetryPeriod+spread)
			})
		})
	}
}

func TestARestartedProcessTakesItsOwnLockBackAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(1)
		a := start(t, s, 1, false)
		until(t, "it leads", a.leads)
		b := start(t, s, 2, false)
		before, _ := a.Status()
		a.end()
		if s.leased() == "" {
			t.Error("the blob's lease ended with the process")
		}
		again := start(t, s, 1, false)
		within(t, "taking it back", until(t, "it leads again", again.leads), 0, spread)
		after, _ := again.Status()
		if after.Token <= before.Token || b.leads() {
			t.Errorf("the token %d follows %d, the other leads: %v", after.Token, before.Token, b.leads())
		}
	})
}

func TestALeaderWhoseLeaseIsBrokenGoesOn(t *testing.T) {
	for name, after := range map[string]time.Duration{"at once": 0, "in a while": 10 * time.Second, "in a minute": time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(1)
				a := start(t, s, 1, true)
				until(t, "it leads", a.leads)
				b := start(t, s, 2, true)
				s.breakLease(after)
				for range 1000 {
					time.Sleep(100 * time.Millisecond)
					if !a.leads() || b.leads() {
						t.Fatalf("it leads: %v, the other: %v", a.leads(), b.leads())
					}
				}
				if s.leased() != leaseID("u1", address) {
					t.Errorf("the blob is leased to %q in the end", s.leased())
				}
			})
		})
	}
}

func TestALeaseOfAStrangerIsRespected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(1)
		a := start(t, s, 1, true)
		until(t, "it leads", a.leads)
		b := start(t, s, 2, true)
		s.leaseTo("stranger", forever)
		within(t, "giving up", until(t, "it leads no more", func() bool { return !a.leads() }),
			timing.RenewDeadline-timing.RetryPeriod, timing.RenewDeadline)
		writes := len(s.records())
		time.Sleep(5 * time.Minute)
		if a.leads() || b.leads() || len(s.records()) != writes || s.leased() != "stranger" {
			t.Error("the lock is taken from a stranger")
		}
		b.wire.requests()
		time.Sleep(time.Minute)
		if n := b.wire.requests()["acquire"]; n == 0 || n > 60 {
			t.Errorf("a candidate asks for the lease %d times a minute", n)
		}
		s.breakLease(0)
		within(t, "taking the lock then", until(t, "one leads", func() bool { return a.leads() || b.leads() }), 0, timing.RetryPeriod+spread)
	})
}

func TestAReleaseThatIsSeenBeforeTheLeaseIsGivenBackIsTakenSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(1)
		a := start(t, s, 1, true)
		until(t, "it leads", a.leads)
		b := start(t, s, 2, true)
		time.Sleep(time.Minute)
		// The first way that the lease is given back is lost, the second is long.
		const long = 900 * time.Millisecond
		lost := true
		a.wire.trouble(func(request string) objecttest.Fate {
			if request != "release" {
				return objecttest.Fate{}
			}
			if lost {
				lost = false
				return objecttest.Fate{Refused: errBusy}
			}
			return objecttest.Fate{Before: long}
		})
		b.wire.requests()
		go a.end()
		took := until(t, "the other leads", b.leads)
		within(t, "the takeover", took, long, timing.RetryPeriod+long+spread)
		asked := b.wire.requests()
		if n := asked["acquire"]; n < 1 || n > 8 {
			t.Errorf("it asked %v", asked)
		}
	})
}

func TestALeaseThatIsNeverGivenBackRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(1)
		a := start(t, s, 1, true)
		until(t, "it leads", a.leads)
		b := start(t, s, 2, true)
		time.Sleep(time.Minute)
		a.wire.trouble(func(request string) objecttest.Fate {
			if request == "release" {
				return objecttest.Fate{Refused: errBusy}
			}
			return objecttest.Fate{}
		})
		go a.end()
		took := until(t, "the other leads", b.leads)
		within(t, "the takeover", took, shortest-timing.RetryPeriod, shortest+timing.RetryPeriod+spread)
	})
}

func TestRequestsAtRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(1)
		a := start(t, s, 1, true)
		until(t, "it leads", a.leads)
		b := start(t, s, 2, true)
		// Answers take a moment, and so the leader's renewal comes before its watch would ask.
		for _, p := range []*process{a, b} {
			p.wire.trouble(func(string) objecttest.Fate { return objecttest.Fate{After: 10 * time.Millisecond} })
		}
		time.Sleep(time.Minute)
		a.wire.requests()
		b.wire.requests()
		time.Sleep(time.Hour)
		leader, standby := a.wire.requests(), b.wire.requests()
		periods := int(time.Hour / timing.RetryPeriod)
		near := func(n int) bool { return n >= periods*99/100 && n <= periods+1 }
		if len(leader) != 2 || !near(leader["acquire"]) || !near(leader["write"]) {
			t.Errorf("in %d periods the leader asked %v", periods, leader)
		}
		if len(standby) != 1 || !near(standby["properties"]) {
			t.Errorf("in %d periods the standby asked %v", periods, standby)
		}
	})
}

func TestWhoKeepsTheLeaseFromEveryoneIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(1)
		l := lockOf(s.wire(), "u", time.Second)
		if err := l.Create(t.Context()); err != nil {
			t.Fatal(err)
		}
		base, err := l.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.leaseTo("stranger", forever)
		said := func(want error) {
			t.Helper()
			if _, err := l.Write(t.Context(), base, lock.Record{Holder: "a"}); !errors.Is(err, want) {
				t.Errorf("the error is %v, want %v", err, want)
			}
		}
		said(lock.ErrConflict) // it may be a candidate
		time.Sleep(shortest)
		said(lock.ErrConflict)
		time.Sleep(time.Second)
		said(ErrLeased) // a candidate would have written
	})
}

func TestMetadataOfOthersIsKept(t *testing.T) {
	ctx := t.Context()
	s := newService(1)
	w := s.wire()
	st := newStore(w, "id", shortest)
	entry := object.Entry{UID: "u", Count: 1, WriteID: "w"}
	// HTTP gives names in another case than they were set in.
	s.write(map[string]string{"Leaseholder": entry.Value(), "Team": "orders"})
	seen, err := st.Stat(ctx)
	if err != nil || seen.Value != entry.Value() {
		t.Fatalf("it reads as %+v, %v", seen, err)
	}
	check := func(base string) string {
		t.Helper()
		after, err := st.Put(ctx, base, entry)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[string]string{object.MetadataKey: entry.Value(), "Team": "orders"}; !maps.Equal(s.metadata, want) {
			t.Errorf("the blob has %v", s.metadata)
		}
		return after.Revision
	}
	next := check(check(seen.Revision))
	// One that has never looked, looks.
	st = newStore(w, "id", shortest)
	check(next)
	if _, err := st.Put(ctx, next, entry); !errors.Is(err, lock.ErrConflict) {
		t.Errorf("a write on an old state gives %v", err)
	}
}
