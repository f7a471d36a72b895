package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/leaseholder-dev/leaseholder/test/product"
)

const webhook = "leaseholder-webhook"

func contains(text, part string) bool { return strings.Contains(text, part) }

func plainPod(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "hashicorp/http-echo:1.0"}}},
	}
}

func annotatedPod(name string) *corev1.Pod {
	p := plainPod(name)
	p.Annotations = map[string]string{"leaseholder.dev/inject": "true", "leaseholder.dev/election": "orders"}
	return p
}

func dryRun(s *space, p *corev1.Pod) (*corev1.Pod, error) {
	return client.CoreV1().Pods(s.name).Create(s.ctx, p, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
}

func TestHelmTest(t *testing.T) {
	s := newSpace(t)
	out, err := prod.Helm(s.ctx, "test", product.Release, "--namespace", product.Namespace, "--logs")
	s.must(err)
	t.Log(out)
}

func webhookPods(s *space) []corev1.Pod {
	s.Helper()
	d, err := client.AppsV1().Deployments(product.Namespace).Get(s.ctx, webhook, metav1.GetOptions{})
	s.must(err)
	list, err := client.CoreV1().Pods(product.Namespace).List(s.ctx, metav1.ListOptions{
		LabelSelector: metav1.FormatLabelSelector(d.Spec.Selector),
	})
	s.must(err)
	return list.Items
}

func TestWithTheWebhookDownOtherPodsAreCreated(t *testing.T) {
	s := newSpace(t)
	scale := func(ctx context.Context, replicas int) {
		patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
		_, err := client.AppsV1().Deployments(product.Namespace).Patch(ctx, webhook, types.MergePatchType, patch, metav1.PatchOptions{})
		s.must(err)
	}
	scale(s.ctx, 0)
	t.Cleanup(func() {
		scale(context.Background(), 2)
		_, err := prod.Kubectl(context.Background(), "-n", product.Namespace, "rollout", "status", "deployment/"+webhook, "--timeout", patience.String())
		s.must(err)
	})
	s.eventually("the end of the webhook", func() error {
		if pods := webhookPods(s); len(pods) > 0 {
			return fmt.Errorf("%d pods are left", len(pods))
		}
		return nil
	})
	for name, annotations := range map[string]map[string]string{
		"no-annotations":    nil,
		"other-annotations": {"example.com/team": "orders"},
		"inject-false":      {"leaseholder.dev/inject": "false"},
	} {
		p := plainPod(name)
		p.Annotations = annotations
		if _, err := client.CoreV1().Pods(s.name).Create(s.ctx, p, metav1.CreateOptions{}); err != nil {
			t.Errorf("a pod with the annotations %v was refused: %v", annotations, err)
		}
	}
	s.eventually("the refusal of an annotated pod", func() error {
		if _, err := dryRun(s, annotatedPod("annotated")); err == nil {
			return errors.New("it was created without a sidecar")
		}
		return nil
	})
	forged := plainPod("forged")
	forged.Labels = map[string]string{"leaseholder.dev/role": "leader"}
	if _, err := dryRun(s, forged); err == nil {
		t.Error("a pod that forges the leader's label was created")
	}
}
