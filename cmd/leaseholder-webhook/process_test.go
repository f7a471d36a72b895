package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

var cluster webhooktest.Cluster

func TestMain(m *testing.M) { os.Exit(webhooktest.MainAudited(m, &cluster)) }

// newReplica runs a process of the webhook, with what change makes of its options, until
// the test ends, or its stop is called.
func newReplica(t *testing.T, name string, change ...func(*options)) *replica {
	t.Helper()
	ports := freePorts(t, 3)
	var f flags
	for _, o := range f.all() {
		*o.Value = o.Default
	}
	f.sidecar.Image, f.sidecar.Cloud.Image = "sidecar:1", "cloud:1"
	f.webhookPort, f.healthPort, f.metricsPort = ports[0], ports[1], ports[2]
	// Long enough for the balancer to learn of it on a busy machine.
	f.shutdownDelay = "3s"
	env := map[string]string{"POD_NAME": name, "POD_UID": name + "-" + ports[0], "POD_NAMESPACE": webhooktest.Namespace}
	o, err := f.complete(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(&o)
	}
	p, err := newProcess(t.Context(), cluster.Webhook, o)
	if err != nil {
		t.Fatal(err)
	}
	r := &replica{options: o, process: p}
	r.stop = webhooktest.Background(t, name, p.run)
	// The kubelet asks all the time.
	webhooktest.Background(t, "probe of "+name, func(ctx context.Context) error {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			_ = r.probe(ctx)
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
		return nil
	})
	return r
}

func freePorts(t *testing.T, n int) []string {
	t.Helper()
	var ports []string
	for range n {
		ports = append(ports, strconv.Itoa(webhooktest.FreePort(t)))
	}
	return ports
}

// install makes the Service, the configuration and the policies of the chart, with
// the balancer where the cluster's network would be.
func install(t *testing.T, b *balancer) {
	t.Helper()
	configuration := webhooktest.Chart(t, "mutatingwebhookconfiguration.yaml", &admissionregistrationv1.MutatingWebhookConfiguration{})
	for i := range configuration.Webhooks {
		configuration.Webhooks[i].ClientConfig.Service.Port = new(int32(b.port))
	}
	checks := webhooktest.Chart(t, "validatingwebhookconfiguration.yaml", &admissionregistrationv1.ValidatingWebhookConfiguration{})
	for i := range checks.Webhooks {
		checks.Webhooks[i].ClientConfig.Service.Port = new(int32(b.port))
		// Long enough for every warning on a busy machine.
		checks.Webhooks[i].TimeoutSeconds = new(int32(30))
	}
	objects := []client.Object{
		&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: webhooktest.Namespace, Name: "leaseholder-webhook"},
			Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"},
		},
		configuration,
		checks,
		webhooktest.Chart(t, "namespacepolicy/validatingadmissionpolicy.yaml", &admissionregistrationv1.ValidatingAdmissionPolicy{}),
		webhooktest.Chart(t, "namespacepolicy/validatingadmissionpolicybinding.yaml", &admissionregistrationv1.ValidatingAdmissionPolicyBinding{}),
		webhooktest.Chart(t, "podpolicy/validatingadmissionpolicy.yaml", &admissionregistrationv1.ValidatingAdmissionPolicy{}),
		webhooktest.Chart(t, "podpolicy/validatingadmissionpolicybinding.yaml", &admissionregistrationv1.ValidatingAdmissionPolicyBinding{}),
	}
	for _, o := range objects {
		if err := cluster.Admin.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cluster.Admin.Delete(context.WithoutCancel(t.Context()), o) })
	}
}

// annotated is a pod that asks for the sidecar.
func annotated(namespace, name, election string) *corev1.Pod {
	pod := webhooktest.Pod(namespace, name)
	pod.Annotations = map[string]string{injector.AnnotationInject: "true", injector.AnnotationElection: election}
	return pod
}

// leader is the pod name of the replica that shows who leads.
func leader(ctx context.Context) (string, error) {
	var l coordinationv1.Lease
	err := cluster.Admin.Get(ctx, types.NamespacedName{Namespace: webhooktest.Namespace, Name: "leaseholder-webhook"}, &l)
	if err != nil {
		return "", err
	}
	holder := ptr.Deref(l.Spec.HolderIdentity, "")
	if holder == "" {
		return "", errors.New("nobody leads")
	}
	return lock.PodName(holder), nil
}

func hasRights(ctx context.Context, namespace, election string) error {
	return cluster.Admin.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "leaseholder-" + election}, &rbacv1.RoleBinding{})
}

func TestTwoReplicas(t *testing.T) {
	first, second := newReplica(t, "first"), newReplica(t, "second")
	b := newBalancer(t, first, second)
	install(t, b)
	webhooktest.Eventually(t, "both are ready", func(ctx context.Context) error {
		if ready := b.ready(); len(ready) < 2 {
			return errors.Join(first.probe(ctx), second.probe(ctx))
		}
		return nil
	})
	n := cluster.NewNamespace(t)

	t.Run("the self-test sees the sidecar", func(t *testing.T) {
		webhooktest.Eventually(t, "it passes", func(ctx context.Context) error {
			seen, err := selftest(ctx, cluster.Admin, n)
			if err == nil && !strings.Contains(seen, "sidecar:1") {
				err = fmt.Errorf("it saw %q", seen)
			}
			return err
		})
		var out strings.Builder
		if code := run(t.Context(), []string{"selftest"}, func(string) string { return "" }, &out, &out); code == exitOK {
			t.Errorf("it passes without a namespace: %s", &out)
		}
	})
	t.Run("a refusal names every fault, and other pods are let in", func(t *testing.T) {
		wrong := annotated(n, "wrong", "No Label")
		wrong.Annotations[injector.AnnotationPort] = "0"
		err := cluster.Admin.Create(t.Context(), wrong)
		if !apierrors.IsForbidden(err) {
			t.Fatalf("got %v", err)
		}
		for _, part := range []string{injector.AnnotationElection, `"No Label"`, injector.AnnotationPort, `"0"`} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("no %s in: %v", part, err)
			}
		}
		if err := cluster.Admin.Create(t.Context(), webhooktest.Pod(n, "other")); err != nil {
			t.Error(err)
		}
	})
	t.Run("a stranger's lease is refused with the reason", func(t *testing.T) {
		if err := cluster.Admin.Create(t.Context(), &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: n, Name: "theirs"}}); err != nil {
			t.Fatal(err)
		}
		err := cluster.Admin.Create(t.Context(), annotated(n, "theirs", "theirs"))
		if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "did not make the Lease") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a pod is injected and gets its rights", func(t *testing.T) {
		var waits []time.Duration
		for i := range 30 {
			election := fmt.Sprintf("orders-%d", i)
			pod := annotated(n, election, election)
			if err := cluster.Admin.Create(t.Context(), pod); err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			webhooktest.Eventually(t, "its rights", func(ctx context.Context) error { return hasRights(ctx, n, election) })
			waits = append(waits, time.Since(begin))
			if pod.Labels[injector.LabelElection] != election || pod.Labels[injector.LabelRole] != injector.RoleStandby {
				t.Errorf("the pod has the labels %v", pod.Labels)
			}
		}
		slices.Sort(waits)
		t.Logf("from the pod to its rights, in looks of some ms: %s in the median, %s at most", waits[len(waits)/2], waits[len(waits)-1])
	})
	t.Run("the decisions are counted", func(t *testing.T) {
		var total strings.Builder
		for _, r := range []*replica{first, second} {
			page, err := get(t.Context(), fmt.Sprintf("http://127.0.0.1:%d/metrics", r.options.metricsPort))
			if err != nil {
				t.Fatal(err)
			}
			total.WriteString(page)
		}
		for _, want := range []string{`reason="Annotated"`, `reason="ForeignLease"`} {
			if !strings.Contains(total.String(), "leaseholder_admission_decisions_total{outcome=") || !strings.Contains(total.String(), want) {
				t.Errorf("no %s", want)
			}
		}
		if !strings.Contains(total.String(), "leaseholder_rights_wait_seconds_count ") {
			t.Error("the waits for rights are not measured")
		}
	})
	t.Run("either replica can end without a refused pod", func(t *testing.T) {
		stream, stop := context.WithCancel(t.Context())
		var tried sync.WaitGroup
		for range 2 {
			tried.Go(func() {
				for stream.Err() == nil {
					if err := cluster.Admin.Create(context.WithoutCancel(stream), annotated(n, "tried", "tried"), client.DryRunAll); err != nil {
						t.Errorf("a pod was refused: %v", err)
						return
					}
				}
			})
		}
		replicas := []*replica{first, second}
		for i := range 2 {
			replicas[i].stop()
			replicas[i] = newReplica(t, fmt.Sprintf("next-%d", i))
			// The balancer is not asked to be right at once: neither is a Service.
			b.add(replicas[i])
			webhooktest.Eventually(t, "two are ready", func(context.Context) error {
				if len(b.ready()) < 2 {
					return errors.New("fewer are")
				}
				return nil
			})
			webhooktest.Eventually(t, "another leads", func(ctx context.Context) error {
				name, err := leader(ctx)
				if err == nil && name == []string{"first", "second"}[i] {
					err = errors.New("the one that ended leads")
				}
				return err
			})
			election := fmt.Sprintf("after-%d", i)
			if err := cluster.Admin.Create(t.Context(), annotated(n, election, election)); err != nil {
				t.Fatal(err)
			}
			webhooktest.Eventually(t, "rights from the next leader", func(ctx context.Context) error { return hasRights(ctx, n, election) })
		}
		stop()
		tried.Wait()
	})
	t.Run("the replicas' own lease is labelled", func(t *testing.T) {
		var l coordinationv1.Lease
		if err := cluster.Admin.Get(t.Context(), types.NamespacedName{Namespace: webhooktest.Namespace, Name: "leaseholder-webhook"}, &l); err != nil || !view.Ours(&l) {
			t.Errorf("%v %v", err, l.Labels)
		}
	})
}
