package product

import (
	"context"
	"fmt"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
)

// Entry is one state that a lock was seen in.
type Entry struct {
	lock.Record
	// At is when it was seen, by this process's monotonic clock.
	At time.Time
}

// History is what one election's Lease went through, from its first state on.
type History struct {
	mu      sync.Mutex
	entries []Entry
	grown   chan struct{}
}

// Record begins to write down an election's history until ctx ends.
func Record(ctx context.Context, client kubernetes.Interface, namespace, election string) *History {
	h := &History{grown: make(chan struct{})}
	watched := cache.NewListWatchFromClient(client.CoordinationV1().RESTClient(), "leases", namespace,
		fields.OneTermEqualSelector(metav1.ObjectNameField, election))
	_, controller := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: watched,
		ObjectType:    &coordinationv1.Lease{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    h.add,
			UpdateFunc: func(_, object any) { h.add(object) },
		},
	})
	go controller.RunWithContext(ctx)
	return h
}

func (h *History) add(object any) {
	l, ok := object.(*coordinationv1.Lease)
	if !ok {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.entries = append(h.entries, Entry{Record: lease.Decode(l), At: time.Now()})
	close(h.grown)
	h.grown = make(chan struct{})
}

// Len is how many states were seen so far: where news begin.
func (h *History) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.entries)
}

// Since gives the states from the one with number from on.
func (h *History) Since(from int) []Entry {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Entry(nil), h.entries[min(from, len(h.entries)):]...)
}

// Await waits for a state with number from or later that is wanted, and gives it.
func (h *History) Await(ctx context.Context, from int, wanted func(Entry) bool) (Entry, error) {
	for {
		h.mu.Lock()
		entries, grown := h.entries[min(from, len(h.entries)):], h.grown
		h.mu.Unlock()
		for _, e := range entries {
			if wanted(e) {
				return e, nil
			}
		}
		from += len(entries)
		select {
		case <-grown:
		case <-ctx.Done():
			return Entry{}, fmt.Errorf("wait for the lock to change: %w", context.Cause(ctx))
		}
	}
}

// Now waits for a holder, and gives the last state of the latest there was.
func (h *History) Now(ctx context.Context) (Entry, error) {
	now, err := h.Await(ctx, 0, Held)
	for _, e := range h.Since(0) {
		if Held(e) {
			now = e
		}
	}
	return now, err
}

// Held says that somebody holds the lock.
func Held(e Entry) bool { return e.Holder != "" }

// HeldByOther says that somebody else than that holder holds the lock.
func HeldByOther(holder string) func(Entry) bool {
	return func(e Entry) bool { return e.Holder != "" && e.Holder != holder }
}
