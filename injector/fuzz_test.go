package injector

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// FuzzDecide gives pods of every shape: whatever is in them, the decision is
// taken without a panic, is the same each time, and its patch applies, loses
// nothing and is followed by no other.
func FuzzDecide(f *testing.F) {
	for _, key := range Annotations() {
		for _, value := range []string{"true", "x", "", "ready", "unready", "15s", "4041", "0.1", "1e1000000000", "20Mi"} {
			f.Add(strings.TrimPrefix(key, Prefix), value, "orders-6d4b", "6d4b", "app", "A", uint16(8080), uint8(0xff))
		}
	}
	f.Add("lock", "lease", "Orders.7", "", "leaseholder", "LEASEHOLDER_URL", uint16(4040), uint8(0))
	f.Fuzz(func(t *testing.T, key, value, owner, hash, container, variable string, port uint16, shape uint8) {
		raw, err := json.Marshal(fuzzedPod(key, value, owner, hash, container, variable, port, shape))
		if err != nil {
			t.Fatal(err)
		}
		first, after := decideAndApply(t, shop, raw)
		if same, _ := decideAndApply(t, shop, raw); !bytes.Equal(patchJSON(t, same), patchJSON(t, first)) || same.Message != first.Message {
			t.Errorf("the same pod gave %q and %q", first.Message, same.Message)
		}
		for _, fault := range first.Faults {
			if !strings.Contains(first.Message, fault.subject()) || !strings.Contains(first.Message, fault.Allowed) {
				t.Errorf("message %q lacks %q", first.Message, fault)
			}
		}
		if (first.Outcome == Refused) != (len(first.Faults) > 0) {
			t.Errorf("%s with faults %q", first.Outcome, first.Faults)
		}
		checkSurvival(t, raw, after)
		again, last := decideAndApply(t, shop, after)
		checkAgain(t, first, again, after, last)
	})
}

// fuzzedPod takes from each bit of shape whether the pod has some part.
func fuzzedPod(key, value, owner, hash, container, variable string, port uint16, shape uint8) *corev1.Pod {
	has := func(bit int) bool { return shape>>bit&1 == 1 }
	app := corev1.Container{Name: container, Ports: []corev1.ContainerPort{{ContainerPort: int32(port)}}}
	if has(0) {
		app.Env = []corev1.EnvVar{{Name: variable, Value: value}}
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Annotations: map[string]string{AnnotationInject: "true", Prefix + key: value},
	}, Spec: corev1.PodSpec{Containers: []corev1.Container{app}}}
	if has(1) {
		yes := true
		pod.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: owner, Controller: &yes}}
	}
	if has(2) {
		pod.Labels = map[string]string{"pod-template-hash": hash}
	}
	if has(3) {
		pod.Spec.Volumes = []corev1.Volume{{Name: container}}
	}
	if has(4) {
		pod.Spec.InitContainers = []corev1.Container{{Name: container + "-init"}}
	}
	if has(5) {
		pod.Spec.Containers[0].Resources.Limits = corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("1Gi"),
		}
	}
	pod.Spec.HostNetwork = has(6)
	if !has(7) {
		pod.Labels = map[string]string{variable: value}
	}
	return pod
}
