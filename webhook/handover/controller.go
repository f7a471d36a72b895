package handover

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/event"
	"github.com/leaseholder-dev/leaseholder/webhook/handover/request"
	"github.com/leaseholder-dev/leaseholder/webhook/loop"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// workers bounds the writes that are under way at the same time.
const workers = 4

// Options are what a Controller needs.
type Options struct {
	// Cache is that of package view.
	Cache cache.Cache
	// Client writes Leases.
	Client client.Client
	// Namespace is the webhook's own, where there are no elections of others.
	Namespace string
	// Teller makes the Events.
	Teller event.Teller
	// Logger defaults to slog.Default().
	Logger *slog.Logger
	// Now is the clock, by default time.Now.
	Now func() time.Time
}

// Controller hands elections over to candidates of higher priority. Only one in
// a cluster should run at a time: two would keep the rules of a window each for
// itself.
type Controller struct{ o Options }

// New gives a controller that does nothing before Run.
func New(o Options) *Controller {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Controller{o: o}
}

// Run hands over until ctx is done. It can be called again when it has returned,
// and has then forgotten what it saw before.
func (c *Controller) Run(ctx context.Context) error {
	t := &term{Options: c.o, memories: map[view.Election]*memory{}}
	l := &loop.Loop[view.Election]{
		Name:    "handover",
		Workers: workers,
		Work:    t.reconcile,
		Sources: []loop.Source[view.Election]{
			{Object: &coordinationv1.Lease{}, Keys: t.leaseKeys},
			{Object: &corev1.Pod{}, Keys: t.podKeys},
		},
		Logger: c.o.Logger,
	}
	return l.Run(ctx, c.o.Cache)
}

// term is one run of the controller.
type term struct {
	Options

	mu sync.Mutex
	// memories are of elections whose pods have different priorities, and for a
	// while of those whose pods had.
	memories map[view.Election]*memory
}

// reconcile hands one election over if it is time to.
func (t *term) reconcile(ctx context.Context, e view.Election) (again time.Duration, err error) {
	pods, err := view.Pods(ctx, t.Cache, e)
	if err != nil {
		return 0, err
	}
	if equal(pods) && !t.known(e) {
		return 0, nil
	}
	var l coordinationv1.Lease
	err = t.Cache.Get(ctx, types.NamespacedName{Namespace: e.Namespace, Name: e.Name}, &l)
	switch {
	case apierrors.IsNotFound(err):
		t.forget(e)
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("read the lease of %s: %w", e, err)
	}
	record := lease.Decode(&l)
	o, again := t.plan(e, record, pods)
	if o == nil {
		return again, nil
	}
	if err := t.ask(ctx, &l, o); err != nil {
		return 0, fmt.Errorf("hand %s over to pod %s: %w", e, o.to.Name, err)
	}
	t.gave(e, o, record)
	t.Logger.InfoContext(ctx, "asked to hand over", "election", e.String(), "from", o.from.Name, "to", o.to.Name)
	t.tell(ctx, &l, record, o)
	return 0, nil // the change of the Lease comes back as an event
}

// ask writes the request; loop.ErrBehind when the Lease is not what the cache
// showed.
func (t *term) ask(ctx context.Context, l *coordinationv1.Lease, o *order) error {
	body, err := request.Patch(l, o.to.Name)
	if err != nil {
		return err
	}
	target := &coordinationv1.Lease{}
	target.Namespace, target.Name = l.Namespace, l.Name
	err = t.Client.Patch(ctx, target, client.RawPatch(types.MergePatchType, body))
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return loop.ErrBehind
	}
	return err
}

// plan asks the election's memory, which begins here, and ends when the pods'
// priorities are equal again and nothing is left to be remembered.
func (t *term) plan(e view.Election, record lock.Record, pods []corev1.Pod) (*order, time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m, ok := t.memories[e]
	if !ok {
		m = newMemory()
		t.memories[e] = m
	}
	o, again := m.plan(record, pods, t.Now())
	if !equal(pods) {
		return o, again
	}
	if m.idle() {
		delete(t.memories, e)
		return nil, 0
	}
	return nil, maxWindow
}

func (t *term) gave(e view.Election, o *order, record lock.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m, ok := t.memories[e]; ok {
		m.gave(o, record, t.Now())
	}
}

func (t *term) known(e view.Election) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.memories[e]
	return ok
}

func (t *term) forget(e view.Election) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.memories, e)
}

// leaseKeys names the election of a Lease whose holder or annotations changed,
// or that was deleted, and of none that was only renewed, which is what most
// events are.
func (t *term) leaseKeys(before, after client.Object) []view.Election {
	l, ok := after.(*coordinationv1.Lease)
	b, was := before.(*coordinationv1.Lease)
	switch {
	case !ok && !was:
		return nil
	case !ok:
		l = b
	case was && ptr.Equal(b.Spec.HolderIdentity, l.Spec.HolderIdentity) && maps.Equal(b.Annotations, l.Annotations):
		return nil
	}
	if view.Excluded(l.Namespace, t.Namespace) {
		return nil
	}
	return []view.Election{{Namespace: l.Namespace, Name: l.Name}}
}

// podKeys names the election of a pod that came or went, or of which something
// changed that plans rest on. It takes note of interruptions, which can be over
// when the election is planned.
func (t *term) podKeys(before, after client.Object) []view.Election {
	pod, ok := after.(*corev1.Pod)
	b, was := before.(*corev1.Pod)
	switch {
	case !ok && !was:
		return nil
	case !ok:
		pod = b
	}
	e, elected := view.ElectionOf(pod)
	if !elected || view.Excluded(pod.Namespace, t.Namespace) {
		return nil
	}
	if !ok || !view.Ready(pod) {
		t.interrupt(e, pod.UID)
	}
	if ok && was && sameForPlans(b, pod) {
		return nil
	}
	return []view.Election{e}
}

func sameForPlans(a, b *corev1.Pod) bool {
	return view.Ready(a) == view.Ready(b) && priority(a) == priority(b) &&
		(a.DeletionTimestamp == nil) == (b.DeletionTimestamp == nil) && view.Ended(a) == view.Ended(b)
}

func (t *term) interrupt(e view.Election, uid types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m, ok := t.memories[e]; ok {
		m.interrupt(uid)
	}
}
