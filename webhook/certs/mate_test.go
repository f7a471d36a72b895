package certs

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// mate is one replica.
type mate struct {
	w      *world
	name   int
	keeper *Keeper
	offset time.Duration
	seen   [kinds]int
	wake   time.Time
	// settled is when it was ready first.
	settled time.Time
	started time.Time
}

// start is the replica's first start, or another.
func (m *mate) start() {
	k, err := New(Options{
		Cache:                view{m: m},
		Client:               writer{m: m},
		Secret:               types.NamespacedName{Namespace: "system", Name: "secret"},
		WebhookConfiguration: "configuration",
		Names:                testNames,
		Now:                  func() time.Time { return m.w.now.Add(m.offset) },
		Logger:               slog.New(slog.DiscardHandler),
	})
	if err != nil {
		m.w.t.Fatal(err)
	}
	m.keeper, m.started, m.settled = k, m.w.now, time.Time{}
	for kind := range m.seen {
		m.seen[kind] = len(m.w.versions[kind]) - 1
	}
	m.turnClock()
	m.wake = m.w.now
}

func (m *mate) turnClock() { m.offset = m.w.upTo(2*worstClock) - worstClock }

// work is what the loop does.
func (m *mate) work() {
	m.wake = time.Time{}
	again, err := m.keeper.keep(m.w.t.Context())
	if err != nil {
		again = time.Second + m.w.upTo(30*time.Second)
	}
	if again > 0 {
		m.wake = m.w.now.Add(again)
	}
}

// view is the cache of a replica.
type view struct {
	cache.Cache
	m *mate
}

func (v view) Get(_ context.Context, _ client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	kind := kindOf(into)
	switch object := v.m.w.versions[kind][v.m.seen[kind]].object.(type) {
	case *corev1.Secret:
		return copyInto(object, into)
	case *admissionregistrationv1.MutatingWebhookConfiguration:
		return copyInto(object, into)
	case *admissionregistrationv1.ValidatingWebhookConfiguration:
		return copyInto(object, into)
	}
	return apierrors.NewNotFound(corev1.Resource("objects"), "one")
}

// copyInto copies an object into one of its kind.
func copyInto[T interface{ DeepCopyInto(T) }](from T, into client.Object) error {
	to, ok := into.(T)
	if !ok {
		return fmt.Errorf("%T is no %T", into, from)
	}
	from.DeepCopyInto(to)
	return nil
}

func kindOf(o client.Object) int {
	switch o.(type) {
	case *corev1.Secret:
		return kindSecret
	case *admissionregistrationv1.MutatingWebhookConfiguration:
		return kindPods
	case *admissionregistrationv1.ValidatingWebhookConfiguration:
		return kindWorkloads
	}
	panic(fmt.Sprintf("%T", o))
}

// writer is the client of a replica.
type writer struct {
	client.Client
	m *mate
}

func (c writer) Patch(_ context.Context, o client.Object, p client.Patch, _ ...client.PatchOption) error {
	w, kind := c.m.w, kindOf(o)
	present := w.last(kind)
	if present == nil {
		return apierrors.NewNotFound(corev1.Resource("objects"), "one")
	}
	if present.GetResourceVersion() != o.GetResourceVersion() {
		return apierrors.NewConflict(corev1.Resource("objects"), "one", nil)
	}
	if s, ok := o.(*corev1.Secret); ok {
		w.put(kind, s.DeepCopy())
		return nil
	}
	data, err := p.Data(o)
	if err != nil {
		return err
	}
	var change struct {
		Webhooks []hook `json:"webhooks"`
	}
	if err := json.Unmarshal(data, &change); err != nil {
		return err
	}
	bundles := map[string][]byte{}
	for _, h := range change.Webhooks {
		bundles[h.Name] = h.ClientConfig.CABundle
	}
	w.put(kind, withBundles(present, bundles))
	return nil
}

// withBundles is a configuration with the bundles of some webhooks changed.
func withBundles(o client.Object, bundles map[string][]byte) client.Object {
	next, ok := o.DeepCopyObject().(client.Object)
	if !ok {
		panic(fmt.Sprintf("%T is no object", o))
	}
	set := func(name string, c *admissionregistrationv1.WebhookClientConfig) {
		if b, ok := bundles[name]; ok {
			c.CABundle = b
		}
	}
	switch c := next.(type) {
	case *admissionregistrationv1.MutatingWebhookConfiguration:
		for i := range c.Webhooks {
			set(c.Webhooks[i].Name, &c.Webhooks[i].ClientConfig)
		}
	case *admissionregistrationv1.ValidatingWebhookConfiguration:
		for i := range c.Webhooks {
			set(c.Webhooks[i].Name, &c.Webhooks[i].ClientConfig)
		}
	}
	return next
}

func (c writer) Apply(context.Context, runtime.ApplyConfiguration, ...client.ApplyOption) error {
	if c.m.w.last(kindSecret) == nil {
		c.m.w.put(kindSecret, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: "secret"}})
	}
	return nil
}
