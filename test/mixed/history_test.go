package mixed_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/leaseholder-dev/leaseholder/sidecar/election"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/endpoints"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
)

// state is one state that a Lease, or an Endpoints object, went through.
type state struct {
	lock.Record
	// At is when it was seen, by CLOCK_BOOTTIME.
	At time.Duration
	// UID is the object's.
	UID string
	// Deleted says that the Lease was deleted; the record is what it last said.
	Deleted bool
}

func (s state) String() string {
	switch {
	case s.Deleted:
		return "deleted"
	case s.Holder == "" && s.Released():
		return "released by ours"
	case s.Holder == "":
		return "unheld"
	}
	return lock.PodName(s.Holder)
}

// history is all states of one object from its making on, none left out.
type history struct {
	mu     sync.Mutex
	states []state
	err    error
}

// watcher is a client of the objects of one kind in one namespace.
type watcher interface {
	Watch(context.Context, metav1.ListOptions) (watch.Interface, error)
}

// recordHistory watches an object that exists until the test ends.
func recordHistory(t *testing.T, of watcher, object metav1.Object) *history {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	w, err := of.Watch(ctx, metav1.ListOptions{
		FieldSelector:   fields.OneTermEqualSelector(metav1.ObjectNameField, object.GetName()).String(),
		ResourceVersion: object.GetResourceVersion(),
	})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	h := &history{}
	h.add(object, false)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e := range w.ResultChan() {
			h.add(e.Object, e.Type == watch.Deleted)
		}
		if ctx.Err() == nil {
			h.fail(errors.New("the watch ended"))
		}
	}()
	t.Cleanup(func() {
		cancel()
		w.Stop()
		<-done
		if h.err != nil {
			t.Errorf("the history of %s has a gap: %v", object.GetName(), h.err)
		}
	})
	return h
}

func (h *history) add(object any, deleted bool) {
	s := state{At: election.BootTime{}.Now(), Deleted: deleted}
	switch o := object.(type) {
	case *coordinationv1.Lease:
		s.Record, s.UID = lease.Decode(o), string(o.UID)
	case *corev1.Endpoints: //nolint:staticcheck // this is the kind, deprecated or not
		var err error
		if s.Record, err = endpoints.Decode(o.Annotations); err != nil {
			h.fail(err)
		}
		s.UID = string(o.UID)
	default:
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.states = append(h.states, s)
}

func (h *history) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = err
}

// len is how many states there were so far: where news begin.
func (h *history) len() int { return len(h.since(0)) }

// since gives the states from the one with number from on.
func (h *history) since(from int) []state {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]state(nil), h.states[min(from, len(h.states)):]...)
}

// await waits for a state with number from or later that is wanted, and gives
// its number.
func (h *history) await(t *testing.T, what string, from int, wanted func(state) bool) int {
	t.Helper()
	found := 0
	eventually(t, what, func() bool {
		for i, s := range h.since(from) {
			if wanted(s) {
				found = from + i
				return true
			}
		}
		return false
	})
	return found
}

// story is the states from the one with number from on, renewals left out.
func (h *history) story(from int) []string {
	var all []string
	for _, s := range h.since(from) {
		if what := s.String(); len(all) == 0 || all[len(all)-1] != what {
			all = append(all, what)
		}
	}
	return all
}

// heldBy says that the object names a contestant.
func heldBy(name string) func(state) bool {
	return func(s state) bool { return !s.Deleted && lock.PodName(s.Holder) == name }
}

// unheld says that the object names nobody.
func unheld(s state) bool { return !s.Deleted && s.Holder == "" }
