package explain

import (
	"errors"
	"slices"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/endpoints"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/grants/rights"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// now is when everything is explained.
var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func before(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(-d)) }

// forbidden is what the API server says to those who may not.
func forbidden(resource string) error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("no"))
}

// plain is a pod that has nothing to do with Leaseholder, where Leaseholder is
// installed.
func plain() *snapshot {
	fail := admissionregistrationv1.Fail
	return &snapshot{
		pod: &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders-b", UID: "u-b", CreationTimestamp: before(time.Hour)},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "orders:1"}}},
			Status:     corev1.PodStatus{Phase: corev1.PodRunning},
		},
		namespace: found(&corev1.Namespace{}),
		webhooks: found(&[]admissionregistrationv1.MutatingWebhook{{
			Name: "pods.leaseholder.dev", FailurePolicy: &fail,
			ClientConfig: admissionregistrationv1.WebhookClientConfig{
				CABundle: []byte("ca"),
				Service:  &admissionregistrationv1.ServiceReference{Namespace: "leaseholder-system"},
			},
		}}),
		since:  before(24 * time.Hour),
		events: found(&[]corev1.Event{}),
	}
}

func found[T any](value *T) read[T] { return read[T]{value: value} }

func annotate(s *snapshot, pairs ...string) {
	for pair := range slices.Chunk(pairs, 2) {
		metav1.SetMetaDataAnnotation(&s.pod.ObjectMeta, pair[0], pair[1])
	}
}

// standby is one of two candidates that are as they should be.
func standby() *snapshot {
	s := plain()
	s.election = "orders"
	annotate(s, injector.AnnotationInject, "true")
	s.pod.Labels = map[string]string{injector.LabelElection: "orders", injector.LabelRole: injector.RoleStandby}
	env := []corev1.EnvVar{
		{Name: config.Election.Variable(), Value: "orders"},
		{Name: config.StandbyMode.Variable(), Value: "ready"},
		{Name: config.LeaseDuration.Variable(), Value: "15s"},
		{Name: config.RenewDeadline.Variable(), Value: "10s"},
		{Name: config.RetryPeriod.Variable(), Value: "2s"},
	}
	s.pod.Spec.InitContainers = []corev1.Container{{Name: injector.ContainerName, Image: "sidecar:1", Env: env}}
	s.pod.Status.InitContainerStatuses = []corev1.ContainerStatus{{
		Name: injector.ContainerName, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: before(50 * time.Minute)}},
	}}
	s.pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	leader := s.pod.DeepCopy()
	leader.Name, leader.UID = "orders-a", "u-a"
	s.candidates = found(&[]corev1.Pod{*leader, *s.pod})
	s.denied = denied()
	s.lease = found(held("orders-a_u-a_x"))
	return s
}

func held(holder string) *coordinationv1.Lease {
	seconds := int32(15)
	acquired, renewed := metav1.NewMicroTime(now.Add(-40*time.Minute)), metav1.NewMicroTime(now.Add(-time.Second))
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      map[string]string{view.LabelManagedBy: view.ManagedBy},
			Annotations: map[string]string{lease.StampAnnotation: holder, lease.TokenAnnotation: "7"},
		},
		Spec: coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds, AcquireTime: &acquired, RenewTime: &renewed},
	}
}

// change makes a snapshot from another.
func change(from func() *snapshot, how func(s *snapshot)) *snapshot {
	s := from()
	how(s)
	return s
}

func label(s *snapshot, policy injector.Policy) {
	s.namespace.value.Labels = map[string]string{injector.LabelInjection: string(policy)}
}

func status(s *snapshot) *corev1.ContainerStatus { return &s.pod.Status.InitContainerStatuses[0] }

// owned gives the pod a controller to name its election after.
func owned(s *snapshot) {
	yes := true
	s.pod.OwnerReferences = []metav1.OwnerReference{{Kind: "StatefulSet", Name: "orders", UID: types.UID("w"), Controller: &yes}}
}

// notReady makes the pod wait for some of its containers.
func notReady(s *snapshot, containers ...string) {
	s.pod.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodReady, Status: corev1.ConditionFalse, Reason: "ContainersNotReady",
		Message: "containers with unready status: [" + strings.Join(containers, " ") + "]",
	}}
}

// denied are the verbs that the pod's account does not have on its Lease.
func denied(verbs ...string) read[refusals] { return found(&refusals{lease: verbs}) }

// locked makes Endpoints the pods' lock, with one record or none, and the Lease its report.
func locked(s *snapshot, record string) {
	reported(s, "endpoints")
	o := rights.Applicable(view.Election{Namespace: "shop", Name: "orders"})
	o.SetAnnotations(map[string]string{lease.StampAnnotation: "orders-a_u-a_x"})
	if record != "" {
		o.SetAnnotations(map[string]string{lease.StampAnnotation: "orders-a_u-a_x", endpoints.LeaderAnnotation: record})
	}
	s.endpoints = found(o)
}

// recordOf is the record of a holder of Endpoints.
func recordOf(holder string) string {
	return `{"holderIdentity":"` + holder + `","leaseDurationSeconds":10,"renewTime":"2026-01-02T03:04:03Z"}`
}

// reported makes the Lease a report of the pods' lock.
func reported(s *snapshot, address string) {
	told := func(pod *corev1.Pod) {
		env := &pod.Spec.InitContainers[0].Env
		*env = append(*env, corev1.EnvVar{Name: config.Lock.Variable(), Value: address})
	}
	told(s.pod)
	for i := range *s.candidates.value {
		told(&(*s.candidates.value)[i])
	}
	s.lease.value.Annotations[lease.LockAnnotation] = address
}
