// Package lease is the lock that a coordination.k8s.io Lease holds: the
// recommended way to elect in Kubernetes, and the default. The record is the
// one that client-go's elector writes, so that both can stand in one election;
// what a Lease has no field for is kept in annotations.
//
// It uses client-go's REST client with a scheme that knows the Lease alone: the
// full clientset would make the sidecar more than twice as large. Writes are
// merge patches that name resourceVersion and UID, so that they are
// compare-and-swaps, create nothing, and keep the fields that this build does
// not know.
package lease

import (
	"context"
	"fmt"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

const resource = "leases"

// Lease is a lock.Lock on one Lease object.
type Lease struct {
	client          rest.Interface
	namespace, name string
	// report says that it is no lock, and may show another.
	report bool
}

var _ lock.Lock = (*Lease)(nil)

// New gives the lock on the named Lease. The error is about kube alone; no
// request is sent.
func New(kube *rest.Config, namespace, name string) (*Lease, error) {
	client, err := newClient(kube)
	if err != nil {
		return nil, fmt.Errorf("make a client for the lease %s/%s: %w", namespace, name, err)
	}
	return &Lease{client: client, namespace: namespace, name: name}, nil
}

// NewReport gives the named Lease as the place to report an election that is held at
// another lock. It excludes nobody. It is written like a lock, and the record's Reports
// says of which.
func NewReport(kube *rest.Config, namespace, name string) (*Lease, error) {
	l, err := New(kube, namespace, name)
	if err != nil {
		return nil, err
	}
	l.report = true
	return l, nil
}

// Read lists by name, which without a resource version is a quorum read and,
// other than a get, gives the version to watch from also for a missing Lease. A
// Lease with a spec.strategy is refused, and as a lock one that reports another.
func (l *Lease) Read(ctx context.Context) (lock.Snapshot, error) {
	ctx, answer := withAnswer(ctx)
	var list coordinationv1.LeaseList
	err := l.client.Get().Namespace(l.namespace).Resource(resource).
		VersionedParams(l.selectSelf(), parameters).MaxRetries(0).Do(ctx).Into(&list)
	if err != nil {
		return lock.Snapshot{}, l.failed("read", err)
	}
	s := lock.Snapshot{Version: lock.Version(list.ResourceVersion)}
	if len(list.Items) == 1 {
		if s, err = l.snapshot(&list.Items[0]); err != nil {
			return lock.Snapshot{}, l.failed("read", err)
		}
	}
	s.From = lock.Version(list.ResourceVersion)
	s.ServerTime = answer.date
	return s, nil
}

// Create makes the Lease with an empty spec, unheld and unmarked, and with the
// labels that tell it from other people's. Where the chart is installed, a policy of
// its lets those do so who may create roles in the namespace.
func (l *Lease) Create(ctx context.Context) error {
	body := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: l.namespace, Name: l.name, Labels: map[string]string{
		config.LabelManagedBy: config.ManagedBy,
		config.LabelElection:  l.name,
	}}}
	err := l.client.Post().Namespace(l.namespace).Resource(resource).Body(body).MaxRetries(0).Do(ctx).Error()
	return l.failed("create", err)
}

// Write patches the Lease if it is still base.
func (l *Lease) Write(ctx context.Context, base lock.Snapshot, record lock.Record) (lock.Snapshot, error) {
	body, err := patch(base, record)
	if err != nil {
		return lock.Snapshot{}, l.failed("write", err)
	}
	ctx, answer := withAnswer(ctx)
	var written coordinationv1.Lease
	err = l.client.Patch(types.MergePatchType).Namespace(l.namespace).Resource(resource).Name(l.name).
		Body(body).MaxRetries(0).Do(ctx).Into(&written)
	if err != nil {
		return lock.Snapshot{}, l.failed("write", err)
	}
	s, err := l.snapshot(&written)
	if err != nil {
		return lock.Snapshot{}, l.failed("write", err)
	}
	s.ServerTime = answer.date
	return s, nil
}

// Watch streams the changes of this Lease alone. It ends with ctx, when the API
// server ends it, when the version is too old to go on from, and at a Lease that
// Read would refuse.
func (l *Lease) Watch(ctx context.Context, from lock.Version, observe func(lock.Snapshot)) error {
	options := l.selectSelf()
	options.Watch, options.AllowWatchBookmarks, options.ResourceVersion = true, true, string(from)
	w, err := l.client.Get().Namespace(l.namespace).Resource(resource).
		VersionedParams(options, parameters).MaxRetries(0).Watch(ctx)
	if err != nil {
		return l.failed("watch", err)
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		object, ok := event.Object.(*coordinationv1.Lease)
		switch {
		case event.Type == watch.Error:
			return l.failed("watch", apierrors.FromObject(event.Object))
		case !ok || event.Type == watch.Bookmark:
			continue
		case event.Type == watch.Deleted:
			observe(lock.Snapshot{Version: lock.Version(object.ResourceVersion)})
		default:
			s, err := l.snapshot(object)
			if err != nil {
				return l.failed("watch", err)
			}
			observe(s)
		}
	}
	return nil
}

func (l *Lease) selectSelf() *metav1.ListOptions {
	return &metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, l.name).String()}
}

// failed says what failed in terms of package lock.
func (l *Lease) failed(verb string, err error) error {
	if err == nil {
		return nil
	}
	kinds := []struct {
		is   func(error) bool
		kind error
	}{
		{apierrors.IsConflict, lock.ErrConflict},
		{apierrors.IsNotFound, lock.ErrMissing},
		{apierrors.IsAlreadyExists, lock.ErrExists},
		{apierrors.IsForbidden, lock.ErrForbidden},
		{apierrors.IsUnauthorized, lock.ErrForbidden},
	}
	for _, k := range kinds {
		if k.is(err) {
			return fmt.Errorf("%s lease %s/%s: %w: %w", verb, l.namespace, l.name, k.kind, err)
		}
	}
	return fmt.Errorf("%s lease %s/%s: %w", verb, l.namespace, l.name, err)
}

// snapshot refuses a Lease of coordinated leader election (KEP-4355): there the
// control plane names the holder, by rules of its own. A lock refuses a report too, which
// excludes nobody, and is written by candidates that hold another lock.
func (l *Lease) snapshot(object *coordinationv1.Lease) (lock.Snapshot, error) {
	if s := object.Spec.Strategy; s != nil && *s != "" {
		return lock.Snapshot{}, fmt.Errorf("spec.strategy=%q is refused, allowed: none; the control plane elects the holder of such a lease", *s)
	}
	record := Decode(object)
	if record.Reports != "" && !l.report {
		return lock.Snapshot{}, fmt.Errorf("%s=%q is refused, allowed: none; this lease only reports an election that is held at %s: "+
			"give these pods that lock, or name another election, or delete the lease when no pod with that lock runs any more, in any cluster",
			LockAnnotation, record.Reports, record.Reports)
	}
	return lock.Snapshot{
		Exists:  true,
		Version: lock.Version(object.ResourceVersion),
		UID:     string(object.UID),
		Record:  record,
	}, nil
}
