package azblob

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/election/electiontest"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/objecttest"
)

var errBusy = errors.New("the service answers 503 ServerBusy")

// fates draws what becomes of requests: they are delayed, now and then for so long that
// the candidate has given up while they are still executed, lost, doubled, or refused.
func fates(random *rand.Rand) func(string) objecttest.Fate {
	delay := func() time.Duration { return electiontest.Delay(random, 20*time.Millisecond) }
	return func(string) objecttest.Fate {
		f := objecttest.Fate{Before: delay(), After: delay(), Twice: random.Float64() < electiontest.Trouble}
		if random.Float64() < electiontest.Trouble {
			f.Lost = errLost
		}
		if random.Float64() < electiontest.Trouble {
			f.Refused = errBusy
		}
		return f
	}
}

// faults are what hands do to the blob: they delete it, break its lease, and lease it to a
// stranger.
func faults(f *electiontest.Fleet, s *service) []electiontest.Fault {
	seconds := func(below int) time.Duration { return time.Duration(f.Random.IntN(below)) * time.Second }
	return []electiontest.Fault{
		{Chance: 0.0002, Do: func(int) {
			f.Notef("delete the blob")
			s.delete()
		}},
		{Chance: 0.0002, Do: func(int) {
			f.Notef("break the lease")
			s.breakLease(seconds(20))
		}},
		{Chance: 0.0002, Do: func(int) {
			f.Notef("lease the blob to a stranger")
			s.leaseTo("stranger", s.now()+seconds(40))
		}},
	}
}

// TestCandidates runs whole candidates over one blob: through delays, losses, late and
// double execution, leases broken and given to strangers, and deletions, by a service whose
// clock is as wrong as it likes.
func TestCandidates(t *testing.T) {
	electiontest.Run(t, electiontest.Options{
		Fleets: 30, Settles: 150 * time.Second,
		Open: func(f *electiontest.Fleet) electiontest.Backend {
			s := newService([]float64{1, 0.3, 3}[f.Seed%3])
			return electiontest.Backend{
				Join: func(p electiontest.Process) (lock.Lock, electiontest.Line) {
					w := s.wire()
					w.trouble(fates(p.Random))
					return lockOf(w, p.UID, p.Timing.RetryPeriod), w
				},
				Faults: faults(f, s),
				History: func() (lines []string) {
					for _, r := range s.records() {
						lines = append(lines, fmt.Sprintf("%+v", r))
					}
					return lines
				},
			}
		},
	})
}
