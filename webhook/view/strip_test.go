package view

import (
	"maps"
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
)

func sidecar(election string) []corev1.Container {
	return []corev1.Container{{Name: injector.ContainerName, Env: []corev1.EnvVar{{Name: "LEASEHOLDER_ELECTION", Value: election}}}}
}

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
			InitContainers:     sidecar("orders"),
			Containers:         []corev1.Container{{Name: "app"}},
		},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, Message: "long"},
	}
	pod.Labels["app"], pod.Labels[injector.LabelElection] = "orders", "another"
	pod.Spec.InitContainers[0].Image = "sidecar:1"
	want := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "n", Name: "a", UID: "u", ResourceVersion: "7", DeletionTimestamp: &now,
			Labels:      labels,
			Annotations: map[string]string{"leaseholder.dev/token": "5", AnnotationDeletionCost: "100"},
		},
		Spec:   corev1.PodSpec{ServiceAccountName: "one", InitContainers: sidecar("orders")},
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
