package gcs_test

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"context"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/election"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/gcs"
	"github.com/leaseholder-dev/leaseholder/test/clouds/faults"
)

// patience bounds how long a test waits for what must come.
const patience = time.Minute

// timing is as short as leaves time for a request on a loaded machine.
var timing = config.Timing{LeaseDuration: 7 * time.Second, RenewDeadline: 5 * time.Second, RetryPeriod: time.Second}

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

// leads waits until a candidate leads, and gives its token. Meanwhile it looks at both for
// two leaders at once.
func leads(t *testing.T, who candidate, other candidate) (token int64) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		before, _ := other.Status()
		s, _ := who.Status()
		after, _ := other.Status()
		if s.IsLeader && before.IsLeader && after.IsLeader && before.Token == after.Token {
			t.Fatalf("two leaders: %+v and %+v", s, after)
		}
		if s.IsLeader {
			return s.Token
		}
		select {
		case <-deadline:
			t.Fatalf("it does not lead within %s: %+v", patience, s)
		case <-tick.C:
		}
	}
}

func TestALeaderThatIsCutOffIsFollowed(t *testing.T) {
	c := newCloud(t)
	a := c.candidate(t, "a")
	first := leads(t, a, a)
	b := c.candidate(t, "b")
	rates(t, a, b)
	a.proxy.Cut(true)
	second := leads(t, b, a)
	a.proxy.Cut(false)
	b.proxy.Cut(true)
	third := leads(t, a, b)
	if first >= second || second >= third {
		t.Errorf("the tokens are %d, %d and %d", first, second, third)
	}
}

// rates counts what a leader and a standby ask while the leader renews a few times.
func rates(t *testing.T, leader, standby candidate) {
	t.Helper()
	const renewals = 3
	uploads := func() int { return leader.proxy.Asked(http.MethodPost) }
	renewed := func(from, times int) {
		t.Helper()
		deadline := time.After(patience)
		for uploads() < from+times {
			select {
			case <-deadline:
				t.Fatal("the leader does not renew")
			case <-time.After(time.Millisecond):
			}
		}
	}
	renewed(uploads(), 1)
	from, asked := uploads(), standby.proxy.Asked(http.MethodGet)
	renewed(from, renewals)
	reads := standby.proxy.Asked(http.MethodGet) - asked
	hour := func(requests int) int { return requests * int(time.Hour/timing.RetryPeriod) / renewals }
	t.Logf("at a period of %s, an hour: a leader writes %d times, a standby reads %d times", timing.RetryPeriod, hour(renewals), hour(reads))
	if writes := standby.proxy.Asked(http.MethodPost); writes > 1 {
		t.Errorf("the standby has written %d times, and it could have made the lock at most", writes)
	}
	if reads > 3*renewals {
		t.Errorf("the standby read %d times in %d renewals", reads, renewals)
	}
}

func TestALeaderMakesADeletedLockAgain(t *testing.T) {
	c := newCloud(t)
	a := c.candidate(t, "a")
	first := leads(t, a, a)
	b := c.candidate(t, "b")
	before, _ := c.client(t)
	old, err := before.Stat(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(patience)
	for {
		s, err := before.Stat(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		leader, _ := a.Status()
		if other, _ := b.Status(); other.IsLeader {
			leader = other
		}
		if s.Exists && s.Revision != old.Revision && leader.IsLeader && leader.Token >= first {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("the object is %+v, the leader %+v", s, leader)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
