package handover

import (
	"context"
	"fmt"
	"strconv"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/webhook/event"
)

const (
	// ReasonHandOver is told on the Lease when its holder was asked to hand over.
	ReasonHandOver = "HandOver"

	actionPriority = "Priority"
)

// tell makes the Event of one request. The same one, repeated in the same term,
// is told once.
func (t *term) tell(ctx context.Context, l *coordinationv1.Lease, record lock.Record, o *order) {
	t.Teller.Tell(ctx, event.Event{
		Regarding: event.Reference(coordinationv1.SchemeGroupVersion.String(), "Lease", l),
		Related:   event.Reference("v1", "Pod", o.to),
		Type:      corev1.EventTypeNormal,
		Reason:    ReasonHandOver,
		Action:    actionPriority,
		Note: fmt.Sprintf("pod %s (priority %d) is asked to hand election %s over to pod %s (priority %d), which has been ready for %s beside it",
			o.from.Name, priority(o.from), l.Name, o.to.Name, priority(o.to), o.after.Truncate(time.Second)),
		Occasion: strconv.FormatInt(record.Token, 10) + "/" + string(o.to.UID),
	})
}
