package attacks

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
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
	for what, patch := range map[string]string{
		"lead":     `{"metadata":{"labels":{"leaseholder.dev/role":"leader"},"annotations":{"leaseholder.dev/token":"1","controller.kubernetes.io/pod-deletion-cost":"5323"}}}`,
		"not lead": `{"metadata":{"labels":{"leaseholder.dev/role":"standby"},"annotations":{"leaseholder.dev/token":"2","controller.kubernetes.io/pod-deletion-cost":null}}}`,
	} {
		if err := cluster.Client.Patch(t.Context(), pod.DeepCopy(), merge(patch)); err != nil {
			t.Errorf("it can't show that a pod does %s: %v", what, err)
		}
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
		"record whose it is":         patch(held, `{"metadata":{"annotations":{"leaseholder.dev/workload":"deployment/orders"}}}`),
		"delete an election's Lease": remove(held),
	} {
		if err != nil {
			t.Errorf("it can't %s: %v", what, err)
		}
	}
}

// TestTheWebhooksTokenStolenAndUsedOnRights: who has it can give a namespace's service
// accounts the rights to its elections, and to nothing else.
func TestTheWebhooksTokenStolenAndUsedOnRights(t *testing.T) {
	n := cluster.NewNamespace(t)
	meta := func(namespace, election string) metav1.ObjectMeta {
		return metav1.ObjectMeta{
			Namespace: namespace, Name: view.RightsPrefix + election,
			Labels: map[string]string{view.LabelManagedBy: view.ManagedBy, injector.LabelElection: election},
		}
	}
	role := func(change func(*rbacv1.Role)) *rbacv1.Role {
		r := &rbacv1.Role{ObjectMeta: meta(n, "orders"), Rules: []rbacv1.PolicyRule{may("coordination.k8s.io/leases", "get", "list", "watch", "patch")}}
		r.Rules[0].ResourceNames = []string{"orders"}
		change(r)
		return r
	}
	binding := func(change func(*rbacv1.RoleBinding)) *rbacv1.RoleBinding {
		b := &rbacv1.RoleBinding{
			ObjectMeta: meta(n, "orders"),
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "leaseholder-orders"},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: n, Name: "default"}},
		}
		change(b)
		return b
	}
	subject := func(kind, group, namespace, name string) func(*rbacv1.RoleBinding) {
		return func(b *rbacv1.RoleBinding) {
			b.Subjects = append(b.Subjects, rbacv1.Subject{Kind: kind, APIGroup: group, Namespace: namespace, Name: name})
		}
	}
	rule := func(change func(*rbacv1.PolicyRule)) func(*rbacv1.Role) {
		return func(r *rbacv1.Role) { change(&r.Rules[0]) }
	}
	create := func(o client.Object) error { return cluster.Client.Create(t.Context(), o, client.DryRunAll) }

	// A binding is judged by the Role that it is to.
	for _, namespace := range []string{n, webhooktest.Namespace} {
		install(t, role(func(r *rbacv1.Role) { r.Namespace = namespace }))
		install(t, role(func(r *rbacv1.Role) { r.Namespace, r.Name = namespace, "admin" }))
	}
	ourRole, ourBinding := made(t, role(func(r *rbacv1.Role) { r.ObjectMeta = meta(n, "there"); r.Rules[0].ResourceNames[0] = "there" })),
		made(t, binding(func(b *rbacv1.RoleBinding) { b.ObjectMeta = meta(n, "there"); b.RoleRef.Name = b.Name }))
	theirs := made(t, &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: n, Name: "theirs"}})
	theirBinding := made(t, &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: n, Name: "theirs"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "theirs"}})
	update := func(change func(r *rbacv1.Role)) error {
		r := ourRole.DeepCopy()
		change(r)
		return cluster.Client.Update(t.Context(), r)
	}
	adopted := theirs.DeepCopy()
	adopted.Labels = meta(n, "theirs").Labels

	for what, c := range map[string]struct {
		err  error
		says string
	}{
		"a Role for all Leases":          {create(role(rule(func(r *rbacv1.PolicyRule) { r.ResourceNames = nil }))), "these rules"},
		"a Role for another Lease":       {create(role(rule(func(r *rbacv1.PolicyRule) { r.ResourceNames[0] = "another" }))), "these rules"},
		"a Role for two Leases":          {create(role(rule(func(r *rbacv1.PolicyRule) { r.ResourceNames = append(r.ResourceNames, "another") }))), "these rules"},
		"a Role that deletes":            {create(role(rule(func(r *rbacv1.PolicyRule) { r.Verbs = append(r.Verbs, "delete") }))), "these rules"},
		"a Role for pods":                {create(role(rule(func(r *rbacv1.PolicyRule) { *r = may("/pods", "list"); r.ResourceNames = []string{"orders"} }))), "these rules"},
		"a Role of two rules":            {create(role(func(r *rbacv1.Role) { r.Rules = append(r.Rules, may("/pods", "list")) })), "these rules"},
		"a Role of another name":         {create(role(func(r *rbacv1.Role) { r.Name = "edit" })), "of this name"},
		"a Role without labels":          {create(role(func(r *rbacv1.Role) { r.Labels = nil })), "of this name"},
		"a Role in kube-system":          {create(role(func(r *rbacv1.Role) { r.Namespace = kubeSystem })), "this namespace"},
		"a Role in its own namespace":    {create(role(func(r *rbacv1.Role) { r.Namespace = webhooktest.Namespace })), "this namespace"},
		"a wider Role of ours":           {update(rule(func(r *rbacv1.PolicyRule) { r.ResourceNames = nil })), "these rules"},
		"our Role without its label":     {update(func(r *rbacv1.Role) { delete(r.Labels, view.LabelManagedBy) }), "of this name"},
		"another's Role":                 {cluster.Client.Update(t.Context(), adopted), "are not Leaseholder's"},
		"no more of another's Role":      {cluster.Client.Delete(t.Context(), theirs), "are not Leaseholder's"},
		"no more of another's binding":   {cluster.Client.Delete(t.Context(), theirBinding), "are not Leaseholder's"},
		"rights for a user":              {create(binding(subject(rbacv1.UserKind, rbacv1.GroupName, "", userName))), "these subjects"},
		"rights for a group":             {create(binding(subject(rbacv1.GroupKind, rbacv1.GroupName, "", "system:authenticated"))), "these subjects"},
		"rights for another namespace":   {create(binding(subject(rbacv1.ServiceAccountKind, "", "default", "default"))), "these subjects"},
		"a binding of another name":      {create(binding(func(b *rbacv1.RoleBinding) { b.Name, b.RoleRef.Name = "admin", "admin" })), "of this name"},
		"a binding in its own namespace": {create(binding(func(b *rbacv1.RoleBinding) { b.Namespace = webhooktest.Namespace })), "this namespace"},
		"a binding to another election":  {create(binding(func(b *rbacv1.RoleBinding) { b.RoleRef.Name = ourRole.Name })), "bind this role"},
	} {
		if err := policed(c.err, c.says); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	// Before any policy, Kubernetes lets nobody grant what they do not have.
	for what, err := range map[string]error{
		"a Role for Secrets":         create(role(rule(func(r *rbacv1.PolicyRule) { r.APIGroups, r.Resources = []string{""}, []string{"secrets"} }))),
		"a binding to cluster-admin": create(binding(func(b *rbacv1.RoleBinding) { b.RoleRef.Kind, b.RoleRef.Name = "ClusterRole", "cluster-admin" })),
		"a ClusterRole":              create(&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "x"}}),
		"a ClusterRoleBinding":       create(&rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "x"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"}}),
		"more rights for itself":     cluster.Client.Update(t.Context(), webhooktest.Chart(t, "clusterrole.yaml", &rbacv1.ClusterRole{})),
	} {
		if err := unauthorized(err); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"make an election's Role":      create(role(func(r *rbacv1.Role) { r.ObjectMeta = meta(n, "new"); r.Rules[0].ResourceNames[0] = "new" })),
		"bind a service account to it": create(binding(subject(rbacv1.ServiceAccountKind, "", n, "another"))),
		"remove an election's binding": cluster.Client.Delete(t.Context(), ourBinding),
		"remove an election's Role":    cluster.Client.Delete(t.Context(), ourRole),
	} {
		if err != nil {
			t.Errorf("it can't %s: %v", what, err)
		}
	}
}

// TestTheWebhooksTokenStolenAndUsedElsewhere: RBAC alone refuses all this.
func TestTheWebhooksTokenStolenAndUsedElsewhere(t *testing.T) {
	n := cluster.NewNamespace(t)
	thief := cluster.Client
	pod := made(t, webhooktest.Pod(n, "a"))
	secret := made(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: webhooktest.Namespace, Name: "another"}})
	t.Cleanup(func() { _ = cluster.Admin.Delete(context.WithoutCancel(t.Context()), secret) })
	inNamespace := func(name string) []client.ListOption { return []client.ListOption{client.InNamespace(name)} }
	for what, err := range map[string]error{
		"read a Secret":                     thief.Get(t.Context(), client.ObjectKeyFromObject(secret), &corev1.Secret{}),
		"list the Secrets of its namespace": thief.List(t.Context(), &corev1.SecretList{}, inNamespace(webhooktest.Namespace)...),
		"list the Secrets of another":       thief.List(t.Context(), &corev1.SecretList{}, inNamespace(n)...),
		"make a pod":                        thief.Create(t.Context(), webhooktest.Pod(n, "new")),
		"delete a pod":                      thief.Delete(t.Context(), pod),
		"write a pod's status":              thief.Status().Patch(t.Context(), pod.DeepCopy(), merge(`{"status":{"phase":"Failed"}}`)),
		"evict a pod":                       thief.SubResource("eviction").Create(t.Context(), pod, &corev1.Pod{}),
		"make a token of an account":        thief.SubResource("token").Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: n, Name: "default"}}, &corev1.ServiceAccount{}),
		"make a namespace":                  thief.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "new"}}),
		"list nodes":                        thief.List(t.Context(), &corev1.NodeList{}),
		"list configmaps":                   thief.List(t.Context(), &corev1.ConfigMapList{}, inNamespace(n)...),
		"make a webhook":                    thief.Create(t.Context(), &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "new"}}),
		"take a policy away that binds it":  thief.Delete(t.Context(), &admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "leaseholder-account-pod-policy"}}),
		"change another's webhook":          thief.Patch(t.Context(), &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "another"}}, merge(`{"webhooks":[]}`)),
		"delete its own webhook":            thief.Delete(t.Context(), &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: webhooktest.Configuration}}),
	} {
		if err := unauthorized(err); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestTheWebhooksTokenStolenAndUsedOnItsConfigurations: who has it can change whom the API
// server trusts to be the webhook, and not where the webhook is or what it is asked about.
func TestTheWebhooksTokenStolenAndUsedOnItsConfigurations(t *testing.T) {
	pods := webhooktest.Chart(t, "mutatingwebhookconfiguration.yaml", &admissionregistrationv1.MutatingWebhookConfiguration{})
	install(t, pods)
	workloads := webhooktest.Chart(t, "validatingwebhookconfiguration.yaml", &admissionregistrationv1.ValidatingWebhookConfiguration{})
	install(t, workloads)
	const forPods, forWorkloads = "pods.leaseholder.dev", "workloads.leaseholder.dev"
	patch := func(o client.Object, body string, args ...any) error {
		target, _ := o.DeepCopyObject().(client.Object)
		return cluster.Client.Patch(t.Context(), target, client.RawPatch(types.StrategicMergePatchType, fmt.Appendf(nil, body, args...)), client.DryRunAll)
	}
	for what, c := range map[string]struct {
		body string
		says string
	}{
		"another address":              {`{"webhooks":[{"name":%q,"clientConfig":{"service":null,"url":"https://evil.example.com/"}}]}`, "its webhooks"},
		"another Service":              {`{"webhooks":[{"name":%q,"clientConfig":{"service":{"namespace":"evil"}}}]}`, "its webhooks"},
		"another path":                 {`{"webhooks":[{"name":%q,"clientConfig":{"service":{"path":"/"}}}]}`, "its webhooks"},
		"Secrets too":                  {`{"webhooks":[{"name":%q,"rules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["*"],"resources":["secrets"]}]}]}`, "its webhooks"},
		"all namespaces":               {`{"webhooks":[{"name":%q,"namespaceSelector":{"matchExpressions":null}}]}`, "its webhooks"},
		"all pods":                     {`{"webhooks":[{"name":%q,"matchConditions":[{"$patch":"replace"}]}]}`, "its webhooks"},
		"another failure policy":       {`{"webhooks":[{"name":%q,"failurePolicy":"Fail","timeoutSeconds":30}]}`, "its webhooks"},
		"one more webhook":             {`{"webhooks":[{"name":"evil.example.com","clientConfig":{"url":"https://evil.example.com/"},"sideEffects":"None","admissionReviewVersions":["v1"]}]}`, "its webhooks"},
		"one webhook less":             {`{"webhooks":[{"$patch":"delete","name":%q}]}`, "its webhooks"},
		"an owner, so that it is lost": {`{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"x","uid":"x"}]}}`, "the metadata"},
		"a label":                      {`{"metadata":{"labels":{"x":"x"}}}`, "the metadata"},
		"a finalizer":                  {`{"metadata":{"finalizers":["x.example.com/x"]}}`, "the metadata"},
	} {
		for name, o := range map[string]client.Object{forPods: pods, forWorkloads: workloads} {
			args := []any{name}[:strings.Count(c.body, "%q")]
			if err := policed(patch(o, c.body, args...), c.says); err != nil {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
	}
	for name, o := range map[string]client.Object{forPods: pods, forWorkloads: workloads} {
		if err := patch(o, `{"webhooks":[{"name":%q,"clientConfig":{"caBundle":%q}}]}`, name, base64.StdEncoding.EncodeToString(authorityOf(t))); err != nil {
			t.Errorf("%s: it can't publish an authority: %v", name, err)
		}
	}
}

func authorityOf(t *testing.T) []byte {
	t.Helper()
	_, authority := certificateOf(t)
	return authority
}
