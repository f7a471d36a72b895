package attacks

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

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
	role := func(changes ...func(*rbacv1.Role)) *rbacv1.Role {
		r := &rbacv1.Role{ObjectMeta: meta(n, "orders"), Rules: []rbacv1.PolicyRule{may("coordination.k8s.io/leases", "get", "list", "watch", "patch")}}
		r.Rules[0].ResourceNames = []string{"orders"}
		for _, change := range changes {
			change(r)
		}
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
	// second is the rule for Endpoints, changed.
	second := func(change func(*rbacv1.PolicyRule)) func(*rbacv1.Role) {
		return func(r *rbacv1.Role) {
			rule := may("/endpoints", "get", "list", "watch", "patch")
			rule.ResourceNames = []string{"orders"}
			change(&rule)
			r.Rules = append(r.Rules, rule)
		}
	}
	create := func(o client.Object) error { return cluster.Client.Create(t.Context(), o, client.DryRunAll) }

	// A binding is judged by the Role that it is to.
	for _, namespace := range []string{n, webhooktest.Namespace} {
		cluster.Install(t, role(func(r *rbacv1.Role) { r.Namespace = namespace }))
		cluster.Install(t, role(func(r *rbacv1.Role) { r.Namespace, r.Name = namespace, "admin" }))
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
		"a Role for Endpoints alone":     {create(role(rule(func(r *rbacv1.PolicyRule) { r.APIGroups, r.Resources = []string{""}, []string{"endpoints"} }))), "these rules"},
		"a Role for other Endpoints too": {create(role(second(func(r *rbacv1.PolicyRule) { r.ResourceNames[0] = "web" }))), "these rules"},
		"a Role for all Endpoints too":   {create(role(second(func(r *rbacv1.PolicyRule) { r.ResourceNames = nil }))), "these rules"},
		"a Role that makes Endpoints":    {create(role(second(func(r *rbacv1.PolicyRule) { r.Verbs = append(r.Verbs, "create") }))), "these rules"},
		"a Role with pods beside them":   {create(role(second(func(r *rbacv1.PolicyRule) { r.Resources, r.Verbs = append(r.Resources, "pods"), []string{"list"} }))), "these rules"},
		"a Role of three rules":          {create(role(func(r *rbacv1.Role) { r.Rules = append(r.Rules, r.Rules[0], r.Rules[0]) })), "these rules"},
		"a Role of two rules":            {create(role(func(r *rbacv1.Role) { r.Rules = append(r.Rules, may("/pods", "list")) })), "these rules"},
		"a Role of another name":         {create(role(func(r *rbacv1.Role) { r.Name = "edit" })), "of this name"},
		"a Role without labels":          {create(role(func(r *rbacv1.Role) { r.Labels = nil })), "of this name"},
		"a Role with a finalizer": {create(role(func(r *rbacv1.Role) {
			r.ObjectMeta = meta(n, "new")
			r.Rules[0].ResourceNames[0] = "new"
			r.Finalizers = []string{"x.example.com/x"}
		})), "finalizers or owners"},
		"our Role with an owner": {update(func(r *rbacv1.Role) {
			r.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: "x", UID: "x"}}
		}), "finalizers or owners"},
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
		"give its Endpoints too":       create(role(second(func(r *rbacv1.PolicyRule) { r.ResourceNames[0] = "newer" }), func(r *rbacv1.Role) { r.ObjectMeta = meta(n, "newer"); r.Rules[0].ResourceNames[0] = "newer" })),
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
	cluster.Install(t, pods)
	workloads := webhooktest.Chart(t, "validatingwebhookconfiguration.yaml", &admissionregistrationv1.ValidatingWebhookConfiguration{})
	cluster.Install(t, workloads)
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
