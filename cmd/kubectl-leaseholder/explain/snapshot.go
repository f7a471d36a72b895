package explain

import (
	"context"
	"fmt"
	"slices"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
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
	pod       *corev1.Pod
	namespace read[corev1.Namespace]
	webhooks  read[[]admissionregistrationv1.MutatingWebhook]
	// since is when the webhook's configuration was made.
	since metav1.Time

	// The rest is read for a pod with the sidecar alone.
	election   string
	lease      read[coordinationv1.Lease]
	candidates read[[]corev1.Pod]
	// endpoints are read where they are the lock.
	endpoints read[unstructured.Unstructured]
	denied    read[refusals]
	role      read[rbacv1.Role]
	binding   read[rbacv1.RoleBinding]
	events    read[[]corev1.Event]
}

// webhookSuffix ends the names of Leaseholder's webhooks.
const webhookSuffix = ".leaseholder.dev"

// take reads everything. The error is that of the pod alone.
func take(ctx context.Context, client kubernetes.Interface, namespace, name string) (*snapshot, error) {
	pod, err := client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("read pod %q in namespace %q: %w", name, namespace, err)
	}
	s := &snapshot{pod: pod}
	s.namespace = readOne(client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{}))
	s.readWebhooks(ctx, client)
	s.readEvents(ctx, client)
	e, ok := view.ElectionOf(pod)
	if !ok {
		return s, nil
	}
	s.election = e.Name
	s.lease = readOne(client.CoordinationV1().Leases(namespace).Get(ctx, e.Name, metav1.GetOptions{}))
	list, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: labels.Set{injector.LabelElection: e.Name}.String()})
	if s.candidates.err = err; err == nil {
		s.candidates.value = &list.Items
	}
	if view.LockOf(pod).Scheme == config.LockEndpoints {
		s.endpoints = readEndpoints(ctx, client, namespace, e.Name)
	}
	if s.denied = review(ctx, client, pod, e.Name); s.denied.err != nil {
		s.role = readOne(client.RbacV1().Roles(namespace).Get(ctx, view.RightsPrefix+e.Name, metav1.GetOptions{}))
		s.binding = readOne(client.RbacV1().RoleBindings(namespace).Get(ctx, view.RightsPrefix+e.Name, metav1.GetOptions{}))
	}
	return s, nil
}

func (s *snapshot) readWebhooks(ctx context.Context, client kubernetes.Interface) {
	list, err := client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if err != nil {
		s.webhooks.err = err
		return
	}
	for _, c := range list.Items {
		own := slices.DeleteFunc(c.Webhooks, func(w admissionregistrationv1.MutatingWebhook) bool { return !strings.HasSuffix(w.Name, webhookSuffix) })
		if len(own) > 0 {
			s.webhooks.value, s.since = &own, c.CreationTimestamp
			return
		}
	}
}

// readEvents reads what Leaseholder told of the pod.
func (s *snapshot) readEvents(ctx context.Context, client kubernetes.Interface) {
	list, err := client.CoreV1().Events(s.pod.Namespace).List(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("involvedObject.uid", string(s.pod.UID)).String(),
	})
	if err != nil {
		s.events.err = err
		return
	}
	own := slices.DeleteFunc(list.Items, func(e corev1.Event) bool { return e.ReportingController != view.Reporter })
	s.events.value = &own
}
