package grants_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	leaselock "github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/grants"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

func TestALeaseStaysUntilTheClockHasPassedItsToken(t *testing.T) {
	start(t, time.Second)
	n := cluster.NewNamespace(t)
	setToken := func(at time.Time) {
		t.Helper()
		patch := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`,
			leaselock.TokenAnnotation, strconv.FormatInt(at.UnixMilli(), 10)))
		if err := cluster.Admin.Patch(t.Context(), lease(n, "orders"), patch); err != nil {
			t.Fatal(err)
		}
	}
	pod := cluster.NewPod(t, n, "a", "orders", "one")
	webhooktest.Eventually(t, "the rights", func(ctx context.Context) error { return granted(ctx, n, "orders", "one") })
	setToken(time.Now().Add(time.Hour))
	cluster.DeletePod(t, pod)
	webhooktest.Eventually(t, "the rights gone", func(ctx context.Context) error { return gone(ctx, role(n, "orders"), binding(n, "orders")) })
	l := lease(n, "orders")
	webhooktest.Eventually(t, "an event that says why the lease stays", func(ctx context.Context) error {
		if err := get(ctx, l); err != nil {
			return err
		}
		var list eventsv1.EventList
		if err := cluster.Admin.List(ctx, &list, client.InNamespace(n)); err != nil {
			return err
		}
		for _, e := range list.Items {
			if e.Reason == grants.ReasonFenced && e.Regarding.UID == l.UID {
				return nil
			}
		}
		return errors.New("there is none")
	})

	// Who comes back finds it, and so goes on from its token.
	back := cluster.NewPod(t, n, "b", "orders", "one")
	webhooktest.Eventually(t, "the rights again", func(ctx context.Context) error { return granted(ctx, n, "orders", "one") })
	cluster.DeletePod(t, back)
	if again := lease(n, "orders"); get(t.Context(), again) != nil || again.UID != l.UID {
		t.Errorf("it is another lease: %v", again.UID)
	}

	setToken(time.Now().Add(-time.Hour))
	webhooktest.Eventually(t, "the lease gone", func(ctx context.Context) error {
		return gone(ctx, lease(n, "orders"), role(n, "orders"), binding(n, "orders"))
	})
}

// TestTheReportOfAStoreIsNotKeptForItsToken: the store has the token.
func TestTheReportOfAStoreIsNotKeptForItsToken(t *testing.T) {
	start(t, time.Second)
	n := cluster.NewNamespace(t)
	pod := cluster.NewPod(t, n, "a", "orders", "one", locked(store))
	webhooktest.Eventually(t, "the rights", func(ctx context.Context) error { return granted(ctx, n, "orders", "one") })
	annotate(t, lease(n, "orders"), leaselock.TokenAnnotation, strconv.FormatInt(time.Now().Add(time.Hour).UnixMilli(), 10))
	cluster.DeletePod(t, pod)
	webhooktest.Eventually(t, "nothing left", func(ctx context.Context) error {
		return gone(ctx, lease(n, "orders"), role(n, "orders"), binding(n, "orders"))
	})
}
