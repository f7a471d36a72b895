package grants_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	endpointslock "github.com/leaseholder-dev/leaseholder/sidecar/lock/endpoints"
	leaselock "github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/grants"
	"github.com/leaseholder-dev/leaseholder/webhook/grants/rights"
	"github.com/leaseholder-dev/leaseholder/webhook/onelock"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// locked tells a pod's sidecar where its lock is.
func locked(address string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		env := &p.Spec.InitContainers[0].Env
		*env = append(*env, corev1.EnvVar{Name: config.Lock.Variable(), Value: address})
	}
}

func endpoints(namespace, name string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(view.EndpointsKind())
	o.SetNamespace(namespace)
	o.SetName(name)
	return o
}

// recordOf2016 is what an elector of 2016 writes when it renews at that time.
func recordOf2016(renewed time.Time) string {
	return fmt.Sprintf(`{"holderIdentity":"theirs-0","leaseDurationSeconds":10,"acquireTime":%[1]q,"renewTime":%[1]q,"leaderTransitions":3}`,
		renewed.UTC().Format(time.RFC3339))
}

// unheld are the annotations of Endpoints that nobody has held yet.
func unheld() map[string]string {
	var m metav1.ObjectMeta
	endpointslock.Unheld(&m)
	return m.Annotations
}

// of2016 are Endpoints that an elector of 2016 holds.
func of2016(namespace, name string, renewed time.Time) *unstructured.Unstructured {
	o := endpoints(namespace, name)
	o.SetAnnotations(map[string]string{endpointslock.LeaderAnnotation: recordOf2016(renewed)})
	return o
}

func withAddresses(o *unstructured.Unstructured) *unstructured.Unstructured {
	o.Object["subsets"] = []any{map[string]any{"addresses": []any{map[string]any{"ip": "192.0.2.1"}}}}
	return o
}

func labelled2016(o *unstructured.Unstructured) *unstructured.Unstructured {
	o.SetLabels(labels(o.GetName()))
	return o
}

func make2016(t *testing.T, o *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	if err := cluster.Admin.Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return o
}

func mergePatch(format string, args ...any) client.Patch {
	return client.RawPatch(types.MergePatchType, fmt.Appendf(nil, format, args...))
}

func annotate(t *testing.T, o client.Object, key, value string) {
	t.Helper()
	if err := cluster.Admin.Patch(t.Context(), o, mergePatch(`{"metadata":{"annotations":{%q:%q}}}`, key, value)); err != nil {
		t.Fatal(err)
	}
}

// grantedBoth is nil when these accounts have rights to the Lease and to the Endpoints.
func grantedBoth(ctx context.Context, namespace, election string, accounts ...string) error {
	l, r, b := lease(namespace, election), role(namespace, election), binding(namespace, election)
	if err := errors.Join(get(ctx, l), get(ctx, endpoints(namespace, election)), get(ctx, r), get(ctx, b)); err != nil {
		return err
	}
	if got := l.Annotations[leaselock.LockAnnotation]; got != "endpoints" {
		return fmt.Errorf("the lease reports %q", got)
	}
	if want := rights.Role(view.Election{Namespace: namespace, Name: election}, config.LockAddress{Scheme: config.LockEndpoints}).Rules; fmt.Sprint(r.Rules) != fmt.Sprint(want) {
		return fmt.Errorf("the role has the rules %v", r.Rules)
	}
	var got []string
	for _, s := range b.Subjects {
		got = append(got, s.Name)
	}
	if !slices.Equal(got, accounts) {
		return fmt.Errorf("bound to %v instead of %v", got, accounts)
	}
	return nil
}

// told waits for an Event on an object that says all parts.
func told(t *testing.T, on client.Object, reason string, parts ...string) {
	t.Helper()
	webhooktest.Eventually(t, "an event with "+reason, func(ctx context.Context) error {
		var list eventsv1.EventList
		if err := cluster.Admin.List(ctx, &list, client.InNamespace(on.GetNamespace())); err != nil {
			return err
		}
		err := errors.New("there is none")
		for _, e := range list.Items {
			if e.Reason != reason || e.Regarding.UID != on.GetUID() {
				continue
			}
			if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(e.Note, part) }) {
				return nil
			}
			err = fmt.Errorf("it says %q", e.Note)
		}
		return err
	})
}

func TestAnElectionByEndpointsGetsThemAndTheirRights(t *testing.T) {
	start(t, time.Hour)
	n := cluster.NewNamespace(t)
	cluster.NewPod(t, n, "a", "orders", "one", locked("endpoints"))
	cluster.NewPod(t, n, "b", "toys", "one")
	cluster.NewPod(t, n, "c", "far", "one", locked("gs://bucket/far"))
	webhooktest.Eventually(t, "all rights", func(ctx context.Context) error {
		return errors.Join(grantedBoth(ctx, n, "orders", "one"), granted(ctx, n, "toys", "one"), granted(ctx, n, "far", "one"))
	})
	made := endpoints(n, "orders")
	if err := get(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	if why := rights.UnfitEndpoints(made); why != "" || !maps.Equal(made.GetAnnotations(), unheld()) || made.GetLabels()[injector.LabelElection] != "orders" {
		t.Errorf("%s: %v %v", why, made.GetAnnotations(), made.GetLabels())
	}
	for name, want := range map[string]string{"orders": "endpoints", "far": "gs://bucket/far", "toys": ""} {
		l := lease(n, name)
		if err := get(t.Context(), l); err != nil || l.Annotations[leaselock.LockAnnotation] != want {
			t.Errorf("the lease %s reports %q: %v", name, l.Annotations[leaselock.LockAnnotation], err)
		}
		// Nobody takes a report, so that nothing is gained by marking it.
		if free := leaselock.Decode(l).Released(); free != (want == "") {
			t.Errorf("the lease %s is free: %v", name, free)
		}
	}
	if err := gone(t.Context(), endpoints(n, "toys"), endpoints(n, "far")); err != nil {
		t.Error(err)
	}
}

func TestHarmToEndpointsIsRepaired(t *testing.T) {
	start(t, time.Hour)
	n := cluster.NewNamespace(t)
	cluster.NewPod(t, n, "a", "orders", "one", locked("endpoints"))
	whole := func(ctx context.Context) error { return grantedBoth(ctx, n, "orders", "one") }
	webhooktest.Eventually(t, "the rights", whole)
	for name, harm := range map[string]func() error{
		"they are deleted": func() error { return cluster.Admin.Delete(t.Context(), endpoints(n, "orders")) },
		"the record is taken away": func() error {
			return cluster.Admin.Patch(t.Context(), endpoints(n, "orders"), mergePatch(`{"metadata":{"annotations":{%q:null}}}`, endpointslock.LeaderAnnotation))
		},
		"the rule is taken away": func() error {
			return cluster.Admin.Patch(t.Context(), role(n, "orders"), mergePatch(`{"rules":[]}`))
		},
		"the report is marked as a lock": func() error {
			return cluster.Admin.Patch(t.Context(), lease(n, "orders"), mergePatch(`{"metadata":{"annotations":{%q:null}}}`, leaselock.LockAnnotation))
		},
		"the report names nothing": func() error {
			return cluster.Admin.Patch(t.Context(), lease(n, "orders"), mergePatch(`{"metadata":{"annotations":{%q:"x"}}}`, leaselock.LockAnnotation))
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := harm(); err != nil {
				t.Fatal(err)
			}
			webhooktest.Eventually(t, "the whole again", func(ctx context.Context) error {
				o := endpoints(n, "orders")
				if err := get(ctx, o); err != nil {
					return err
				}
				if !rights.Recorded(o) {
					return errors.New("there is no record")
				}
				return whole(ctx)
			})
		})
	}
	// A record is the candidates'.
	annotate(t, endpoints(n, "orders"), endpointslock.LeaderAnnotation, recordOf2016(time.Now()))
	o := endpoints(n, "orders")
	if err := get(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	seen(t, n, "last")
	again := endpoints(n, "orders")
	if err := get(t.Context(), again); err != nil || again.GetResourceVersion() != o.GetResourceVersion() {
		t.Errorf("they were touched: %v %v", err, again)
	}
}

func TestEndpointsOf2016AreGrantedWhenTheyAreHandedOver(t *testing.T) {
	start(t, time.Hour)
	n := cluster.NewNamespace(t)
	theirs := make2016(t, of2016(n, "orders", time.Now()))
	pod := cluster.NewPod(t, n, "a", "orders", "one", locked("endpoints"))
	command := "kubectl label endpoints -n " + n + " orders app.kubernetes.io/managed-by=leaseholder leaseholder.dev/election=orders"
	told(t, pod, grants.ReasonRefused, command)
	if err := gone(t.Context(), role(n, "orders"), binding(n, "orders")); err != nil {
		t.Error(err)
	}
	got := endpoints(n, "orders")
	if err := get(t.Context(), got); err != nil || got.GetResourceVersion() != theirs.GetResourceVersion() {
		t.Errorf("they were touched: %v %v", err, got)
	}

	label := func(managedBy, election string) {
		t.Helper()
		patch := mergePatch(`{"metadata":{"labels":{%q:%s,%q:%s}}}`, view.LabelManagedBy, managedBy, injector.LabelElection, election)
		if err := cluster.Admin.Patch(t.Context(), endpoints(n, "orders"), patch); err != nil {
			t.Fatal(err)
		}
	}
	label(`"leaseholder"`, `"orders"`) // as the command does
	webhooktest.Eventually(t, "the rights", func(ctx context.Context) error { return grantedBoth(ctx, n, "orders", "one") })
	if err := get(t.Context(), got); err != nil || got.GetAnnotations()[endpointslock.LeaderAnnotation] != theirs.GetAnnotations()[endpointslock.LeaderAnnotation] {
		t.Errorf("the record was touched: %v %v", err, got)
	}
	label("null", "null")
	webhooktest.Eventually(t, "no rights to what was taken back", func(ctx context.Context) error {
		return gone(ctx, role(n, "orders"), binding(n, "orders"))
	})
}

func TestTheEndpointsOfAServiceAreNeverGranted(t *testing.T) {
	start(t, time.Hour)
	n := cluster.NewNamespace(t)
	filled := labelled2016(of2016(n, "filled", time.Now()))
	filled.SetLabels(map[string]string{
		view.LabelManagedBy: view.ManagedBy, injector.LabelElection: "filled", "endpoints.kubernetes.io/managed-by": "endpoint-controller",
	})
	for name, c := range map[string]struct {
		there *unstructured.Unstructured
		says  string
	}{
		"addressed": {labelled2016(withAddresses(of2016(n, "addressed", time.Now()))), "have addresses"},
		"plain":     {withAddresses(endpoints(n, "plain")), "have addresses"},
		"empty":     {endpoints(n, "empty"), "without the annotation"},
		"handed":    {labelled2016(endpoints(n, "handed")), "without the annotation"},
		"filled":    {filled, "are filled by Kubernetes"},
	} {
		make2016(t, c.there)
		pod := cluster.NewPod(t, n, name, name, "one", locked("endpoints"))
		told(t, pod, grants.ReasonRefused, c.says, "belong to a Service", "name another election")
		if err := gone(t.Context(), role(n, name), binding(n, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got := endpoints(n, name)
		if err := get(t.Context(), got); err != nil || got.GetResourceVersion() != c.there.GetResourceVersion() {
			t.Errorf("%s were touched: %v %v", name, err, got)
		}
	}
}

func TestEndpointsThatNoPodUsesAreRemovedUnlessTheyAreHeldOrFenced(t *testing.T) {
	start(t, time.Second)
	n := cluster.NewNamespace(t)
	pods := map[string]*corev1.Pod{}
	for _, e := range []string{"unused", "held", "fenced"} {
		pods[e] = cluster.NewPod(t, n, e, e, "one", locked("endpoints"))
		webhooktest.Eventually(t, "the rights of "+e, func(ctx context.Context) error { return grantedBoth(ctx, n, e, "one") })
	}
	annotate(t, endpoints(n, "unused"), endpointslock.LeaderAnnotation, recordOf2016(time.Now().Add(-time.Hour)))
	annotate(t, endpoints(n, "unused"), leaselock.TokenAnnotation, strconv.FormatInt(time.Now().Add(-time.Hour).UnixMilli(), 10))
	annotate(t, endpoints(n, "held"), endpointslock.LeaderAnnotation, recordOf2016(time.Now().Add(time.Hour)))
	annotate(t, endpoints(n, "fenced"), leaselock.TokenAnnotation, strconv.FormatInt(time.Now().Add(time.Hour).UnixMilli(), 10))
	handed := make2016(t, labelled2016(of2016(n, "handed", time.Now().Add(time.Hour))))
	for _, pod := range pods {
		cluster.DeletePod(t, pod)
	}
	webhooktest.Eventually(t, "nothing left", func(ctx context.Context) error {
		return gone(ctx, endpoints(n, "unused"), lease(n, "unused"), role(n, "unused"), binding(n, "unused"))
	})
	webhooktest.Eventually(t, "no rights left", func(ctx context.Context) error { return gone(ctx, role(n, "fenced"), binding(n, "fenced")) })
	fenced := endpoints(n, "fenced")
	if err := get(t.Context(), fenced); err != nil {
		t.Fatal(err)
	}
	told(t, fenced, grants.ReasonFenced, "fencing token")
	if err := errors.Join(grantedBoth(t.Context(), n, "held", "one"), get(t.Context(), handed)); err != nil {
		t.Error(err)
	}
}

// TestALockChangesWithItsLastPod: as long as a pod of the old lock lives, the others are
// told, and get no rights to theirs.
func TestALockChangesWithItsLastPod(t *testing.T) {
	start(t, time.Hour)
	n := cluster.NewNamespace(t)
	old := cluster.NewPod(t, n, "old", "orders", "one")
	webhooktest.Eventually(t, "the rights", func(ctx context.Context) error { return granted(ctx, n, "orders", "one") })
	next := cluster.NewPod(t, n, "next", "orders", "two", locked("endpoints"))
	told(t, next, string(onelock.Reason), `"old" with "lease"`, `this pod's is "endpoints"`)
	if err := errors.Join(granted(t.Context(), n, "orders", "one", "two"), gone(t.Context(), endpoints(n, "orders"))); err != nil {
		t.Error(err)
	}
	cluster.SetStatus(t, old, func(s *corev1.PodStatus) { s.Phase = corev1.PodSucceeded })
	webhooktest.Eventually(t, "the rights to the endpoints", func(ctx context.Context) error { return grantedBoth(ctx, n, "orders", "two") })

	cluster.DeletePod(t, next)
	cluster.NewPod(t, n, "back", "orders", "one")
	webhooktest.Eventually(t, "the rights to the lease alone", func(ctx context.Context) error {
		l := lease(n, "orders")
		if err := get(ctx, l); err != nil {
			return err
		}
		if _, report := l.Annotations[leaselock.LockAnnotation]; report {
			return errors.New("it is a report")
		}
		return granted(ctx, n, "orders", "one")
	})
}

// TestWhatALeaseSaysOfItsLockGrantsNothing: whoever may write it could else get rights to
// a Service's addresses.
func TestWhatALeaseSaysOfItsLockGrantsNothing(t *testing.T) {
	start(t, time.Hour)
	n := cluster.NewNamespace(t)
	cluster.NewPod(t, n, "a", "orders", "one", func(p *corev1.Pod) {
		metav1.SetMetaDataAnnotation(&p.ObjectMeta, injector.AnnotationLock, "endpoints") // changed later
	})
	webhooktest.Eventually(t, "the rights", func(ctx context.Context) error { return granted(ctx, n, "orders", "one") })
	annotate(t, lease(n, "orders"), leaselock.LockAnnotation, "endpoints")
	webhooktest.Eventually(t, "the lease is a lock again", func(ctx context.Context) error {
		l := lease(n, "orders")
		if err := get(ctx, l); err != nil {
			return err
		}
		if _, report := l.Annotations[leaselock.LockAnnotation]; report {
			return errors.New("it is a report")
		}
		return nil
	})
	if err := errors.Join(granted(t.Context(), n, "orders", "one"), gone(t.Context(), endpoints(n, "orders"))); err != nil {
		t.Error(err)
	}
}
