package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

const (
	// selftestTimeout bounds the one request of the self-test.
	selftestTimeout = 30 * time.Second
	// selftestElection is an election that nobody stands in.
	selftestElection = "leaseholder-selftest"
	// selftestImage is never pulled: the pod is never made.
	selftestImage = "registry.k8s.io/pause:3.10"
)

func newSelftestCommand(ctx context.Context, getenv func(string) string, stdout io.Writer) *cobra.Command {
	var namespace string
	command := &cobra.Command{
		Use:   "selftest",
		Short: "let the API server try, without making it, a pod that asks for the sidecar, and see whether it gets one",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if namespace == "" {
				return errors.New("--namespace must be set")
			}
			kube, err := loadConfig(getenv("KUBECONFIG"))
			if err != nil {
				return err
			}
			c, err := client.New(kube, client.Options{Scheme: view.Scheme()})
			if err != nil {
				return fmt.Errorf("make a client: %w", err)
			}
			seen, err := selftest(ctx, c, namespace)
			if err != nil {
				return fmt.Errorf("self-test in namespace %q: %w", namespace, err)
			}
			_, err = fmt.Fprintln(stdout, seen)
			return err
		},
	}
	command.Flags().StringVar(&namespace, "namespace", "", "namespace to try the pod in (required)")
	return command
}

// selftest tries to create a pod on the API server's dry run, and says what it
// saw. It fails unless the pod would have got the sidecar.
func selftest(ctx context.Context, c client.Client, namespace string) (seen string, err error) {
	ctx, cancel := context.WithTimeout(ctx, selftestTimeout)
	defer cancel()
	pod := selftestPod(namespace)
	if err := c.Create(ctx, pod, client.DryRunAll); err != nil {
		return "", fmt.Errorf("try a pod: %w", err)
	}
	for _, container := range pod.Spec.InitContainers {
		if container.Name == injector.ContainerName {
			return fmt.Sprintf("a pod in namespace %q would get the sidecar %q with image %q and label %s=%s",
				namespace, container.Name, container.Image, injector.LabelElection, pod.Labels[injector.LabelElection]), nil
		}
	}
	return "", errors.New("the pod would be created without the sidecar: the API server does not ask the webhook about it")
}

// selftestPod passes Pod Security "restricted" and any quota that there is room in.
func selftestPod(namespace string) *corev1.Pod {
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
				injector.AnnotationElection: selftestElection,
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
				Image:     selftestImage,
				Resources: corev1.ResourceRequirements{Requests: few, Limits: few},
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: &no,
					Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
			}},
		},
	}
}
