package injectortest

import (
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Size is how large a pod of a benchmark is.
type Size struct {
	// Name is the size's.
	Name string
	// Containers is how many there are, Variables how many each of them has.
	Containers, Variables int
}

// The sizes, of about 2, 20 and 500 KB as admission gets them.
var (
	Small  = Size{Name: "small", Containers: 1}
	Medium = Size{Name: "medium", Containers: 4, Variables: 25}
	Large  = Size{Name: "large", Containers: 100, Variables: 30}
)

// Sizes lists the sizes, the smallest first.
func Sizes() []Size { return []Size{Small, Medium, Large} }

// Pod is a pod as the controller of a Deployment's ReplicaSet creates it.
func (s Size) Pod(annotations map[string]string) *corev1.Pod {
	pod := &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: "orders-7d9f8c6b54-",
			Labels:       map[string]string{"app": "orders", "pod-template-hash": "7d9f8c6b54"},
			Annotations:  annotations,
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "orders-7d9f8c6b54", UID: "6c1bd7d4-5f0c-4b5e-9f0e-0d6f7a1b2c3d",
				Controller: new(true), BlockOwnerDeletion: new(true),
			}},
		},
		Spec: corev1.PodSpec{ServiceAccountName: "default"},
	}
	for i := range s.Containers {
		pod.Spec.Containers = append(pod.Spec.Containers, s.container(i))
	}
	return pod
}

func (s Size) container(number int) corev1.Container {
	c := corev1.Container{
		Name:  fmt.Sprintf("app-%d", number),
		Image: fmt.Sprintf("registry.example/orders/app-%d:v1.2.3", number),
		Ports: []corev1.ContainerPort{{Name: fmt.Sprintf("http-%d", number), ContainerPort: int32(8000 + number), Protocol: corev1.ProtocolTCP}},
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("32Mi")},
			Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")},
		},
		ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{
			HTTPGet: &corev1.HTTPGetAction{Path: "/ready", Port: intstr.FromInt32(int32(8000 + number))},
		}},
	}
	for i := range s.Variables {
		c.Env = append(c.Env, corev1.EnvVar{Name: fmt.Sprintf("ORDERS_SETTING_%d", i), Value: strings.Repeat("value ", 8)})
	}
	return c
}

// Admitted is that pod as the API server shows it to a webhook: with who manages
// which of its fields, which about doubles it.
func (s Size) Admitted(annotations map[string]string) ([]byte, error) {
	pod := s.Pod(annotations)
	raw, err := json.Marshal(pod)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	managed, err := json.Marshal(managedFields(fields))
	if err != nil {
		return nil, err
	}
	pod.ManagedFields = []metav1.ManagedFieldsEntry{{
		Manager: "kube-controller-manager", Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: "v1",
		Time: &metav1.Time{}, FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(string(managed)),
	}}
	return json.Marshal(pod)
}

// managedFields writes down fields as a manager of all of them does.
func managedFields(value any) map[string]any {
	managed := map[string]any{}
	switch value := value.(type) {
	case map[string]any:
		for key, field := range value {
			managed["f:"+key] = managedFields(field)
		}
	case []any:
		for _, item := range value {
			if item, ok := item.(map[string]any); ok {
				name, _ := json.Marshal(item["name"]) // a string, or nothing
				managed[`k:{"name":`+string(name)+`}`] = managedFields(item)
			}
		}
	}
	return managed
}
