package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// warned is a user whose client keeps the warnings, as kubectl shows them.
type warned struct {
	client.Client
	mu       sync.Mutex
	warnings []string
}

func newWarned(t *testing.T) *warned {
	t.Helper()
	w := &warned{}
	config := rest.CopyConfig(cluster.Config)
	config.WarningHandlerWithContext = w
	var err error
	if w.Client, err = client.New(config, client.Options{Scheme: view.Scheme()}); err != nil {
		t.Fatal(err)
	}
	return w
}

// HandleWarningHeaderWithContext implements rest.WarningHandlerWithContext.
func (w *warned) HandleWarningHeaderWithContext(_ context.Context, _ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.warnings = append(w.warnings, text)
}

// said gives the warnings since it was last asked.
func (w *warned) said() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	said := w.warnings
	w.warnings = nil
	return said
}

// deployment asks for the sidecar, and is warned of for its port.
func deployment(namespace, name string) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: map[string]string{injector.AnnotationInject: "true", injector.AnnotationPort: "0"}},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app"}}},
			},
		},
	}
}

// warning waits until workloads are warned of: the bundle comes a moment after that
// of pods.
func warning(t *testing.T, user *warned, namespace string) {
	t.Helper()
	webhooktest.Eventually(t, "workloads are warned of", func(ctx context.Context) error {
		if err := user.Create(ctx, deployment(namespace, "first"), client.DryRunAll); err != nil {
			return err
		}
		if len(user.said()) == 0 {
			return errors.New("no warning")
		}
		return nil
	})
}

// TestWorkloadsAreWarnedOf applies every workload of the injector's golden cases to
// the API server, which asks the chart's webhook.
func TestWorkloadsAreWarnedOf(t *testing.T) {
	serving(t)
	user := newWarned(t)
	warning(t, user, cluster.NewNamespace(t))
	cases, err := injectortest.WorkloadCases("../../injector/testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			namespace := cluster.NewLabelledNamespace(t, c.NamespaceLabels)
			for i := range c.Budgets {
				c.Budgets[i].Namespace = namespace
				if err := cluster.Admin.Create(t.Context(), &c.Budgets[i]); err != nil {
					t.Fatal(err)
				}
			}
			object := &unstructured.Unstructured{}
			if err := object.UnmarshalJSON(c.Object); err != nil {
				t.Fatal(err)
			}
			object.SetNamespace(namespace)
			if err := user.Create(t.Context(), object, client.DryRunAll); err != nil {
				t.Fatal(err)
			}
			want, err := c.Warnings()
			if err != nil {
				t.Fatal(err)
			}
			got := user.said()
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], namespace, injectortest.Namespace)
			}
			if len(want) > 0 && !strings.Contains(want[len(want)-1], "left out") {
				got, want = asDefaulted(got), asDefaulted(want)
			}
			if !slices.Equal(got, want) {
				t.Errorf("it is said\n%s\nand should be\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// asDefaulted drops the word that a field has its default: the API server writes
// it down, before it asks.
func asDefaulted(warnings []string) []string {
	var all []string
	for _, w := range warnings {
		all = append(all, regexp.MustCompile(`(: spec\.[^ =]*="[^"]*") \(default\)`).ReplaceAllString(w, "$1"))
	}
	return all
}

// questions is how often the API server has asked the webhook for workloads in
// namespaces without a label.
func questions(t *testing.T) string {
	t.Helper()
	all, err := kubernetes.NewForConfig(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	page, err := all.RESTClient().Get().AbsPath("/metrics").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`apiserver_admission_webhook_admission_duration_seconds_count\{name="workloads\.leaseholder\.dev"[^}]*\} (\d+)`)
	return fmt.Sprint(found.FindAllStringSubmatch(string(page), -1))
}

func TestWhatTheWebhookIsAskedAbout(t *testing.T) {
	serving(t)
	user := newWarned(t)
	namespace := cluster.NewNamespace(t)
	warning(t, user, namespace)
	asked := deployment(namespace, "asked")
	if err := user.Create(t.Context(), asked); err != nil {
		t.Fatal(err)
	}
	if len(user.said()) != 1 {
		t.Error("nothing was said")
	}
	for _, c := range []struct {
		what   string
		change func(*appsv1.Deployment)
		said   int
	}{
		{"an annotation of others", func(d *appsv1.Deployment) {
			d.Annotations = map[string]string{"deployment.kubernetes.io/revision": "1"}
		}, 0},
		{"the number of pods", func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(2)) }, 1},
		{"an annotation of ours in the wrong place", func(d *appsv1.Deployment) { d.Annotations[injector.AnnotationPriority] = "1" }, 2},
		{"an empty annotation of ours", func(d *appsv1.Deployment) { d.Annotations[injector.AnnotationLogLevel] = "" }, 3},
		{"the end of that", func(d *appsv1.Deployment) { delete(d.Annotations, injector.AnnotationLogLevel) }, 0},
		{"a label of others", func(d *appsv1.Deployment) { d.Labels = map[string]string{"app": "x"} }, 0},
		{"a label of ours", func(d *appsv1.Deployment) { d.Labels[injector.LabelRole] = "leader" }, 3},
		{"a label of ours that is empty", func(d *appsv1.Deployment) { d.Labels[injector.LabelElection] = "" }, 4},
		{"the end of that", func(d *appsv1.Deployment) { delete(d.Labels, injector.LabelElection) }, 0},
		{"the value of a label of ours", func(d *appsv1.Deployment) { d.Labels[injector.LabelRole] = "standby" }, 3},
		{"the annotation's end", func(d *appsv1.Deployment) { delete(d.Annotations, injector.AnnotationPriority) }, 0},
		{"a cure", func(d *appsv1.Deployment) { delete(d.Spec.Template.Annotations, injector.AnnotationPort) }, 1},
	} {
		before := questions(t)
		c.change(asked)
		if err := user.Update(t.Context(), asked); err != nil {
			t.Fatal(err)
		}
		if said := user.said(); len(said) != c.said {
			t.Errorf("%s: %q", c.what, said)
		}
		if again := questions(t) != before; again != (c.said > 0) {
			t.Errorf("%s: asked: %v", c.what, again)
		}
	}

	t.Run("not about what does not concern us", func(t *testing.T) {
		before := questions(t)
		other := deployment(namespace, "other")
		other.Spec.Template.Annotations = nil
		ofOthers := deployment("kube-system", "ours")
		ofCron := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "batch/v1", "kind": "Job",
			"metadata": map[string]any{
				"namespace": namespace, "name": "run",
				"ownerReferences": []any{map[string]any{"apiVersion": "batch/v1", "kind": "CronJob", "name": "c", "uid": "u", "controller": true}},
			},
			"spec": map[string]any{"template": map[string]any{
				"metadata": map[string]any{"annotations": map[string]any{injector.AnnotationInject: "true"}},
				"spec":     map[string]any{"restartPolicy": "Never", "containers": []any{map[string]any{"name": "app", "image": "app"}}},
			}},
		}}
		for _, o := range []client.Object{other, ofOthers, ofCron} {
			if err := user.Create(t.Context(), o, client.DryRunAll); err != nil {
				t.Error(err)
			}
		}
		if said := user.said(); len(said) > 0 || questions(t) != before {
			t.Errorf("asked, and said %q", said)
		}
	})
	t.Run("about every workload where the namespace gives the sidecar", func(t *testing.T) {
		gives := cluster.NewLabelledNamespace(t, map[string]string{injector.LabelInjection: string(injector.Default)})
		plain := deployment(gives, "plain")
		plain.Spec.Template.Annotations = nil
		plain.Spec.Template.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 4041}}
		if err := user.Create(t.Context(), plain, client.DryRunAll); err != nil {
			t.Fatal(err)
		}
		if said := user.said(); len(said) != 1 || !strings.Contains(said[0], "the pods get no election sidecar") {
			t.Errorf("said %q", said)
		}
	})
	t.Run("a workload is let in while nobody answers", func(t *testing.T) {
		c := &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: webhooktest.Configuration}}
		if err := cluster.Admin.Get(t.Context(), client.ObjectKeyFromObject(c), c); err != nil {
			t.Fatal(err)
		}
		for i := range c.Webhooks {
			c.Webhooks[i].ClientConfig.Service.Port = new(int32(webhooktest.FreePort(t)))
		}
		if err := cluster.Admin.Update(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		webhooktest.Eventually(t, "nothing is said any more", func(ctx context.Context) error {
			if err := user.Create(ctx, deployment(namespace, "silent"), client.DryRunAll); err != nil {
				t.Fatalf("it was refused: %v", err)
			}
			if said := user.said(); len(said) > 0 {
				return fmt.Errorf("said %q", said)
			}
			return nil
		})
	})
}
