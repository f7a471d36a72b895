package check

import (
	"context"
	"fmt"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/kubernetes"
)

// read is what was read of something: a value, nothing because there is none, or
// an error.
type read[T any] struct {
	value *T
	err   error
}

// readOne takes an answer of the API server.
func readOne[T any](value *T, err error) read[T] {
	switch {
	case apierrors.IsNotFound(err):
		return read[T]{}
	case err != nil:
		return read[T]{err: err}
	}
	return read[T]{value: value}
}

// snapshot is all that is known.
type snapshot struct {
	version    read[version.Info]
	mutating   read[[]admissionregistrationv1.MutatingWebhookConfiguration]
	validating read[[]admissionregistrationv1.ValidatingWebhookConfiguration]
	policies   read[[]admissionregistrationv1.ValidatingAdmissionPolicy]
	bindings   read[[]admissionregistrationv1.ValidatingAdmissionPolicyBinding]
	namespaces read[[]corev1.Namespace]
	pods       read[[]corev1.Pod]

	// system is the namespace that Leaseholder runs in, empty when it was not found.
	system string
	// The rest is read if it was.
	deployment read[appsv1.Deployment]
	secret     read[corev1.Secret]
	slices     read[[]discoveryv1.EndpointSlice]
	trial      trialOf
}

// The labels of the chart's objects.
var (
	everything = labels.Set{"app.kubernetes.io/name": "leaseholder"}.String()
	ofWebhook  = labels.Set{"app.kubernetes.io/name": "leaseholder", "app.kubernetes.io/component": "webhook"}.String()
)

// take reads everything. The error is that of a cluster that does not answer.
func take(ctx context.Context, client kubernetes.Interface, system, namespace string) (*snapshot, error) {
	s := &snapshot{system: system}
	info, err := client.Discovery().ServerVersionWithContext(ctx)
	if err != nil && !apierrors.IsForbidden(err) && !apierrors.IsUnauthorized(err) {
		return nil, fmt.Errorf("ask the API server for its version: %w", err)
	}
	s.version = readOne(info, err)
	s.readAdmission(ctx, client)
	s.readCluster(ctx, client)
	s.findSystem(ctx, client)
	if s.system != "" {
		s.readSystem(ctx, client)
	}
	s.trial = try(ctx, client, s.trialNamespace(namespace))
	return s, nil
}

func (s *snapshot) readAdmission(ctx context.Context, client kubernetes.Interface) {
	ours := metav1.ListOptions{LabelSelector: everything}
	admission := client.AdmissionregistrationV1()
	if list, err := admission.MutatingWebhookConfigurations().List(ctx, ours); err != nil {
		s.mutating.err = err
	} else {
		s.mutating.value = &list.Items
	}
	if list, err := admission.ValidatingWebhookConfigurations().List(ctx, ours); err != nil {
		s.validating.err = err
	} else {
		s.validating.value = &list.Items
	}
	if list, err := admission.ValidatingAdmissionPolicies().List(ctx, ours); err != nil {
		s.policies.err = err
	} else {
		s.policies.value = &list.Items
	}
	if list, err := admission.ValidatingAdmissionPolicyBindings().List(ctx, ours); err != nil {
		s.bindings.err = err
	} else {
		s.bindings.value = &list.Items
	}
}

// page is how many pods one request asks for: all at once of a large cluster would
// keep its API server busy for long.
const page = 500

func (s *snapshot) readCluster(ctx context.Context, client kubernetes.Interface) {
	if list, err := client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{}); err != nil {
		s.namespaces.err = err
	} else {
		s.namespaces.value = &list.Items
	}
	all := []corev1.Pod{}
	for next := ""; ; {
		list, err := client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{Limit: page, Continue: next})
		if err != nil {
			s.pods.err = err
			return
		}
		all = append(all, list.Items...)
		if next = list.Continue; next == "" {
			s.pods.value = &all
			return
		}
	}
}

// findSystem finds the namespace by what the configuration calls, or else by the
// Deployment's labels.
func (s *snapshot) findSystem(ctx context.Context, client kubernetes.Interface) {
	if s.system != "" {
		return
	}
	if s.mutating.value != nil {
		for i := range *s.mutating.value {
			for _, w := range (*s.mutating.value)[i].Webhooks {
				if w.ClientConfig.Service != nil {
					s.system = w.ClientConfig.Service.Namespace
					return
				}
			}
		}
	}
	list, err := client.AppsV1().Deployments(metav1.NamespaceAll).List(ctx, metav1.ListOptions{LabelSelector: ofWebhook})
	if s.deployment.err = err; err == nil && len(list.Items) > 0 {
		s.system = list.Items[0].Namespace
	}
}

func (s *snapshot) readSystem(ctx context.Context, client kubernetes.Interface) {
	list, err := client.AppsV1().Deployments(s.system).List(ctx, metav1.ListOptions{LabelSelector: ofWebhook})
	if s.deployment.err = err; err == nil && len(list.Items) > 0 {
		s.deployment.value = &list.Items[0]
	}
	set := s.settings()
	s.secret = readOne(client.CoreV1().Secrets(s.system).Get(ctx, set.secret, metav1.GetOptions{}))
	found, err := client.DiscoveryV1().EndpointSlices(s.system).List(ctx, metav1.ListOptions{
		LabelSelector: labels.Set{discoveryv1.LabelServiceName: set.service}.String(),
	})
	if s.slices.err = err; err == nil {
		s.slices.value = &found.Items
	}
}
