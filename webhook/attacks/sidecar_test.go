package attacks

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// TestTheSidecarsTokenUsedOnEverythingElse asks the authorizer about every resource that
// the API server has, and every verb, for a sidecar's account and for one without a grant.
// The difference is four verbs on one Lease, and on the Endpoints of the same name if they
// are the lock.
func TestTheSidecarsTokenUsedOnEverythingElse(t *testing.T) {
	serve(t)
	n, other := cluster.NewNamespace(t), cluster.NewNamespace(t)
	const election, another, old = "orders", "payments", "shipping"
	made(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: n, Name: "none"}})
	made(t, annotated(n, "a", election))
	made(t, annotated(n, "b", another, func(p *corev1.Pod) {
		p.Spec.ServiceAccountName = "other"
		made(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: n, Name: "other"}})
	}))
	made(t, annotated(n, "c", old, byEndpoints, func(p *corev1.Pod) {
		p.Spec.ServiceAccountName = "old"
		made(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: n, Name: "old"}})
	}))
	granted(t, n, election, "default")
	granted(t, n, another, "other")
	granted(t, n, old, "old")

	asked := 0
	for _, c := range []struct {
		account, election string
		places            []place
		want              []string
	}{
		{
			"default", election,
			[]place{{n, ""}, {n, election}, {n, another}, {other, election}, {"", ""}},
			verbsOn("coordination.k8s.io/leases", n, election),
		},
		{
			"old", old,
			[]place{{n, ""}, {n, old}, {other, old}},
			slices.Concat(verbsOn("/endpoints", n, old), verbsOn("coordination.k8s.io/leases", n, old)),
		},
	} {
		webhooktest.Eventually(t, "the authorizer knows the grant", func(ctx context.Context) error {
			if !allowed(ctx, t, n, c.account, leaseAttributes(n, c.election, "patch")) {
				return errNotYet
			}
			return nil
		})
		questions := questionsAt(t, c.places)
		asked += len(questions)
		var gained []string
		for _, r := range gains(t, questions, n, c.account, "none") {
			gained = append(gained, strings.Join([]string{r.Verb, r.Group + "/" + r.Resource, r.Namespace + "/" + r.Name}, " "))
		}
		slices.Sort(gained)
		slices.Sort(c.want)
		if !slices.Equal(gained, c.want) {
			t.Errorf("the grant of %s gives\n%s\nwant\n%s", c.account, strings.Join(gained, "\n"), strings.Join(c.want, "\n"))
		}
	}
	t.Logf("%d questions to the authorizer", asked)
}

// place is where an object may be: an empty name is all of a namespace, an empty
// namespace the cluster.
type place struct{ namespace, name string }

// questionsAt are all that there are about these places.
func questionsAt(t *testing.T, places []place) []authorizationv1.ResourceAttributes {
	t.Helper()
	var all []authorizationv1.ResourceAttributes
	for _, resource := range resources(t) {
		for _, verb := range verbs() {
			resource.Verb = verb
			for _, p := range places {
				resource.Namespace, resource.Name = p.namespace, p.name
				all = append(all, resource)
			}
		}
	}
	return all
}

// verbsOn are what a sidecar may do with one object.
func verbsOn(resource, namespace, name string) []string {
	var all []string
	for _, verb := range []string{"get", "list", "patch", "watch"} {
		all = append(all, verb+" "+resource+" "+namespace+"/"+name)
	}
	return all
}

var errNotYet = errors.New("not yet")

// verbs are all that Kubernetes knows.
func verbs() []string {
	return []string{
		"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection",
		"escalate", "bind", "impersonate", "use", "approve", "sign", "*",
	}
}

// resources are those of the API server, subresources too, and all at once.
func resources(t *testing.T) []authorizationv1.ResourceAttributes {
	t.Helper()
	discoverer, err := discovery.NewDiscoveryClientForConfig(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	_, lists, err := discoverer.ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	all := []authorizationv1.ResourceAttributes{{Group: "*", Resource: "*"}}
	for _, list := range lists {
		group, _, versioned := strings.Cut(list.GroupVersion, "/")
		if !versioned {
			group = ""
		}
		for i := range list.APIResources {
			r := &list.APIResources[i]
			name, sub, _ := strings.Cut(r.Name, "/")
			all = append(all, authorizationv1.ResourceAttributes{Group: group, Resource: name, Subresource: sub})
		}
	}
	slices.SortFunc(all, func(a, b authorizationv1.ResourceAttributes) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Subresource, b.Subresource))
	})
	const fewest = 100
	if all = slices.Compact(all); len(all) < fewest {
		t.Fatalf("the API server has %d resources", len(all))
	}
	return all
}

// gains are what one account of a namespace may do and another may not.
func gains(t *testing.T, asked []authorizationv1.ResourceAttributes, namespace, one, other string) []authorizationv1.ResourceAttributes {
	t.Helper()
	const at = 8 // a time
	var mu sync.Mutex
	var gained []authorizationv1.ResourceAttributes
	var wait sync.WaitGroup
	for share := range at {
		wait.Go(func() {
			for i := share; i < len(asked) && t.Context().Err() == nil && !t.Failed(); i += at {
				if allowed(t.Context(), t, namespace, one, asked[i]) && !allowed(t.Context(), t, namespace, other, asked[i]) {
					mu.Lock()
					gained = append(gained, asked[i])
					mu.Unlock()
				}
			}
		})
	}
	wait.Wait()
	return gained
}

// allowed asks the authorizer about a service account.
func allowed(ctx context.Context, t *testing.T, namespace, name string, what authorizationv1.ResourceAttributes) bool {
	t.Helper()
	account := webhooktest.As(cluster.Config, namespace, name).Impersonate
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: account.UserName, Groups: account.Groups, ResourceAttributes: &what,
	}}
	if err := cluster.Admin.Create(ctx, review); err != nil {
		t.Errorf("ask about %+v: %v", what, err)
	}
	return review.Status.Allowed
}

func leaseAttributes(namespace, name, verb string) authorizationv1.ResourceAttributes {
	return authorizationv1.ResourceAttributes{Group: "coordination.k8s.io", Resource: "leases", Namespace: namespace, Name: name, Verb: verb}
}

// TestTheSidecarsTokenOnItsOwnLease takes the lead, which is what it is for, and neither
// makes, hands over nor removes anything.
func TestTheSidecarsTokenOnItsOwnLease(t *testing.T) {
	serve(t)
	n := cluster.NewNamespace(t)
	made(t, annotated(n, "a", "orders"))
	granted(t, n, "orders", "default")
	sidecar := account(t, n)
	webhooktest.Eventually(t, "it renews", func(ctx context.Context) error {
		return sidecar.Patch(ctx, lease(n, "orders"), merge(`{"spec":{"holderIdentity":"a"}}`))
	})
	if err := policed(sidecar.Patch(t.Context(), lease(n, "orders"), merge(`{"metadata":{"annotations":{"leaseholder.dev/workload":"x"}}}`)), "leaseholder.dev/workload"); err != nil {
		t.Errorf("it changes whose the election is: %v", err)
	}
	for what, err := range map[string]error{
		"deletes its Lease":          sidecar.Delete(t.Context(), lease(n, "orders")),
		"replaces its Lease":         sidecar.Update(t.Context(), lease(n, "orders")),
		"makes a Lease":              sidecar.Create(t.Context(), lease(n, "new", ours)),
		"takes another's":            sidecar.Patch(t.Context(), lease(n, "another"), merge(`{"spec":{"holderIdentity":"a"}}`)),
		"takes one of kube-system":   sidecar.Patch(t.Context(), lease(kubeSystem, "orders"), merge(`{"spec":{"holderIdentity":"a"}}`)),
		"changes its own pod":        sidecar.Patch(t.Context(), webhooktest.Pod(n, "a"), merge(`{"metadata":{"labels":{"x":"x"}}}`)),
		"reads a Secret":             sidecar.Get(t.Context(), client.ObjectKey{Namespace: n, Name: "x"}, &corev1.Secret{}),
		"reads the webhook's own":    sidecar.Get(t.Context(), client.ObjectKey{Namespace: webhooktest.Namespace, Name: webhooktest.Secret}, &corev1.Secret{}),
		"lists the namespace's pods": sidecar.List(t.Context(), &corev1.PodList{}, client.InNamespace(n)),
	} {
		if err := unauthorized(err); err != nil {
			t.Errorf("it %s: %v", what, err)
		}
	}
}
