package grants

import (
	"cmp"
	"slices"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

func leaseKey(e view.Election) types.NamespacedName {
	return types.NamespacedName{Namespace: e.Namespace, Name: e.Name}
}

func rightsKey(e view.Election) types.NamespacedName {
	return types.NamespacedName{Namespace: e.Namespace, Name: view.RightsPrefix + e.Name}
}

func meta(e view.Election, key types.NamespacedName) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: key.Namespace,
		Name:      key.Name,
		Labels:    map[string]string{view.LabelManagedBy: view.ManagedBy, injector.LabelElection: e.Name},
	}
}

// newLease is unheld and unmarked: making it gives the lead to nobody, and whoever
// wants it waits until a leader from before can no longer be valid.
func newLease(e view.Election) *coordinationv1.Lease {
	return &coordinationv1.Lease{ObjectMeta: meta(e, leaseKey(e))}
}

func newRole(e view.Election) *rbacv1.Role {
	return &rbacv1.Role{
		ObjectMeta: meta(e, rightsKey(e)),
		Rules: []rbacv1.PolicyRule{{
			APIGroups:     []string{coordinationv1.GroupName},
			Resources:     []string{"leases"},
			ResourceNames: []string{e.Name},
			Verbs:         view.Verbs(),
		}},
	}
}

func newBinding(e view.Election, accounts []string) *rbacv1.RoleBinding {
	b := &rbacv1.RoleBinding{
		ObjectMeta: meta(e, rightsKey(e)),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: rightsKey(e).Name},
	}
	for _, account := range accounts {
		b.Subjects = append(b.Subjects, rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: e.Namespace, Name: account})
	}
	return b
}

// defaultAccount is that of a pod that names none.
const defaultAccount = "default"

func accountOf(pod *corev1.Pod) string { return cmp.Or(pod.Spec.ServiceAccountName, defaultAccount) }

// accountsOf are the service accounts of the pods, sorted.
func accountsOf(pods []corev1.Pod) []string {
	var accounts []string
	for i := range pods {
		accounts = append(accounts, accountOf(&pods[i]))
	}
	slices.Sort(accounts)
	return slices.Compact(accounts)
}

// restoreLabels puts the labels of want back on got, beside what others set
// there, and says whether one was missing.
func restoreLabels(got, want *metav1.ObjectMeta) bool {
	changed := false
	for key, value := range want.Labels {
		if got.Labels[key] != value {
			metav1.SetMetaDataLabel(got, key, value)
			changed = true
		}
	}
	return changed
}
