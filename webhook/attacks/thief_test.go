package attacks

import (
	"context"
	"fmt"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// kubeSystem is a namespace that the webhook's account must never write in. The API
// server makes it by itself.
const kubeSystem = "kube-system"

// TestTheWebhooksTokenStolenAndUsedOnPods: who has it can move the label that routes, as
// the webhook does, and change nothing else.
func TestTheWebhooksTokenStolenAndUsedOnPods(t *testing.T) {
	n := cluster.NewNamespace(t)
	pod := cluster.NewPod(t, n, "a", "orders", "", func(p *corev1.Pod) {
		p.Labels["app"] = "orders"
		p.Annotations = map[string]string{"app": "x"}
	})
	plain := made(t, webhooktest.Pod(n, "plain"))
	system := cluster.NewPod(t, kubeSystem, "a", "orders", "")
	own := cluster.NewPod(t, webhooktest.Namespace, "a", "orders", "")
	t.Cleanup(func() {
		for _, p := range []*corev1.Pod{system, own} {
			_ = cluster.Admin.Delete(context.WithoutCancel(t.Context()), p, client.GracePeriodSeconds(0))
		}
	})
	for what, c := range map[string]struct {
		pod   *corev1.Pod
		patch string
		says  string
	}{
		"another image":                     {pod, `{"spec":{"containers":[{"name":"app","image":"evil"}]}}`, "a pod's spec"},
		"another image of the sidecar":      {pod, `{"spec":{"initContainers":[{"name":"leaseholder","image":"evil"}]}}`, "a pod's spec"},
		"a deadline":                        {pod, `{"spec":{"activeDeadlineSeconds":1}}`, "a pod's spec"},
		"a label":                           {pod, `{"metadata":{"labels":{"team":"x"}}}`, "this label"},
		"a changed label":                   {pod, `{"metadata":{"labels":{"app":"x"}}}`, "this label"},
		"a removed label":                   {pod, `{"metadata":{"labels":{"app":null}}}`, "this label"},
		"another election":                  {pod, `{"metadata":{"labels":{"leaseholder.dev/election":"x"}}}`, "this label"},
		"no role":                           {pod, `{"metadata":{"labels":{"leaseholder.dev/role":null}}}`, "may not remove"},
		"a role that there is not":          {pod, `{"metadata":{"labels":{"leaseholder.dev/role":"x"}}}`, `"leader" or "standby"`},
		"an annotation":                     {pod, `{"metadata":{"annotations":{"seccomp":"x"}}}`, "this annotation"},
		"a changed annotation":              {pod, `{"metadata":{"annotations":{"app":"y"}}}`, "this annotation"},
		"a removed annotation":              {pod, `{"metadata":{"annotations":{"app":null}}}`, "this annotation"},
		"a cost that lets a pod be deleted": {pod, `{"metadata":{"annotations":{"controller.kubernetes.io/pod-deletion-cost":"-1"}}}`, "pod-deletion-cost"},
		"a finalizer":                       {pod, `{"metadata":{"finalizers":["x.example.com/x"]}}`, "finalizers and owners"},
		"an owner":                          {pod, `{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"x","uid":"x"}]}}`, "finalizers and owners"},
		"a role where there is no election": {plain, `{"metadata":{"labels":{"leaseholder.dev/role":"leader"}}}`, "this pod"},
		"a role in kube-system":             {system, `{"metadata":{"labels":{"leaseholder.dev/role":"leader"}}}`, "this namespace"},
		"a role in its own namespace":       {own, `{"metadata":{"labels":{"leaseholder.dev/role":"leader"}}}`, "this namespace"},
	} {
		patch := client.RawPatch(types.StrategicMergePatchType, []byte(c.patch))
		if err := policed(cluster.Client.Patch(t.Context(), c.pod.DeepCopy(), patch), c.says); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	big := cluster.NewPod(t, n, "big", "orders", "", large)
	for what, patch := range map[string]string{
		"lead":     `{"metadata":{"labels":{"leaseholder.dev/role":"leader"},"annotations":{"leaseholder.dev/token":"1","controller.kubernetes.io/pod-deletion-cost":"5323"}}}`,
		"not lead": `{"metadata":{"labels":{"leaseholder.dev/role":"standby"},"annotations":{"leaseholder.dev/token":"2","controller.kubernetes.io/pod-deletion-cost":null}}}`,
	} {
		for _, shown := range []*corev1.Pod{pod, big} {
			if err := cluster.Client.Patch(t.Context(), shown.DeepCopy(), merge(patch)); err != nil {
				t.Errorf("it can't show that pod %s does %s: %v", shown.Name, what, err)
			}
		}
	}
}

// large makes a pod larger than those that people have: a policy that fails closed must
// not give up on one.
func large(p *corev1.Pod) {
	p.Annotations = map[string]string{}
	for i := range 2000 {
		p.Annotations[fmt.Sprint("example.com/", i)] = strings.Repeat("x", 100)
	}
	for i := range 500 {
		p.Labels[fmt.Sprint("example.com/", i)] = "x"
	}
	for i := range 100 {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{
			Name: fmt.Sprint("c", i), Image: "app", Env: []corev1.EnvVar{{Name: "X", Value: strings.Repeat("x", 1000)}},
		})
	}
}

// TestAChartInKubeSystem: there too the account may write the Lease of its own election,
// and no other of Kubernetes'.
func TestAChartInKubeSystem(t *testing.T) {
	policy := webhooktest.ChartIn(t, kubeSystem, "accountleasepolicy/validatingadmissionpolicy.yaml", &admissionregistrationv1.ValidatingAdmissionPolicy{})
	binding := webhooktest.ChartIn(t, kubeSystem, "accountleasepolicy/validatingadmissionpolicybinding.yaml", &admissionregistrationv1.ValidatingAdmissionPolicyBinding{})
	// Beside the one of the chart that is installed.
	policy.Name, binding.Name, binding.Spec.PolicyName = "in-kube-system", "in-kube-system", "in-kube-system"
	cluster.Install(t, policy)
	cluster.Install(t, binding)
	// What RBAC would say is tried elsewhere.
	config := webhooktest.As(cluster.Config, kubeSystem, "leaseholder-webhook")
	config.Impersonate.Groups = append(config.Impersonate.Groups, "system:masters")
	webhook := clientOf(t, config)
	webhooktest.Eventually(t, "the policy is in force", func(ctx context.Context) error {
		return policed(webhook.Create(ctx, lease(kubeSystem, "kube-scheduler"), client.DryRunAll), "may not do this")
	})
	if err := policed(webhook.Create(t.Context(), lease("kube-public", "orders", ours), client.DryRunAll), "this namespace"); err != nil {
		t.Errorf("a Lease of another of Kubernetes' namespaces: %v", err)
	}
	own := lease(kubeSystem, "leaseholder-webhook", ours, func(l *coordinationv1.Lease) { l.Labels[injector.LabelElection] = l.Name })
	if err := webhook.Create(t.Context(), own); err != nil {
		t.Fatalf("it can't make the Lease of its own election: %v", err)
	}
	t.Cleanup(func() { _ = cluster.Admin.Delete(context.WithoutCancel(t.Context()), own) })
	if err := webhook.Patch(t.Context(), own.DeepCopy(), merge(`{"spec":{"holderIdentity":"a_u_s","leaseDurationSeconds":15}}`)); err != nil {
		t.Errorf("it can't hold it: %v", err)
	}
}

// TestTheWebhooksTokenStolenAndUsedOnLeases: who has it can ask holders to hand over, and
// delete Leases of elections. It takes no lead, and touches no Lease of others.
func TestTheWebhooksTokenStolenAndUsedOnLeases(t *testing.T) {
	n := cluster.NewNamespace(t)
	elected := func(name string, change ...func(*coordinationv1.Lease)) *coordinationv1.Lease {
		return lease(n, name, append([]func(*coordinationv1.Lease){ours, func(l *coordinationv1.Lease) {
			l.Labels[injector.LabelElection] = name
			l.Spec = coordinationv1.LeaseSpec{HolderIdentity: new("a_u_s"), LeaseDurationSeconds: new(int32(15))}
		}}, change...)...)
	}
	held, handed, foreign := made(t, elected("orders")), made(t, lease(n, "handed", ours)), made(t, lease(n, "foreign"))
	free := made(t, lease(n, "free", ours, func(l *coordinationv1.Lease) { l.Labels[injector.LabelElection] = "free" }))
	marked := func(annotations map[string]string) func(*coordinationv1.Lease) {
		return func(l *coordinationv1.Lease) { l.Annotations = annotations }
	}
	released := made(t, elected("released", marked(map[string]string{"leaseholder.dev/released": "x"})))
	report := made(t, elected("report", marked(map[string]string{"leaseholder.dev/released": "x", "leaseholder.dev/lock": "endpoints"})))
	system := made(t, lease(kubeSystem, "kube-stolen", ours))
	neighbour := made(t, lease(webhooktest.Namespace, "neighbour", ours))
	t.Cleanup(func() {
		for _, l := range []*coordinationv1.Lease{system, neighbour} {
			_ = cluster.Admin.Delete(context.WithoutCancel(t.Context()), l)
		}
	})

	create := func(l *coordinationv1.Lease) error { return cluster.Client.Create(t.Context(), l) }
	patch := func(l *coordinationv1.Lease, p string) error {
		return cluster.Client.Patch(t.Context(), l.DeepCopy(), merge(p))
	}
	remove := func(l *coordinationv1.Lease) error { return cluster.Client.Delete(t.Context(), l.DeepCopy()) }
	unheld := func(l *coordinationv1.Lease) { l.Spec = coordinationv1.LeaseSpec{} }
	const take, ask = `{"spec":{"holderIdentity":"mallory"}}`, `{"metadata":{"annotations":{"leaseholder.dev/step-down":"a_u_s"}}}`
	for what, c := range map[string]struct {
		err  error
		says string
	}{
		"make one without labels":            {create(lease(n, "new")), "make this Lease"},
		"make one for another election":      {create(elected("new", unheld, func(l *coordinationv1.Lease) { l.Labels[injector.LabelElection] = "x" })), "make this Lease"},
		"make one that is held":              {create(elected("new")), "held or marked"},
		"make one that is marked":            {create(elected("new", unheld, func(l *coordinationv1.Lease) { l.Annotations = map[string]string{"leaseholder.dev/token": "9"} })), "held or marked"},
		"make one in kube-system":            {create(lease(kubeSystem, "new", ours)), "this namespace"},
		"make another in its own namespace":  {create(lease(webhooktest.Namespace, "new", ours)), "leaseholder-system"},
		"take the lead":                      {patch(held, take), "a Lease's holder"},
		"stretch a lease":                    {patch(held, `{"spec":{"leaseDurationSeconds":2147483647}}`), "a Lease's holder"},
		"mark as free what is held":          {patch(held, `{"spec":{"renewTime":"2026-01-01T00:00:00.000000Z"}}`), "a Lease's holder"},
		"mark as released what is held":      {patch(held, `{"metadata":{"annotations":{"leaseholder.dev/released":"x"}}}`), "this annotation"},
		"hide who released":                  {patch(released, `{"metadata":{"annotations":{"leaseholder.dev/released":null}}}`), "this annotation"},
		"hide who released a report":         {patch(report, `{"metadata":{"annotations":{"leaseholder.dev/released":null}}}`), "this annotation"},
		"mark as released what was a report": {patch(report, `{"metadata":{"annotations":{"leaseholder.dev/released":"y","leaseholder.dev/lock":null}}}`), "this annotation"},
		"change the token":                   {patch(held, `{"metadata":{"annotations":{"leaseholder.dev/token":"1"}}}`), "this annotation"},
		"take the label off":                 {patch(held, `{"metadata":{"labels":{"app.kubernetes.io/managed-by":null}}}`), "a Lease's labels"},
		"give it a finalizer":                {patch(held, `{"metadata":{"finalizers":["x.example.com/x"]}}`), "finalizers"},
		"take the first lead":                {patch(free, take), "a Lease's holder"},
		"ask the holder of another's":        {patch(foreign, ask), "is not Leaseholder's"},
		"label another's":                    {patch(foreign, `{"metadata":{"labels":{"app.kubernetes.io/managed-by":"leaseholder"}}}`), "is not Leaseholder's"},
		"delete another's":                   {remove(foreign), "is not Leaseholder's"},
		"delete one that was handed over":    {remove(handed), "it did not make"},
		"ask the holder in kube-system":      {patch(system, ask), "this namespace"},
		"delete in kube-system":              {remove(system), "this namespace"},
		"write another in its own namespace": {patch(neighbour, ask), "leaseholder-system"},
		"delete in its own namespace":        {remove(neighbour), "leaseholder-system"},
	} {
		if err := policed(c.err, c.says); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"make an election's Lease":   create(elected("next", unheld)),
		"mark a new one as free":     patch(free, `{"metadata":{"annotations":{"leaseholder.dev/released":"x"}},"spec":{"renewTime":"2026-01-01T00:00:00.000000Z"}}`),
		"ask a holder to hand over":  patch(held, ask),
		"record where its lock is":   patch(held, `{"metadata":{"annotations":{"leaseholder.dev/lock":"endpoints"}}}`),
		"make a lock of a report":    patch(report, `{"metadata":{"annotations":{"leaseholder.dev/released":null,"leaseholder.dev/lock":null}}}`),
		"record whose it is":         patch(held, `{"metadata":{"annotations":{"leaseholder.dev/workload":"deployment/orders"}}}`),
		"delete an election's Lease": remove(held),
	} {
		if err != nil {
			t.Errorf("it can't %s: %v", what, err)
		}
	}
}
