package check

import (
	"errors"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/certs"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// now is when everything is checked.
var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func before(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(-d)) }

// forbidden is what the API server says to those who may not.
func forbidden(resource string) error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("no"))
}

func found[T any](value T) read[T] { return read[T]{value: &value} }

// issue makes an authority, and a certificate that it signed and that lasts as long.
func issue(t *testing.T, since, until time.Time) (bundle, certificate, key []byte) {
	t.Helper()
	a := webhooktest.NewAuthorityFor(t, "leaseholder-webhook-ca", since, until)
	certificate, key = a.Issue(t, "leaseholder-webhook.leaseholder-system.svc")
	return a.PEM, certificate, key
}

// image is the sidecar's.
const image = "sidecar:2"

// healthy is an installation in which nothing is wrong, with one pod that has its
// sidecar.
func healthy(t *testing.T) *snapshot {
	t.Helper()
	bundle, certificate, key := issue(t, now.Add(-day), now.Add(89*day))
	s := &snapshot{
		system:     "leaseholder-system",
		version:    found(version.Info{GitVersion: "v1.36.3"}),
		policies:   found([]admissionregistrationv1.ValidatingAdmissionPolicy{}),
		bindings:   found([]admissionregistrationv1.ValidatingAdmissionPolicyBinding{}),
		namespaces: found([]corev1.Namespace{{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}}),
		deployment: found(appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: "leaseholder-system", Name: "leaseholder-webhook"},
			Spec: appsv1.DeploymentSpec{Replicas: new(int32(2)), Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{
				Args: []string{"--sidecar-image=" + image, "--certificate-secret=leaseholder-webhook-certificate", "--service=leaseholder-webhook"},
			}}}}},
			Status: appsv1.DeploymentStatus{ReadyReplicas: 2, UpdatedReplicas: 2},
		}),
		secret: found(corev1.Secret{Data: map[string][]byte{certs.KeyLeaf: certificate, certs.KeyLeafKey: key}}),
		slices: found([]discoveryv1.EndpointSlice{{Endpoints: []discoveryv1.Endpoint{
			{Addresses: []string{"192.0.2.1"}}, {Addresses: []string{"192.0.2.2"}},
		}}}),
		trial: trialOf{namespace: "shop", seen: `a pod in namespace "shop" would get the sidecar "leaseholder"`},
	}
	configure(s, bundle)
	for _, name := range policyNames() {
		*s.policies.value = append(*s.policies.value, admissionregistrationv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}})
		*s.bindings.value = append(*s.bindings.value, admissionregistrationv1.ValidatingAdmissionPolicyBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
				PolicyName: name, ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny},
			},
		})
	}
	injected := pod("StatefulSet", "ledger")
	injected.Spec.InitContainers = []corev1.Container{{Name: injector.ContainerName, Image: image}}
	s.pods = found([]corev1.Pod{injected})
	return s
}

// configure makes both configurations, which trust an authority.
func configure(s *snapshot, bundle []byte) {
	fail, ignore := admissionregistrationv1.Fail, admissionregistrationv1.Ignore
	named := metav1.ObjectMeta{Name: "admission.leaseholder.dev", CreationTimestamp: before(day)}
	mutating := admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: named}
	validating := admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: named}
	trusting := admissionregistrationv1.WebhookClientConfig{CABundle: bundle}
	for _, policy := range []string{"", "forbid.", "require.", "default."} {
		mutating.Webhooks = append(mutating.Webhooks, admissionregistrationv1.MutatingWebhook{
			Name: policy + "pods.leaseholder.dev", FailurePolicy: &fail, ClientConfig: trusting,
		})
		validating.Webhooks = append(validating.Webhooks, admissionregistrationv1.ValidatingWebhook{
			Name: policy + "workloads.leaseholder.dev", FailurePolicy: &ignore, ClientConfig: trusting,
		})
	}
	s.mutating = found([]admissionregistrationv1.MutatingWebhookConfiguration{mutating})
	s.validating = found([]admissionregistrationv1.ValidatingWebhookConfiguration{validating})
}

// pod is one that asks for the sidecar and has none, an hour old.
func pod(kind, name string) corev1.Pod {
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: name + "-0", CreationTimestamp: before(time.Hour),
			Annotations:     map[string]string{injector.AnnotationInject: "true"},
			OwnerReferences: []metav1.OwnerReference{{Kind: kind, Name: name, Controller: new(true)}},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app"}}},
	}
}

// with adds pods.
func with(pods ...corev1.Pod) func(*snapshot) {
	return func(s *snapshot) { *s.pods.value = append(*s.pods.value, pods...) }
}

func changed(p corev1.Pod, change func(*corev1.Pod)) corev1.Pod {
	change(&p)
	return p
}
