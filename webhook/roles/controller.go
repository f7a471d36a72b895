package roles

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/event"
	"github.com/leaseholder-dev/leaseholder/webhook/loop"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// workers bounds the writes that are under way at the same time.
const workers = 8

// Options are what a Controller needs.
type Options struct {
	// Cache is that of package view.
	Cache cache.Cache
	// Client writes pods, and reads Leases at the API server itself.
	Client client.Client
	// Namespace is the webhook's own, where there are no elections of others.
	Namespace string
	// Teller makes the Events.
	Teller event.Teller
	// Logger defaults to slog.Default().
	Logger *slog.Logger
}

// Controller keeps roles. Only one in a cluster should run at a time: what two
// would write is the same, but Events could be in another order.
type Controller struct{ o Options }

// New gives a controller that does nothing before Run.
func New(o Options) *Controller {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &Controller{o: o}
}

// Run keeps roles until ctx is done. It can be called again when it has
// returned.
func (c *Controller) Run(ctx context.Context) error {
	l := &loop.Loop[view.Election]{
		Name:    "roles",
		Workers: workers,
		Work:    c.reconcile,
		Sources: []loop.Source[view.Election]{
			{Object: &coordinationv1.Lease{}, Keys: c.leaseKeys},
			{Object: &corev1.Pod{}, Keys: c.podKeys},
		},
		Logger: c.o.Logger,
	}
	return l.Run(ctx, c.o.Cache)
}

// reconcile brings the roles of one election into order.
func (c *Controller) reconcile(ctx context.Context, e view.Election) (again time.Duration, err error) {
	var l coordinationv1.Lease
	err = c.o.Cache.Get(ctx, types.NamespacedName{Namespace: e.Namespace, Name: e.Name}, &l)
	switch {
	case apierrors.IsNotFound(err):
		return 0, nil // it is made anew, or nobody stands in the election
	case err != nil:
		return 0, fmt.Errorf("read the lease of %s: %w", e, err)
	}
	pods, err := view.Pods(ctx, c.o.Cache, e)
	if err != nil {
		return 0, err
	}
	changes, behind := plan(lease.Decode(&l), pods)
	if behind {
		if changes, err = c.planLive(ctx, &l, pods); err != nil {
			return 0, err
		}
	}
	return 0, c.applyAll(ctx, &l, pods, changes)
}

// applyAll makes the changes in their order, and tells the news. After a failure the
// rest must wait, for the new leader's label comes last; but not for a pod that the API
// server refuses to change: that can be so for good, and the label of the leader that
// is the better half of two would be missing as long.
func (c *Controller) applyAll(ctx context.Context, l *coordinationv1.Lease, pods []corev1.Pod, changes []change) error {
	record := lease.Decode(l)
	var refusals []error
	for _, change := range changes {
		err := c.apply(ctx, change)
		switch {
		case refused(err):
			refusals = append(refusals, fmt.Errorf("relabel pod %s/%s: %w", l.Namespace, change.pod.Name, err))
			c.tellRefused(ctx, l, record, change, err)
		case err != nil:
			return errors.Join(append(refusals, fmt.Errorf("relabel pod %s/%s: %w", l.Namespace, change.pod.Name, err))...)
		case change.news:
			c.tell(ctx, l, record, pods, change)
		}
	}
	return errors.Join(refusals...) // to be tried again, less and less
}

// refused says that the API server has judged a change, and not merely failed.
func refused(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsRequestEntityTooLargeError(err)
}

// planLive plans when a pod knows a later term than the cached Lease, which it
// replaces by the API server's. If that one is later, its event is on the way.
// Otherwise there was no such term, and what the pods know counts for nothing: the
// Lease was read after them.
func (c *Controller) planLive(ctx context.Context, l *coordinationv1.Lease, pods []corev1.Pod) ([]change, error) {
	key := client.ObjectKeyFromObject(l)
	var fresh coordinationv1.Lease
	err := c.o.Client.Get(ctx, key, &fresh)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read the lease of %s: %w", key, err)
	}
	live := lease.Decode(&fresh)
	if live.Token > lease.Decode(l).Token {
		return nil, nil
	}
	*l = fresh
	disbelieve(pods, live.Token)
	changes, _ := plan(live, pods)
	return changes, nil
}

// apply patches one pod; loop.ErrBehind when it is not what the cache showed.
func (c *Controller) apply(ctx context.Context, change change) error {
	body, err := change.patch()
	if err != nil {
		return err
	}
	target := &corev1.Pod{}
	target.Namespace, target.Name = change.pod.Namespace, change.pod.Name
	err = c.o.Client.Patch(ctx, target, client.RawPatch(types.MergePatchType, body))
	switch {
	case apierrors.IsConflict(err):
		return loop.ErrBehind
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	}
	c.o.Logger.DebugContext(ctx, "relabelled", "namespace", change.pod.Namespace, "pod", change.pod.Name, "role", change.role, "token", change.token)
	return nil
}

// leaseKeys names the election of a Lease whose holder or annotations changed,
// and of none that was only renewed, which is what most events are.
func (c *Controller) leaseKeys(before, after client.Object) []view.Election {
	l, ok := after.(*coordinationv1.Lease)
	if !ok || view.Excluded(l.Namespace, c.o.Namespace) {
		return nil
	}
	if b, ok := before.(*coordinationv1.Lease); ok &&
		ptr.Equal(b.Spec.HolderIdentity, l.Spec.HolderIdentity) && maps.Equal(b.Annotations, l.Annotations) {
		return nil
	}
	return []view.Election{{Namespace: l.Namespace, Name: l.Name}}
}

// podKeys names the election of a pod that came, or whose labels or annotations
// changed.
func (c *Controller) podKeys(before, after client.Object) []view.Election {
	pod, ok := after.(*corev1.Pod)
	if !ok || view.Excluded(pod.Namespace, c.o.Namespace) {
		return nil
	}
	if b, ok := before.(*corev1.Pod); ok && maps.Equal(b.Labels, pod.Labels) && maps.Equal(b.Annotations, pod.Annotations) {
		return nil
	}
	if e, ok := view.ElectionOf(pod); ok {
		return []view.Election{e}
	}
	return nil
}
