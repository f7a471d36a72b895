package explain

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

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
	s.denied = found(&[]string{})
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
		"a-leader-without-its-label": change(standby, func(s *snapshot) { s.lease = found(held("orders-b_u-b_x")) }),
		"a-lease-that-expired": change(standby, func(s *snapshot) {
			renewed := metav1.NewMicroTime(now.Add(-time.Minute))
			s.lease.value.Spec.RenewTime = &renewed
			*s.candidates.value = (*s.candidates.value)[1:]
		}),
		"a-lease-that-is-not-ours": change(standby, func(s *snapshot) {
			s.lease = found(held("somebody"))
			s.lease.value.Labels, s.lease.value.Annotations = nil, nil
			s.denied = found(&[]string{"get", "list", "watch", "patch"})
		}),
		"no-lease-and-no-rights": change(standby, func(s *snapshot) {
			s.lease = read[coordinationv1.Lease]{}
			s.denied = read[[]string]{err: forbidden("localsubjectaccessreviews")}
		}),
		"rights-that-name-another-account": change(standby, func(s *snapshot) {
			s.denied = read[[]string]{err: forbidden("localsubjectaccessreviews")}
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
			s.pod.Status.Conditions = []corev1.PodCondition{{
				Type: corev1.PodReady, Status: corev1.ConditionFalse, Reason: "ContainersNotReady", Message: "containers with unready status: [app]",
			}}
		}),
		"a-sidecar-that-restarts": change(standby, func(s *snapshot) {
			c := status(s)
			c.RestartCount = 3
			c.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 40s"}}
			c.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{
				ExitCode: 1, Reason: "Error", Message: "listen on :4041:\naddress in use\n", FinishedAt: before(30 * time.Second),
			}
		}),
		"an-image-that-can-not-be-pulled": change(standby, func(s *snapshot) {
			status(s).State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "not found"}}
		}),
		"a-pod-that-waits-for-a-node": change(standby, func(s *snapshot) { s.pod.Status = corev1.PodStatus{Phase: corev1.PodPending} }),
		"a-pod-that-ended": change(standby, func(s *snapshot) {
			s.pod.Status.Phase = corev1.PodSucceeded
			status(s).State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed"}}
		}),
		"who-may-read-nothing": change(standby, func(s *snapshot) {
			*s = snapshot{
				pod: s.pod, election: s.election,
				namespace:  read[corev1.Namespace]{err: forbidden("namespaces")},
				webhooks:   read[[]admissionregistrationv1.MutatingWebhook]{err: forbidden("mutatingwebhookconfigurations")},
				lease:      read[coordinationv1.Lease]{err: forbidden("leases")},
				candidates: read[[]corev1.Pod]{err: forbidden("pods")},
				denied:     read[[]string]{err: forbidden("localsubjectaccessreviews")},
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
		"a-copy": change(standby, func(s *snapshot) { s.pod.Annotations = nil }),
	}
}

// owned gives the pod a controller to name its election after.
func owned(s *snapshot) {
	yes := true
	s.pod.OwnerReferences = []metav1.OwnerReference{{Kind: "StatefulSet", Name: "orders", UID: types.UID("w"), Controller: &yes}}
}

func TestWhatIsSaid(t *testing.T) {
	known := map[string]bool{}
	for name, s := range cases() {
		file := filepath.Join("testdata", name+".txt")
		known[file] = true
		t.Run(name, func(t *testing.T) {
			got := tell(s, now)
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("it says:\n%s", got)
			}
		})
	}
	files, err := filepath.Glob("testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !known[file] {
			t.Errorf("%s belongs to no case", file)
		}
	}
}

func TestOnlyPodsAreExplained(t *testing.T) {
	for arg, want := range map[string]string{"a": "a", "pod/a": "a", "po/a": "a", "Pods/a": "a", "deployment/a": "", "pod/": "", "pod/a/b": "", "pod a": "a", "deployment a": "", "pod/a b": "", "a b": ""} {
		got, err := podName(strings.Fields(arg)...)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%s: %q, %v", arg, got, err)
		}
		if err != nil && !strings.Contains(err.Error(), arg) {
			t.Errorf("the error does not say what was written: %v", err)
		}
	}
}
