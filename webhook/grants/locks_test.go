package grants_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	leaselock "github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/event"
	"github.com/leaseholder-dev/leaseholder/webhook/grants"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

const store = "gs://shop-locks/orders"

// reports is nil when the Lease "orders" reports that lock; empty for none.
func reports(ctx context.Context, namespace, want string) error {
	l := lease(namespace, "orders")
	if err := get(ctx, l); err != nil {
		return err
	}
	if got := leaselock.Decode(l).Reports; got != want {
		return fmt.Errorf("it reports %q instead of %q", got, want)
	}
	return nil
}

// TestALockInAStoreIsLeftByWhoDeletesItsReport: pods of another cluster may still hold it,
// and nobody here knows them.
func TestALockInAStoreIsLeftByWhoDeletesItsReport(t *testing.T) {
	start(t, time.Hour)
	for _, next := range []string{"lease", "endpoints"} {
		n := cluster.NewNamespace(t)
		old := cluster.NewPod(t, n, "old", "orders", "one", locked(store))
		webhooktest.Eventually(t, "the report", func(ctx context.Context) error {
			return errors.Join(reports(ctx, n, store), granted(ctx, n, "orders", "one"))
		})
		cluster.DeletePod(t, old)
		pod := cluster.NewPod(t, n, "next", "orders", "two", locked(next))
		told(t, pod, grants.ReasonLockKept, store, fmt.Sprintf("this pod's is %q", next), "kubectl delete lease -n "+n+" orders", "no cluster uses that lock")
		if err := errors.Join(reports(t.Context(), n, store), gone(t.Context(), endpoints(n, "orders"))); err != nil {
			t.Errorf("%s: %v", next, err)
		}
		if err := cluster.Admin.Delete(t.Context(), lease(n, "orders")); err != nil {
			t.Fatal(err)
		}
		webhooktest.Eventually(t, "the rights to "+next, func(ctx context.Context) error {
			if next == "endpoints" {
				return grantedBoth(ctx, n, "orders", "two")
			}
			return errors.Join(reports(ctx, n, ""), granted(ctx, n, "orders", "two"))
		})
		l := lease(n, "orders")
		if err := get(t.Context(), l); err != nil || leaselock.Decode(l).Released() {
			t.Errorf("nobody waits for a leader from before: %v %v", err, l.Annotations)
		}
	}
}

func TestALockInAStoreChangesWithThePods(t *testing.T) {
	start(t, time.Hour)
	n := cluster.NewNamespace(t)
	for i, address := range []string{"lease", store, "s3://shop-locks/orders"} {
		pod := cluster.NewPod(t, n, fmt.Sprint("p", i), "orders", "one", locked(address))
		webhooktest.Eventually(t, "the record of "+address, func(ctx context.Context) error {
			if address == "lease" {
				return reports(ctx, n, "")
			}
			return reports(ctx, n, address)
		})
		cluster.DeletePod(t, pod)
	}
}

// TestWhoLeftAReportHasNotLeftTheLease: its last leader may still be valid by the other
// lock, so that the first pod waits.
func TestWhoLeftAReportHasNotLeftTheLease(t *testing.T) {
	start(t, time.Hour)
	n := cluster.NewNamespace(t)
	old := cluster.NewPod(t, n, "old", "orders", "one", locked("endpoints"))
	webhooktest.Eventually(t, "the rights", func(ctx context.Context) error { return grantedBoth(ctx, n, "orders", "one") })
	renewed := time.Now().Truncate(time.Second)
	left := mergePatch(`{"metadata":{"annotations":{%q:%q,%q:"7"}},"spec":{"holderIdentity":"","leaseDurationSeconds":1,"renewTime":%q}}`,
		leaselock.MarkAnnotation, lock.ReleaseMark("old_u_s", renewed), leaselock.TokenAnnotation, renewed.UTC().Format("2006-01-02T15:04:05.000000Z"))
	l := lease(n, "orders")
	if err := cluster.Admin.Patch(t.Context(), l, left); err != nil {
		t.Fatal(err)
	}
	if !leaselock.Decode(l).Released() {
		t.Fatalf("the test marks nothing: %v", l)
	}
	cluster.DeletePod(t, old)
	cluster.NewPod(t, n, "next", "orders", "one")
	webhooktest.Eventually(t, "the lock", func(ctx context.Context) error { return reports(ctx, n, "") })
	if err := get(t.Context(), l); err != nil || leaselock.Decode(l).Released() || leaselock.Decode(l).Token != 7 {
		t.Errorf("nobody waits for a leader from before, or the token is lost: %v %v", err, l.Annotations)
	}
}

// unaware is a cache that knows some pods, and a Lease, only later.
type unaware struct {
	blind

	lease types.NamespacedName
	asked *atomic.Int64
	aware *atomic.Bool
}

func (u unaware) Get(ctx context.Context, key client.ObjectKey, o client.Object, options ...client.GetOption) error {
	if _, ok := o.(*coordinationv1.Lease); ok && key == u.lease {
		u.asked.Add(1)
		if !u.aware.Load() {
			return apierrors.NewNotFound(coordinationv1.Resource("leases"), key.Name)
		}
	}
	return u.blind.Get(ctx, key, o, options...)
}

func TestAReplicaThatDoesNotKnowTheLeaseLeavesItsLock(t *testing.T) {
	stop := start(t, time.Hour)
	n := cluster.NewNamespace(t)
	cluster.NewPod(t, n, "late", "orders", "one")
	webhooktest.Eventually(t, "the rights", func(ctx context.Context) error { return granted(ctx, n, "orders", "one") })
	stop()
	next := cluster.NewPod(t, n, "next", "orders", "two", locked(store))
	u := unaware{
		blind: blind{Cache: cluster.Cache(t), to: []string{"late"}},
		lease: types.NamespacedName{Namespace: n, Name: "orders"},
		asked: &atomic.Int64{}, aware: &atomic.Bool{},
	}
	c := grants.New(grants.Options{
		Cache:     u,
		Client:    cluster.Client,
		Kube:      cluster.Webhook,
		Teller:    event.Teller{Client: cluster.Client, Instance: t.Name(), Logger: slog.Default()},
		Namespace: webhooktest.Namespace,
	})
	webhooktest.Background(t, "grants", c.Run)
	webhooktest.Eventually(t, "some looks", func(context.Context) error {
		if asked := u.asked.Load(); asked < 7 { // three a look
			return fmt.Errorf("it was looked for %d times", asked)
		}
		return nil
	})
	if err := reports(t.Context(), n, ""); err != nil {
		t.Errorf("it is not the lock of a pod that lives any more: %v", err)
	}
	u.aware.Store(true)
	told(t, next, "OtherLock", `this pod's is "`+store)
	if err := reports(t.Context(), n, ""); err != nil {
		t.Error(err)
	}
}
