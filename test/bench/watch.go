package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
)

// sighting is one version of a Lease, as a watch delivered it.
type sighting struct {
	at     time.Duration
	holder string
}

// watcher sees every version of every Lease of the namespace.
type watcher struct {
	mu      sync.Mutex
	changed chan struct{}
	seen    map[string][]sighting
	err     error
}

func newWatcher() *watcher {
	return &watcher{changed: make(chan struct{}), seen: map[string][]sighting{}}
}

// run watches until ctx ends.
func (w *watcher) run(ctx context.Context, leases coordinationclient.LeaseInterface) error {
	err := w.watch(ctx, leases)
	if ctx.Err() != nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
	w.wake()
	return err
}

func (w *watcher) watch(ctx context.Context, leases coordinationclient.LeaseInterface) error {
	const hours = 4 * 3600
	timeout := int64(hours)
	events, err := leases.Watch(ctx, metav1.ListOptions{TimeoutSeconds: &timeout})
	if err != nil {
		return fmt.Errorf("watch the leases: %w", err)
	}
	defer events.Stop()
	for event := range events.ResultChan() {
		at := now()
		l, ok := event.Object.(*coordinationv1.Lease)
		if !ok {
			return fmt.Errorf("watch the leases: an event %s brings %v", event.Type, event.Object)
		}
		if event.Type == watch.Deleted {
			continue
		}
		holder := ""
		if l.Spec.HolderIdentity != nil {
			holder = *l.Spec.HolderIdentity
		}
		w.add(l.Name, sighting{at: at, holder: holder})
	}
	return errors.New("watch the leases: the watch ended")
}

func (w *watcher) add(lease string, s sighting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen[lease] = append(w.seen[lease], s)
	w.wake()
}

func (w *watcher) wake() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// last is the newest version of a Lease; what came before it is forgotten.
func (w *watcher) last(lease string) (sighting, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.seen[lease]
	if len(all) == 0 {
		return sighting{}, false
	}
	w.seen[lease] = append([]sighting(nil), all[len(all)-1])
	return all[len(all)-1], true
}

// takeover is how a Lease changed hands.
type takeover struct {
	// lastRenewal is when the old holder's last one was seen, released when it
	// let go, zero if it did not.
	lastRenewal, released time.Duration
}

// takeover waits until another holds the Lease than the old holder, which held
// it when last was called.
func (w *watcher) takeover(ctx context.Context, lease, old string) (takeover, error) {
	for {
		w.mu.Lock()
		t, done := change(w.seen[lease], old)
		changed, err := w.changed, w.err
		w.mu.Unlock()
		if done || err != nil {
			return t, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return t, fmt.Errorf("wait for another holder of %q than %q: %w", lease, old, context.Cause(ctx))
		}
	}
}

// change reads a change of holders from a Lease's versions; false if there was none.
func change(versions []sighting, old string) (takeover, bool) {
	var t takeover
	for _, v := range versions {
		switch v.holder {
		case "":
			if t.released == 0 {
				t.released = v.at
			}
		case old:
			t.lastRenewal = v.at
		default:
			return t, true
		}
	}
	return t, false
}
