package attacks

import (
	"context"
	"fmt"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// TestAPodThatPretendsToBeInjected is refused, or it is what the webhook makes of it.
func TestAPodThatPretendsToBeInjected(t *testing.T) {
	serve(t)
	n := cluster.NewNamespace(t)
	mallory := user(t, n, mayMakePods)
	// what the webhook itself makes, to be changed.
	genuine := annotated(n, "genuine", "orders")
	if err := cluster.Admin.Create(t.Context(), genuine, client.DryRunAll); err != nil {
		t.Fatal(err)
	}
	sidecar := func(change func(c *corev1.Container)) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Spec = *genuine.Spec.DeepCopy()
			change(&p.Spec.InitContainers[0])
		}
	}
	variable := func(name, value string) func(*corev1.Pod) {
		return sidecar(func(c *corev1.Container) { c.Env = append(c.Env, corev1.EnvVar{Name: name, Value: value}) })
	}
	label := func(key, value string) func(*corev1.Pod) {
		return func(p *corev1.Pod) { metav1.SetMetaDataLabel(&p.ObjectMeta, key, value) }
	}
	bare := func(p *corev1.Pod) { p.Annotations = nil }
	refuses := func(p *corev1.Pod) { p.Annotations = map[string]string{injector.AnnotationInject: "false"} }
	for what, c := range map[string]struct {
		change []func(*corev1.Pod)
		says   string
	}{
		"a sidecar of another image":           {[]func(*corev1.Pod){sidecar(func(c *corev1.Container) { c.Image = "evil" })}, `image "evil"`},
		"a sidecar that is none":               {[]func(*corev1.Pod){sidecar(func(c *corev1.Container) { c.RestartPolicy = nil })}, "restartPolicy"},
		"a sidecar of another election":        {[]func(*corev1.Pod){variable("LEASEHOLDER_ELECTION", "payments")}, "LEASEHOLDER_ELECTION"},
		"a sidecar of another namespace":       {[]func(*corev1.Pod){variable("LEASEHOLDER_NAMESPACE", "kube-system")}, "LEASEHOLDER_NAMESPACE"},
		"a sidecar with another pod's name":    {[]func(*corev1.Pod){variable("LEASEHOLDER_POD_UID", "u")}, "LEASEHOLDER_POD_UID"},
		"a sidecar with a variable of its own": {[]func(*corev1.Pod){variable("LEASEHOLDER_LOCK", "gs://evil/x")}, "LEASEHOLDER_LOCK"},
		"a sidecar without annotations":        {[]func(*corev1.Pod){sidecar(func(*corev1.Container) {}), bare}, "no election sidecar in a pod without"},
		"a sidecar of one that wants none":     {[]func(*corev1.Pod){sidecar(func(*corev1.Container) {}), refuses}, "no election sidecar in a pod without"},
		"a leader's label":                     {[]func(*corev1.Pod){bare, label(injector.LabelRole, injector.RoleLeader)}, injector.LabelRole},
		"an election's label":                  {[]func(*corev1.Pod){bare, label(injector.LabelElection, "orders")}, injector.LabelElection},
		"labels of one that wants none":        {[]func(*corev1.Pod){refuses, label(injector.LabelRole, injector.RoleLeader)}, injector.LabelRole},
		"labels beside the annotations":        {[]func(*corev1.Pod){label(injector.LabelRole, injector.RoleLeader)}, injector.LabelRole},
		"a container of the sidecar's name": {[]func(*corev1.Pod){bare, func(p *corev1.Pod) {
			p.Spec.InitContainers = []corev1.Container{{Name: injector.ContainerName, Image: "evil", Env: []corev1.EnvVar{{Name: "LEASEHOLDER_ELECTION", Value: "orders"}}}}
		}}, "spec.initContainers[0].name"},
		"a token of a former life": {[]func(*corev1.Pod){func(p *corev1.Pod) { p.Annotations[injector.AnnotationToken] = "9" }}, injector.AnnotationToken},
	} {
		pod := annotated(n, "evil", "orders", c.change...)
		if err := refused(mallory.Create(t.Context(), pod, client.DryRunAll), "leaseholder", c.says); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	// The same pod as the webhook would make it begins as a standby, whatever it says.
	pod := annotated(n, "again", "orders", sidecar(func(*corev1.Container) {}), label(injector.LabelRole, injector.RoleLeader))
	if err := mallory.Create(t.Context(), pod, client.DryRunAll); err != nil {
		t.Fatal(err)
	}
	if pod.Labels[injector.LabelRole] != injector.RoleStandby || pod.Spec.InitContainers[0].Image != injectortest.Image {
		t.Errorf("it begins as %v", pod.Labels)
	}
}

// TestLabelsForgedToGetOrKeepTheLead: who may patch pods changes every label but ours.
func TestLabelsForgedToGetOrKeepTheLead(t *testing.T) {
	n := cluster.NewNamespace(t)
	mallory := user(t, n, mayPatchPods)
	standby := cluster.NewPod(t, n, "standby", "orders", "")
	leader := cluster.NewPod(t, n, "leader", "orders", "", func(p *corev1.Pod) { p.Labels[injector.LabelRole] = injector.RoleLeader })
	plain := made(t, webhooktest.Pod(n, "plain"))
	const says = "the labels leaseholder.dev/election and leaseholder.dev/role of a pod"
	for what, c := range map[string]struct {
		pod   *corev1.Pod
		patch string
	}{
		"a standby that gets the role":         {standby, `{"metadata":{"labels":{"leaseholder.dev/role":"leader"}}}`},
		"a plain pod that gets the role":       {plain, `{"metadata":{"labels":{"leaseholder.dev/role":"leader"}}}`},
		"a plain pod that gets an election":    {plain, `{"metadata":{"labels":{"leaseholder.dev/election":"orders"}}}`},
		"a plain pod that gets both":           {plain, `{"metadata":{"labels":{"leaseholder.dev/election":"orders","leaseholder.dev/role":"leader"}}}`},
		"a leader that hides from the webhook": {leader, `{"metadata":{"labels":{"leaseholder.dev/election":null}}}`},
		"a leader that moves to another":       {leader, `{"metadata":{"labels":{"leaseholder.dev/election":"payments"}}}`},
		"a leader that is made a standby":      {leader, `{"metadata":{"labels":{"leaseholder.dev/role":"standby"}}}`},
		"a leader without a role":              {leader, `{"metadata":{"labels":{"leaseholder.dev/role":null}}}`},
		"a leader without any label":           {leader, `{"metadata":{"labels":null}}`},
	} {
		if err := policed(mallory.Patch(t.Context(), c.pod.DeepCopy(), merge(c.patch)), says); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	replaced := standby.DeepCopy()
	replaced.Labels[injector.LabelRole] = injector.RoleLeader
	if err := policed(mallory.Update(t.Context(), replaced), says); err != nil {
		t.Errorf("a standby that is replaced: %v", err)
	}
	for what, patch := range map[string]string{
		"another label": `{"metadata":{"labels":{"team":"shop"}}}`,
		"a finalizer":   `{"metadata":{"finalizers":["x.example.com/x"]}}`,
		"no finalizer":  `{"metadata":{"finalizers":null}}`,
		"an annotation": `{"metadata":{"annotations":{"x":"y"}}}`,
		"an image":      `{"spec":{"containers":[{"name":"app","image":"app:2"}]}}`,
	} {
		change := client.RawPatch(types.StrategicMergePatchType, []byte(patch))
		if err := mallory.Patch(t.Context(), leader.DeepCopy(), change); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestATokenForgedToKeepTheLeadersLabel: an annotation is no label, and anybody who may
// patch pods can change it. The webhook believes the Lease.
func TestATokenForgedToKeepTheLeadersLabel(t *testing.T) {
	serve(t)
	n := cluster.NewNamespace(t)
	mallory := user(t, n, mayPatchPods)
	old, next := made(t, annotated(n, "old", "orders")), made(t, annotated(n, "next", "orders"))
	granted(t, n, "orders", "default")
	lead(t, n, old, 1)
	shown(t, old, injector.RoleLeader)
	if err := mallory.Patch(t.Context(), old.DeepCopy(), merge(`{"metadata":{"annotations":{"leaseholder.dev/token":"9223372036854775807"}}}`)); err != nil {
		t.Fatal(err)
	}
	lead(t, n, next, 2)
	shown(t, old, injector.RoleStandby)
	shown(t, next, injector.RoleLeader)
}

// lead makes a pod hold the Lease of the election "orders".
func lead(t *testing.T, namespace string, pod *corev1.Pod, token int) {
	t.Helper()
	holder := fmt.Sprintf("%s_%s_s", pod.Name, pod.UID)
	patch := fmt.Sprintf(`{"metadata":{"annotations":{"leaseholder.dev/holder":%q,"leaseholder.dev/token":"%d"}},"spec":{"holderIdentity":%q,"leaseDurationSeconds":15}}`, holder, token, holder)
	if err := cluster.Admin.Patch(t.Context(), &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "orders"}}, merge(patch)); err != nil {
		t.Fatal(err)
	}
}

// current is what the API server has of a pod.
func current(t *testing.T, pod *corev1.Pod) *corev1.Pod {
	t.Helper()
	got := &corev1.Pod{}
	if err := cluster.Admin.Get(t.Context(), client.ObjectKeyFromObject(pod), got); err != nil {
		t.Fatal(err)
	}
	return got
}

// shown waits until a pod has a role.
func shown(t *testing.T, pod *corev1.Pod, role string) {
	t.Helper()
	webhooktest.Eventually(t, pod.Name+" is "+role, func(ctx context.Context) error {
		var got corev1.Pod
		if err := cluster.Admin.Get(ctx, client.ObjectKeyFromObject(pod), &got); err != nil {
			return err
		}
		if got.Labels[injector.LabelRole] != role {
			return fmt.Errorf("it is %q", got.Labels[injector.LabelRole])
		}
		return nil
	})
}
