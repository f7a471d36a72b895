package grants_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	leaselock "github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/ownership"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// shared is the election that the StatefulSet "db" has by default.
const shared = "statefulset-db"

// of gives a pod a StatefulSet.
func of(name string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Name: name, UID: "11111111-2222-3333-4444-555555555555", Controller: new(true)}}
	}
}

// naming lets a pod name its election.
func naming(pod *corev1.Pod) {
	metav1.SetMetaDataAnnotation(&pod.ObjectMeta, injector.AnnotationElection, shared)
}

// recorded is nil when the Lease of the shared election has this record.
func recorded(ctx context.Context, namespace, want string) error {
	l := lease(namespace, shared)
	if err := get(ctx, l); err != nil {
		return err
	}
	if got, ok := l.Annotations[ownership.Annotation]; !ok || got != want {
		return fmt.Errorf("recorded %q (%v) instead of %q", got, ok, want)
	}
	return nil
}

// toldStranger is nil when a pod has an Event that it stands in an election of
// others.
func toldStranger(ctx context.Context, pod *corev1.Pod) error {
	var list eventsv1.EventList
	if err := cluster.Admin.List(ctx, &list, client.InNamespace(pod.Namespace)); err != nil {
		return err
	}
	for _, e := range list.Items {
		if e.Reason == string(ownership.Reason) && e.Regarding.UID == pod.UID {
			return nil
		}
	}
	return fmt.Errorf("%d events, none of them", len(list.Items))
}

func TestAnElectionBelongsToTheWorkloadThatHasItByDefault(t *testing.T) {
	n := cluster.NewNamespace(t)
	// Both were let in before there was a Lease.
	stranger := cluster.NewPod(t, n, "orders-0", shared, "orders", of("orders"), naming)
	old := cluster.NewPod(t, n, "db-0", shared, "db", of("db"))
	start(t, time.Hour)
	webhooktest.Eventually(t, "the rights of the workload alone, and the reason", func(ctx context.Context) error {
		return errors.Join(granted(ctx, n, shared, "db"), recorded(ctx, n, "statefulset/db"), toldStranger(ctx, stranger))
	})

	// Neither a renewal nor an elector of client-go erases the record.
	l, err := leaselock.New(cluster.Config, n, shared)
	if err != nil {
		t.Fatal(err)
	}
	base, err := l.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	base.Record.Holder, base.Record.Duration, base.Record.Renewed = "db-0_u_s", 15*time.Second, time.Now()
	if _, err := l.Write(t.Context(), base, base.Record); err != nil {
		t.Fatal(err)
	}
	whole := lease(n, shared)
	if err := get(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	whole.Spec.HolderIdentity = new("elector")
	if err := cluster.Admin.Update(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	if err := recorded(t.Context(), n, "statefulset/db"); err != nil {
		t.Error(err)
	}

	// A rollout to a template that names the election.
	cluster.NewPod(t, n, "db-1", shared, "db", of("db"), naming)
	cluster.NewPod(t, n, "other", "other", "one")
	webhooktest.Eventually(t, "the last pod's rights", func(ctx context.Context) error { return granted(ctx, n, "other", "one") })
	if err := errors.Join(recorded(t.Context(), n, "statefulset/db"), granted(t.Context(), n, shared, "db")); err != nil {
		t.Errorf("in the middle of a rollout: %v", err)
	}
	cluster.DeletePod(t, old)
	webhooktest.Eventually(t, "an election that both share", func(ctx context.Context) error {
		return errors.Join(recorded(ctx, n, ""), granted(ctx, n, shared, "db", "orders"))
	})
}

func TestAPodThatDoesNotNameWhatOthersShareGetsNoRights(t *testing.T) {
	start(t, time.Hour)
	n := cluster.NewNamespace(t)
	first := cluster.NewPod(t, n, "orders-0", shared, "orders", of("orders"), naming)
	webhooktest.Eventually(t, "the first one's rights", func(ctx context.Context) error {
		return errors.Join(granted(ctx, n, shared, "orders"), recorded(ctx, n, ""))
	})
	late := cluster.NewPod(t, n, "db-0", shared, "db", of("db"))
	webhooktest.Eventually(t, "the reason", func(ctx context.Context) error { return toldStranger(ctx, late) })
	if err := errors.Join(granted(t.Context(), n, shared, "orders"), recorded(t.Context(), n, "")); err != nil {
		t.Error(err)
	}
	cluster.DeletePod(t, first)
	webhooktest.Eventually(t, "the rights when it is alone", func(ctx context.Context) error {
		return errors.Join(granted(ctx, n, shared, "db"), recorded(ctx, n, "statefulset/db"))
	})
}

func TestALeaseWithoutARecordIsOpenToAll(t *testing.T) {
	n := cluster.NewNamespace(t)
	old := lease(n, shared)
	old.Labels = map[string]string{view.LabelManagedBy: view.ManagedBy, injector.LabelElection: shared}
	if err := cluster.Admin.Create(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	start(t, time.Hour)
	cluster.NewPod(t, n, "orders-0", shared, "orders", of("orders"), naming)
	cluster.NewPod(t, n, "db-0", shared, "db", of("db"))
	webhooktest.Eventually(t, "the rights of both", func(ctx context.Context) error { return granted(ctx, n, shared, "db", "orders") })
	if err := get(t.Context(), old); err != nil || old.Annotations[ownership.Annotation] != "" {
		t.Errorf("recorded %v: %v", old.Annotations, err)
	}
}

func TestWhoIsReleasedByItsControllerKeepsItsRights(t *testing.T) {
	start(t, time.Hour)
	n := cluster.NewNamespace(t)
	pod := cluster.NewPod(t, n, "db-0", shared, "db", of("db"))
	webhooktest.Eventually(t, "its rights", func(ctx context.Context) error {
		return errors.Join(granted(ctx, n, shared, "db"), recorded(ctx, n, "statefulset/db"))
	})
	release := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"ownerReferences":null}}`))
	if err := cluster.Admin.Patch(t.Context(), pod, release); err != nil {
		t.Fatal(err)
	}
	// A pod of the workload lets everything be looked at once more.
	cluster.NewPod(t, n, "db-1", shared, "second", of("db"))
	webhooktest.Eventually(t, "the rights of both", func(ctx context.Context) error { return granted(ctx, n, shared, "db", "second") })
}

func TestAnElectionThatSomebodyOpensIsOpen(t *testing.T) {
	start(t, time.Hour)
	n := cluster.NewNamespace(t)
	cluster.NewPod(t, n, "db-0", shared, "db", of("db"))
	webhooktest.Eventually(t, "its rights", func(ctx context.Context) error {
		return errors.Join(granted(ctx, n, shared, "db"), recorded(ctx, n, "statefulset/db"))
	})
	stranger := cluster.NewPod(t, n, "orders-0", shared, "orders", of("orders"), naming)
	webhooktest.Eventually(t, "the reason", func(ctx context.Context) error { return toldStranger(ctx, stranger) })
	open := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"`+ownership.Annotation+`":null}}}`))
	if err := cluster.Admin.Patch(t.Context(), lease(n, shared), open); err != nil {
		t.Fatal(err)
	}
	webhooktest.Eventually(t, "the rights of both", func(ctx context.Context) error { return granted(ctx, n, shared, "db", "orders") })
}
