package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/features"
	featuretesting "k8s.io/client-go/features/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	leaselock "github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// right is one verb that a rule of the chart gives.
type right struct{ namespace, group, resource, name, verb string }

// rightsOf takes rules apart. Those of a ClusterRole have no namespace.
func rightsOf(t *testing.T, namespace string, rules []rbacv1.PolicyRule) []right {
	t.Helper()
	var all []right
	for _, rule := range rules {
		names := rule.ResourceNames
		if len(names) == 0 {
			names = []string{""}
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, name := range names {
					for _, verb := range rule.Verbs {
						if slices.Contains([]string{group, resource, name, verb}, "*") || slices.Contains([]string{"escalate", "bind", "impersonate"}, verb) {
							t.Errorf("the chart gives %s on %s/%s", verb, group, resource)
						}
						all = append(all, right{namespace, group, resource, name, verb})
					}
				}
			}
		}
		if len(rule.NonResourceURLs) > 0 {
			t.Errorf("the chart gives %v on %v", rule.Verbs, rule.NonResourceURLs)
		}
	}
	return all
}

// covers says whether a request needs the right.
func (r right) covers(request webhooktest.Request) bool {
	return r.verb == request.Verb && r.group == request.Group && r.resource == request.Resource &&
		(r.name == "" || r.name == request.Name) && (r.namespace == "" || r.namespace == request.Namespace)
}

// TestEveryRightOfTheChartIsUsed drives the webhook through everything that it does,
// and reads in the API server's log what it needed for that.
func TestEveryRightOfTheChartIsUsed(t *testing.T) {
	// An API server of before streams no lists: there, caches list and then watch.
	featuretesting.SetFeatureDuringTest(t, features.WatchListClient, false)
	// There is no certificate, as after an installation.
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: webhooktest.Namespace, Name: webhooktest.Secret}}
	if err := client.IgnoreNotFound(cluster.Admin.Delete(t.Context(), secret)); err != nil {
		t.Fatal(err)
	}
	_, begin := cluster.Requests(t, 0)
	// What no pod uses is soon removed.
	r := newReplica(t, "only", func(o *options) { o.unusedAfter = time.Second })
	install(t, newBalancer(t, r))
	n := cluster.NewNamespace(t)
	webhooktest.Eventually(t, "pods get their sidecar", func(ctx context.Context) error {
		_, err := selftest(ctx, cluster.Admin, n)
		return err
	})
	useEverything(t, n)

	held := slices.Concat(
		rightsOf(t, "", webhooktest.Chart(t, "clusterrole.yaml", &rbacv1.ClusterRole{}).Rules),
		rightsOf(t, webhooktest.Namespace, webhooktest.Chart(t, "role.yaml", &rbacv1.Role{}).Rules))
	webhooktest.Eventually(t, "every right is used", func(context.Context) error {
		made, _ := cluster.Requests(t, begin)
		var unused []right
		for _, h := range held {
			if !slices.ContainsFunc(made, h.covers) {
				unused = append(unused, h)
			}
		}
		if len(unused) > 0 {
			return fmt.Errorf("not used: %+v", unused)
		}
		return nil
	})
	made, _ := cluster.Requests(t, begin)
	for _, request := range made {
		if request.Forbidden || !slices.ContainsFunc(held, func(h right) bool { return h.covers(request) }) {
			t.Errorf("the webhook needs what it does not have: %+v", request)
		}
	}
	t.Logf("%d rights, used by %d requests", len(held), len(made))
}

// useEverything makes the webhook grant, repair, show, tell, refuse, warn and remove.
func useEverything(t *testing.T, n string) {
	ctx := t.Context()
	create := func(o client.Object) {
		t.Helper()
		if err := cluster.Admin.Create(ctx, o); err != nil {
			t.Fatal(err)
		}
	}
	pod := annotated(n, "orders", "orders")
	create(pod)
	webhooktest.Eventually(t, "its rights", func(ctx context.Context) error { return hasRights(ctx, n, "orders") })

	takeLead(t, n, "orders", pod)
	webhooktest.Eventually(t, "the leader is shown", func(ctx context.Context) error {
		if err := cluster.Admin.Get(ctx, client.ObjectKeyFromObject(pod), pod); err != nil {
			return err
		}
		if pod.Labels[injector.LabelRole] != injector.RoleLeader {
			return errors.New("not yet")
		}
		return nil
	})

	named := metav1.ObjectMeta{Namespace: n, Name: "leaseholder-orders"}
	damage(t, &rbacv1.Role{ObjectMeta: named}, `{"rules":[]}`, func(r *rbacv1.Role) bool { return len(r.Rules) == 1 })
	damage(t, &rbacv1.RoleBinding{ObjectMeta: named}, `{"subjects":[]}`, func(b *rbacv1.RoleBinding) bool { return len(b.Subjects) == 1 })

	useEndpoints(t, n)

	// Rights of others are looked at before they are refused.
	create(&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: n, Name: "leaseholder-theirs"}})
	create(&rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: n, Name: "leaseholder-bound"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "bound"},
	})
	for _, election := range []string{"theirs", "bound"} {
		refused := annotated(n, election, election)
		create(refused)
		t.Cleanup(func() { cluster.DeletePod(t, refused) })
	}

	unready := annotated(n, "", "unready")
	unready.Labels = map[string]string{"app": "unready"}
	unready.Annotations[injector.AnnotationStandby] = "unready"
	create(&appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: n, Name: "unready"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: unready.Labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: unready.Labels, Annotations: unready.Annotations}, Spec: unready.Spec},
		},
	})

	cluster.DeletePod(t, pod)
}

// useEndpoints makes the webhook make Endpoints, look at them, repair and remove them.
func useEndpoints(t *testing.T, n string) {
	t.Helper()
	pod := annotated(n, "old", "old")
	pod.Annotations[injector.AnnotationLock] = "endpoints"
	if err := cluster.Admin.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	webhooktest.Eventually(t, "its rights", func(ctx context.Context) error { return hasRights(ctx, n, "old") })
	object := view.EndpointsMetadata()
	object.Namespace, object.Name = n, "old"
	damage(t, object, `{"metadata":{"annotations":null}}`, func(o *metav1.PartialObjectMetadata) bool { return len(o.Annotations) == 1 })
	cluster.DeletePod(t, pod)
}

// takeLead writes a Lease as the sidecar of a pod does that has won the election.
func takeLead(t *testing.T, namespace, election string, pod *corev1.Pod) {
	t.Helper()
	l, err := leaselock.New(cluster.Config, namespace, election)
	if err != nil {
		t.Fatal(err)
	}
	now, err := l.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	self := lock.Identity{Pod: pod.Name, UID: string(pod.UID), Start: "s"}.String()
	record := lock.Record{Holder: self, Stamp: self, Duration: time.Second, Renewed: time.Now(), Acquired: time.Now(), Token: 1}
	if _, err := l.Write(t.Context(), now, record); err != nil {
		t.Fatal(err)
	}
}

// damage changes an object of ours, and waits until it is whole again.
func damage[T client.Object](t *testing.T, object T, patch string, whole func(T) bool) {
	t.Helper()
	if err := cluster.Admin.Patch(t.Context(), object, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		t.Fatal(err)
	}
	webhooktest.Eventually(t, fmt.Sprintf("%T is repaired", object), func(ctx context.Context) error {
		if err := cluster.Admin.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		if !whole(object) {
			return errors.New("not yet")
		}
		return nil
	})
}
