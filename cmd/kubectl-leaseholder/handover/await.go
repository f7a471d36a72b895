package handover

import (
	"context"
	"errors"
	"fmt"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
)

// errDeleted says that there is nothing left to wait for.
var errDeleted = errors.New("the lease was deleted")

// await waits for the next term, and says whose it is. It fails when that is none
// that was asked for, and when there is none in time.
func (h *handover) await(ctx context.Context, asked *coordinationv1.Lease, before lock.Record) error {
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	last := before
	next := func(e watch.Event) (bool, error) {
		l, ok := e.Object.(*coordinationv1.Lease)
		switch {
		case e.Type == watch.Error:
			return false, apierrors.FromObject(e.Object)
		case e.Type == watch.Deleted:
			return false, errDeleted
		case !ok || e.Type == watch.Bookmark:
			return false, nil
		}
		last = lease.Decode(l)
		return last.Holder != "" && (last.Token != before.Token || last.Holder != before.Holder), nil
	}
	selector := fields.OneTermEqualSelector(metav1.ObjectNameField, h.election)
	leases := cache.NewListWatchFromClient(h.client.CoordinationV1().RESTClient(), "leases", h.namespace, selector)
	_, err := watchtools.Until(ctx, asked.ResourceVersion, leases, next)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("pod %q was asked to hand election %q over; after %s, %s", lock.PodName(before.Holder), h.election, h.timeout, tell(last))
	case ctx.Err() != nil:
		return fmt.Errorf("wait for the next leader of election %q: %w", h.election, ctx.Err())
	case err != nil:
		return fmt.Errorf("wait for the next leader of election %q: %w", h.election, err)
	}
	h.sayf("%s", tell(last))
	return h.verdict(before, last)
}

// tell says who leads.
func tell(record lock.Record) string {
	if record.Holder == "" {
		return "nobody leads"
	}
	return fmt.Sprintf("pod %q leads, with token %d", lock.PodName(record.Holder), record.Token)
}

// verdict says whether the next leader is one that was asked for.
func (h *handover) verdict(before, next lock.Record) error {
	was, _ := lock.ParseIdentity(before.Holder)
	is, ours := lock.ParseIdentity(next.Holder)
	switch {
	case h.to != "" && (!ours || is.Pod != h.to):
		return fmt.Errorf("pod %q did not take the lead", h.to)
	case h.to != "" && !h.elsewhere && is.UID != h.toUID:
		return fmt.Errorf("pod %q did not take the lead, but another pod of that name: of another cluster, or a later one of this", h.to)
	case h.to != "" && h.elsewhere && is.UID == h.toUID:
		return fmt.Errorf("pod %q of this cluster took the lead, and no pod of that name elsewhere", h.to)
	case is.UID == was.UID:
		return errors.New("no other candidate took the lead")
	}
	return nil
}
