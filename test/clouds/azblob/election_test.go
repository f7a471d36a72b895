package azblob_test

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/lease"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/election"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/test/clouds/faults"
)

// candidate is one process that stands in an election over the blob.
type candidate struct {
	*election.Candidate
	client
	// end ends it; it releases the lock if it shall.
	end func(release bool)
}

// start starts a candidate in a pod. It ends with the test at the latest.
func (p *place) start(pod string) *candidate {
	p.t.Helper()
	c := &candidate{client: p.client(pod)}
	released := true
	c.Candidate = election.New(c.client, election.Options{
		Identity: lock.Identity{Pod: pod, UID: pod, Start: strconv.FormatInt(time.Now().UnixNano(), 36)},
		Timing:   config.Timing{LeaseDuration: leaseDuration, RenewDeadline: 14 * time.Second, RetryPeriod: retryPeriod},
		Release:  func() bool { return released },
		Logger:   slog.New(slog.NewTextHandler(p.t.Output(), nil)),
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Run(ctx)
	}()
	c.end = func(release bool) {
		if ctx.Err() == nil {
			released = release
		}
		cancel()
		<-done
	}
	p.t.Cleanup(func() { c.end(false) })
	return c
}

func (c *candidate) leads() bool {
	s, _ := c.Status()
	return s.IsLeader
}

func (c *candidate) token() int64 {
	s, _ := c.Status()
	return s.Token
}

// count counts requests of a kind from now on.
func (c *candidate) count(which string) func() int32 {
	var asked atomic.Int32
	c.proxy.Trouble(func(r *http.Request) faults.Fate {
		if kind(r) == which {
			asked.Add(1)
		}
		return faults.Fate{}
	})
	return asked.Load
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	for !so() {
		select {
		case <-deadline:
			t.Fatalf("it never comes that %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// led gives a candidate in the pod a, which leads at once: another has released the lock.
func (p *place) led() *candidate {
	p.t.Helper()
	c := p.client("nobody")
	if _, err := c.Write(p.t.Context(), c.made(p.t), record("", time.Now())); err != nil {
		p.t.Fatal(err)
	}
	leader := p.start("a")
	eventually(p.t, "it leads", leader.leads)
	return leader
}

// renewed waits until a leader has renewed twice, without ever not leading.
func renewed(t *testing.T, c *candidate) {
	t.Helper()
	for range 2 {
		before, _ := c.Status()
		eventually(t, "it renews", func() bool {
			s, _ := c.Status()
			if !s.IsLeader {
				t.Fatalf("it lost the lead: %+v", s)
			}
			return s.ValidUntil > before.ValidUntil
		})
	}
}

// TestElections are elections over one Azurite, at once, for they mostly wait.
func TestElections(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T, *place){
		"a leader that is cut off is followed by another":      cutOff,
		"a release is taken":                                   released,
		"a process that is restarted in its pod leads at once": restarted,
		"a blob deleted under the leader is no gap":            deleted,
		"a lease broken under the leader is no gap":            broken,
		"a lease of a stranger is respected":                   stranger,
		"dead connections do not cost the lead":                deadConnections,
		"a busy service does not cost the lead":                busyService,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func cutOff(t *testing.T, p *place) {
	a := p.led()
	b := p.start("b")
	token := a.token()
	a.proxy.Cut(true)
	eventually(t, "the other leads", func() bool {
		// The one that is asked first may have led until just before.
		other, first := b.leads(), a.leads()
		if other && first {
			t.Fatal("both lead")
		}
		return other
	})
	if b.token() <= token {
		t.Errorf("the token %d follows %d", b.token(), token)
	}
	a.proxy.Cut(false)
	renewed(t, b)
	if a.leads() {
		t.Error("both lead")
	}
}

func released(t *testing.T, p *place) {
	a := p.led()
	b := p.start("b")
	token := a.token()
	a.end(true)
	eventually(t, "the other leads", b.leads)
	if b.token() <= token {
		t.Errorf("the token %d follows %d", b.token(), token)
	}
}

func restarted(t *testing.T, p *place) {
	a := p.led()
	token := a.token()
	a.end(false)
	if state := p.state(t.Context()); state != lease.StateTypeLeased {
		t.Errorf("the lease is %s when the process has ended", state)
	}
	again := p.start("a")
	asked := again.count(acquire)
	eventually(t, "it leads again", again.leads)
	// If the lease were another's, it would be refused until that has run out.
	if n := asked(); n > 4 {
		t.Errorf("it asked for the lease %d times", n)
	}
	if again.token() <= token {
		t.Errorf("the token %d follows %d", again.token(), token)
	}
}

func deleted(t *testing.T, p *place) {
	a := p.led()
	token := a.token()
	if err := p.delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	renewed(t, a)
	renewed(t, a)
	if s := a.read(t); !s.Record.Stamped() || a.token() != token || s.Record.Token != token {
		t.Errorf("the lock reads as %+v, the token was %d", s.Record, token)
	}
}

func broken(t *testing.T, p *place) {
	a := p.led()
	token := a.token()
	if err := p.breakLease(t.Context()); err != nil {
		t.Fatal(err)
	}
	renewed(t, a)
	renewed(t, a)
	if state := p.state(t.Context()); state != lease.StateTypeLeased || a.token() != token {
		t.Errorf("the lease is %s, the token was %d and is %d", state, token, a.token())
	}
}

func stranger(t *testing.T, p *place) {
	c := p.client("nobody")
	if _, err := c.Write(t.Context(), c.made(t), record("", time.Now())); err != nil {
		t.Fatal(err)
	}
	l, err := lease.NewBlobClient(p.blob, nil)
	if err != nil {
		t.Fatal(err)
	}
	const forever = -1
	if _, err := l.AcquireLease(t.Context(), forever, nil); err != nil {
		t.Fatal(err)
	}
	a := p.start("a")
	const often = 5
	asked := a.count(acquire)
	eventually(t, "it was refused often", func() bool { return asked() > often })
	if r := c.read(t).Record; a.leads() || !r.Released() {
		t.Errorf("it leads: %v, and the record is %+v", a.leads(), r)
	}
	if _, err := l.ReleaseLease(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it leads", a.leads)
}

func deadConnections(t *testing.T, p *place) {
	a := p.led()
	renewed(t, a)
	a.proxy.Kill()
	renewed(t, a)
}

func busyService(t *testing.T, p *place) {
	a := p.led()
	const many = 8
	for _, status := range []int{http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable} {
		refused := make(chan struct{}, many)
		a.proxy.Trouble(func(*http.Request) faults.Fate {
			select {
			case refused <- struct{}{}:
				return faults.Fate{Status: status}
			default:
				return faults.Fate{}
			}
		})
		eventually(t, "it was refused", func() bool { return len(refused) == many })
		renewed(t, a)
	}
}
