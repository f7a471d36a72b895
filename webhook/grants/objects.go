package grants

import (
	coordinationv1 "k8s.io/api/coordination/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

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

func kindOf(object client.Object) string {
	switch object.(type) {
	case *coordinationv1.Lease:
		return "Lease"
	case *rbacv1.Role:
		return "Role"
	case *rbacv1.RoleBinding:
		return "RoleBinding"
	}
	return object.GetObjectKind().GroupVersionKind().Kind
}

// pluralOf is the kind of a lock, in a sentence about several.
func pluralOf(object client.Object) string {
	if _, ok := object.(*coordinationv1.Lease); ok {
		return "Leases"
	}
	return kindOf(object) // Endpoints
}

func versionOf(object client.Object) string {
	switch object.(type) {
	case *coordinationv1.Lease:
		return coordinationv1.SchemeGroupVersion.String()
	case *rbacv1.Role, *rbacv1.RoleBinding:
		return rbacv1.SchemeGroupVersion.String()
	}
	return object.GetObjectKind().GroupVersionKind().GroupVersion().String()
}
