package gcs_test

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/election"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/gcs"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object"
	"github.com/leaseholder-dev/leaseholder/test/clouds/faults"
)

// patience bounds how long a test waits for what must come.
const patience = time.Minute

// timing is as short as leaves time for a request on a loaded machine.
var timing = config.Timing{LeaseDuration: 5 * time.Second, RenewDeadline: 4 * time.Second, RetryPeriod: time.Second}

// candidate is a real one, with a way of its own to the store.
type candidate struct {
	*election.Candidate
	proxy *faults.Proxy
}

func (c cloud) candidate(t *testing.T, pod string) candidate {
	t.Helper()
	proxy := faults.New(t, c.url)
	l, err := gcs.New(t.Context(), options(t, proxy.URL))
	if err != nil {
		t.Fatal(err)
	}
	stands := election.New(l, election.Options{
		Identity: lock.Identity{Pod: pod, UID: pod, Start: "1"},
		Timing:   timing,
		Release:  func() bool { return false },
		Logger:   slog.New(slog.DiscardHandler),
	})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		stands.Run(ctx)
	}()
	t.Cleanup(func() { stop(); <-done })
	return candidate{stands, proxy}
}

// free makes the lock as if its last holder had released it, so that the first candidate
// need not wait.
func (c cloud) free(t *testing.T) *object.Lock {
	t.Helper()
	l, _ := c.lock(t)
	if err := l.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	base, err := l.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if _, err := l.Write(t.Context(), base, lock.Record{Renewed: at, Mark: lock.ReleaseMark("nobody", at)}); err != nil {
		t.Fatal(err)
	}
	return l
}

// until waits for what must come, and looks meanwhile for two leaders at once.
func until(t *testing.T, what string, a, b candidate, is func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		// One after the other: whoever led before and after the other did led with it.
		before, _ := a.Status()
		other, _ := b.Status()
		after, _ := a.Status()
		if before.IsLeader && other.IsLeader && after.IsLeader && before.Token == after.Token {
			t.Fatalf("two leaders: %+v and %+v", after, other)
		}
		if is() {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%s does not come within %s: %+v, %+v", what, patience, after, other)
		case <-tick.C:
		}
	}
}

func (c candidate) leads() bool {
	s, _ := c.Status()
	return s.IsLeader
}

func (c candidate) token() int64 {
	s, _ := c.Status()
	return s.Token
}

// pair starts a leader and a standby.
func pair(t *testing.T) (c cloud, l *object.Lock, leader, standby candidate) {
	t.Helper()
	c = newCloud(t)
	l = c.free(t)
	a := c.candidate(t, "a")
	deadline := time.After(patience)
	for {
		s, changed := a.Status()
		if s.IsLeader {
			break
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatal("nobody leads")
		}
	}
	return c, l, a, c.candidate(t, "b")
}

func TestALeaderThatIsCutOffIsFollowed(t *testing.T) {
	t.Parallel()
	_, _, a, b := pair(t)
	rates(t, a, b)
	first := a.token()
	a.proxy.Cut(true)
	until(t, "the lead of the other", a, b, b.leads)
	if second := b.token(); second <= first {
		t.Errorf("token %d follows %d", second, first)
	}
}

// rates counts what a leader and a standby ask while the leader renews a few times. How
// often that is in an hour without a hitch is counted in virtual time, in package object.
func rates(t *testing.T, leader, standby candidate) {
	t.Helper()
	const renewals = 3
	uploads := func() int { return leader.proxy.Asked(http.MethodPost) }
	renewed := func(times int) {
		t.Helper()
		enough := uploads() + times
		until(t, "a renewal", leader, standby, func() bool { return uploads() >= enough })
	}
	var bodies atomic.Int32
	standby.proxy.Trouble(func(r *http.Request) faults.Fate {
		if r.Method == http.MethodGet && r.URL.Query().Get("alt") != "json" {
			bodies.Add(1)
		}
		return faults.Fate{}
	})
	renewed(1)
	asked := standby.proxy.Asked(http.MethodGet)
	renewed(renewals)
	reads := standby.proxy.Asked(http.MethodGet) - asked
	hour := int(time.Hour / timing.RetryPeriod)
	t.Logf("with a period of %s, an hour: a leader writes %d times, a standby reads %d times",
		timing.RetryPeriod, hour, hour*reads/renewals)
	if n := bodies.Load(); n > 0 {
		t.Errorf("the standby has read more than metadata %d times", n)
	}
	if reads > 3*renewals {
		t.Errorf("the standby read %d times in %d renewals", reads, renewals)
	}
}

func TestADeletedLockIsMadeAgain(t *testing.T) {
	t.Parallel()
	c, l, a, b := pair(t)
	first := a.token()
	before, err := l.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "a leader that holds a lock made anew", a, b, func() bool {
		s, err := l.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s.UID != before.UID && s.Record.Holder != "" && (a.leads() || b.leads())
	})
	if token := max(a.token(), b.token()); token < first {
		t.Errorf("token %d follows %d", token, first)
	}
}
