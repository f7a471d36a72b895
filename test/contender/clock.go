package contender

import (
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/election"
)

// boot reads the clock that everything here is told by.
func boot() time.Duration { return election.BootTime{}.Now() }

// BootOf is a recent wall-clock time of this machine by CLOCK_BOOTTIME. It is as
// exact as two clocks can be read at once, unless the wall clock was set since.
func BootOf(wall time.Time) time.Duration {
	// Whoever reads may be interrupted in between: the shortest reading counts.
	const readings = 20
	var at time.Duration
	shortest := time.Duration(-1)
	for range readings {
		before, now, after := boot(), time.Now(), boot()
		if took := after - before; shortest < 0 || took < shortest {
			shortest = took
			// Round drops the monotonic reading, which is of another clock.
			at = before + took/2 - now.Round(0).Sub(wall.Round(0))
		}
	}
	return at
}
