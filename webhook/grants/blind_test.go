package grants_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/webhook/event"
	"github.com/leaseholder-dev/leaseholder/webhook/grants"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// blind is a cache that does not know some pods yet.
type blind struct {
	cache.Cache

	to []string
}

func (b blind) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	err := b.Cache.List(ctx, list, options...)
	if pods, ok := list.(*corev1.PodList); ok {
		pods.Items = slices.DeleteFunc(pods.Items, func(pod corev1.Pod) bool { return slices.Contains(b.to, pod.Name) })
	}
	return err
}

func TestAReplicaThatIsBehindTakesNothingAway(t *testing.T) {
	stop := start(t, time.Hour)
	n := cluster.NewNamespace(t)
	cluster.NewPod(t, n, "a", "orders", "one")
	cluster.NewPod(t, n, "late", "orders", "two")
	cluster.NewPod(t, n, "later", "toys", "one")
	webhooktest.Eventually(t, "all rights", func(ctx context.Context) error {
		if err := granted(ctx, n, "toys", "one"); err != nil {
			return err
		}
		return granted(ctx, n, "orders", "one", "two")
	})
	orders, toys := versions(t, n, "orders"), versions(t, n, "toys")
	stop()
	c := grants.New(grants.Options{
		Cache:       blind{Cache: cluster.Cache(t), to: []string{"late", "later"}},
		Client:      cluster.Client,
		Kube:        cluster.Webhook,
		Teller:      event.Teller{Client: cluster.Client, Instance: t.Name(), Logger: slog.Default()},
		Namespace:   webhooktest.Namespace,
		UnusedAfter: time.Second,
	})
	webhooktest.Background(t, "grants", c.Run)
	// What comes last is removed, so that what is not known would have been too.
	last := cluster.NewPod(t, n, "last", "last", "one")
	webhooktest.Eventually(t, "the last rights", func(ctx context.Context) error { return granted(ctx, n, "last", "one") })
	cluster.DeletePod(t, last)
	webhooktest.Eventually(t, "the last ones gone", func(ctx context.Context) error {
		return gone(ctx, lease(n, "last"), role(n, "last"), binding(n, "last"))
	})
	if after := versions(t, n, "orders"); !slices.Equal(after, orders) {
		t.Errorf("an account lost its rights: %v, then %v", orders, after)
	}
	if after := versions(t, n, "toys"); !slices.Equal(after, toys) {
		t.Errorf("an election was removed: %v, then %v", toys, after)
	}
}
