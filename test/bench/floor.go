package bench

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"

	"github.com/leaseholder-dev/leaseholder/test/bench/plane"
)

// floorLease is the Lease that the floor is measured with.
const floorLease = "floor"

// floor measures a write, its watch event at another client, and that client's
// write.
type floor struct {
	first, second coordinationclient.LeaseInterface
	events        watch.Interface
	lease         *coordinationv1.Lease
	took          []time.Duration
}

func newFloor(ctx context.Context, p *plane.Plane) (*floor, error) {
	f := new(floor)
	var err error
	if f.first, err = p.Client("bench-floor-1"); err != nil {
		return nil, err
	}
	if f.second, err = p.Client("bench-floor-2"); err != nil {
		return nil, err
	}
	f.lease, err = f.first.Create(ctx, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: floorLease}}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("make the floor's lease: %w", err)
	}
	f.events, err = f.second.Watch(ctx, metav1.SingleObject(metav1.ObjectMeta{Name: floorLease, ResourceVersion: f.lease.ResourceVersion}))
	if err != nil {
		return nil, fmt.Errorf("watch the floor's lease: %w", err)
	}
	return f, nil
}

// round measures once.
func (f *floor) round(ctx context.Context) error {
	begun := now()
	released, err := write(ctx, f.first, f.lease, "")
	if err != nil {
		return err
	}
	seen, err := f.next(ctx, released.ResourceVersion)
	if err != nil {
		return err
	}
	if f.lease, err = write(ctx, f.second, seen, "second"); err != nil {
		return err
	}
	f.took = append(f.took, now()-begun)
	_, err = f.next(ctx, f.lease.ResourceVersion)
	return err
}

// next waits for a version.
func (f *floor) next(ctx context.Context, version string) (*coordinationv1.Lease, error) {
	for {
		select {
		case event := <-f.events.ResultChan():
			l, ok := event.Object.(*coordinationv1.Lease)
			if !ok {
				return nil, fmt.Errorf("watch the floor's lease: an event %q brings %v", event.Type, event.Object)
			}
			if l.ResourceVersion == version {
				return l, nil
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the floor's lease: %w", context.Cause(ctx))
		}
	}
}

// write makes somebody the holder.
func write(ctx context.Context, client coordinationclient.LeaseInterface, l *coordinationv1.Lease, holder string) (*coordinationv1.Lease, error) {
	l = l.DeepCopy()
	at := metav1.NowMicro()
	l.Spec.HolderIdentity, l.Spec.RenewTime = &holder, &at
	l, err := client.Update(ctx, l, metav1.UpdateOptions{})
	if err != nil {
		return nil, fmt.Errorf("write the floor's lease: %w", err)
	}
	return l, nil
}

func (f *floor) stop() { f.events.Stop() }
