package api

import (
	"sync"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/election"
)

// orderMargin is how much of a pod's grace period must be left when the sidecar
// is told to stop, to conclude that the application was stopped before it.
const orderMargin = time.Second

// Termination knows when the pod's termination began. The kubelet stops a
// native sidecar after the application (KEP-753), but only within the pod's
// grace period: once that is over, it stops all at the same time.
type Termination struct {
	clock election.Clock

	mu       sync.Mutex
	begun    bool
	deadline election.Instant
}

// NewTermination gives a Termination that has not begun.
func NewTermination(clock election.Clock) *Termination { return &Termination{clock: clock} }

// Begin notes that the pod has this long from now. A later call can only shorten
// it: whoever else reaches the probe port must not gain the pod time.
func (t *Termination) Begin(grace time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	deadline := t.clock.Now() + grace
	if !t.begun || deadline < t.deadline {
		t.begun, t.deadline = true, deadline
	}
}

// InOrder says that the application was stopped before the sidecar was told to
// stop, which is now, so that the lock may be released.
func (t *Termination) InOrder() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.begun || t.clock.Now() < t.deadline-orderMargin
}
