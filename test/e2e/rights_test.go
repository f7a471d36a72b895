package e2e

import (
	"fmt"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestRightsOfTheSidecarsAccount asks the real authorizer.
func TestRightsOfTheSidecarsAccount(t *testing.T) {
	s := newSpace(t)
	deployed(s)
	account := "system:serviceaccount:" + s.name + ":default"
	may := func(a authorizationv1.ResourceAttributes) bool {
		t.Helper()
		review, err := client.AuthorizationV1().SubjectAccessReviews().Create(s.ctx, &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{
				User:               account,
				Groups:             []string{"system:serviceaccounts", "system:serviceaccounts:" + s.name, "system:authenticated"},
				ResourceAttributes: &a,
			},
		}, metav1.CreateOptions{})
		s.must(err)
		return review.Status.Allowed
	}
	const leases = "coordination.k8s.io"
	own := map[string]bool{"get": true, "list": true, "watch": true, "patch": true}
	for _, verb := range []string{"get", "list", "watch", "patch", "update", "create", "delete", "deletecollection", "escalate", "bind", "impersonate"} {
		if got := may(authorizationv1.ResourceAttributes{Namespace: s.name, Group: leases, Resource: "leases", Name: orders, Verb: verb}); got != own[verb] {
			t.Errorf("it may %s its own Lease: %v", verb, got)
		}
		for _, other := range []authorizationv1.ResourceAttributes{
			{Namespace: s.name, Group: leases, Resource: "leases", Name: "another"},
			{Namespace: s.name, Group: leases, Resource: "leases"},
			{Namespace: "default", Group: leases, Resource: "leases", Name: orders},
			{Namespace: "kube-system", Group: leases, Resource: "leases", Name: "kube-scheduler"},
			{Namespace: s.name, Resource: "secrets"},
			{Namespace: s.name, Resource: "secrets", Name: orders},
			{Namespace: s.name, Resource: "configmaps"},
			{Namespace: s.name, Resource: "endpoints", Name: orders},
			{Namespace: s.name, Resource: "pods"},
			{Namespace: s.name, Resource: "pods", Subresource: "exec"},
			{Namespace: s.name, Group: "apps", Resource: "deployments"},
			{Namespace: s.name, Group: "rbac.authorization.k8s.io", Resource: "roles"},
			{Resource: "nodes"},
			{Resource: "namespaces"},
		} {
			other.Verb = verb
			if may(other) {
				t.Errorf("it may %s", fmt.Sprint(other.Verb, " ", other.Namespace, "/", other.Resource, "/", other.Subresource, " ", other.Name))
			}
		}
	}
}
