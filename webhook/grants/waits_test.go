package grants_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leaseholder-dev/leaseholder/webhook/grants"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

func TestTheWaitForNewRightsIsMeasuredAndNoOther(t *testing.T) {
	registry := prometheus.NewRegistry()
	waits, err := grants.NewWaits(registry)
	if err != nil {
		t.Fatal(err)
	}
	measured := func(want uint64) func(context.Context) error {
		return func(context.Context) error {
			all, err := registry.Gather()
			if err != nil {
				return err
			}
			h := all[0].GetMetric()[0].GetHistogram()
			if h.GetSampleCount() != want || want > 0 && h.GetSampleSum() <= 0 {
				return fmt.Errorf("measured %d times, %v s in all", h.GetSampleCount(), h.GetSampleSum())
			}
			return nil
		}
	}
	startMeasured(t, time.Hour, waits)
	n := cluster.NewNamespace(t)
	cluster.NewPod(t, n, "a", "orders", "one")
	webhooktest.Eventually(t, "the first pod's wait", measured(1))
	cluster.NewPod(t, n, "b", "orders", "one")
	cluster.NewPod(t, n, "c", "orders", "two")
	webhooktest.Eventually(t, "the wait of the one that had no rights", measured(2))
	if err := cluster.Admin.Delete(t.Context(), binding(n, "orders")); err != nil {
		t.Fatal(err)
	}
	webhooktest.Eventually(t, "a repair", func(ctx context.Context) error { return granted(ctx, n, "orders", "one", "two") })
	if err := measured(2)(t.Context()); err != nil {
		t.Errorf("a repair was measured: %v", err)
	}
}
