//go:build !linux

package election

import "time"

var start = time.Now()

// BootTime is Go's monotonic clock on systems without CLOCK_BOOTTIME, where
// the commands are built for their users but no candidate is deployed.
type BootTime struct{}

// Now reads the clock.
func (BootTime) Now() Instant { return time.Since(start) }
