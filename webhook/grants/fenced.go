package grants

import (
	"context"
	"fmt"
	"strconv"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/event"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// Reason and action of the Event that tells why a Lease stays.
const (
	// ReasonFenced says that a Lease that no pod uses is kept for its fencing token.
	ReasonFenced = "LeaseKept"
	actionRemove = "Remove"
)

// skew is how far apart the clocks of a cluster's API servers may be: the next
// candidate may hear the time from another one. It is more than clocks that are kept at
// all are apart, and costs nothing but that a Lease stays as much longer.
const skew = time.Minute

// fenced says after which time to look again at a Lease whose token is ahead of the
// API server's clock; zero if it is not. The first term of a Lease that is made anew
// knows no token but that clock, and would have a smaller one.
//
// It is the API server's clock that counts, as it does for the candidates, and it comes
// with the read that shows whether the Lease is still the one that was decided on.
func (t *term) fenced(ctx context.Context, e view.Election, l *coordinationv1.Lease) (again time.Duration, err error) {
	lock, err := lease.New(t.Kube, e.Namespace, e.Name)
	if err != nil {
		return 0, err
	}
	s, err := lock.Read(ctx)
	switch {
	case err != nil:
		return 0, fmt.Errorf("read the token of Lease %s: %w", e, err)
	case !s.Exists:
		return 0, nil
	case s.ServerTime.IsZero():
		// A proxy may take the time out of the answer. Who does not know it removes nothing.
		return t.UnusedAfter, nil
	}
	ahead := time.UnixMilli(s.Record.Token).Add(skew).Sub(s.ServerTime)
	if ahead < 0 {
		return 0, nil
	}
	until := time.UnixMilli(s.Record.Token).UTC().Format(time.RFC3339)
	t.Logger.InfoContext(ctx, "a lease stays for its token", "election", e.String(), "token", s.Record.Token, "until", until)
	t.Teller.Tell(ctx, event.Event{
		Regarding: event.Reference(versionOf(l), kindOf(l), l),
		Type:      corev1.EventTypeNormal,
		Reason:    ReasonFenced,
		Action:    actionRemove,
		Note: fmt.Sprintf("no pod uses election %q any more, but its Lease stays until the API server's clock has passed the fencing token %d, at %s: "+
			"a Lease that is made anew would begin with a smaller token", e.Name, s.Record.Token, until),
		Occasion: strconv.FormatInt(s.Record.Token, 10),
	})
	return min(ahead+time.Second, t.UnusedAfter), nil
}
