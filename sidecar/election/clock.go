package election

import "time"

// Instant is a reading of a Clock: the time since an arbitrary, fixed moment.
type Instant = time.Duration

// Clock tells the time on which validity runs. It must never go back, and must
// go on while the machine is suspended.
type Clock interface{ Now() Instant }
