package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/exit"
	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/certs"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// TestAnInstallationIsChecked breaks one thing after the other.
func TestAnInstallationIsChecked(t *testing.T) {
	in := install(t)
	// The API server learns of a changed configuration a moment later.
	says := func(t *testing.T, code int, lines ...string) {
		t.Helper()
		check := func() error {
			out, _, err := in.call("check")
			if got := exit.Code(err); got != code {
				return fmt.Errorf("it ends with code %d:\n%s%s", got, out, fmt.Sprint(err))
			}
			for _, line := range lines {
				if !strings.Contains(out, line) {
					return fmt.Errorf("it does not say %q:\n%s", line, out)
				}
			}
			return nil
		}
		webhooktest.Eventually(t, "what is so is said", func(context.Context) error { return check() })
	}
	healthy := func(t *testing.T) {
		t.Helper()
		says(t, 0, "12 checks: 12 ok, 0 unknown, 0 warning, 0 failed\n", "ok       API server: version v1.",
			"ok       Webhook for pods: admission.leaseholder.dev, 4 webhooks", "ok       Webhook for workloads: admission.leaseholder.dev, 4 webhooks",
			"ok       Authorities: 1 in the CA bundles, the first expires in 89 days", "- authority expires in 89 days",
			"ok       Certificate: that in Secret leaseholder-system/leaseholder-webhook-certificate is trusted by the CA bundles, and expires in 89 days",
			"ok       Replicas: Deployment leaseholder-system/leaseholder-webhook has 2 of 2 replicas ready",
			"ok       Service: leaseholder-system/leaseholder-webhook has 2 ready endpoints", "ok       Policies: the chart's ValidatingAdmissionPolicies are there and bound",
			`ok       Trial: a pod in namespace "`+in.namespace+`" would get the sidecar "leaseholder" with image "`+image,
			"ok       Pods without a sidecar: every", "ok       Sidecars: 1 pod with one, each with image "+image, "ok       Namespaces: none is labelled",
		)
	}
	t.Run("as it should be", healthy)
	t.Run("one webhook without a bundle", func(t *testing.T) {
		update(t, in.mutating, func(c *admissionregistrationv1.MutatingWebhookConfiguration) {
			c.Webhooks[2].ClientConfig.CABundle = nil
		})
		says(t, 2, "failed   Webhook for pods: admission.leaseholder.dev has no CA bundle for require.pods.leaseholder.dev",
			"failed   Certificate", "is not trusted by the CA bundle of require.pods.leaseholder.dev")
	})
	t.Run("failurePolicy Ignore", func(t *testing.T) {
		update(t, in.mutating, func(c *admissionregistrationv1.MutatingWebhookConfiguration) {
			c.Webhooks[0].FailurePolicy = ptr.To(admissionregistrationv1.Ignore)
		})
		says(t, 0, "warning  Webhook for pods: admission.leaseholder.dev has failurePolicy Ignore for pods.leaseholder.dev")
	})
	t.Run("workloads that nobody warns of", func(t *testing.T) {
		update(t, in.validating, func(c *admissionregistrationv1.ValidatingWebhookConfiguration) {
			c.Webhooks[0].ClientConfig.CABundle = nil
		})
		says(t, 0, "warning  Webhook for workloads: admission.leaseholder.dev has no CA bundle for workloads.leaseholder.dev")
	})
	t.Run("workloads that wait for an answer", func(t *testing.T) {
		update(t, in.validating, func(c *admissionregistrationv1.ValidatingWebhookConfiguration) {
			c.Webhooks[0].FailurePolicy = ptr.To(admissionregistrationv1.Fail)
		})
		says(t, 0, "warning  Webhook for workloads: admission.leaseholder.dev has failurePolicy Fail for workloads.leaseholder.dev")
	})
	t.Run("an authority that expires", func(t *testing.T) {
		soon, _, _ := issue(t, time.Now().Add(-80*day), 90*day+time.Hour)
		update(t, in.mutating, func(c *admissionregistrationv1.MutatingWebhookConfiguration) {
			c.Webhooks[3].ClientConfig.CABundle = soon
		})
		says(t, 2, "warning  Authorities: the last one expires soon in the CA bundle of default.pods.leaseholder.dev", "- authority expires in 10 days", "failed   Certificate")
	})
	t.Run("an authority that expires beside one that lasts", func(t *testing.T) {
		soon, _, _ := issue(t, time.Now().Add(-80*day), 90*day+time.Hour)
		update(t, in.mutating, func(c *admissionregistrationv1.MutatingWebhookConfiguration) {
			c.Webhooks[3].ClientConfig.CABundle = append(soon, c.Webhooks[3].ClientConfig.CABundle...)
		})
		says(t, 0, "ok       Authorities: 2 in the CA bundles, the first expires in 10 days")
	})
	t.Run("an authority that has expired", func(t *testing.T) {
		gone, _, _ := issue(t, time.Now().Add(-90*day), 80*day)
		update(t, in.mutating, func(c *admissionregistrationv1.MutatingWebhookConfiguration) {
			c.Webhooks[3].ClientConfig.CABundle = gone
		})
		says(t, 2, "failed   Authorities: all have expired in the CA bundle of default.pods.leaseholder.dev", "- authority expired 10 days ago")
	})
	t.Run("another certificate", func(t *testing.T) {
		certificate, key := in.secret.Data[certs.KeyLeaf], in.secret.Data[certs.KeyLeafKey]
		t.Cleanup(func() { in.keep(certificate, key) })
		_, other, otherKey := issue(t, time.Now(), day)
		in.keep(other, otherKey)
		says(t, 2, "failed   Certificate: that in Secret leaseholder-system/leaseholder-webhook-certificate is not trusted by the CA bundle of pods.leaseholder.dev, forbid")
		_, old, oldKey := issue(t, time.Now().Add(-3*day), day)
		in.keep(old, oldKey)
		says(t, 2, "failed   Certificate: that in Secret leaseholder-system/leaseholder-webhook-certificate expired 2 days ago")
		in.keep([]byte("x"), nil)
		says(t, 2, "failed   Certificate: Secret leaseholder-system/leaseholder-webhook-certificate holds none that can be used")
	})
	t.Run("replicas", func(t *testing.T) {
		t.Cleanup(func() { in.scale(2, 2) })
		in.scale(2, 1)
		says(t, 0, "warning  Replicas: Deployment leaseholder-system/leaseholder-webhook has 1 of 2 replicas ready")
		in.scale(1, 1)
		says(t, 0, "warning  Replicas: Deployment leaseholder-system/leaseholder-webhook has one replica")
		in.scale(2, 0)
		says(t, 2, "failed   Replicas: Deployment leaseholder-system/leaseholder-webhook has 0 of 2 replicas ready")
	})
	t.Run("endpoints", func(t *testing.T) {
		update(t, in.endpoints, func(s *discoveryv1.EndpointSlice) {
			s.Endpoints[0].Conditions.Ready, s.Endpoints[1].Conditions.Ready = new(false), new(false)
		})
		says(t, 2, "failed   Service: leaseholder-system/leaseholder-webhook has no ready endpoint")
	})
	t.Run("no webhooks", func(t *testing.T) {
		update(t, in.mutating, func(c *admissionregistrationv1.MutatingWebhookConfiguration) { c.Webhooks = nil })
		says(t, 2, "failed   Webhook for pods: there is no MutatingWebhookConfiguration of Leaseholder", "unknown  Certificate", "failed   Trial")
	})
	t.Run("namespaces", func(t *testing.T) {
		cluster.NewLabelledNamespace(t, map[string]string{injector.LabelInjection: "require"})
		says(t, 0, "ok       Namespaces: some say what their pods get", "- require: test-")
	})
	t.Run("pods", func(t *testing.T) {
		late := webhooktest.Pod(in.namespace, "late")
		in.make(late)
		update(t, late, func(p *corev1.Pod) {
			p.Annotations = map[string]string{injector.AnnotationInject: "true", injector.AnnotationElection: "checked"}
		})
		says(t, 0, "warning  Pods without a sidecar: 1 pod without the sidecar that is asked for",
			"- "+in.namespace+": pod/late, 1 pod: made ", "Next: delete the pods that have no controller, and make them anew")
		update(t, in.injected, func(p *corev1.Pod) { p.Spec.InitContainers[0].Image = "old" })
		says(t, 0, "warning  Sidecars: 1 of 1 have another image than "+image, "- "+in.namespace+": pod/injected, 1 pod: image old")
	})
	t.Run("policies", func(t *testing.T) {
		update(t, in.binding, func(b *admissionregistrationv1.ValidatingAdmissionPolicyBinding) {
			b.Spec.ValidationActions = []admissionregistrationv1.ValidationAction{admissionregistrationv1.Audit}
		})
		says(t, 2, "failed   Policies: 1 of them", "- leaseholder-pod-policy: binding leaseholder-pod-policy has validationActions [Audit]: the chart's has Deny")
	})
	t.Run("missing policies", func(t *testing.T) {
		in.remove(in.binding)
		says(t, 2, "failed   Policies: there is no binding of leaseholder-pod-policy, which judges nothing")
		in.remove(in.policy)
		says(t, 2, "failed   Policies: there is no ValidatingAdmissionPolicy leaseholder-pod-policy")
	})
	t.Run("nobody answers", func(t *testing.T) {
		in.stop()
		says(t, 2, `failed   Trial: an annotated pod in namespace "`+in.namespace+`"`, "failed calling webhook")
	})
	t.Run("nothing is installed", func(t *testing.T) {
		in.remove(in.mutating)
		in.remove(in.validating)
		in.remove(in.deployment)
		says(t, 2, "failed   Webhook for pods: there is no", "warning  Webhook for workloads: there is no", "failed   Replicas: Leaseholder is not installed",
			"failed   Certificate: Leaseholder is not installed", "failed   Service: Leaseholder is not installed")
	})
}

// TestWhatMayNotBeReadIsUnknown asks as somebody without rights, and as somebody with
// those of Kubernetes' own role "view", of which a controller makes a copy in a cluster.
func TestWhatMayNotBeReadIsUnknown(t *testing.T) {
	in := install(t)
	for user, test := range map[string]struct {
		bound bool
		says  []string
	}{
		"nobody": {false, []string{
			"unknown  Replicas: you may not read what would show where Leaseholder is installed", "Next: name its namespace with --system-namespace",
			"12 checks: 1 ok, 11 unknown, 0 warning, 0 failed",
		}},
		"viewer": {true, []string{
			"unknown  Webhook for pods: you may not read MutatingWebhookConfigurations", "unknown  Webhook for workloads: you may not read",
			"unknown  Authorities: you may not read", "unknown  Policies: you may not read",
			"unknown  Certificate: you may not read Secret leaseholder-system/leaseholder-webhook-certificate", "kubectl port-forward -n leaseholder-system deployment/leaseholder-webhook 8080",
			`unknown  Trial: you may not create pods in namespace "`,
			"ok       Replicas", "ok       Service", "ok       Pods without a sidecar", "ok       Sidecars", "ok       Namespaces",
		}},
	} {
		t.Run(user, func(t *testing.T) {
			account, err := cluster.Environment.AddUser(envtest.User{Name: user}, nil)
			if err != nil {
				t.Fatal(err)
			}
			kubeconfig, err := account.KubeConfig()
			if err != nil {
				t.Fatal(err)
			}
			in.kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
			if err := os.WriteFile(in.kubeconfig, kubeconfig, 0o600); err != nil {
				t.Fatal(err)
			}
			if test.bound {
				in.make(&rbacv1.ClusterRoleBinding{
					ObjectMeta: metav1.ObjectMeta{Name: "viewer"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:aggregate-to-view"},
					Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
				})
			}
			out := ""
			check := func() (err error) {
				out, _, err = in.call("check")
				return err
			}
			webhooktest.Eventually(t, "all is said", func(context.Context) error {
				if err := check(); err != nil {
					return err
				}
				for _, line := range test.says {
					if !strings.Contains(out, line) {
						return fmt.Errorf("it does not say %q:\n%s", line, out)
					}
				}
				return nil
			})
			if _, _, err := in.call("check", "--strict"); exit.Code(err) != 2 {
				t.Errorf("what is unknown passes: %v", err)
			}
		})
	}
}
