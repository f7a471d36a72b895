package election

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// BootTime is CLOCK_BOOTTIME of clock_gettime(2): monotonic, suspend included.
type BootTime struct{}

// Now reads the clock. The kernel has had it since Linux 2.6.39, so a failure
// means that the process may not ask for the time, and nothing can go on.
func (BootTime) Now() Instant {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		panic(fmt.Sprintf("read CLOCK_BOOTTIME: %v", err))
	}
	return time.Duration(t.Nano())
}
