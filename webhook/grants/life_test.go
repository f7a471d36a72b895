package grants_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook/grants/rights"
	"github.com/leaseholder-dev/leaseholder/webhook/ownership"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// objects are the three of an election, read.
func objects(t *testing.T, namespace, election string) []client.Object {
	t.Helper()
	all := []client.Object{lease(namespace, election), role(namespace, election), binding(namespace, election)}
	for _, o := range all {
		if err := get(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// versions are those of an election's objects.
func versions(t *testing.T, namespace, election string) []string {
	t.Helper()
	var all []string
	for _, o := range objects(t, namespace, election) {
		all = append(all, string(o.GetUID())+" "+o.GetResourceVersion())
	}
	return all
}

// seen returns when what came before it in a namespace has been granted.
func seen(t *testing.T, namespace, name string) {
	t.Helper()
	cluster.NewPod(t, namespace, name, name, "")
	webhooktest.Eventually(t, "a later pod's rights", func(ctx context.Context) error { return granted(ctx, namespace, name, "default") })
}

// may is nil when the API server lets an account renew an election's Lease, or not.
func may(ctx context.Context, namespace, election, account string, want bool) error {
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: "system:serviceaccount:" + namespace + ":" + account,
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Group: "coordination.k8s.io", Resource: "leases", Name: election, Verb: "patch",
		},
	}}
	if err := cluster.Admin.Create(ctx, review); err != nil {
		return err
	}
	if review.Status.Allowed != want {
		return fmt.Errorf("account %s may: %v", account, review.Status.Allowed)
	}
	return nil
}

func TestWorkloadsOfOneAccountShareItsRights(t *testing.T) {
	start(t, time.Hour)
	n := cluster.NewNamespace(t)
	first := cluster.NewPod(t, n, "orders-0", shared, "one", of("orders"), naming)
	webhooktest.Eventually(t, "the rights", func(ctx context.Context) error { return granted(ctx, n, shared, "one") })
	before := versions(t, n, shared)
	cluster.NewPod(t, n, "backup-0", shared, "one", of("backup"), naming)
	seen(t, n, "second")
	cluster.DeletePod(t, first)
	seen(t, n, "third")
	if err := granted(t.Context(), n, shared, "one"); err != nil {
		t.Error(err)
	}
	if after := versions(t, n, shared); !slices.Equal(after, before) {
		t.Errorf("written again: %v, then %v", before, after)
	}
}

func TestTheRightsMoveWithAWorkloadsAccount(t *testing.T) {
	start(t, time.Hour)
	n := cluster.NewNamespace(t)
	old := []*corev1.Pod{cluster.NewPod(t, n, "old-0", "orders", "old"), cluster.NewPod(t, n, "old-1", "orders", "old")}
	webhooktest.Eventually(t, "the old account's rights", func(ctx context.Context) error { return granted(ctx, n, "orders", "old") })
	before := objects(t, n, "orders")
	cluster.NewPod(t, n, "new-0", "orders", "new")
	webhooktest.Eventually(t, "both accounts' rights", func(ctx context.Context) error { return granted(ctx, n, "orders", "new", "old") })
	cluster.DeletePod(t, old[0])
	seen(t, n, "later")
	if err := granted(t.Context(), n, "orders", "new", "old"); err != nil {
		t.Errorf("one pod of the old account is left: %v", err)
	}
	cluster.SetStatus(t, old[1], func(s *corev1.PodStatus) { s.Phase = corev1.PodSucceeded })
	webhooktest.Eventually(t, "the new account's rights alone", func(ctx context.Context) error {
		return errors.Join(granted(ctx, n, "orders", "new"), may(ctx, n, "orders", "new", true), may(ctx, n, "orders", "old", false))
	})
	for i, o := range objects(t, n, "orders") {
		if o.GetUID() != before[i].GetUID() {
			t.Errorf("%T was made anew", o)
		}
	}
}

// A rollout by Recreate and a scale to zero and back both leave no pod for a while.
func TestWhatIsUsedAgainWithinTheDelayStays(t *testing.T) {
	start(t, time.Hour)
	n := cluster.NewNamespace(t)
	pod := cluster.NewPod(t, n, "a", "orders", "one")
	webhooktest.Eventually(t, "the rights", func(ctx context.Context) error { return granted(ctx, n, "orders", "one") })
	token := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"leaseholder.dev/token":"7"}}}`))
	if err := cluster.Admin.Patch(t.Context(), lease(n, "orders"), token); err != nil {
		t.Fatal(err)
	}
	before := versions(t, n, "orders")
	cluster.DeletePod(t, pod)
	seen(t, n, "meanwhile")
	if after := versions(t, n, "orders"); !slices.Equal(after, before) {
		t.Errorf("without a pod: %v, then %v", before, after)
	}
	cluster.NewPod(t, n, "b", "orders", "one")
	seen(t, n, "afterwards")
	if after := versions(t, n, "orders"); !slices.Equal(after, before) {
		t.Errorf("with a pod again: %v, then %v", before, after)
	}
}

func TestWhatHappenedWhileNobodyGrantedIsMadeGood(t *testing.T) {
	stop := start(t, time.Hour)
	n := cluster.NewNamespace(t)
	pods := map[string]*corev1.Pod{}
	for _, e := range []string{"deleted", "edited", "moved", "ended", "untouched"} {
		pods[e] = cluster.NewPod(t, n, e, e, "one")
	}
	for e := range pods {
		webhooktest.Eventually(t, "the rights of "+e, func(ctx context.Context) error { return granted(ctx, n, e, "one") })
	}
	before := versions(t, n, "untouched")
	stop()

	patch := func(o client.Object, body string) error {
		return cluster.Admin.Patch(t.Context(), o, client.RawPatch(types.MergePatchType, []byte(body)))
	}
	for _, o := range objects(t, n, "deleted") {
		if err := cluster.Admin.Delete(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(
		patch(role(n, "edited"), `{"rules":[{"apiGroups":[""],"resources":["secrets"],"verbs":["*"]}]}`),
		patch(binding(n, "edited"), `{"subjects":[{"kind":"ServiceAccount","namespace":"`+n+`","name":"mallory"}]}`),
	); err != nil {
		t.Fatal(err)
	}
	cluster.DeletePod(t, pods["moved"])
	cluster.NewPod(t, n, "moved-1", "moved", "two")
	cluster.SetStatus(t, pods["ended"], func(s *corev1.PodStatus) { s.Phase = corev1.PodFailed })

	start(t, 5*time.Second)
	for e, account := range map[string]string{"deleted": "one", "edited": "one", "moved": "two"} {
		webhooktest.Eventually(t, "the rights of "+e, func(ctx context.Context) error { return granted(ctx, n, e, account) })
	}
	webhooktest.Eventually(t, "nothing left of what ended", func(ctx context.Context) error {
		return gone(ctx, lease(n, "ended"), role(n, "ended"), binding(n, "ended"))
	})
	if after := versions(t, n, "untouched"); !slices.Equal(after, before) {
		t.Errorf("written for nothing: %v, then %v", before, after)
	}
}

func TestWhoTakesTheLabelFromRightsTakesTheRights(t *testing.T) {
	start(t, time.Hour)
	n := cluster.NewNamespace(t)
	cluster.NewPod(t, n, "a", "orders", "one")
	webhooktest.Eventually(t, "the rights", func(ctx context.Context) error { return granted(ctx, n, "orders", "one") })
	label := func(value string) {
		t.Helper()
		patch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"`+view.LabelManagedBy+`":`+value+`}}}`))
		if err := cluster.Admin.Patch(t.Context(), role(n, "orders"), patch); err != nil {
			t.Fatal(err)
		}
	}
	label("null")
	webhooktest.Eventually(t, "no binding to it", func(ctx context.Context) error { return gone(ctx, binding(n, "orders")) })
	if err := get(t.Context(), role(n, "orders")); err != nil {
		t.Errorf("the role that was taken: %v", err)
	}
	label(`"` + view.ManagedBy + `"`)
	webhooktest.Eventually(t, "the rights again", func(ctx context.Context) error { return granted(ctx, n, "orders", "one") })
}

func TestReplicasThatRaceAgree(t *testing.T) {
	n := cluster.NewNamespace(t)
	var elections []string
	for i := range 20 {
		elections = append(elections, fmt.Sprintf("orders-%d", i))
	}
	start(t, time.Hour)
	start(t, time.Hour)
	for _, e := range elections {
		cluster.NewPod(t, n, e+"-a", e, "one")
		cluster.NewPod(t, n, e+"-b", e, "two")
	}
	before := map[string][]string{}
	for _, e := range elections {
		webhooktest.Eventually(t, "the rights of "+e, func(ctx context.Context) error { return granted(ctx, n, e, "one", "two") })
		before[e] = versions(t, n, e)
	}
	seen(t, n, "last")
	for e, versionsOf := range before {
		if after := versions(t, n, e); !slices.Equal(after, versionsOf) {
			t.Errorf("%s was written again: %v, then %v", e, versionsOf, after)
		}
	}
}

func TestWhatAnAdministratorAppliedIsTakenOverAsItIs(t *testing.T) {
	n := cluster.NewNamespace(t)
	e := view.Election{Namespace: n, Name: shared}
	members := []ownership.Member{{Workload: "statefulset/db"}}
	for _, o := range []client.Object{rights.Lease(e, config.Default().Lock, members), rights.Role(e, config.Default().Lock), rights.RoleBinding(e, []string{"one"})} {
		if err := cluster.Admin.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	before := versions(t, n, shared)
	cluster.NewPod(t, n, "db-0", shared, "one", of("db"))
	start(t, time.Hour)
	seen(t, n, "last")
	if after := versions(t, n, shared); !slices.Equal(after, before) {
		t.Errorf("written again: %v, then %v", before, after)
	}
	cluster.NewPod(t, n, "db-1", shared, "two", of("db"))
	webhooktest.Eventually(t, "the rights that come later", func(ctx context.Context) error { return granted(ctx, n, shared, "one", "two") })
}

// labels are those of an election's rights.
func labels(election string) map[string]string {
	return map[string]string{view.LabelManagedBy: view.ManagedBy, injector.LabelElection: election}
}

// labelled is nil when the rights bear their labels.
func labelled(ctx context.Context, namespace, election string) error {
	for _, o := range []client.Object{role(namespace, election), binding(namespace, election)} {
		if err := get(ctx, o); err != nil {
			return err
		}
		if !maps.Equal(o.GetLabels(), labels(election)) {
			return fmt.Errorf("%T has the labels %v", o, o.GetLabels())
		}
	}
	return nil
}
