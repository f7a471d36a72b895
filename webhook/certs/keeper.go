package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/webhook/loop"
)

// Options are what a Keeper needs.
type Options struct {
	// Cache watches the Secret and the webhook configurations.
	Cache cache.Cache
	// Client writes them.
	Client client.Client
	// Secret is where the certificate is kept.
	Secret types.NamespacedName
	// WebhookConfiguration is the name of the MutatingWebhookConfiguration, and of
	// the ValidatingWebhookConfiguration if there is one, whose every webhook is
	// served with the certificate.
	WebhookConfiguration string
	// Names are the DNS names and IP addresses that the leaf is for; at least one.
	Names []string
	// Lifetimes default to DefaultLifetimes.
	Lifetimes Lifetimes
	// Mode says who keeps the Secret and the bundles; default SelfManaged.
	Mode Mode
	// Now is the clock, which is better the API server's (see Clock) than the node's;
	// default time.Now.
	Now func() time.Time
	// Logger defaults to slog.Default().
	Logger *slog.Logger
}

// Keeper keeps the certificate and serves it. Every replica runs one.
type Keeper struct {
	o      Options
	served served
	// kept is whether the last look at the certificate ended without an error.
	kept atomic.Bool
}

// New gives a Keeper that does nothing before Run. The error is about options.
func New(o Options) (*Keeper, error) {
	if o.Lifetimes == (Lifetimes{}) {
		o.Lifetimes = DefaultLifetimes()
	}
	if o.Mode == "" {
		o.Mode = SelfManaged
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if len(o.Names) == 0 {
		return nil, errors.New("name what the certificate is for")
	}
	if !slices.Contains([]Mode{SelfManaged, CertManager, Provided}, o.Mode) {
		return nil, fmt.Errorf("nobody keeps certificates in mode %q", o.Mode)
	}
	if err := o.Lifetimes.Validate(); err != nil {
		return nil, fmt.Errorf("check lifetimes: %w", err)
	}
	return &Keeper{o: o}, nil
}

// GetCertificate serves the certificate; see tls.Config.
func (k *Keeper) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	return k.served.certificate(hello)
}

// Ready is nil while the API server can trust what is served; otherwise one of
// ErrNoLeaf, ErrExpired and ErrUntrusted.
func (k *Keeper) Ready() error { return k.served.ready(k.o.Now()) }

// everything is the one key of the loop.
type everything struct{}

// Run keeps the certificate until ctx is done.
func (k *Keeper) Run(ctx context.Context) error {
	named := func(name types.NamespacedName) func(before, after client.Object) []everything {
		return func(before, after client.Object) []everything {
			for _, o := range []client.Object{before, after} {
				if o != nil && client.ObjectKeyFromObject(o) == name {
					return []everything{{}}
				}
			}
			return nil
		}
	}
	l := &loop.Loop[everything]{
		Name:    "certs",
		Workers: 1,
		Work: func(ctx context.Context, _ everything) (time.Duration, error) {
			again, err := k.keep(ctx)
			k.kept.Store(err == nil)
			return again, err
		},
		Sources: []loop.Source[everything]{
			{Object: &corev1.Secret{}, Keys: named(k.o.Secret)},
			{Object: &admissionregistrationv1.MutatingWebhookConfiguration{}, Keys: named(types.NamespacedName{Name: k.o.WebhookConfiguration})},
			{Object: &admissionregistrationv1.ValidatingWebhookConfiguration{}, Keys: named(types.NamespacedName{Name: k.o.WebhookConfiguration})},
		},
		Logger: k.o.Logger,
	}
	return l.Run(ctx, k.o.Cache)
}

// keep does what is due, and says when to be asked again.
func (k *Keeper) keep(ctx context.Context) (again time.Duration, err error) {
	now := k.o.Now()
	pods, others, err := k.configurations(ctx)
	if err != nil {
		if apierrors.IsNotFound(err) {
			k.served.offer(now, k.o.Lifetimes.Grace, nil, nil) // nobody trusts what is served
		}
		return 0, err
	}
	var secret corev1.Secret
	switch err := k.o.Cache.Get(ctx, k.o.Secret, &secret); {
	case apierrors.IsNotFound(err):
		// What is served stays good as long as it is trusted and has not expired.
		k.served.offer(now, k.o.Lifetimes.Grace, nil, pods.bundles())
		return 0, k.missing(ctx)
	case err != nil:
		return 0, fmt.Errorf("read the certificate's secret: %w", err)
	}
	if k.o.Mode != SelfManaged {
		return k.serveGiven(now, &secret, pods.bundles())
	}

	// What the Secret holds is served first: it can be good for weeks when the
	// next step is due and can't be stored.
	c := read(secret.Data, secret.Annotations, now, k.o.Names)
	var unpublished error
	for _, configuration := range append(others, pods) {
		unpublished = errors.Join(unpublished, configuration.publish(ctx, k.o.Client, now, &c))
	}
	left := k.served.offer(now, k.o.Lifetimes.Grace, c.leaf.served(), pods.bundles())

	step, err := c.advance(now, k.o.Lifetimes, k.o.Names, pods.bundles())
	if err == nil && step != "" {
		// The answer comes as an event, and so does that of another replica that was
		// faster; until then there is nothing to do with what this one has made.
		err = k.store(ctx, &secret, &c, step)
	}
	if err := errors.Join(unpublished, err); err != nil || step != "" {
		return 0, err
	}
	again = c.wakeAt(now, k.o.Lifetimes).Sub(now)
	if left > 0 {
		again = min(again, left)
	}
	return again, nil
}

// configurations reads that of the webhooks for pods, which must exist, and the
// others. Nothing waits for these: what is lost while the API server does not
// trust what they are served with is a warning, and no pod is refused for that.
func (k *Keeper) configurations(ctx context.Context) (pods configuration, others []configuration, err error) {
	name := types.NamespacedName{Name: k.o.WebhookConfiguration}
	var forPods admissionregistrationv1.MutatingWebhookConfiguration
	if err := k.o.Cache.Get(ctx, name, &forPods); err != nil {
		return configuration{}, nil, fmt.Errorf("read the webhook's configuration: %w", err)
	}
	var forWorkloads admissionregistrationv1.ValidatingWebhookConfiguration
	switch err := k.o.Cache.Get(ctx, name, &forWorkloads); {
	case err == nil:
		others = append(others, validating(&forWorkloads))
	case !apierrors.IsNotFound(err): // a chart of before has none
		return configuration{}, nil, fmt.Errorf("read the webhook's configuration for workloads: %w", err)
	}
	return mutating(&forPods), others, nil
}

// store writes the Secret if it is still the one that was read.
func (k *Keeper) store(ctx context.Context, secret *corev1.Secret, c *content, step string) error {
	next := secret.DeepCopy()
	next.Data, next.Annotations = c.data(secret.Data), c.annotations(secret.Annotations)
	unchanged := client.MergeFromWithOptions(secret, client.MergeFromWithOptimisticLock{})
	err := k.o.Client.Patch(ctx, next, unchanged)
	switch {
	case apierrors.IsConflict(err):
		k.o.Logger.DebugContext(ctx, "another replica has changed the certificate", "step", step)
		return nil // its change comes as an event
	case err != nil:
		return fmt.Errorf("store the certificate: %w", err)
	}
	k.o.Logger.InfoContext(ctx, "changed the certificate", "step", step)
	return nil
}
