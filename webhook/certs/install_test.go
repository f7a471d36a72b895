package certs_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// install makes an empty Secret and the two configurations, each with two webhooks.
// Nobody asks them: the namespace that they are for does not exist.
func install(t *testing.T) {
	t.Helper()
	installForPods(t)
	installForWorkloads(t)
}

func create(t *testing.T, o client.Object) {
	t.Helper()
	if err := cluster.Admin.Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Admin.Delete(context.WithoutCancel(t.Context()), o) })
}

func installForPods(t *testing.T) {
	t.Helper()
	emptySecret(t)
	c := &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: webhooktest.Configuration}}
	for _, name := range []string{"a.leaseholder.dev", "b.leaseholder.dev"} {
		c.Webhooks = append(c.Webhooks, admissionregistrationv1.MutatingWebhook{
			Name:                    name,
			ClientConfig:            nowhere(),
			NamespaceSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: "nowhere"}},
			SideEffects:             ptr.To(admissionregistrationv1.SideEffectClassNone),
			AdmissionReviewVersions: []string{"v1"},
			Rules:                   creation("pods"),
		})
	}
	create(t, c)
}

func installForWorkloads(t *testing.T) {
	t.Helper()
	c := &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: webhooktest.Configuration}}
	for _, name := range []string{"c.leaseholder.dev", "d.leaseholder.dev"} {
		c.Webhooks = append(c.Webhooks, admissionregistrationv1.ValidatingWebhook{
			Name:                    name,
			ClientConfig:            nowhere(),
			NamespaceSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: "nowhere"}},
			SideEffects:             ptr.To(admissionregistrationv1.SideEffectClassNone),
			AdmissionReviewVersions: []string{"v1"},
			Rules:                   creation("configmaps"),
		})
	}
	create(t, c)
}

func nowhere() admissionregistrationv1.WebhookClientConfig {
	return admissionregistrationv1.WebhookClientConfig{URL: new("https://localhost/")}
}

func creation(resource string) []admissionregistrationv1.RuleWithOperations {
	return []admissionregistrationv1.RuleWithOperations{{
		Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
		Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{resource}},
	}}
}

// published is nil when both configurations have one bundle everywhere.
func published(ctx context.Context) error {
	var forPods admissionregistrationv1.MutatingWebhookConfiguration
	var forWorkloads admissionregistrationv1.ValidatingWebhookConfiguration
	name := types.NamespacedName{Name: webhooktest.Configuration}
	if err := errors.Join(cluster.Admin.Get(ctx, name, &forPods), cluster.Admin.Get(ctx, name, &forWorkloads)); err != nil {
		return err
	}
	bundle := forPods.Webhooks[0].ClientConfig.CABundle
	for _, other := range [][]byte{
		forPods.Webhooks[1].ClientConfig.CABundle, forWorkloads.Webhooks[0].ClientConfig.CABundle, forWorkloads.Webhooks[1].ClientConfig.CABundle,
	} {
		if len(bundle) == 0 || !bytes.Equal(bundle, other) {
			return errors.New("there are different bundles")
		}
	}
	return nil
}
