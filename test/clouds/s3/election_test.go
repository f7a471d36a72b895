package s3

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/election"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/test/clouds/faults"
)

// candidate is one process that stands in the election, on a way of its own.
type candidate struct {
	*election.Candidate
	way *faults.Proxy
}

// trouble is what happens to a request now and then.
func trouble(*http.Request) faults.Fate {
	fate := faults.Fate{Before: rand.N(20 * time.Millisecond), After: rand.N(20 * time.Millisecond)}
	switch rand.IntN(20) {
	case 0:
		fate.Lost = true
	case 1:
		fate.Twice = true
	case 2:
		fate.Status = http.StatusServiceUnavailable
	}
	return fate
}

// TestTheLeadGoesOnWhenItsHolderIsCutOff holds an election on ways in trouble. What it
// waits for must come; how fast is told by the simulation.
func TestTheLeadGoesOnWhenItsHolderIsCutOff(t *testing.T) {
	timing := config.Timing{LeaseDuration: 2 * time.Second, RenewDeadline: 1900 * time.Millisecond, RetryPeriod: time.Second}
	if wrong := timing.Faults(); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	var running sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer running.Wait()
	defer cancel()
	candidates := make([]candidate, 3)
	for i := range candidates {
		way := faults.New(t, server.URL)
		way.Trouble(trouble)
		c := election.New(by(t, way.URL), election.Options{
			Identity: lock.Identity{Pod: "pod-" + strconv.Itoa(i), UID: strconv.Itoa(i), Start: "x"},
			Timing:   timing,
			Logger:   slog.New(slog.DiscardHandler),
		})
		candidates[i] = candidate{c, way}
		running.Go(func() { c.Run(ctx) })
	}
	first, token := leader(t, candidates, nil)
	first.way.Cut(true)
	if _, next := leader(t, candidates, first); next <= token {
		t.Errorf("the token %d follows %d", next, token)
	}
}

// leader waits until one of the candidates but one leads, and until then watches that
// no two do: who is seen to lead when another was asked before must be the only one.
func leader(t *testing.T, candidates []candidate, but *candidate) (*candidate, int64) {
	t.Helper()
	const pause = time.Millisecond
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		var leading []*candidate
		var first, last election.Status
		for i := range candidates {
			if s, _ := candidates[i].Status(); s.IsLeader {
				if leading = append(leading, &candidates[i]); len(leading) == 1 {
					first = s
				}
				last = s
			}
		}
		// The first one led at least until its validity's end, unless it was told to stop.
		if len(leading) > 1 && first.ValidUntil > (election.BootTime{}).Now() {
			t.Fatalf("two lead at once: %+v and %+v", first, last)
		}
		if len(leading) == 1 && leading[0] != but {
			return leading[0], last.Token
		}
		select {
		case <-time.After(pause):
		case <-t.Context().Done():
		}
	}
	t.Fatal("nobody leads")
	return nil, 0
}
