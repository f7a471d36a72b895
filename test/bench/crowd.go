package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
	"github.com/leaseholder-dev/leaseholder/test/bench/report"
	"github.com/leaseholder-dev/leaseholder/test/bench/stats"
)

// grow creates the pods of new elections at full speed, and waits until their
// rights are there and their leaders are labelled.
func (c *crowd) grow(ctx context.Context, measured *report.Load) error {
	before, err := cpuTime(c.webhook.pid())
	if err != nil {
		return err
	}
	begun := now()
	have := len(c.leaders)
	took, err := c.createPods(ctx, have, measured.Elections)
	if err != nil {
		return err
	}
	measured.PodsPerSecond = float64(len(took)) / (now() - begun).Seconds()
	measured.Create = report.SampleOf(stats.Milliseconds(took))
	if err := c.awaitCount(ctx, "elections have their rights", bindings, measured.Elections); err != nil {
		return err
	}
	if c.leaders, err = c.elect(ctx); err != nil {
		return err
	}
	if err := c.renewer.each(ctx, c.leaders[have:], leader.takes); err != nil {
		return err
	}
	if err := c.awaitCount(ctx, "leaders are labelled", labelled, measured.Elections); err != nil {
		return err
	}
	after, err := cpuTime(c.webhook.pid())
	if err != nil {
		return err
	}
	measured.CreateCPU = float64((after - before).Microseconds()) / float64(len(took)) / 1000
	measured.CreatePeak, err = peakMiB(c.webhook.pid())
	return err
}

// createPods creates all pods of some elections, many at a time.
func (c *crowd) createPods(ctx context.Context, from, to int) ([]time.Duration, error) {
	var mu sync.Mutex
	var took []time.Duration
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(c.plan.loads.atOnce)
	for i := from * c.plan.loads.pods; i < to*c.plan.loads.pods && ctx.Err() == nil; i++ {
		group.Go(func() error {
			pod, err := encoded(injectortest.Medium, electionName(i/c.plan.loads.pods))
			if err != nil {
				return err
			}
			d, err := c.creator.create(ctx, report.Leaseholder, pod, metav1.CreateOptions{})
			mu.Lock()
			defer mu.Unlock()
			took = append(took, d)
			return err
		})
	}
	err := group.Wait()
	return took, err
}

func electionName(i int) string { return fmt.Sprintf("election-%05d", i) }

// rest watches the webhook while nothing but renewals happens.
func (c *crowd) rest(ctx context.Context, measured *report.Load) error {
	before, err := cpuTime(c.webhook.pid())
	if err != nil {
		return err
	}
	begun := now()
	written, err := c.renewer.renew(ctx, c.leaders, c.plan.loads.window)
	if err != nil {
		return err
	}
	took := now() - begun
	after, err := cpuTime(c.webhook.pid())
	if err != nil {
		return err
	}
	measured.RestCPU = float64(after-before) / float64(took)
	measured.Renewals = float64(written) / took.Seconds()
	measured.RestMiB, err = residentMiB(c.webhook.pid())
	return err
}

// restart starts the webhook anew with everything there, and watches it while
// renewals go on.
func (c *crowd) restart(ctx context.Context, measured *report.Load) error {
	if err := c.webhook.stop(); err != nil {
		return err
	}
	c.webhook = nil
	begun := now()
	var err error
	if c.webhook, err = c.start(); err != nil {
		return err
	}
	measured.StartSeconds = (now() - begun).Seconds()
	if _, err := c.renewer.renew(ctx, c.leaders, c.plan.loads.window); err != nil {
		return err
	}
	if measured.StartPeak, err = peakMiB(c.webhook.pid()); err != nil {
		return err
	}
	measured.StartMiB, err = residentMiB(c.webhook.pid())
	return err
}
