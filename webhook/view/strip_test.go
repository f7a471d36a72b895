package view

import (
	"maps"
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
)

func TestAStrippedPodKeepsWhatIsReadAndNothingElse(t *testing.T) {
	now := metav1.Now()
	labels := map[string]string{injector.LabelElection: "orders", injector.LabelRole: injector.RoleLeader}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "n", Name: "a", UID: "u", ResourceVersion: "7", DeletionTimestamp: &now,
			Labels:          maps.Clone(labels),
			Annotations:     map[string]string{"leaseholder.dev/token": "5", AnnotationDeletionCost: "100", "other": "x"},
			OwnerReferences: []metav1.OwnerReference{{Name: "orders"}},
			ManagedFields:   []metav1.ManagedFieldsEntry{{Manager: "kubelet"}},
		},
		Spec: corev1.PodSpec{
			ServiceAccountName: "one",
			InitContainers:     []corev1.Container{{Name: injector.ContainerName}},
			Containers:         []corev1.Container{{Name: "app"}},
		},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, Message: "long"},
	}
	pod.Labels["app"] = "orders"
	want := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "n", Name: "a", UID: "u", ResourceVersion: "7", DeletionTimestamp: &now,
			Labels:      labels,
			Annotations: map[string]string{"leaseholder.dev/token": "5", AnnotationDeletionCost: "100"},
		},
		Spec:   corev1.PodSpec{ServiceAccountName: "one"},
		Status: corev1.PodStatus{Phase: corev1.PodRunning},
	}
	var got any = pod
	for _, time := range []string{"once", "twice"} {
		var err error
		if got, err = stripPod(got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("stripped %s: %+v, %v", time, got, err)
		}
	}
}

func TestAPodWithoutTheSidecarStandsInNoElection(t *testing.T) {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{injector.LabelElection: "orders"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: injector.ContainerName}}},
	}
	got, err := stripPod(pod)
	slim, ok := got.(*corev1.Pod)
	if err != nil || !ok {
		t.Fatalf("stripped to %T: %v", got, err)
	}
	if e, ok := ElectionOf(slim); ok {
		t.Errorf("it stands in %s", e)
	}
}

func TestExcluded(t *testing.T) {
	for namespace, want := range map[string]bool{"kube-system": true, "kube-public": true, "leaseholder-system": true, "shop": false, "kubernetes": false} {
		if got := Excluded(namespace, "leaseholder-system"); got != want {
			t.Errorf("%s: %v", namespace, got)
		}
	}
}
