package attacks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/webhook/view"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// userName is the attacker's, where it is a user of the cluster.
const userName = "mallory"

// may is one rule: these verbs on a resource, "group/resource".
func may(resource string, verbs ...string) rbacv1.PolicyRule {
	group, name, _ := strings.Cut(resource, "/")
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{name}, Verbs: verbs}
}

// Rights that many users have.
var (
	mayMakePods    = may("/pods", "get", "list", "create")
	mayPatchPods   = may("/pods", "get", "list", "patch", "update")
	mayWriteLeases = may("coordination.k8s.io/leases", "get", "create", "update", "patch", "delete")
	mayGrant       = may("rbac.authorization.k8s.io/roles", "create")
)

// user gives the attacker these rights in a namespace, and a client.
func user(t *testing.T, namespace string, rules ...rbacv1.PolicyRule) client.Client {
	t.Helper()
	named := metav1.ObjectMeta{Namespace: namespace, Name: userName}
	for _, o := range []client.Object{
		&rbacv1.Role{ObjectMeta: named, Rules: rules},
		&rbacv1.RoleBinding{
			ObjectMeta: named,
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: userName},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: userName}},
		},
	} {
		if err := cluster.Admin.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	config := rest.CopyConfig(cluster.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: userName, Groups: []string{"system:authenticated"}}
	c := clientOf(t, config)
	// The authorizer learns of new rights by and by.
	webhooktest.Eventually(t, "the attacker's rights", func(ctx context.Context) error {
		for _, rule := range rules {
			review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
				ResourceAttributes: &authorizationv1.ResourceAttributes{
					Namespace: namespace, Verb: rule.Verbs[0], Group: rule.APIGroups[0], Resource: rule.Resources[0],
				},
			}}
			if err := c.Create(ctx, review); err != nil || !review.Status.Allowed {
				return fmt.Errorf("not yet: %w", err)
			}
		}
		return nil
	})
	return c
}

// account is a client of a namespace's service account "default".
func account(t *testing.T, namespace string) client.Client {
	t.Helper()
	return clientOf(t, webhooktest.As(cluster.Config, namespace, "default"))
}

func clientOf(t *testing.T, config *rest.Config) client.Client {
	t.Helper()
	c, err := client.New(config, client.Options{Scheme: view.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// policed is nil for a refusal by one of the chart's policies that says all parts.
func policed(err error, parts ...string) error {
	return refused(err, append(parts, "ValidatingAdmissionPolicy", "allowed: ")...)
}

// refused is nil for a refusal that says all parts.
func refused(err error, parts ...string) error {
	if !apierrors.IsForbidden(err) {
		return fmt.Errorf("not refused: %w", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			return fmt.Errorf("refused without saying %q: %w", part, err)
		}
	}
	return nil
}

// unauthorized is nil for a refusal by RBAC, of the request or of what it would grant.
func unauthorized(err error) error {
	if err := refused(err); err != nil {
		return err
	}
	if !strings.Contains(err.Error(), " cannot ") && !strings.Contains(err.Error(), "attempting to grant") {
		return fmt.Errorf("refused by something else: %w", err)
	}
	return nil
}

func lease(namespace, name string, change ...func(*coordinationv1.Lease)) *coordinationv1.Lease {
	l := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	for _, f := range change {
		f(l)
	}
	return l
}

// ours labels a Lease as Leaseholder's.
func ours(l *coordinationv1.Lease) {
	metav1.SetMetaDataLabel(&l.ObjectMeta, view.LabelManagedBy, view.ManagedBy)
}

// merge is a JSON merge patch.
func merge(patch string) client.Patch { return client.RawPatch(types.MergePatchType, []byte(patch)) }

// made makes an object as the administrator.
func made[T client.Object](t *testing.T, object T) T {
	t.Helper()
	if err := cluster.Admin.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	return object
}

// grantees are the service accounts that are bound to an election's Lease.
func grantees(ctx context.Context, namespace, election string) ([]string, error) {
	var b rbacv1.RoleBinding
	if err := cluster.Admin.Get(ctx, types.NamespacedName{Namespace: namespace, Name: view.RightsPrefix + election}, &b); err != nil {
		return nil, err
	}
	var names []string
	for _, s := range b.Subjects {
		names = append(names, s.Kind+" "+s.Namespace+"/"+s.Name)
	}
	return names, nil
}

// granted waits until exactly these service accounts have rights to an election.
func granted(t *testing.T, namespace, election string, accounts ...string) {
	t.Helper()
	var want []string
	for _, name := range accounts {
		want = append(want, "ServiceAccount "+namespace+"/"+name)
	}
	webhooktest.Eventually(t, "the rights to "+election, func(ctx context.Context) error {
		got, err := grantees(ctx, namespace, election)
		if err == nil && !slices.Equal(got, want) {
			err = fmt.Errorf("bound to %q, want %q", got, want)
		}
		return err
	})
}
