package contender

import (
	"io"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// Options are what one contestant is told.
type Options struct {
	// Name is the pod's name, and the identity of a client-go elector.
	Name string
	// UID is the pod's; default: Name. Two sidecars of one UID and election take
	// turns, on the whole machine.
	UID string
	// Namespace and Election name the Lease, or the Endpoints object.
	Namespace, Election string
	// Lock is the sidecar's lock; default: a Lease.
	Lock config.LockScheme
	// Kubeconfig is the path of a kubeconfig.
	Kubeconfig string
	// The durations of the election; client-go wants them in this order, largest
	// first.
	LeaseDuration, RenewDeadline, RetryPeriod time.Duration
	// ReleaseOnCancel makes client-go release the Lease when it is terminated. Our
	// sidecar always does.
	ReleaseOnCancel bool
	// Log takes what the process writes to standard error, a line a call; from
	// several goroutines if several processes have it. Nil drops it.
	Log io.Writer
}

func (o Options) complete() Options {
	if o.UID == "" {
		o.UID = o.Name
	}
	if o.Lock == "" {
		o.Lock = config.LockLease
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	return o
}
