package view

import (
	"context"
	"fmt"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
)

// Options say which single objects the webhook watches beside the elections.
type Options struct {
	// Namespace is the webhook's own.
	Namespace string
	// CertificateSecret is the name of its Secret in Namespace.
	CertificateSecret string
	// WebhookConfiguration is the name of its MutatingWebhookConfiguration and of
	// its ValidatingWebhookConfiguration.
	WebhookConfiguration string
	// RightsUnwatched leaves out Roles, RoleBindings and Endpoints, where others make
	// them.
	RightsUnwatched bool
}

// Scheme is what clients of the webhook have to know.
func Scheme() *runtime.Scheme { return clientgoscheme.Scheme }

// NewCache makes the cache of everything that the webhook watches. It reads
// nothing before its Start, and answers for a kind that is not listed here with
// an error instead of starting to watch it.
func NewCache(ctx context.Context, config *rest.Config, o Options) (cache.Cache, error) {
	ours := labels.SelectorFromSet(labels.Set{LabelManagedBy: ManagedBy})
	elected, err := labels.Parse(injector.LabelElection)
	if err != nil {
		return nil, fmt.Errorf("parse the selector of injected pods: %w", err)
	}
	named := func(name string) fields.Selector { return fields.OneTermEqualSelector(metav1.ObjectNameField, name) }
	objects := map[client.Object]cache.ByObject{
		&corev1.Pod{}:           {Label: elected, Transform: stripPod},
		&coordinationv1.Lease{}: {Label: ours},
		&corev1.Secret{}: {Namespaces: map[string]cache.Config{
			o.Namespace: {FieldSelector: named(o.CertificateSecret)},
		}},
		&admissionregistrationv1.MutatingWebhookConfiguration{}:   {Field: named(o.WebhookConfiguration)},
		&admissionregistrationv1.ValidatingWebhookConfiguration{}: {Field: named(o.WebhookConfiguration)},
	}
	if !o.RightsUnwatched {
		objects[&rbacv1.Role{}] = cache.ByObject{Label: ours}
		objects[&rbacv1.RoleBinding{}] = cache.ByObject{Label: ours}
		objects[EndpointsMetadata()] = cache.ByObject{Label: ours}
	}
	c, err := cache.New(config, cache.Options{
		Scheme:                      Scheme(),
		DefaultTransform:            stripManagedFields,
		ByObject:                    objects,
		ReaderFailOnMissingInformer: true,
	})
	if err != nil {
		return nil, fmt.Errorf("make the cache: %w", err)
	}
	if err := c.IndexField(ctx, &corev1.Pod{}, electionIndex, electionsOf); err != nil {
		return nil, fmt.Errorf("index pods by election: %w", err)
	}
	if err := c.IndexField(ctx, &corev1.Pod{}, lockIndex, remoteLockOf); err != nil {
		return nil, fmt.Errorf("index pods by lock: %w", err)
	}
	for object := range objects {
		if _, err := c.GetInformer(ctx, object, cache.BlockUntilSynced(false)); err != nil {
			return nil, fmt.Errorf("make the informer of %T: %w", object, err)
		}
	}
	return c, nil
}
