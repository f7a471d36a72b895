package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/certs"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

const serviceName = "leaseholder-webhook." + webhooktest.Namespace + ".svc"

// newPair runs two replicas behind the chart's configurations, of which that for
// workloads refuses like that for pods. Every answer is the last on its connection, so
// that every question has to trust the certificate anew.
func newPair(t *testing.T, change func(*options)) (*balancer, []*replica) {
	t.Helper()
	setSecret(t, nil)
	replicas := []*replica{newReplica(t, "first", change), newReplica(t, "second", change)}
	for _, r := range replicas {
		r.process.server.Drain()
	}
	b := newBalancer(t, replicas...)
	install(t, b)
	name := types.NamespacedName{Name: webhooktest.Configuration}
	var checks admissionregistrationv1.ValidatingWebhookConfiguration
	webhooktest.Eventually(t, "lost warnings are told", func(ctx context.Context) error {
		if err := cluster.Admin.Get(ctx, name, &checks); err != nil {
			return err
		}
		for i := range checks.Webhooks {
			checks.Webhooks[i].FailurePolicy = new(admissionregistrationv1.Fail)
		}
		return cluster.Admin.Update(ctx, &checks)
	})
	return b, replicas
}

func setSecret(t *testing.T, data map[string][]byte) {
	t.Helper()
	webhooktest.Eventually(t, "the secret is replaced", func(ctx context.Context) error {
		var s corev1.Secret
		if err := cluster.Admin.Get(ctx, types.NamespacedName{Namespace: webhooktest.Namespace, Name: webhooktest.Secret}, &s); err != nil {
			return err
		}
		s.Data, s.Annotations = data, nil
		return cluster.Admin.Update(ctx, &s)
	})
}

// stream creates annotated pods and Deployments without a pause, until its end gives
// how many there were. None may be refused, and none may lack the sidecar.
func stream(t *testing.T, b *balancer, namespace string) (end func() int) {
	t.Helper()
	webhooktest.Eventually(t, "both are ready", func(context.Context) error {
		if n := len(b.ready()); n < 2 {
			return fmt.Errorf("%d are", n)
		}
		return nil
	})
	try := func(ctx context.Context) error {
		pod := annotated(namespace, "tried", "tried")
		workload := &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "tried"},
			Spec: appsv1.DeploymentSpec{
				Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "tried"}},
				Template: corev1.PodTemplateSpec{
					ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "tried"}, Annotations: pod.Annotations},
					Spec:       pod.Spec,
				},
			},
		}
		err := errors.Join(cluster.Admin.Create(ctx, pod, client.DryRunAll), cluster.Admin.Create(ctx, workload, client.DryRunAll))
		sidecar := func(c corev1.Container) bool { return c.Name == injector.ContainerName }
		if err == nil && !slices.ContainsFunc(pod.Spec.InitContainers, sidecar) {
			err = errors.New("it has no sidecar")
		}
		return err
	}
	webhooktest.Eventually(t, "the API server asks", try)

	running, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
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
	return func() int {
		stop()
		tried.Wait()
		return pods
	}
}

// leafOf is the serial number of what a replica serves.
func leafOf(r *replica) string {
	c, err := r.process.keeper.GetCertificate(nil)
	if err != nil {
		return ""
	}
	return c.Leaf.SerialNumber.String()
}

// TestNoPodIsRefusedWhileTheWebhookRotates goes through three authorities and more
// leaves.
func TestNoPodIsRefusedWhileTheWebhookRotates(t *testing.T) {
	const rotations = 3
	// They are replaced after some seconds (a tenth of a lifetime is before it began),
	// and are good for minutes more, so that a busy machine has the time it takes.
	lifetimes := certs.Lifetimes{CA: 320 * time.Second, Leaf: 160 * time.Second, Grace: 3 * time.Second, Used: 0.12}
	b, replicas := newPair(t, func(o *options) { o.lifetimes = lifetimes })
	end := stream(t, b, cluster.NewNamespace(t))
	authorities, leaves := map[string]bool{}, map[string]bool{}
	webhooktest.Eventually(t, "authorities are changed", func(ctx context.Context) error {
		var s corev1.Secret
		if err := cluster.Admin.Get(ctx, types.NamespacedName{Namespace: webhooktest.Namespace, Name: webhooktest.Secret}, &s); err != nil {
			return err
		}
		authorities[string(s.Data[certs.KeyCA])], leaves[leafOf(replicas[0])] = true, true
		if len(authorities) <= rotations && !t.Failed() {
			return fmt.Errorf("%d authorities, %d leaves", len(authorities), len(leaves))
		}
		return nil
	})
	pods := end()
	t.Logf("%d pods and as many Deployments, %d changes of the authority, %d of the leaf", pods, len(authorities)-1, len(leaves)-1)
}

// setBundles replaces all bundles, as cert-manager's injector and Helm do.
func setBundles(t *testing.T, bundle []byte) {
	t.Helper()
	name := types.NamespacedName{Name: webhooktest.Configuration}
	webhooktest.Eventually(t, "the bundles are replaced", func(ctx context.Context) error {
		var pods admissionregistrationv1.MutatingWebhookConfiguration
		var workloads admissionregistrationv1.ValidatingWebhookConfiguration
		if err := errors.Join(cluster.Admin.Get(ctx, name, &pods), cluster.Admin.Get(ctx, name, &workloads)); err != nil {
			return err
		}
		for i := range pods.Webhooks {
			pods.Webhooks[i].ClientConfig.CABundle = bundle
		}
		for i := range workloads.Webhooks {
			workloads.Webhooks[i].ClientConfig.CABundle = bundle
		}
		return errors.Join(cluster.Admin.Update(ctx, &pods), cluster.Admin.Update(ctx, &workloads))
	})
}

// issue replaces the Secret, and waits until both replicas serve what is in it.
func issue(t *testing.T, a webhooktest.Authority, replicas []*replica) {
	t.Helper()
	before := leafOf(replicas[0])
	cert, key := a.Issue(t, serviceName)
	setSecret(t, map[string][]byte{certs.KeyLeaf: cert, certs.KeyLeafKey: key})
	webhooktest.Eventually(t, "both serve another certificate", func(context.Context) error {
		if leaf := leafOf(replicas[0]); leaf == before || leaf != leafOf(replicas[1]) {
			return errors.New("they do not")
		}
		return nil
	})
}

// waitForAPIServer waits until the API server has had the bundles of a moment ago for
// some time, by what it answers: a change of a configuration is seen in the order in
// which it was made.
func waitForAPIServer(t *testing.T, namespace string) {
	t.Helper()
	const looks = 20
	for range looks {
		webhooktest.Eventually(t, "a pod is let in", func(ctx context.Context) error {
			return cluster.Admin.Create(ctx, annotated(namespace, "looked", "looked"), client.DryRunAll)
		})
	}
}

// TestNoPodIsRefusedWhileCertManagerRenews does what cert-manager does with the
// chart's objects: a renewed authority has the key of the old one, and its
// certificate replaces that of the old one in the bundles.
func TestNoPodIsRefusedWhileCertManagerRenews(t *testing.T) {
	b, replicas := newPair(t, func(o *options) { o.certificates = certs.CertManager })
	a := webhooktest.NewAuthority(t)
	setBundles(t, a.PEM)
	issue(t, a, replicas)
	n := cluster.NewNamespace(t)
	end := stream(t, b, n)
	const renewals = 4
	for range renewals {
		issue(t, a, replicas)
		a = a.Renewed(t)
		issue(t, a, replicas)
		setBundles(t, a.PEM)
		waitForAPIServer(t, n)
	}
	t.Logf("%d pods and as many Deployments, %d renewals of the authority, %d of the certificate", end(), renewals, 2*renewals)
}

// TestNoPodIsRefusedWhileProvidedCertificatesAreReplaced does what values.yaml tells
// administrators to do.
func TestNoPodIsRefusedWhileProvidedCertificatesAreReplaced(t *testing.T) {
	b, replicas := newPair(t, func(o *options) {
		o.certificates = certs.Provided
		o.lifetimes = certs.DefaultLifetimes()
		o.lifetimes.Grace = time.Second
	})
	a := webhooktest.NewAuthority(t)
	setBundles(t, a.PEM)
	issue(t, a, replicas)
	n := cluster.NewNamespace(t)
	end := stream(t, b, n)
	const replacements = 4
	for range replacements {
		next := webhooktest.NewAuthority(t)
		setBundles(t, slices.Concat(a.PEM, next.PEM))
		issue(t, next, replicas)
		setBundles(t, next.PEM)
		waitForAPIServer(t, n)
		a = next
	}
	t.Logf("%d pods and as many Deployments, %d replacements of the authority", end(), replacements)
}
