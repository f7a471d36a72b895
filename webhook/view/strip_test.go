package view

import (
	"maps"
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// sidecar is one in an election, of the default mode.
func sidecar(election string) []corev1.Container { return sidecarOf(election, "ready") }

func sidecarOf(election, standby string) []corev1.Container {
	return []corev1.Container{{Name: injector.ContainerName, Env: []corev1.EnvVar{
		{Name: "LEASEHOLDER_ELECTION", Value: election},
		{Name: "LEASEHOLDER_STANDBY", Value: standby},
	}}}
}

func TestAStrippedPodKeepsWhatIsReadAndNothingElse(t *testing.T) {
	now := metav1.Now()
	labels := map[string]string{injector.LabelElection: "orders", injector.LabelRole: injector.RoleLeader}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "n", Name: "a", UID: "u", ResourceVersion: "7", DeletionTimestamp: &now,
			Labels:          maps.Clone(labels),
			Annotations:     map[string]string{"leaseholder.dev/token": "5", AnnotationDeletionCost: "100", "other": "x"},
			OwnerReferences: []metav1.OwnerReference{{Name: "another"}, {APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "orders-7c9d", Controller: new(true)}},
			ManagedFields:   []metav1.ManagedFieldsEntry{{Manager: "kubelet"}},
		},
		Spec: corev1.PodSpec{
			ServiceAccountName: "one",
			InitContainers:     sidecar("orders"),
			Containers:         []corev1.Container{{Name: "app"}},
		},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, Message: "long",
			Conditions: []corev1.PodCondition{
				{Type: corev1.PodScheduled, Status: corev1.ConditionTrue},
				{Type: corev1.PodReady, Status: corev1.ConditionTrue, Message: "long", LastTransitionTime: now},
			},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "app", Ready: true}},
		},
	}
	pod.Labels["app"], pod.Labels[injector.LabelElection] = "orders", "another"
	pod.Labels["pod-template-hash"] = "7c9d"
	pod.Spec.InitContainers[0].Image = "sidecar:1"
	want := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "n", Name: "a", UID: "u", ResourceVersion: "7", DeletionTimestamp: &now,
			Labels:      labels,
			Annotations: map[string]string{"leaseholder.dev/token": "5", AnnotationDeletionCost: "100"},
			// What the pod is of is all that is read of them.
			OwnerReferences: []metav1.OwnerReference{{Kind: "deployment", Name: "orders", Controller: new(true)}},
		},
		Spec: corev1.PodSpec{ServiceAccountName: "one", InitContainers: sidecar("orders")},
		Status: corev1.PodStatus{
			Phase:      corev1.PodRunning,
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
	strippedTwice(t, pod, want)
}

// strippedTwice strips a pod, and what came out once more.
func strippedTwice(t *testing.T, pod, want *corev1.Pod) {
	t.Helper()
	var got any = pod
	for _, time := range []string{"once", "twice"} {
		var err error
		if got, err = stripPod(got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("stripped %s: %+v, %v", time, got, err)
		}
	}
}

// Where standbys are never Ready, the containers' readiness is what is kept.
func TestAStrippedPodOfModeUnreadyKeepsItsContainersReadiness(t *testing.T) {
	yes := true
	running := func(at metav1.Time) corev1.ContainerState {
		return corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at}}
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: map[string]string{injector.LabelElection: "orders"}},
		Spec:       corev1.PodSpec{InitContainers: sidecarOf("orders", "unready")},
		Status: corev1.PodStatus{
			Phase:                 corev1.PodRunning,
			Conditions:            []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse}},
			InitContainerStatuses: []corev1.ContainerStatus{{Name: injector.ContainerName, State: running(metav1.Now()), Image: "sidecar:1"}},
			ContainerStatuses:     []corev1.ContainerStatus{{Name: "app", Ready: true, Started: &yes, State: running(metav1.Now()), Image: "app:1"}},
		},
	}
	want := pod.DeepCopy()
	want.Status = corev1.PodStatus{
		Phase:                 corev1.PodRunning,
		InitContainerStatuses: []corev1.ContainerStatus{{Name: injector.ContainerName, State: running(metav1.Time{})}},
		ContainerStatuses:     []corev1.ContainerStatus{{Name: "app", Ready: true, Started: &yes, State: running(metav1.Time{})}},
	}
	strippedTwice(t, pod, want)
}

func TestALabelAloneMakesNoElection(t *testing.T) {
	labelled := metav1.ObjectMeta{Labels: map[string]string{injector.LabelElection: "orders"}}
	mirror := *labelled.DeepCopy()
	mirror.Annotations = map[string]string{corev1.MirrorPodAnnotationKey: "x"}
	for name, pod := range map[string]*corev1.Pod{
		"no sidecar":         {ObjectMeta: labelled, Spec: corev1.PodSpec{Containers: sidecar("orders")}},
		"a sidecar untold":   {ObjectMeta: labelled, Spec: corev1.PodSpec{InitContainers: []corev1.Container{{Name: injector.ContainerName}}}},
		"no name":            {ObjectMeta: labelled, Spec: corev1.PodSpec{InitContainers: sidecar("Not_A_Name")}},
		"a static pod's own": {ObjectMeta: mirror, Spec: corev1.PodSpec{InitContainers: sidecar("orders")}},
	} {
		t.Run(name, func(t *testing.T) {
			var got any = pod
			for _, time := range []string{"once", "twice"} {
				var err error
				if got, err = stripPod(got); err != nil {
					t.Fatal(err)
				}
				slim, ok := got.(*corev1.Pod)
				if !ok {
					t.Fatalf("stripped to %T", got)
				}
				if e, ok := ElectionOf(slim); ok || slim.Labels != nil {
					t.Errorf("stripped %s, it stands in %s, labels %v", time, e, slim.Labels)
				}
			}
		})
	}
}

func TestExcluded(t *testing.T) {
	for namespace, want := range map[string]bool{"kube-system": true, "kube-public": true, "leaseholder-system": true, "shop": false, "kubernetes": false} {
		if got := Excluded(namespace, "leaseholder-system"); got != want {
			t.Errorf("%s: %v", namespace, got)
		}
	}
}

// What the sidecar was told counts, and only what differs from the default is kept.
func TestAStrippedPodKeepsItsLock(t *testing.T) {
	for told, want := range map[string]string{
		"endpoints": "endpoints", "gs://bucket/object": "gs://bucket/object", "lease": "lease", "": "lease", "nonsense": "lease",
	} {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "a", Annotations: map[string]string{injector.AnnotationLock: "s3://another/object"}},
			Spec:       corev1.PodSpec{InitContainers: sidecar("orders")},
		}
		pod.Spec.InitContainers[0].Env = append(pod.Spec.InitContainers[0].Env, corev1.EnvVar{Name: config.Lock.Variable(), Value: told})
		var got any = pod
		for range 2 {
			var err error
			if got, err = stripPod(got); err != nil {
				t.Fatal(err)
			}
			if slim, ok := got.(*corev1.Pod); !ok || LockOf(slim).String() != want {
				t.Errorf("told %q: %+v", told, got)
			}
		}
	}
}
