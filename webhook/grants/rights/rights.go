// Package rights is the Lease, the Role and the RoleBinding of an election, and its
// Endpoints if these are its lock, as the controller of grants makes them and
// "kubectl leaseholder rbac" prints them. It asks nobody and writes nothing.
//
// It promises that both have the same objects of it, labels included: what an
// administrator has applied is taken over by the controller as it is.
package rights

import (
	"cmp"
	"slices"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook/ownership"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// LeaseKey names the Lease of an election.
func LeaseKey(e view.Election) types.NamespacedName {
	return types.NamespacedName{Namespace: e.Namespace, Name: e.Name}
}

// Key names the Role of an election, and its RoleBinding.
func Key(e view.Election) types.NamespacedName {
	return types.NamespacedName{Namespace: e.Namespace, Name: view.RightsPrefix + e.Name}
}

// Lease is made for these pods. It is unheld and unmarked: making it gives the lead
// to nobody, and whoever wants it waits until a leader from before can no longer be
// valid. When the lock is elsewhere, it is marked as a report of it.
func Lease(e view.Election, lock config.LockAddress, members []ownership.Member) *coordinationv1.Lease {
	l := &coordinationv1.Lease{ObjectMeta: meta(e, LeaseKey(e))}
	ownership.First(members).Write(&l.ObjectMeta)
	WriteLock(&l.ObjectMeta, lock)
	return l
}

// Role allows what a sidecar does with the Lease, and with the Endpoints if they are the
// lock, and nothing else.
func Role(e view.Election, lock config.LockAddress) *rbacv1.Role {
	role := &rbacv1.Role{ObjectMeta: meta(e, Key(e))}
	allow := func(group, resource string) {
		role.Rules = append(role.Rules, rbacv1.PolicyRule{
			APIGroups:     []string{group},
			Resources:     []string{resource},
			ResourceNames: []string{e.Name},
			Verbs:         view.Verbs(),
		})
	}
	allow(coordinationv1.GroupName, "leases")
	if lock.Scheme == config.LockEndpoints {
		allow(corev1.GroupName, "endpoints")
	}
	return role
}

// RoleBinding gives the Role to service accounts.
func RoleBinding(e view.Election, accounts []string) *rbacv1.RoleBinding {
	b := &rbacv1.RoleBinding{
		ObjectMeta: meta(e, Key(e)),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: Key(e).Name},
	}
	for _, account := range accounts {
		b.Subjects = append(b.Subjects, rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: e.Namespace, Name: account})
	}
	return b
}

func meta(e view.Election, key types.NamespacedName) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: key.Namespace,
		Name:      key.Name,
		Labels:    map[string]string{view.LabelManagedBy: view.ManagedBy, injector.LabelElection: e.Name},
	}
}

// defaultAccount is that of a pod that names none.
const defaultAccount = "default"

// Account is the service account of a pod, also of one that is not in the cluster yet
// and has it in the old field alone.
func Account(pod *corev1.Pod) string {
	return cmp.Or(pod.Spec.ServiceAccountName, pod.Spec.DeprecatedServiceAccount, defaultAccount)
}

// Accounts are the service accounts of the pods, sorted.
func Accounts(pods []corev1.Pod) []string {
	var accounts []string
	for i := range pods {
		accounts = append(accounts, Account(&pods[i]))
	}
	slices.Sort(accounts)
	return slices.Compact(accounts)
}
