package explain

import (
	"errors"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/ownership"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

func cases() map[string]*snapshot {
	return map[string]*snapshot{
		"not-annotated": plain(),
		"inject-false":  change(plain, func(s *snapshot) { annotate(s, injector.AnnotationInject, "false") }),
		"a-mirror-pod":  change(plain, func(s *snapshot) { annotate(s, corev1.MirrorPodAnnotationKey, "x") }),
		"an-excluded-namespace": change(plain, func(s *snapshot) {
			annotate(s, injector.AnnotationInject, "true")
			s.pod.Namespace = "leaseholder-system"
		}),
		"a-namespace-that-forbids-it": change(plain, func(s *snapshot) { label(s, injector.Forbid) }),
		"an-annotation-where-the-namespace-forbids-it": change(plain, func(s *snapshot) {
			label(s, injector.Forbid)
			annotate(s, injector.AnnotationInject, "true")
		}),
		"a-namespace-that-would-give-it-if-it-could": change(plain, func(s *snapshot) {
			label(s, injector.Default)
			s.pod.Spec.OS = &corev1.PodOS{Name: corev1.Windows}
		}),
		"before-the-webhook": change(plain, func(s *snapshot) {
			label(s, injector.Require)
			owned(s)
			s.since = before(time.Minute)
		}),
		"no-webhook": change(plain, func(s *snapshot) {
			annotate(s, injector.AnnotationInject, "true", injector.AnnotationElection, "orders")
			s.webhooks, s.since = read[[]admissionregistrationv1.MutatingWebhook]{}, metav1.Time{}
		}),
		"a-webhook-that-was-away-and-is-not-trusted": change(plain, func(s *snapshot) {
			annotate(s, injector.AnnotationInject, "true", injector.AnnotationElection, "orders")
			ignore := admissionregistrationv1.Ignore
			w := &(*s.webhooks.value)[0]
			w.FailurePolicy, w.ClientConfig.CABundle = &ignore, nil
		}),
		"an-annotation-that-came-later": change(plain, func(s *snapshot) {
			owned(s)
			annotate(s, injector.AnnotationInject, "true")
		}),
		"annotations-that-are-wrong": change(plain, func(s *snapshot) {
			annotate(s, injector.AnnotationInject, "yes", injector.AnnotationStandby, "asleep")
		}),
		"a-standby": standby(),
		"the-leader": change(standby, func(s *snapshot) {
			s.lease = found(held("orders-b_u-b_x"))
			s.pod.Labels[injector.LabelRole] = injector.RoleLeader
		}),
		"another-lock-than-the-others-have": change(standby, func(s *snapshot) {
			c := &s.pod.Spec.InitContainers[0]
			c.Env = append(c.Env, corev1.EnvVar{Name: "LEASEHOLDER_LOCK", Value: "gs://shop-locks/orders"})
			c.Image = "sidecar-cloud:1"
			(*s.candidates.value)[1] = *s.pod
		}),
		"a-leader-without-its-label": change(standby, func(s *snapshot) { s.lease = found(held("orders-b_u-b_x")) }),
		"a-lease-that-expired": change(standby, func(s *snapshot) {
			renewed := metav1.NewMicroTime(now.Add(-time.Minute))
			s.lease.value.Spec.RenewTime = &renewed
			*s.candidates.value = (*s.candidates.value)[1:]
		}),
		"a-lease-without-times": change(standby, func(s *snapshot) {
			s.lease.value.Spec.RenewTime, s.lease.value.Spec.AcquireTime = nil, nil
		}),
		"a-leader-whose-lease-expired": change(standby, func(s *snapshot) {
			s.lease = found(held("orders-b_u-b_x"))
			s.pod.Labels[injector.LabelRole] = injector.RoleLeader
			renewed := metav1.NewMicroTime(now.Add(-time.Minute))
			s.lease.value.Spec.RenewTime = &renewed
		}),
		"a-report": change(standby, func(s *snapshot) { reported(s, "gs://shop-locks/orders") }),
		"a-report-that-is-not-renewed": change(standby, func(s *snapshot) {
			locked(s, recordOf("orders-a_u-a_x"))
			renewed := metav1.NewMicroTime(now.Add(-time.Minute))
			s.lease.value.Spec.RenewTime = &renewed
		}),
		"a-leader-in-another-cluster": change(standby, func(s *snapshot) {
			s.lease = found(held("orders-a_u-9_x"))
			reported(s, "gs://shop-locks/orders")
			renewed := metav1.NewMicroTime(now.Add(-time.Hour))
			s.lease.value.Spec.RenewTime = &renewed
		}),
		"a-lease-that-was-the-lock-before": change(standby, func(s *snapshot) {
			reported(s, "gs://shop-locks/orders")
			delete(s.lease.value.Annotations, lease.LockAnnotation)
		}),
		"a-new-lease-of-another-lock": change(standby, func(s *snapshot) {
			reported(s, "gs://shop-locks/orders")
			s.lease = found(&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{view.LabelManagedBy: view.ManagedBy}}})
		}),
		"a-report-of-another-lock": change(standby, func(s *snapshot) {
			s.lease.value.Annotations[lease.LockAnnotation] = "gs://shop-locks/orders"
		}),
		"a-lock-without-a-report": change(standby, func(s *snapshot) {
			reported(s, "gs://shop-locks/orders")
			s.lease = read[coordinationv1.Lease]{}
		}),
		"a-lock-without-rights-to-its-report": change(standby, func(s *snapshot) {
			reported(s, "gs://shop-locks/orders")
			s.denied = denied(view.Verbs()...)
		}),
		"a-lock-without-a-role-for-its-report": change(standby, func(s *snapshot) {
			reported(s, "gs://shop-locks/orders")
			s.denied = read[refusals]{err: forbidden("localsubjectaccessreviews")}
		}),
		"endpoints":                       change(standby, func(s *snapshot) { locked(s, recordOf("orders-a_u-a_x")) }),
		"endpoints-of-an-elector-of-2016": change(standby, func(s *snapshot) { locked(s, recordOf("old-1")) }),
		"endpoints-that-nobody-holds":     change(standby, func(s *snapshot) { locked(s, "") }),
		"endpoints-without-rights": change(standby, func(s *snapshot) {
			locked(s, recordOf("orders-a_u-a_x"))
			s.denied = found(&refusals{lease: []string{"patch"}, endpoints: view.Verbs()})
		}),
		"endpoints-that-a-role-does-not-give": change(standby, func(s *snapshot) {
			locked(s, recordOf("orders-a_u-a_x"))
			s.denied = read[refusals]{err: forbidden("localsubjectaccessreviews")}
			s.role = found(&rbacv1.Role{
				ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{view.LabelManagedBy: view.ManagedBy}},
				Rules:      []rbacv1.PolicyRule{{Resources: []string{"leases"}}},
			})
		}),
		"endpoints-of-a-service": change(standby, func(s *snapshot) {
			locked(s, "")
			s.endpoints.value.SetLabels(nil)
			s.endpoints.value.Object["subsets"] = []any{map[string]any{}}
			s.denied = found(&refusals{endpoints: view.Verbs()})
		}),
		"endpoints-that-are-not-ours": change(standby, func(s *snapshot) {
			locked(s, recordOf("old-1"))
			s.endpoints.value.SetLabels(nil)
			s.denied = found(&refusals{endpoints: view.Verbs()})
		}),
		"endpoints-that-can-not-be-read": change(standby, func(s *snapshot) { locked(s, "x") }),
		"endpoints-that-may-not-be-read": change(standby, func(s *snapshot) {
			locked(s, "")
			s.endpoints = read[unstructured.Unstructured]{err: forbidden("endpoints")}
		}),
		"no-endpoints": change(standby, func(s *snapshot) {
			locked(s, "")
			s.endpoints = read[unstructured.Unstructured]{}
		}),
		"another-workloads-election": change(standby, func(s *snapshot) {
			owned(s)
			annotate(s, injector.AnnotationElection, "orders")
			s.lease.value.Annotations[ownership.Annotation] = "deployment/others"
			s.denied = denied(view.Verbs()...)
		}),
		"an-election-of-those-that-name-it": change(standby, func(s *snapshot) {
			owned(s)
			s.election = "statefulset-orders"
			s.pod.Spec.InitContainers[0].Env[0].Value = s.election
			(*s.candidates.value)[1] = *s.pod
			s.lease.value.Annotations[ownership.Annotation] = ""
		}),
		"a-lease-that-is-not-ours": change(standby, func(s *snapshot) {
			s.lease = found(held("somebody"))
			s.lease.value.Labels, s.lease.value.Annotations = nil, nil
			s.denied = denied(view.Verbs()...)
		}),
		"no-lease-and-no-rights": change(standby, func(s *snapshot) {
			s.lease = read[coordinationv1.Lease]{}
			s.denied = read[refusals]{err: forbidden("localsubjectaccessreviews")}
		}),
		"rights-that-name-another-account": change(standby, func(s *snapshot) {
			s.denied = read[refusals]{err: forbidden("localsubjectaccessreviews")}
			ours := metav1.ObjectMeta{Labels: map[string]string{view.LabelManagedBy: view.ManagedBy}}
			s.role = found(&rbacv1.Role{ObjectMeta: ours})
			s.binding = found(&rbacv1.RoleBinding{
				ObjectMeta: ours, RoleRef: rbacv1.RoleRef{Name: "leaseholder-orders"},
				Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Name: "other"}},
			})
		}),
		"released": change(standby, func(s *snapshot) {
			l := held("")
			l.Annotations[lease.MarkAnnotation] = lock.ReleaseMark("orders-a_u-a_x", l.Spec.RenewTime.Time)
			s.lease = found(l)
		}),
		"a-new-lease": change(standby, func(s *snapshot) {
			s.lease = found(&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{view.LabelManagedBy: view.ManagedBy}}})
		}),
		"a-hand-over-and-priorities": change(standby, func(s *snapshot) {
			s.lease.value.Annotations[lease.StepDownAnnotation] = "orders-a_u-a_x"
			s.lease.value.Annotations[lease.PreferredAnnotation] = "orders-b"
			(*s.candidates.value)[0].Annotations = map[string]string{injector.AnnotationPriority: "5"}
		}),
		"a-higher-priority-that-is-not-ready": change(standby, func(s *snapshot) {
			annotate(s, injector.AnnotationPriority, "9")
			notReady(s, "app")
		}),
		"an-unready-standby": change(standby, func(s *snapshot) {
			s.pod.Spec.InitContainers[0].Env[1].Value = "unready"
			notReady(s, injector.ContainerName)
		}),
		"a-sidecar-that-restarts": change(standby, func(s *snapshot) {
			c := status(s)
			c.RestartCount = 3
			c.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
				Reason: "CrashLoopBackOff", Message: "back-off 40s restarting failed container=leaseholder pod=orders-b_shop(u-b)",
			}}
			c.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", FinishedAt: before(30 * time.Second)}
			notReady(s, injector.ContainerName)
		}),
		"a-sidecar-that-was-restarted": change(standby, func(s *snapshot) {
			status(s).RestartCount = 1
			status(s).LastTerminationState.Terminated = &corev1.ContainerStateTerminated{
				ExitCode: 1, Reason: "Error", Message: "listen on :4041:\naddress in use\n", FinishedAt: before(51 * time.Minute),
			}
		}),
		"a-sidecar-that-is-being-started": change(standby, func(s *snapshot) {
			status(s).State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodInitializing"}}
			s.pod.Status.Phase = corev1.PodPending
			notReady(s, injector.ContainerName, "app")
		}),
		"a-sidecar-that-can-not-be-made": change(standby, func(s *snapshot) {
			status(s).State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
				Reason: "CreateContainerConfigError", Message: "container has runAsNonRoot and image will run as root",
			}}
			s.pod.Status.Phase = corev1.PodPending
			notReady(s, injector.ContainerName, "app")
		}),
		"an-image-that-can-not-be-pulled": change(standby, func(s *snapshot) {
			status(s).State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "not found"}}
			s.pod.Status.Phase = corev1.PodPending
			notReady(s, injector.ContainerName, "app")
		}),
		"a-pod-that-waits-for-a-node": change(standby, func(s *snapshot) { s.pod.Status = corev1.PodStatus{Phase: corev1.PodPending} }),
		"a-pod-that-ended": change(standby, func(s *snapshot) {
			s.pod.Status.Phase = corev1.PodSucceeded
			s.denied = denied(view.Verbs()...)
			status(s).State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed"}}
		}),
		"who-may-read-nothing": change(standby, func(s *snapshot) {
			*s = snapshot{
				pod: s.pod, election: s.election,
				namespace:  read[corev1.Namespace]{err: forbidden("namespaces")},
				webhooks:   read[[]admissionregistrationv1.MutatingWebhook]{err: forbidden("mutatingwebhookconfigurations")},
				lease:      read[coordinationv1.Lease]{err: forbidden("leases")},
				candidates: read[[]corev1.Pod]{err: forbidden("pods")},
				denied:     read[refusals]{err: forbidden("localsubjectaccessreviews")},
				role:       read[rbacv1.Role]{err: forbidden("roles")},
				binding:    read[rbacv1.RoleBinding]{err: forbidden("rolebindings")},
				events:     read[[]corev1.Event]{err: errors.New("the connection was refused")},
			}
		}),
		"events": change(standby, func(s *snapshot) {
			s.events = found(&[]corev1.Event{
				{Reason: "LeadershipLost", Message: "pod orders-b leads no more", EventTime: metav1.NewMicroTime(now.Add(-2 * time.Minute))},
				{Reason: "LeaderElected", Message: "pod orders-b leads.", LastTimestamp: before(time.Minute)},
			})
		}),
		"injected-where-nothing-is-installed": change(standby, func(s *snapshot) {
			s.webhooks = read[[]admissionregistrationv1.MutatingWebhook]{}
			s.pod.Namespace = "kube-public"
		}),
		"a-pod-that-is-being-deleted": change(standby, func(s *snapshot) {
			deleted := before(time.Second)
			s.pod.DeletionTimestamp = &deleted
		}),
		"a-leader-that-is-being-deleted": change(standby, func(s *snapshot) {
			deleted := before(time.Second)
			s.pod.DeletionTimestamp = &deleted
			s.lease = found(held("orders-b_u-b_x"))
			s.pod.Labels[injector.LabelRole] = injector.RoleLeader
		}),
		"a-copy": change(standby, func(s *snapshot) { s.pod.Annotations = nil }),
	}
}
