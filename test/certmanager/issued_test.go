package certmanager_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/test/cluster"
	"github.com/leaseholder-dev/leaseholder/test/installed"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// certificate reads one of the chart's Certificates.
func certificate(ctx context.Context, p *installed.Plane, name string) (*unstructured.Unstructured, error) {
	c := &unstructured.Unstructured{}
	c.SetGroupVersionKind(schema.GroupVersionKind{Group: "cert-manager.io", Version: "v1", Kind: "Certificate"})
	return c, p.Admin.Get(ctx, types.NamespacedName{Namespace: installed.Namespace, Name: name}, c)
}

// revision is how often a certificate has been issued.
func revision(c *unstructured.Unstructured) int64 {
	n, _, _ := unstructured.NestedInt64(c.Object, "status", "revision")
	return n
}

// renew asks for a certificate to be issued anew, as `cmctl renew` does, and waits until
// it was.
func renew(t *testing.T, p *installed.Plane, name string) {
	t.Helper()
	var before int64
	webhooktest.Eventually(t, name+" is to be renewed", func(ctx context.Context) error {
		c, err := certificate(ctx, p, name)
		if err != nil {
			return err
		}
		before = revision(c)
		conditions, _, _ := unstructured.NestedSlice(c.Object, "status", "conditions")
		conditions = append(conditions, map[string]any{
			"type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "by hand",
			"lastTransitionTime": time.Now().UTC().Format(time.RFC3339), "observedGeneration": c.GetGeneration(),
		})
		if err := unstructured.SetNestedSlice(c.Object, conditions, "status", "conditions"); err != nil {
			return err
		}
		return p.Admin.Status().Update(ctx, c)
	})
	webhooktest.Eventually(t, name+" is renewed", func(ctx context.Context) error {
		c, err := certificate(ctx, p, name)
		if err == nil && revision(c) == before {
			err = errors.New("it is of the same revision")
		}
		return err
	})
}

func TestCertManagerIssuesInjectsAndRenews(t *testing.T) {
	controllers, err := cluster.CertManager(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	webhook := installed.Build(t, "leaseholder-webhook")
	p := installed.New(t)
	installed.Run(t, "cert-manager", controllers, []string{"KUBECONFIG=" + p.Kubeconfig})
	if err := p.Helm(t, "--set", "certificates.mode=certManager"); err != nil {
		t.Fatal(err)
	}
	first, second := p.Replica(t, webhook, "first"), p.Replica(t, webhook, "second")
	webhooktest.Eventually(t, "both replicas are ready", func(ctx context.Context) error { return errors.Join(first(ctx), second(ctx)) })

	for _, o := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "default"}},
	} {
		if err := p.Admin.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	try := func(ctx context.Context) error {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "tried", Annotations: map[string]string{
				"leaseholder.dev/inject": "true", "leaseholder.dev/election": "tried",
			}},
			Spec: corev1.PodSpec{ServiceAccountName: "default", Containers: []corev1.Container{{Name: "app", Image: "app"}}},
		}
		err := p.Admin.Create(ctx, pod, client.DryRunAll)
		if err == nil && !slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool { return c.Name == "leaseholder" }) {
			err = errors.New("it has no sidecar")
		}
		return err
	}
	webhooktest.Eventually(t, "a pod gets its sidecar", try)

	running, stop := context.WithCancel(t.Context())
	defer stop()
	var tried sync.WaitGroup
	pods := 0
	tried.Go(func() {
		for running.Err() == nil {
			if err := try(context.WithoutCancel(running)); err != nil {
				t.Errorf("pod %d: %v", pods, err)
				return
			}
			pods++
		}
	})
	const rounds = 3
	for range rounds {
		renew(t, p, "leaseholder-webhook")
		renew(t, p, "leaseholder-webhook-ca")
		renew(t, p, "leaseholder-webhook")
	}
	stop()
	tried.Wait()
	t.Logf("%d pods, %d renewals of the authority, %d of the certificate", pods, rounds, 2*rounds)
}
