// Package kube is what the locks that a cluster holds have in common: one object of
// the API server that carries the record, by name. A Kind says how; what no other
// elector knows of is kept in annotations, which are the same for every kind.
//
// It uses client-go's REST client with a scheme that knows one kind alone: the full
// clientset would make the sidecar more than twice as large. Writes are merge patches
// that name resourceVersion and UID, so that they are compare-and-swaps, create
// nothing, and keep the fields that this build does not know.
package kube

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// Object is a lock.Lock on one object.
type Object[T metav1.Object] struct {
	kind            Kind[T]
	client          rest.Interface
	parameters      runtime.ParameterCodec
	namespace, name string
}

var _ lock.Lock = (*Object[metav1.Object])(nil)

// New gives the lock on the named object of a kind. The error is about the
// configuration alone; no request is sent.
func New[T metav1.Object](config *rest.Config, kind Kind[T], namespace, name string) (*Object[T], error) {
	client, parameters, err := newClient(config, kind.GroupVersion, kind.AddToScheme)
	if err != nil {
		return nil, fmt.Errorf("make a client for the %s %s/%s: %w", kind.Name, namespace, name, err)
	}
	return &Object[T]{kind: kind, client: client, parameters: parameters, namespace: namespace, name: name}, nil
}

// Read lists by name, which without a resource version is a quorum read and,
// other than a get, gives the version to watch from also for a missing object. One
// that the kind refuses is an error.
func (o *Object[T]) Read(ctx context.Context) (lock.Snapshot, error) {
	ctx, answer := withAnswer(ctx)
	found := o.kind.NewList()
	err := o.on(o.client.Get(), list).VersionedParams(o.selectSelf(), o.parameters).Do(ctx).Into(found)
	if err != nil {
		return lock.Snapshot{}, o.failed("read", err)
	}
	s, err := o.listed(found)
	if err != nil {
		return lock.Snapshot{}, o.failed("read", err)
	}
	s.ServerTime = answer.date
	return s, nil
}

// listed gives the object of a list with at most one.
func (o *Object[T]) listed(found runtime.Object) (lock.Snapshot, error) {
	of, err := meta.ListAccessor(found)
	if err != nil {
		return lock.Snapshot{}, err
	}
	version := lock.Version(of.GetResourceVersion())
	s := lock.Snapshot{Version: version}
	err = meta.EachListItem(found, func(item runtime.Object) error {
		s, err = o.snapshot(item)
		return err
	})
	if err != nil {
		return lock.Snapshot{}, err
	}
	s.From = version
	return s, nil
}

// Create makes the object unheld and unmarked, and with the labels that tell it from
// other people's. Where the chart is installed, a policy of its lets those do so who
// may create roles in the namespace.
func (o *Object[T]) Create(ctx context.Context) error {
	body, err := o.kind.Unheld(metav1.ObjectMeta{Namespace: o.namespace, Name: o.name, Labels: map[string]string{
		config.LabelManagedBy: config.ManagedBy,
		config.LabelElection:  o.name,
	}})
	if err == nil {
		err = o.on(o.client.Post(), object).Body(body).Do(ctx).Error()
	}
	return o.failed("create", err)
}

// Write patches the object if it is still base.
func (o *Object[T]) Write(ctx context.Context, base lock.Snapshot, record lock.Record) (lock.Snapshot, error) {
	body, err := o.kind.patch(base, record)
	if err != nil {
		return lock.Snapshot{}, o.failed("write", err)
	}
	ctx, answer := withAnswer(ctx)
	written, err := o.on(o.client.Patch(types.MergePatchType), object).Name(o.name).Body(body).Do(ctx).Get()
	if err != nil {
		return lock.Snapshot{}, o.failed("write", err)
	}
	s, err := o.snapshot(written)
	if err != nil {
		return lock.Snapshot{}, o.failed("write", err)
	}
	s.ServerTime = answer.date
	return s, nil
}

// Watch streams the changes of this object alone. It ends with ctx, when the API
// server ends it, when the version is too old to go on from, and at an object that
// Read would refuse.
func (o *Object[T]) Watch(ctx context.Context, from lock.Version, observe func(lock.Snapshot)) error {
	options := o.selectSelf()
	options.Watch, options.AllowWatchBookmarks, options.ResourceVersion = true, true, string(from)
	w, err := o.on(o.client.Get(), object).VersionedParams(options, o.parameters).Watch(ctx)
	if err != nil {
		return o.failed("watch", err)
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		changed, ok := event.Object.(T)
		switch {
		case event.Type == watch.Error:
			return o.failed("watch", apierrors.FromObject(event.Object))
		case !ok || event.Type == watch.Bookmark:
			continue
		case event.Type == watch.Deleted:
			observe(lock.Snapshot{Version: lock.Version(changed.GetResourceVersion())})
		default:
			s, err := o.snapshot(event.Object)
			if err != nil {
				return o.failed("watch", err)
			}
			observe(s)
		}
	}
	return nil
}

// What an object, and a list of them, are asked for as where their metadata is enough.
const (
	object = "PartialObjectMetadata"
	list   = "PartialObjectMetadataList"
)

// on is a request about the kind's objects in the namespace, whose answer is an object
// or a list. It is sent once: the candidate knows when to repeat one, and what it may
// still be worth then.
func (o *Object[T]) on(request *rest.Request, answer string) *rest.Request {
	if o.kind.Metadata {
		request.SetHeader("Accept", runtime.ContentTypeJSON+";as="+answer+";g="+metav1.GroupName+";v=v1")
	}
	return request.Namespace(o.namespace).Resource(o.kind.Resource).MaxRetries(0)
}

func (o *Object[T]) selectSelf() *metav1.ListOptions {
	return &metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, o.name).String()}
}

// snapshot reads an object of an answer.
func (o *Object[T]) snapshot(answer runtime.Object) (lock.Snapshot, error) {
	object, ok := answer.(T)
	if !ok {
		return lock.Snapshot{}, fmt.Errorf("the answer is a %T", answer)
	}
	r, err := o.kind.Decode(object)
	if err != nil {
		return lock.Snapshot{}, err
	}
	return lock.Snapshot{
		Exists:  true,
		Version: lock.Version(object.GetResourceVersion()),
		UID:     string(object.GetUID()),
		Record:  r,
	}, nil
}

// failed says what failed in terms of package lock.
func (o *Object[T]) failed(verb string, err error) error {
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
			return fmt.Errorf("%s %s %s/%s: %w: %w", verb, o.kind.Name, o.namespace, o.name, k.kind, err)
		}
	}
	return fmt.Errorf("%s %s %s/%s: %w", verb, o.kind.Name, o.namespace, o.name, err)
}
