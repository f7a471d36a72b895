package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook"
	"github.com/leaseholder-dev/leaseholder/webhook/certs"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

const day = 24 * time.Hour

// issue makes an authority, and a certificate for loopback that it signed.
func issue(t *testing.T, since time.Time, lifetime time.Duration) (bundle, certificate, key []byte) {
	t.Helper()
	a := webhooktest.NewAuthorityFor(t, "authority", since, since.Add(lifetime))
	certificate, key = a.Issue(t, "127.0.0.1")
	return a.PEM, certificate, key
}

// installation is the chart in a cluster without nodes: what kubelets and controllers
// would write, the test writes.
type installation struct {
	*election

	deployment *appsv1.Deployment
	endpoints  *discoveryv1.EndpointSlice
	mutating   *admissionregistrationv1.MutatingWebhookConfiguration
	validating *admissionregistrationv1.ValidatingWebhookConfiguration
	policy     *admissionregistrationv1.ValidatingAdmissionPolicy
	binding    *admissionregistrationv1.ValidatingAdmissionPolicyBinding
	secret     *corev1.Secret
	injected   *corev1.Pod
	stop       func()
}

// image is what the chart gives to pods.
const image = "ghcr.io/leaseholder-dev/leaseholder-sidecar:0.0.0"

func install(t *testing.T) *installation {
	t.Helper()
	in := &installation{election: newElection(t)}
	for _, pod := range in.pods {
		cluster.DeletePod(t, pod) // their sidecars are not the chart's
	}
	in.serve()
	in.deployment = webhooktest.Chart(t, "deployment.yaml", &appsv1.Deployment{})
	in.make(in.deployment)
	in.scale(2, 2)
	in.endpoints = &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: webhooktest.Namespace, Name: "webhook",
			Labels: map[string]string{discoveryv1.LabelServiceName: "leaseholder-webhook"},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{"192.0.2.1"}}, {Addresses: []string{"192.0.2.2"}}},
	}
	in.make(in.endpoints)
	in.bind()
	webhooktest.Eventually(t, "pods get their sidecar", func(ctx context.Context) error {
		in.injected = annotated(in.namespace, "injected")
		if err := cluster.Admin.Create(ctx, in.injected, client.DryRunAll); err != nil {
			return err
		}
		if len(in.injected.Spec.InitContainers) == 0 {
			return errors.New("it has none")
		}
		return nil
	})
	in.injected = annotated(in.namespace, "injected")
	in.make(in.injected)
	return in
}

// bind makes the chart's policies, those that are not there yet.
func (in *installation) bind() {
	in.Helper()
	files, err := filepath.Glob("../../charts/leaseholder/templates/*/validatingadmissionpolicy.yaml")
	if err != nil {
		in.Fatal(err)
	}
	for _, file := range files {
		folder := filepath.Base(filepath.Dir(file))
		policy := webhooktest.Chart(in.T, folder+"/validatingadmissionpolicy.yaml", &admissionregistrationv1.ValidatingAdmissionPolicy{})
		binding := webhooktest.Chart(in.T, folder+"/validatingadmissionpolicybinding.yaml", &admissionregistrationv1.ValidatingAdmissionPolicyBinding{})
		for _, object := range []client.Object{policy, binding} {
			if err := cluster.Admin.Get(in.Context(), client.ObjectKeyFromObject(object), object); err != nil {
				in.make(object)
			}
		}
		if folder == "podpolicy" {
			in.policy, in.binding = policy, binding
		}
	}
}

// serve runs the webhook, trusted by the chart's configurations.
func (in *installation) serve() {
	in.Helper()
	bundle, certificate, key := issue(in.T, time.Now().Add(-time.Hour), 90*day)
	served, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		in.Fatal(err)
	}
	in.secret = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: webhooktest.Namespace, Name: webhooktest.Secret}}
	in.keep(certificate, key)

	port := webhooktest.FreePort(in.T)
	server := webhook.NewServer(port, func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &served, nil },
		webhook.NewHandler(webhook.Options{
			Settings: injector.Settings{Image: image},
			Leases:   webhook.KnownLeases{Own: cluster.Admin, All: cluster.Admin},
			Excluded: func(namespace string) bool { return view.Excluded(namespace, webhooktest.Namespace) },
			Logger:   slog.New(slog.DiscardHandler),
		}))
	in.stop = webhooktest.Background(in.T, "webhook", server.Start)
	at := func(c *admissionregistrationv1.WebhookClientConfig) {
		url := fmt.Sprintf("https://127.0.0.1:%d%s", port, ptr.Deref(c.Service.Path, ""))
		*c = admissionregistrationv1.WebhookClientConfig{URL: &url, CABundle: bundle}
	}
	in.mutating = webhooktest.Chart(in.T, "mutatingwebhookconfiguration.yaml", &admissionregistrationv1.MutatingWebhookConfiguration{})
	for i := range in.mutating.Webhooks {
		at(&in.mutating.Webhooks[i].ClientConfig)
	}
	in.validating = webhooktest.Chart(in.T, "validatingwebhookconfiguration.yaml", &admissionregistrationv1.ValidatingWebhookConfiguration{})
	for i := range in.validating.Webhooks {
		at(&in.validating.Webhooks[i].ClientConfig)
	}
	in.make(in.mutating)
	in.make(in.validating)
}

// make makes an object for as long as the test runs.
func (in *installation) make(object client.Object) {
	in.Helper()
	if err := cluster.Admin.Create(in.Context(), object); err != nil {
		in.Fatal(err)
	}
	in.Cleanup(func() { in.remove(object) })
}

func (in *installation) remove(object client.Object) {
	_ = cluster.Admin.Delete(context.WithoutCancel(in.Context()), object, client.GracePeriodSeconds(0))
}

// update changes an object until the end of the subtest.
func update[T client.Object](t *testing.T, object T, change func(T)) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	now, _ := object.DeepCopyObject().(T)
	if err := cluster.Admin.Get(ctx, client.ObjectKeyFromObject(object), now); err != nil {
		t.Fatal(err)
	}
	before, _ := now.DeepCopyObject().(T)
	change(now)
	if err := cluster.Admin.Update(ctx, now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		before.SetResourceVersion(now.GetResourceVersion())
		if err := cluster.Admin.Update(ctx, before); err != nil {
			t.Error(err)
		}
	})
}

// keep writes the certificate's Secret.
func (in *installation) keep(certificate, key []byte) {
	in.Helper()
	in.secret.Data = map[string][]byte{certs.KeyLeaf: certificate, certs.KeyLeafKey: key}
	in.secret.ResourceVersion = ""
	if err := cluster.Admin.Update(context.WithoutCancel(in.Context()), in.secret); err != nil {
		in.Fatal(err)
	}
}

func (in *installation) scale(wanted, ready int32) {
	in.Helper()
	d := in.deployment
	if err := cluster.Admin.Get(in.Context(), client.ObjectKeyFromObject(d), d); err != nil {
		in.Fatal(err)
	}
	if *d.Spec.Replicas != wanted {
		d.Spec.Replicas = &wanted
		if err := cluster.Admin.Update(in.Context(), d); err != nil {
			in.Fatal(err)
		}
	}
	d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: wanted, UpdatedReplicas: wanted, ReadyReplicas: ready}
	if err := cluster.Admin.Status().Update(in.Context(), d); err != nil {
		in.Fatal(err)
	}
}

func annotated(namespace, name string) *corev1.Pod {
	p := webhooktest.Pod(namespace, name)
	p.Annotations = map[string]string{injector.AnnotationInject: "true", injector.AnnotationElection: "checked"}
	return p
}
