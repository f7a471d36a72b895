package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/test/bench/plane"
	"github.com/leaseholder-dev/leaseholder/test/bench/report"
	"github.com/leaseholder-dev/leaseholder/test/contender"
)

// loads is how much is measured of a webhook that has much to look after.
type loads struct {
	// elections are the sizes, ascending; each election has pods pods.
	elections []int
	pods      int
	// atOnce is how many pods are created at a time.
	atOnce int
	// pace is how many renewals a second all elections write together.
	pace int
	// window is how long the webhook is watched while nothing but renewals happens,
	// and after it was started with everything there.
	window time.Duration
}

// crowd is a webhook, and the elections that it looks after.
type crowd struct {
	*bench
	plane   *plane.Plane
	admin   client.Client
	creator *creator
	log     *os.File
	webhook *hook
	start   func() (*hook, error)
	leaders []leader
	renewer *renewer
}

// load measures the webhook's memory and CPU time beside many elections, in a control
// plane of its own.
func (b *bench) load(ctx context.Context) (err error) {
	p, err := plane.Start(b.Assets)
	if err != nil {
		return err
	}
	defer func() { err = joined(err, p.Stop()) }()
	c := &crowd{bench: b, plane: p}
	defer func() { err = joined(err, c.stop()) }()
	if err := c.prepare(ctx); err != nil {
		return err
	}
	for _, n := range b.plan.loads.elections {
		measured := report.Load{Elections: n, Pods: n * b.plan.loads.pods, Pace: b.plan.loads.pace}
		for _, step := range []struct {
			name string
			do   func(context.Context, *report.Load) error
		}{
			{"create the pods of " + plural(n, "election"), c.grow},
			{"renew " + plural(n, "election"), c.rest},
			{"start the webhook beside " + plural(n, "election"), c.restart},
		} {
			if err := b.phase(step.name, func() error { return step.do(ctx, &measured) }); err != nil {
				return err
			}
		}
		b.report.Loads = append(b.report.Loads, measured)
	}
	return nil
}

// prepare starts the webhook as the chart does.
func (c *crowd) prepare(ctx context.Context) error {
	connection, err := c.plane.Config("bench-load")
	if err != nil {
		return err
	}
	if c.admin, err = client.New(connection, client.Options{}); err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	if c.creator, err = newCreator(connection); err != nil {
		return err
	}
	if c.renewer, err = newRenewer(connection, c.plan.loads.pace); err != nil {
		return err
	}
	programs, err := contender.WebhookBinaries(ctx, filepath.Join(c.Dir, "contestants"))
	if err != nil {
		return err
	}
	if c.log, err = os.Create(filepath.Join(c.Dir, "load.log")); err != nil {
		return fmt.Errorf("make the webhook's log: %w", err)
	}
	for _, name := range []string{systemNamespace, namespaceOf(report.Leaseholder)} {
		err := c.admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
		if client.IgnoreAlreadyExists(err) != nil {
			return fmt.Errorf("make a namespace: %w", err)
		}
	}
	limit, err := chartLimit(ctx)
	if err != nil {
		return err
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: ownName + "-certificate"}}
	if err := c.admin.Create(ctx, secret); err != nil {
		return fmt.Errorf("make the webhook's secret: %w", err)
	}
	kubeconfig, err := c.plane.Kubeconfig(ownName)
	if err != nil {
		return err
	}
	own, err := installOwn(ctx, c.admin, kubeconfig, programs.LeaseholderPath, c.log)
	if err != nil {
		return err
	}
	own.env = append(own.env, "MEMORY_LIMIT="+strconv.FormatInt(limit, 10))
	c.start = func() (*hook, error) { return own.start(ctx) }
	c.webhook, err = c.start()
	return err
}

func (c *crowd) stop() error {
	var errs []error
	if c.webhook != nil {
		errs = append(errs, c.webhook.stop())
	}
	if c.log != nil {
		errs = append(errs, c.log.Close())
	}
	return errors.Join(errs...)
}
