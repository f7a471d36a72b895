// Package trial is a pod that asks for the sidecar, to be created on the API
// server's dry run: whether it would get one shows that the webhook is reached,
// trusted and at work. "leaseholder-webhook selftest" and "kubectl leaseholder
// check" share it; nothing is made, and nothing pulled.
package trial

import (
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
)

const (
	// election is one that nobody stands in.
	election = "leaseholder-selftest"
	// image is never pulled: the pod is never made.
	image = "registry.k8s.io/pause:3.10"
)

// ErrNotAsked says that the pod would be created as if there were no webhook.
var ErrNotAsked = errors.New("the pod would be created without the sidecar: the API server does not ask the webhook about it")

// Seen says what the API server made of the pod. The error is ErrNotAsked.
func Seen(pod *corev1.Pod) (string, error) {
	at := slices.IndexFunc(pod.Spec.InitContainers, func(c corev1.Container) bool { return c.Name == injector.ContainerName })
	if at < 0 {
		return "", ErrNotAsked
	}
	c := &pod.Spec.InitContainers[at]
	return fmt.Sprintf("a pod in namespace %q would get the sidecar %q with image %q and label %s=%s",
		pod.Namespace, c.Name, c.Image, injector.LabelElection, pod.Labels[injector.LabelElection]), nil
}

// Pod passes Pod Security "restricted" and any quota that there is room in.
func Pod(namespace string) *corev1.Pod {
	yes, no, user := true, false, int64(65532)
	few := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("1m"),
		corev1.ResourceMemory: resource.MustParse("1Mi"),
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:    namespace,
			GenerateName: "leaseholder-selftest-",
			Annotations: map[string]string{
				injector.AnnotationInject:   "true",
				injector.AnnotationElection: election,
			},
		},
		Spec: corev1.PodSpec{
			AutomountServiceAccountToken: &no,
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot:   &yes,
				RunAsUser:      &user,
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{
				Name:      "app",
				Image:     image,
				Resources: corev1.ResourceRequirements{Requests: few, Limits: few},
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: &no,
					Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
			}},
		},
	}
}
